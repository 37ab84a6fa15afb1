"""The first and the last part of a 決算短信's summary: who reports, and the notes.

What belongs here: facts that are not results. What does not: results (``summary.py``).
"""

import datetime as dt

from tdnet_assets.sample_site.companies import Company
from tdnet_assets.sample_site.figures import dividends
from tdnet_assets.sample_site.ixbrl import InlineDocument, Span, paragraph, table
from tdnet_assets.sample_site.periods import WHOLE_YEAR, Period
from tdnet_assets.sample_site.report import (
    NON_CONSOLIDATED,
    RESULT,
    Report,
    duration,
    instant,
    named,
)

DISCLAIMER = (
    "この文書は見本です。会社、表題、数値はすべて架空のものであり、実在の会社とは関係がありません。"
)

_EXCHANGES = {
    "東": "TokyoStockExchange",
    "名": "NagoyaStockExchange",
    "札": "SapporoStockExchange",
    "福": "FukuokaStockExchange",
    "PH": "JapanSecuritiesDealersAssociation",
}
_MARKETS = (
    "TokyoStockExchangePrime",
    "TokyoStockExchangeStandard",
    "TokyoStockExchangeGrowth",
    "TokyoStockExchangePROMarket",
    "TokyoStockExchangeOthers",
    "NagoyaStockExchange1stSection",
    "NagoyaStockExchange2ndSection",
    "NagoyaStockExchangeCentrex",
    "NagoyaStockExchangeOthers",
    "SapporoStockExchangeEstablished",
    "SapporoStockExchangeAmbitious",
    "SapporoStockExchangeOthers",
    "FukuokaStockExchangeEstablished",
    "FukuokaStockExchangeQBoard",
    "FukuokaStockExchangeOthers",
    "JapanSecuritiesDealersAssociationGreenSheet",
)
_MARKET_OF_PREFIX = {"Ｇ": "TokyoStockExchangeGrowth", "Ｐ": "TokyoStockExchangePROMarket"}
_STATUTORY_REPORT = {
    1: "QuarterlyStatementFilingDateAsPlanned",
    2: "SemiAnnualStatementFilingDateAsPlanned",
    3: "QuarterlyStatementFilingDateAsPlanned",
    4: "AnnualSecuritiesReportFilingDateAsPlanned",
}
_RESULTS_KIND = {1: "QuarterlyResults", 2: "Results", 3: "QuarterlyResults", 4: "AnnualResults"}
_ACCOUNTING_CHANGES = {
    "jp": (
        "ChangesBasedOnRevisionsOfAccountingStandard",
        "ChangesOtherThanOnesBasedOnRevisionsOfAccountingStandard",
        "ChangesInAccountingEstimates",
        "RetrospectiveRestatement",
    ),
    "if": (
        "ChangesInAccountingPoliciesRequiredByIFRSIFRS",
        "ChangesInAccountingPoliciesOtherThanIFRSRequirementsIFRS",
        "ChangesInAccountingEstimatesIFRS",
    ),
}


def cover(report: Report, document_name: str) -> str:
    """Names, dates and people; the classification goes where readers do not see it."""
    document, company, at = report.document, report.company, report.at_end
    hide_classification(document, company, report.period, at)
    exchanges = "".join(
        document.flag(named(element), place in company.place, place * (place in company.place), at)
        for place, element in _EXCHANGES.items()
    )
    paying = report.period.quarter % 2 == 0 and (
        dividends(company, report.year.fiscal_year_end.year).annual > 0
    )
    unit = "千円" if company.thousands else "百万円"
    rows = [
        ["上場会社名", document.text(named("CompanyName"), company.name, at)],
        ["上場取引所", exchanges],
        ["コード番号", document.code_with_hidden_digit(named("SecuritiesCode"), at)],
        ["ＵＲＬ", document.text(named("URL"), f"https://{company.code}.example/", at)],
        *people(document, company, at),
        [
            "報告書提出予定日",
            document.date(
                named(_STATUTORY_REPORT[report.period.quarter]), _later(report.filed_on, 9), at
            ),
        ],
        [
            "配当支払開始予定日",
            document.date(
                named("DividendPayableDateAsPlanned"),
                _later(report.filed_on, 40) if paying else None,
                at,
            ),
        ],
        *_briefings(report),
    ]
    if report.is_annual:
        meeting = named("DateOfGeneralShareholdersMeetingAsPlanned")
        rows.append(
            ["定時株主総会開催予定日", document.date(meeting, _later(report.filed_on, 38), at)]
        )
    return (
        paragraph(document.flag(named("FASFMemberMark"), True, "◯", at))
        + paragraph(document.text(named("DocumentName"), document_name, at))
        + paragraph(document.date(named("FilingDate"), report.filed_on, at))
        + table(rows)
        + paragraph(
            document.text(named("NoteToFractionProcessingMethod"), f"({unit}未満切捨て)", at)
        )
    )


def people(document: InlineDocument, company: Company, at: Span) -> list[list[str]]:
    """Table rows of the representative and of whom to ask."""
    return [
        [
            "代表者",
            document.text(named("TitleRepresentative"), "代表取締役社長", at),
            document.text(named("NameRepresentative"), company.representative, at),
        ],
        [
            "問合せ先責任者",
            document.text(named("TitleInquiries"), "取締役管理本部長", at),
            document.text(named("NameInquiries"), company.contact, at),
            document.text(named("Tel"), f"03-0000-{company.code[:4]}", at),
        ],
    ]


def hide_classification(
    document: InlineDocument, company: Company, period: Period, at: Span
) -> None:
    """The hidden facts: markets, line of business, fiscal year end and quarter."""
    market = _MARKET_OF_PREFIX.get(company.short_name[0], "TokyoStockExchangePrime")
    for element in _MARKETS:
        listed = element == market and "東" in company.place
        document.hide(document.text(named(element), str(listed).lower(), at))
    year_end = instant("Current", period.moved(0, quarter=WHOLE_YEAR))
    document.hide(document.text(named("GeneralBusiness"), "true", year_end))
    document.hide(document.text(named("SpecificBusiness"), "false", year_end))
    document.hide(document.text(named("FiscalYearEnd"), str(period.fiscal_year_end), year_end))
    if period.quarter != WHOLE_YEAR:
        document.hide(document.number(named("QuarterlyPeriod"), period.quarter, "count", at))


def notes(report: Report) -> str:
    """Changes of accounting, numbers of shares and the outlook."""
    document, company = report.document, report.company
    changed = company.spelling == 1
    changes = [
        [
            document.flag(
                named(name), here, "有" if here else "無", report.current, report.scope, RESULT
            )
        ]
        for position, name in enumerate(_ACCOUNTING_CHANGES[company.standard])
        for here in [changed and position == 0]
    ]
    now, before, last_year_end = report.now, report.before, report.last_year_end
    issued = "NumberOfIssuedAndOutstandingSharesAtTheEndOfFiscalYearIncludingTreasuryStock"
    treasury = "NumberOfTreasuryStockAtTheEndOfFiscalYear"
    shares = [
        [document.number(named(name), count, "shares", span, NON_CONSOLIDATED, RESULT)]
        for name, count, span in (
            (issued, now.shares_issued, report.at_end),
            (issued, last_year_end.shares_issued, report.at_last_year_end),
            (treasury, now.treasury_shares, report.at_end),
            (treasury, last_year_end.treasury_shares, report.at_last_year_end),
            ("AverageNumberOfShares", now.average_shares, report.current),
            ("AverageNumberOfShares", before.average_shares, report.prior),
        )
    ]
    outlook = document.text(
        named("NotesForUsingForecastedInformationAndOthers"),
        DISCLAIMER,
        duration("Current", report.year),
    )
    return paragraph("注記事項") + table(changes) + table(shares) + paragraph(outlook)


def _briefings(report: Report) -> list[list[str]]:
    document, at = report.document, report.at_end
    kind = _RESULTS_KIND[report.period.quarter]
    audience = (
        "TargetAudienceBriefingOfAnnualResults"
        if report.is_annual
        else f"TargetForBriefingOf{kind}"
    )
    held = report.company.spelling == 0
    shown = "有" if held else "無"
    return [
        [
            "決算補足説明資料作成の有無",
            document.flag(named(f"SupplementalMaterialOf{kind}"), held, shown, at),
            document.text(named(f"WayOfGettingSupplementalMaterialOf{kind}"), None, at),
        ],
        [
            "決算説明会開催の有無",
            document.flag(named(f"ConveningBriefingOf{kind}"), held, shown, at),
            document.text(named(audience), "機関投資家・アナリスト向け" if held else None, at),
        ],
    ]


def _later(day: dt.date, days: int) -> dt.date:
    return day + dt.timedelta(days=days)
