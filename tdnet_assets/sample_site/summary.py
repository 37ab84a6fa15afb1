"""The summary of a 決算短信 as inline XBRL: results, position, dividends, forecasts.

What belongs here: the numbers of the report's first pages. What does not: the figures themselves
(``figures.py``), names and notes (``cover.py``), and the attached statements
(``statements.py``).
"""

from decimal import Decimal

from tdnet_assets.sample_site.cover import cover, notes
from tdnet_assets.sample_site.figures import (
    Dividends,
    cash_flows,
    change_rate,
    dividends,
    figures,
    forecast,
    parent_amounts,
    payout_ratio,
    percentage,
)
from tdnet_assets.sample_site.ixbrl import Span, paragraph, table
from tdnet_assets.sample_site.periods import Period
from tdnet_assets.sample_site.report import (
    FORECAST,
    LOWER,
    NON_CONSOLIDATED,
    RESULT,
    UPPER,
    Report,
    duration,
    named,
    ordinary_or_pretax,
)

_POSITION = {
    "jp": ("TotalAssets", "NetAssets", "OwnersEquity", "CapitalAdequacyRatio", "NetAssetsPerShare"),
    "if": (
        "TotalAssetsIFRS",
        "TotalEquityIFRS",
        "EquityAttributableToOwnersOfParentIFRS",
        "EquityAttributableToOwnersOfParentToTotalAssetsRatioIFRS",
        "EquityAttributableToOwnersOfParentPerShareIFRS",
    ),
}
PARENT_RESULTS = ("NetSales", "OperatingIncome", "OrdinaryIncome", "NetIncome")
_RATIOS = {
    "jp": ("NetIncomeToShareholdersEquityRatio", "OrdinaryIncomeToTotalAssetsRatio"),
    "if": (
        "ProfitToEquityAttributableToOwnersOfParentRatioIFRS",
        "ProfitBeforeTaxToTotalAssetsRatioIFRS",
    ),
}


def summary_body(report: Report, document_name: str) -> str:
    """The markup of the whole summary; hidden facts go into the report's document."""
    parts = [cover(report, document_name), _results(report)]
    if report.is_annual:
        parts.append(_ratios(report))
    parts.append(_position(report))
    if report.is_annual:
        parts.append(_cash_flows(report))
    parts += [_dividends(report), _forecasts(report), notes(report)]
    if report.is_annual and report.company.consolidated:
        parts.append(_parent(report))
    return "".join(parts)


def _results(report: Report) -> str:
    company, names = report.company, report.elements
    earlier = figures(company, report.period.moved(-2))
    rows = []
    for span, now, before in (
        (report.current, report.now, report.before),
        (report.prior, report.before, earlier),
    ):
        row = [str(span.end)]
        lines = [
            (names.revenue, now.net_sales, before.net_sales),
            (names.operating, now.operating_income, before.operating_income),
            (names.ordinary, ordinary_or_pretax(company, now), ordinary_or_pretax(company, before)),
            (names.profit, now.owners_profit, before.owners_profit),
        ]
        # Comprehensive income is a matter of groups.
        if company.consolidated:
            lines.append(
                (names.comprehensive, now.comprehensive_income, before.comprehensive_income)
            )
        for element, amount, past in lines:
            rate = change_rate(amount, past)
            row.append(report.fact(element, amount, "money", span))
            row.append(report.fact(names.change_of(element), rate, "percent", span))
        diluted = f"Diluted{names.per_share.removeprefix('Basic')}"
        row.append(report.fact(names.per_share, now.earnings_per_share, "per_share", span))
        row.append(report.fact(diluted, None, "per_share", span))
        rows.append(row)
    note = report.document.text(
        named("NoteToOperatingResults"), None, report.current, report.scope, RESULT
    )
    return paragraph("１．業績") + table(rows) + paragraph(note)


def _ratios(report: Report) -> str:
    company = report.company
    suffix = "IFRS" if company.standard == "if" else ""
    revenue = report.elements.revenue.removesuffix("IFRS")
    return_on_equity, return_on_assets = _RATIOS[company.standard]
    rows = []
    for span, now, before in (
        (report.current, report.now, report.before),
        (report.prior, report.before, figures(company, report.period.moved(-2))),
    ):
        ordinary, assets = ordinary_or_pretax(company, now), now.total_assets + before.total_assets
        equity = now.owners_equity + before.owners_equity
        margin = percentage(now.operating_income, now.net_sales)
        rows.append(
            [
                report.fact(
                    return_on_equity, percentage(2 * now.owners_profit, equity), "percent", span
                ),
                report.fact(return_on_assets, percentage(2 * ordinary, assets), "percent", span),
                report.fact(f"OperatingIncomeTo{revenue}Ratio{suffix}", margin, "percent", span),
            ]
        )
    return table(rows)


def _position(report: Report) -> str:
    assets, equity, owners, ratio, per_share = _POSITION[report.company.standard]
    rows = []
    for span, now in (
        (report.at_end, report.now),
        (report.at_last_year_end, report.last_year_end),
    ):
        row = [
            str(span.end),
            report.fact(assets, now.total_assets, "money", span),
            report.fact(equity, now.net_assets, "money", span),
            report.fact(owners, now.owners_equity, "money", span),
            report.fact(ratio, now.equity_ratio, "percent", span),
        ]
        if report.is_annual:
            row.append(report.fact(per_share, now.net_assets_per_share, "per_share", span))
        rows.append(row)
    return paragraph("財政状態") + table(rows)


def _cash_flows(report: Report) -> str:
    suffix = "IFRS" if report.company.standard == "if" else ""
    cash = "CashAndCashEquivalentsAtEndOfPeriodIFRS" if suffix else "CashAndEquivalentsEndOfPeriod"
    rows = []
    for span, end, period in (
        (report.current, report.at_end, report.period),
        (report.prior, report.at_last_year_end, report.period.moved(-1)),
    ):
        flows = cash_flows(report.company, period)
        rows.append(
            [
                report.fact(f"CashFlowsFrom{kind}Activities{suffix}", amount, "money", span)
                for kind, amount in (
                    ("Operating", flows.operating),
                    ("Investing", flows.investing),
                    ("Financing", flows.financing),
                )
            ]
        )
        rows[-1].append(report.fact(cash, figures(report.company, period).cash, "money", end))
    return paragraph("キャッシュ・フローの状況") + table(rows)


def _dividends(report: Report) -> str:
    year = report.year
    rows = [_paid(report, year.moved(-1), "Prior")]
    if report.is_annual:
        rows.append(_paid(report, year, "Current"))
        rows.append(_planned(report, year.moved(1), "Next", paid_quarters=0))
        return paragraph("２．配当の状況") + table(rows)
    rows.append(_planned(report, year, "Current", paid_quarters=report.period.quarter))
    corrected = report.document.flag(
        named("CorrectionOfDividendForecastInThisQuarter"),
        False,
        "無",
        duration("Current", year),
        "AnnualMember",
        NON_CONSOLIDATED,
        RESULT,
    )
    return paragraph("２．配当の状況") + table([*rows, _special(report)]) + paragraph(corrected)


def _special(report: Report) -> list[str]:
    """Commemorative and extra dividends, which some software states for the quarters so far."""
    if report.company.spelling % 2:
        return []
    return [
        report.document.number(
            named(element),
            None,
            "per_share",
            report.current,
            "AnnualMember",
            NON_CONSOLIDATED,
            RESULT,
        )
        for element in ("CommemorativeDividend", "ExtraDividend")
    ]


def _paid(report: Report, year: Period, which: str) -> list[str]:
    paid, span = dividends(report.company, year.fiscal_year_end.year), duration(which, year)
    cells = [
        _dividend(report, amount, span, schedule, RESULT)
        for schedule, amount in _schedule(paid).items()
    ]
    if not report.is_annual:
        return cells
    books = figures(report.company, year)
    total = int(paid.annual * (books.shares_issued - books.treasury_shares) / books.unit_yen)
    payout = "PayoutRatioIFRS" if report.company.standard == "if" else "PayoutRatio"
    members = ("AnnualMember", NON_CONSOLIDATED, RESULT)
    number = report.document.number
    cells.append(number(named("TotalDividendPaidAnnual"), total, "money", span, *members))
    ratio = payout_ratio(paid.annual, books.earnings_per_share)
    members = ("AnnualMember", report.scope, RESULT)
    cells.append(number(named(payout), ratio, "percent", span, *members))
    return cells


def _planned(report: Report, year: Period, which: str, *, paid_quarters: int) -> list[str]:
    """The year's dividends: results as far as quarters are over, forecasts beyond."""
    plan, span = dividends(report.company, year.fiscal_year_end.year), duration(which, year)
    cells = []
    for position, (schedule, amount) in enumerate(_schedule(plan).items(), start=1):
        if position <= paid_quarters:
            cells.append(_dividend(report, amount, span, schedule, RESULT))
            continue
        cells.append(_dividend(report, amount, span, schedule, FORECAST))
        cells += [_dividend(report, None, span, schedule, member) for member in (LOWER, UPPER)]
    return cells


def _forecasts(report: Report) -> str:
    year = report.year.moved(1) if report.is_annual else report.year
    span = duration("Next" if report.is_annual else "Current", year)
    plan, past = forecast(report.company, year), figures(report.company, year.moved(-1))
    names, document = report.elements, report.document
    cells: list[str] = []
    for element, amount, before in (
        (names.revenue, plan.net_sales, past.net_sales),
        (names.operating, plan.operating_income, past.operating_income),
        (names.ordinary, plan.ordinary_income, ordinary_or_pretax(report.company, past)),
        (names.profit, plan.owners_profit, past.owners_profit),
    ):
        rate = change_rate(amount, before)
        cells += report.ranged(element, amount, "money", span)
        cells += report.ranged(names.change_of(element), rate, "percent", span)
    cells += report.ranged(names.per_share, plan.earnings_per_share, "per_share", span)
    where = (span, report.scope, FORECAST)
    title = f"３．業績予想（{year.start:%Y年%m月%d日}～{year.end:%Y年%m月%d日}）"
    markup = paragraph(document.text(named("TitleForForecasts"), title, *where))
    markup += paragraph(document.text(named("PreambleToForecasts"), None, *where)) + table([cells])
    if not report.is_annual:
        scope = "Consolidated" if report.company.consolidated else ""
        corrected = named(f"CorrectionOf{scope}FinancialForecastInThisQuarter")
        markup += paragraph(document.flag(corrected, False, "無", *where))
    return markup + paragraph(document.text(named("NoteToForecasts"), None, *where))


def _parent(report: Report) -> str:
    """The parent alone, whose books are Japanese whatever the group's are."""
    number, company = report.document.number, report.company
    rows = []
    for span, end, period in (
        (report.current, report.at_end, report.period),
        (report.prior, report.at_last_year_end, report.period.moved(-1)),
    ):
        now, before = (parent_amounts(company, one) for one in (period, period.moved(-1)))
        where = (span, NON_CONSOLIDATED, RESULT)
        row = [str(span.end)]
        for element in PARENT_RESULTS:
            row.append(number(named(element), now[element], "money", *where))
            rate = change_rate(now[element], before[element])
            row.append(number(named(f"ChangeIn{element}"), rate, "percent", *where))
        rows.append(row)
        at = (end, NON_CONSOLIDATED, RESULT)
        assets, equity = now["TotalAssets"], now["NetAssets"]
        rows.append(
            [
                number(named("TotalAssets"), assets, "money", *at),
                number(named("NetAssets"), equity, "money", *at),
                number(named("OwnersEquity"), equity, "money", *at),
                number(named("CapitalAdequacyRatio"), percentage(equity, assets), "percent", *at),
            ]
        )
    return paragraph("（参考）個別業績の概要") + table(rows)


def _schedule(year: Dividends) -> dict[str, Decimal | None]:
    # These companies pay twice a year: the other quarters are nil, not zero.
    return {
        "FirstQuarterMember": None,
        "SecondQuarterMember": year.second_quarter,
        "ThirdQuarterMember": None,
        "YearEndMember": year.year_end,
        "AnnualMember": year.annual,
    }


def _dividend(
    report: Report, amount: Decimal | None, span: Span, schedule: str, member: str
) -> str:
    # Dividends are the company's own, whatever the scope of its results.
    return report.document.number(
        named("DividendPerShare"), amount, "per_share", span, schedule, NON_CONSOLIDATED, member
    )
