"""List pages of the sample TDnet site, byte for byte in the real site's shape.

What belongs here: HTML from rows. What does not: which rows a page has (``site.py``).
"""

import datetime as dt
import html
from collections.abc import Iterable, Sequence

from tdnet_assets.sample_site.day import SampleRow

ROWS_PER_PAGE = 100
CELL_BYTES = 30
"""Names and exchanges are padded with spaces to so many bytes of UTF-8."""

_PAGER_NUMBERS = 10
_NO_HISTORY = "　" * 5

_HEAD = """\
<!DOCTYPE html>
<html>
<head>
<title>適時開示情報閲覧サービス - 開示情報一覧</title>
<meta content="text/html" charset="UTF-8" http-equiv="content-type">
<meta name="robots" content="noindex,nofollow">
<meta http-equiv="Pragma" content="no-cache">
<meta http-equiv="Cache-Control" content="no-cache">
<meta http-equiv="Expires" content="0">
<script type="text/javascript" charset="UTF-8" src="./js/I_JAVASCRIPT.js"></script>
<script type="text/javascript" charset="UTF-8" src="./js/I_MENSEKI.js"></script>
"""
# Buttons look pressed while the mouse is down; only pages with rows carry this.
_BUTTONS = """\
<script type="text/javascript" charset="UTF-8" src="./runtime/jquery-1.8.3.min.js"></script>
<script type="text/javascript">
<!--
$(document).ready(function(){
  $(".pagerTd > DIV > DIV[onClick], .xbrl-mask > DIV > A").each(function(){
    var name = $(this).is("A") ? "xbrl-button_active" : "pager_active";
    $(this).mousedown(function(event){ event.currentTarget.setAttribute("id", name); });
    $(this).mouseup(function(event){ event.currentTarget.removeAttribute("id"); });
    $(this).mouseleave(function(event){ event.currentTarget.removeAttribute("id"); });
  });
});
// -->
</script>
"""
_BODY = """\
<link rel="stylesheet" href="./css/I_STYLE.css" media="screen">
</head>
<body leftMargin="0" topMargin="0" bottomMargin="0" marginwidth="0" marginheight="0" width="100%" \
style="background-color: #eeeeee;">
<form method="get" name="form2" action="../">
<table border="0" cellSpacing="0" cellPadding="0" id="list-body-box">
<tr>
"""
_FOOT = """\
</td>
</tr>
<tr>
<td>
<div id="main-footer">
<table border="0" cellSpacing="0" cellPadding="0" align="left" id="main-footer-box">
<tr>
<td>
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
<td id="footerHr"><div></div></td>
</tr>
<tr>
<td align="center" id="copyright">Sample pages of invented companies.</td>
</tr>
</table>
</td>
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
_COLUMNS = """\
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
"""


def page_count(total: int) -> int:
    """How many pages a day with so many rows has: at least one."""
    return max(1, -(-total // ROWS_PER_PAGE))


def list_page_name(day: dt.date, page: int) -> str:
    """File name of one list page; pages count from 1."""
    return f"I_list_{page:03d}_{day:%Y%m%d}.html"


def list_page(day: dt.date, page: int, rows: Sequence[SampleRow]) -> bytes:
    """One list page, UTF-8.

    Args:
        day: the day whose list it is.
        page: counts from 1.
        rows: every row of the day, in list order; none makes the page of an empty day.

    Raises:
        ValueError: the day has no such page.
    """
    if not 1 <= page <= page_count(len(rows)):
        raise ValueError(f"{day} has {page_count(len(rows))} list pages, not page {page}")
    if not rows:
        return _crlf(_empty_page(day)).encode()
    first = (page - 1) * ROWS_PER_PAGE
    shown = rows[first : first + ROWS_PER_PAGE]
    pager = _pager(day, page, len(rows), first + 1, first + len(shown))
    above = (
        f'{_HEAD}{_BUTTONS}{_BODY}<td id="list-table-data">\n<div id="floating-menu">\n'
        f"{_info_box(day, 'top', 1, 'に開示された情報', pager)}{_COLUMNS}"
        '</div>\n<div id="main-list">\n'
        '<table border="0" cellSpacing="0" cellPadding="3" align="left" id="main-list-table">\n'
    )
    below = f"\n</table>\n{_info_box(day, 'bottom', 2, 'に開示された情報', pager)}</div>\n{_FOOT}"
    # The real site writes its frame with CRLF and its rows with LF.
    body = "".join(
        _row(row, "odd" if position % 2 == 0 else "even") for position, row in enumerate(shown)
    )
    return f"{_crlf(above)}{body}{_crlf(below)}".encode()


def main_page(days: Iterable[dt.date]) -> bytes:
    """The page that lists every day online, UTF-8; days in the given order."""
    options = "".join(
        f'<option value="{list_page_name(day, 1)}">{day:%Y/%m/%d}</option>\n' for day in days
    )
    return _crlf(
        f'{_HEAD}{_BODY}<td>\n<select name="daylist" id="day-selector">\n'
        f"{options}</select>\n{_FOOT}"
    ).encode()


def _empty_page(day: dt.date) -> str:
    box = _info_box(day, "top", 1, "に開示された情報はありません。", "")
    return (
        f'{_HEAD}{_BODY}<td>\n<div id="floating-menu">\n{box}</div>\n'
        f'<div id="main-list" style="height:55px;"></div>\n{_FOOT}'
    )


def _info_box(day: dt.date, where: str, number: int, text: str, pager: str) -> str:
    paging = (
        f'<td></td>\n<td align="center" noWrap class="pagerTd">\n<div id="pager-box-{where}">\n'
        f"{pager}</div>\n</td>\n"
        if pager
        else ""
    )
    return (
        '<table border="0" cellSpacing="0" cellPadding="0" align="left" '
        f'id="kaiji-info-box-{where}">\n<tr>\n'
        f'<td align="left" noWrap id="kaiji-kensu-{number}">\n'
        f'<div id="kaiji-date-{number}">{day:%Y年%m月%d日}</div>\n'
        f'<div id="kaiji-text-{number}">{text}</div>\n</td>\n{paging}</tr>\n</table>\n'
    )


def _pager(day: dt.date, page: int, total: int, first: int, last: int) -> str:
    pages = page_count(total)
    back = list_page_name(day, page - 1) if page > 1 else ""
    forth = list_page_name(day, page + 1) if page < pages else ""
    # Ten numbers at a time; the neighbours beyond them are linked as "..".
    block = (page - 1) // _PAGER_NUMBERS * _PAGER_NUMBERS
    numbers = range(block + 1, min(block + _PAGER_NUMBERS, pages) + 1)
    links = [(number, str(number)) for number in numbers]
    if block:
        links.insert(0, (block, ".."))
    if numbers[-1] < pages:
        links.append((numbers[-1] + 1, ".."))
    buttons = "".join(
        f'<div class="pager-{"O" if number == page else "M"}" '
        f"onClick=\"pagerLink('{list_page_name(day, number)}')\">{label}</div>"
        for number, label in links
    )
    return (
        f'<div class="kaijiSum">{first}～{last}件&nbsp;/&nbsp;全{total}件</div>\n'
        f'<div class="pager-L" onClick="pager(\'{back}\')">'
        '<img src="./gif/icn_back.png" alt="前へ"></img><span>前へ</span></div>\n'
        f"{buttons}\n"
        f'<div class="pager-R" onClick="pager(\'{forth}\')">'
        '<span>次へ</span><img src="./gif/icn_next.png" alt="次へ"></img></div>\n'
    )


def _row(row: SampleRow, parity: str) -> str:
    title = html.escape(row.title, quote=False)
    tag, archive = "<tr>", " "
    if row.state == "deleted":
        tag = '<tr class="hyodaiDel">'
    else:
        title = f'<a href="{row.pdf_name}" target="_blank">{title}</a>'
        if row.xbrl_name:
            archive = (
                '<div class="xbrl-mask"><div class="xbrl-button">'
                f'<a class="style002" href="{row.xbrl_name}">XBRL</a></div></div> '
            )
    if row.state == "retitled":
        tag = '<tr class="hyodaiUpd">'
        # The second </a> is the real site's own.
        title += f"<BR><s>{html.escape(row.previous_title or '', quote=False)}</s></a>"
    cell = f'<td class="{parity}new-'
    return (
        f"{tag}\n"
        f'{cell}L kjTime" noWrap>{row.time}</td>\n'
        f'{cell}M kjCode" noWrap>{row.code}</td>\n'
        f'{cell}M kjName" noWrap>{html.escape(_padded(row.company_name), quote=False)}</td>\n'
        f'{cell}M kjTitle" align="left">{title}</td>\n'
        f'{cell}M kjXbrl" noWrap align="center">{archive}</td>\n'
        f'{cell}M kjPlace" noWrap align="left">{_padded(row.place)}</td>\n'
        f'{cell}R kjHistroy" align="left">{row.history or _NO_HISTORY}</td>\n'
        "</tr>\n"
    )


def _padded(text: str) -> str:
    return text + " " * (CELL_BYTES - len(text.encode()))


def _crlf(text: str) -> str:
    return text.replace("\n", "\r\n")
