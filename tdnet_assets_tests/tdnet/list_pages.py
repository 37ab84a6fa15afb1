"""List pages in the exact shape of the site's own, with made-up content, for the parser's tests.

What belongs here: the frame, the rows and the pager as the site writes them. What does not: a
server (see ``tdnet_assets.local``), and anything taken from a real page.
"""

import datetime as dt
import html
from collections.abc import Sequence
from dataclasses import dataclass

NO_HISTORY = "\N{IDEOGRAPHIC SPACE}" * 5
PADDED_BYTES = 30


@dataclass(frozen=True, slots=True)
class Row:
    """What one row is to say; a deleted row has no id."""

    disclosure_id: str | None = "20260610500001"
    time: str = "15:30"
    code: str = "72030"
    company_name: str = "見本製作所"
    title: str = "2026年４月期決算短信〔日本基準〕(連結)"
    previous_titles: tuple[str, ...] = ()
    xbrl_prefix: str | None = None
    place: str = "東"
    history: str = ""
    row_class: str = ""


def deleted(row_class: str = "hyodaiDel", history: str = "2026/06/12 16:56 削除") -> Row:
    return Row(disclosure_id=None, row_class=row_class, history=history)


def many(count: int, first_number: int = 500_000) -> list[Row]:
    """Rows with different ids, codes and titles."""
    return [
        Row(
            disclosure_id=f"20260610{first_number + number:06d}",
            code=f"{1300 + number % 8000}0",
            title=f"第{number}号のお知らせ",
        )
        for number in range(count)
    ]


def row_html(row: Row, parity: str = "odd") -> str:
    mark = f' class="{row.row_class}"' if row.row_class else ""
    return f"""            <tr{mark}>
              <td class="{parity}new-L kjTime" noWrap>{row.time}</td>
              <td class="{parity}new-M kjCode" noWrap>{row.code}</td>
              <td class="{parity}new-M kjName" noWrap>{_padded(row.company_name)}</td>
              <td class="{parity}new-M kjTitle" align="left">{_title(row)}</td>
              <td class="{parity}new-M kjXbrl" noWrap align="center">{_xbrl(row)} </td>
              <td class="{parity}new-M kjPlace" noWrap align="left">{_padded(row.place)}</td>
              <td class="{parity}new-R kjHistroy" align="left">{row.history or NO_HISTORY}</td>
            </tr>
"""


def page_html(
    rows: Sequence[Row],
    *,
    day: dt.date,
    page: int = 1,
    total: int | None = None,
    line_end: str = "\n",
) -> str:
    """One page of a day; ``total`` is that of the day, by default what the rows alone make."""
    first = (page - 1) * 100 + 1
    last = first + len(rows) - 1
    total = last if total is None else total
    totals, pager = f"{first}～{last}件&nbsp;/&nbsp;全{total}件", _pager(day, page, total)
    body = "".join(row_html(row, ("odd", "even")[number % 2]) for number, row in enumerate(rows))
    text = f"""<!DOCTYPE html>
<html>
<head>
{_HEAD}</head>
{_BODY}
<form method="get" name="form2" action="../">
  <table border="0" cellSpacing="0" cellPadding="0" id="list-body-box">
    <tr>
      <td id="list-table-data">
        <div id="floating-menu">
{_info_box("top", 1, day, totals, pager)}
          <table border="0" cellSpacing="0" cellPadding="0" align="left" id="list-head">
            <tr>
              <td noWrap align="center" class="header-L" style="width:  54px;">時刻</td>
              <td noWrap align="center" class="header-M" style="width:  54px;">コード</td>
              <td noWrap align="center" class="header-M" style="width: 170px;">会社名</td>
              <td noWrap align="center" class="header-M" >表題</td>
              <td noWrap align="center" class="header-M" style="width:  86px;">XBRL</td>
              <td noWrap align="center" class="header-M" style="width:  84px;">上場取引所</td>
              <td noWrap align="center" class="header-R" style="width: 135px;">更新履歴</td>
            </tr>
          </table>
        </div>
        <div id="main-list">
          <table border="0" cellSpacing="0" cellPadding="3" align="left" id="main-list-table">
{body}
          </table>
{_info_box("bottom", 2, day, totals, pager)}
        </div>
      </td>
    </tr>
{_FOOTER}"""
    return text.replace("\n", line_end)


def empty_page_html(*, day: dt.date, line_end: str = "\n") -> str:
    """The only page of a day without disclosures."""
    text = f"""<!DOCTYPE html>
<html>
<head>
{_HEAD}</head>
{_BODY}
<form method="get" name="form2" action="../">
<table border="0" cellSpacing="0" cellPadding="0" id="list-body-box">
<tr>
<td>
<div id="floating-menu">
<table border="0" cellSpacing="0" cellPadding="0" align="left" id="kaiji-info-box-top">
<tr>
<td align="left" noWrap id="kaiji-kensu-1">
<div id="kaiji-date-1">{_day(day)}</div>
<div id="kaiji-text-1">に開示された情報はありません。</div>
</td>
</tr>
</table>
</div>
<div id="main-list" style="height:55px;"></div>
</td>
</tr>
{_FOOTER}"""
    return text.replace("\n", line_end)


_HEAD = """<title>適時開示情報閲覧サービス - 開示情報一覧</title>
<meta content="text/html" charset="UTF-8" http-equiv="content-type">
<meta name="robots" content="noindex,nofollow">
<script type="text/javascript" charset="UTF-8" src="./js/I_JAVASCRIPT.js"></script>
<link rel="stylesheet" href="./css/I_STYLE.css" media="screen">
"""
_BODY = '<body leftMargin="0" topMargin="0" width="100%" style="background-color: #eeeeee;">'
_FOOTER = """<tr>
<td>
<div id="main-footer">
<table border="0" cellSpacing="0" cellPadding="0" align="left" id="footer-table">
<tr>
<td id="mensekiNiayou">
<script>
<!--
document.write(mensekiNaiyou);
// -->
</script>
</td>
</tr>
<tr>
<td align="center" id="copyright">Copyright © an exchange. All rights reserved.</td>
</tr>
</table>
</div>
</td>
</tr>
</table>
</form>
</body>
</html>
"""


def _info_box(where: str, number: int, day: dt.date, totals: str, pager: str) -> str:
    return f"""<table border="0" cellSpacing="0" align="left" id="kaiji-info-box-{where}">
<tr>
<td align="left" noWrap id="kaiji-kensu-{number}">
<div id="kaiji-date-{number}">{_day(day)}</div>
<div id="kaiji-text-{number}">に開示された情報</div>
</td>
<td></td>
<td align="center" noWrap class="pagerTd">
<div id="pager-box-{where}">
<div class="kaijiSum">{totals}</div>
<div class="pager-L" onClick="pager('')"><img src="./gif/icn_back.png" alt="前へ"></img></div>
{pager}
<div class="pager-R" onClick="pager('')"><img src="./gif/icn_next.png" alt="次へ"></img></div>
</div>
</td>
</tr>
</table>"""


def _pager(day: dt.date, page: int, total: int) -> str:
    """Ten pages, and a link labelled ``..`` to the next one beyond them."""
    last_page = -(-total // 100)
    start = (page - 1) // 10 * 10 + 1
    labels = {number: str(number) for number in range(start, min(start + 9, last_page) + 1)}
    if start + 10 <= last_page:
        labels[start + 10] = ".."
    return "".join(
        f'<div class="pager-{"O" if number == page else "M"}" '
        f"onClick=\"pagerLink('I_list_{number:03d}_{day:%Y%m%d}.html')\">{label}</div>"
        for number, label in labels.items()
    )


def _title(row: Row) -> str:
    title = html.escape(row.title, quote=False)
    if row.disclosure_id is None:
        return title
    link = f'<a href="1401{row.disclosure_id}.pdf" target="_blank">{title}</a>'
    if not row.previous_titles:
        return link
    struck = "".join(f"<BR><s>{html.escape(old, quote=False)}</s>" for old in row.previous_titles)
    return f"{link}{struck}</a>"  # the site's own stray end tag


def _xbrl(row: Row) -> str:
    if row.xbrl_prefix is None:
        return ""
    return (
        '<div class="xbrl-mask"><div class="xbrl-button"><a class="style002" '
        f'href="{row.xbrl_prefix}{row.disclosure_id}.zip">XBRL</a></div></div>'
    )


def _padded(text: str) -> str:
    return html.escape(text, quote=False) + " " * (PADDED_BYTES - len(text.encode()))


def _day(day: dt.date) -> str:
    return f"{day:%Y年%m月%d日}"
