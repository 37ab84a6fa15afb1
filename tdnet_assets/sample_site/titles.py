"""What the invented issuers announce: titles as companies really write them.

What belongs here: titles, and which of them come with an XBRL archive. What does not: when they
appear and under which ids (``day.py``), and the figures behind them (``figures.py``).
"""

import datetime as dt
import random
from dataclasses import dataclass

from tdnet_assets.sample_site.companies import Company, Kind, issuers
from tdnet_assets.sample_site.periods import WHOLE_YEAR, Period, forecast_year, reported_period

EARNINGS_ARCHIVE, REVISION_ARCHIVE = "0812", "0912"

Titles = list[tuple[str, str | None]]
"""Titles of rows that appear together, each with the first digits of its archive's name."""

_FULL_WIDTH_DIGITS = str.maketrans("0123456789", "０１２３４５６７８９")
_REIWA_BEGAN = 2018  # 令和1年 is 2019
_IN_SEASON_DAYS = range(25, 61)
_SLIDES_SHARE, _REVISED_TOO_SHARE, _DIVIDEND_TOO_SHARE = 0.45, 0.12, 0.35
_DIVIDEND_DECISION_SHARE, _ARCHIVED_REVISION_SHARE = 0.5, 0.85

_NOTICES = (
    "自己株式の取得状況に関するお知らせ",
    "自己株式立会外買付取引（ToSTNeT-3）による自己株式の買付けに関するお知らせ",
    "自己株式の取得及び自己株式の公開買付けに関するお知らせ",
    "自己株式の消却に関するお知らせ",
    "代表取締役の異動に関するお知らせ",
    "役員の異動に関するお知らせ",
    "人事異動及び組織変更に関するお知らせ　",
    "執行役員制度の改定 及び 人事異動に関するお知らせ",
    "譲渡制限付株式報酬としての新株式の発行に関するお知らせ",
    "第三者割当による第７回新株予約権（行使価額修正条項付）の月間行使状況に関するお知らせ",
    "ストック・オプション（新株予約権）の発行に関するお知らせ",
    "連結子会社の吸収合併（簡易合併・略式合併）に関するお知らせ",
    "固定資産の譲渡及び特別利益の計上に関するお知らせ",
    "特別損失（減損損失）の計上に関するお知らせ",
    "営業外収益（為替差益）の計上に関するお知らせ",
    "資本業務提携契約の締結に関するお知らせ",
    "Ｍ＆Ａによる株式の取得（子会社化）に関するお知らせ",
    "R&D拠点の新設に関するお知らせ",
    "資金の借入れに関するお知らせ",
    "コミットメントライン契約の締結に関するお知らせ ",
    "株主優待制度の一部変更に関するお知らせ",
    "定款の一部変更に関するお知らせ",
    "株式分割及び株式分割に伴う定款の一部変更に関するお知らせ",
    "支配株主等に関する事項について",
    "上場維持基準の適合に向けた計画に基づく進捗状況について",
    "独立役員届出書",
    "コーポレート・ガバナンスに関する報告書 2026/06/30",
    "（開示事項の経過）新会社設立に関するお知らせ",
    "（訂正）「役員の異動に関するお知らせ」の一部訂正について",
    "当社株式の大規模買付行為に関する対応策（買収への対応方針）の継続について",
    "Notice Regarding  Differences between Forecasts and Actual Results",
    "2030 VISION & Medium-Term Management Plan  説明資料",
)
_REIT_NOTICES = (
    "資産の取得に関するお知らせ（灯台岬レジデンス）",
    "資金の借入れ（金利決定）に関するお知らせ",
    "国内不動産信託受益権の譲渡に関するお知らせ",
    "投資法人債の発行に関するお知らせ",
    "資産運用会社における人事異動に関するお知らせ",
    "金利スワップの設定に関するお知らせ",
)


@dataclass(frozen=True, slots=True)
class Announcement:
    """What one issuer publishes at one moment."""

    company: Company
    titles: Titles


def draw_announcement(draw: random.Random, day: dt.date, company: Company | None) -> Announcement:
    """An announcement of that day: by the given company, or by one that the draw picks."""
    if company is None:
        kinds: tuple[Kind, ...] = ("company", "etf", "etn", "reit")
        kind = draw.choices(kinds, (88, 6, 2.5, 3.5))[0]
        company = draw.choice(issuers(kind))
    if company.kind == "company":
        return Announcement(company, _company_titles(draw, day, company))
    if company.kind == "reit":
        return Announcement(company, [(draw.choice(_REIT_NOTICES), None)])
    return Announcement(company, [(_fund_title(draw, day, company), None)])


def _company_titles(draw: random.Random, day: dt.date, company: Company) -> Titles:
    period = reported_period(company.fiscal_month, day)
    # Most reports come out weeks after the quarter.
    in_season = (day - period.end).days in _IN_SEASON_DAYS
    what = draw.choices(
        ("earnings", "revision", "dividend", "monthly", "correction", "notice"),
        (40 if in_season else 3, 7, 5, 5, 1.5, 45),
    )[0]
    if what == "earnings":
        return _earnings_titles(draw, company, period, day)
    if what == "revision":
        return [(_revision_title(draw, company, day), _archive_of_most(draw))]
    if what == "dividend":
        return [_dividend_title(draw, company, day)]
    if what == "monthly":
        month = f"{day.year}年{(day.month - 2) % 12 + 1}月度"
        return [(spelt(f"{month} 月次売上高（速報）に関するお知らせ", company.spelling), None)]
    if what == "correction":
        report = earnings_title(company, period)
        return [(f"（訂正・数値データ訂正）「{report}」の一部訂正について", EARNINGS_ARCHIVE)]
    return [(draw.choice(_NOTICES), None)]


def earnings_title(company: Company, period: Period) -> str:
    """The title of the company's 決算短信 for the period, in its own spelling."""
    part = {1: "第1四半期", 2: "第2四半期（中間期）", 3: "第3四半期", 4: ""}[period.quarter]
    standard = "ＩＦＲＳ" if company.standard == "if" else "日本基準"
    scope = "連結" if company.consolidated else "非連結"
    space = ("", " ", "　", "")[company.spelling]
    title = f"{fiscal_year(company, period)}{space}{part}決算短信〔{standard}〕"
    title = spelt(title, company.spelling)
    return title + (f"({scope})" if company.spelling == 1 else f"（{scope}）")


def fiscal_year(company: Company, period: Period) -> str:
    """The fiscal year's name, e.g. 2026年3月期, in half-width digits or the era's years."""
    year = period.fiscal_year_end.year
    named = f"令和{year - _REIWA_BEGAN}" if company.spelling == 3 else str(year)  # noqa: PLR2004
    return f"{named}年{period.fiscal_year_end.month}月期"


def spelt(text: str, spelling: int) -> str:
    """The text with its digits in the company's width: single digits full, all half, all full."""
    if spelling == 1:
        return text
    if spelling == 2:  # noqa: PLR2004 - the second of the three widths
        return text.translate(_FULL_WIDTH_DIGITS)
    characters = list(text)
    for position, character in enumerate(characters):
        alone = not any(
            neighbour.isascii() and neighbour.isdigit()
            for neighbour in text[max(position - 1, 0) : position]
            + text[position + 1 : position + 2]
        )
        if alone:
            characters[position] = character.translate(_FULL_WIDTH_DIGITS)
    return "".join(characters)


def _earnings_titles(draw: random.Random, company: Company, period: Period, day: dt.date) -> Titles:
    titles: Titles = [(earnings_title(company, period), EARNINGS_ARCHIVE)]
    if draw.random() < _SLIDES_SHARE:
        year = spelt(fiscal_year(company, period), company.spelling)
        titles.append((f"{year} 決算補足説明資料", None))
    if draw.random() < _REVISED_TOO_SHARE:
        titles.append((_revision_title(draw, company, day), _archive_of_most(draw)))
    if period.quarter == WHOLE_YEAR and draw.random() < _DIVIDEND_TOO_SHARE:
        titles.append(("剰余金の配当に関するお知らせ", None))
    return titles


def _revision_title(draw: random.Random, company: Company, day: dt.date) -> str:
    year = _forecast_year_name(company, day)
    return draw.choice(
        (
            "業績予想の修正に関するお知らせ",
            "通期業績予想の修正に関するお知らせ　",
            "連結業績予想の修正に関するお知らせ"
            if company.consolidated
            else "業績予想の修正について",
            f"{year}の業績予想の修正に関するお知らせ",
            f"{year}  通期業績予想値と実績値との差異に関するお知らせ",
            "特別利益の計上及び業績予想の修正に関するお知らせ",
        )
    )


def _dividend_title(draw: random.Random, company: Company, day: dt.date) -> tuple[str, str | None]:
    year = _forecast_year_name(company, day)
    if draw.random() < _DIVIDEND_DECISION_SHARE:
        return draw.choice(("剰余金の配当に関するお知らせ", "中間配当の決定に関するお知らせ")), None
    title = draw.choice(
        (
            "配当予想の修正（増配）に関するお知らせ",
            f"{year}の期末配当予想の修正に関するお知らせ",
            "配当予想の修正（創立記念配当）に関するお知らせ",
        )
    )
    return title, _archive_of_most(draw)


def _forecast_year_name(company: Company, day: dt.date) -> str:
    year = forecast_year(company.fiscal_month, day)
    return spelt(fiscal_year(company, year), company.spelling)


def _archive_of_most(draw: random.Random) -> str | None:
    # Not every revision comes with XBRL.
    return REVISION_ARCHIVE if draw.random() < _ARCHIVED_REVISION_SHARE else None


def _fund_title(draw: random.Random, day: dt.date, company: Company) -> str:
    if company.kind == "etn":
        return "上場ETN（指標連動証券）に関する日々の開示事項"
    if company.code.endswith("4"):
        return f"上場外国ETFに関する日々の開示事項（{day.year}年{day.month}月{day.day}日）"
    return draw.choices(
        (
            "ＥＴＦに関する日々の開示事項",
            "ＥＴＦの収益分配金見込額のお知らせ",
            f"{day.year}年{company.fiscal_month}月期 決算短信",
            "Ｎ Ａ Ｖ 総額及び受益権口数の変動に関する お知らせ",
        ),
        (80, 8, 6, 6),
    )[0]
