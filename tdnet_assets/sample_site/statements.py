"""The statements attached to a 決算短信 as inline XBRL: balance sheet and profit and loss.

What belongs here: lines of statements under EDINET's elements, with the summary's figures. What
does not: the summary (``summary.py``) and the archive (``package.py``).
"""

from collections.abc import Callable
from dataclasses import dataclass

from tdnet_assets.sample_site.figures import Figures, figures
from tdnet_assets.sample_site.ixbrl import InlineDocument, Span, paragraph, table
from tdnet_assets.sample_site.periods import WHOLE_YEAR
from tdnet_assets.sample_site.report import Report

EDINET = "http://disclosure.edinet-fsa.go.jp/taxonomy"
STATEMENT_PREFIXES = {
    "jppfs_cor": f"{EDINET}/jppfs/2024-11-01/jppfs_cor",
    "jpcrp_cor": f"{EDINET}/jpcrp/2024-11-01/jpcrp_cor",
    "jpigp_cor": f"{EDINET}/jpigp/2024-11-01/jpigp_cor",
    "jpdei_cor": f"{EDINET}/jpdei/2013-08-31/jpdei_cor",
}

_INTERIM = 2


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a statement: its label, its elements by standard, and its amount."""

    label: str
    japanese: str
    """Local name in jppfs_cor; empty where J-GAAP has no such line."""
    international: str
    """Local name in jpigp_cor; empty where IFRS has no such line."""
    amount: Callable[[Figures], int]


BALANCE_SHEET = (
    Line("現金及び預金", "CashAndDeposits", "CashAndCashEquivalentsIFRS", lambda f: f.cash),
    Line(
        "受取手形及び売掛金",
        "NotesAndAccountsReceivableTrade",
        "TradeAndOtherReceivablesCAIFRS",
        lambda f: f.receivables,
    ),
    Line("棚卸資産", "Inventories", "InventoriesCAIFRS", lambda f: f.inventories),
    Line("その他", "OtherCA", "OtherCurrentAssetsCAIFRS", lambda f: f.other_current_assets),
    Line("流動資産合計", "CurrentAssets", "CurrentAssetsIFRS", lambda f: f.current_assets),
    Line(
        "有形固定資産合計",
        "PropertyPlantAndEquipment",
        "PropertyPlantAndEquipmentIFRS",
        lambda f: f.tangible_assets,
    ),
    Line(
        "無形固定資産合計",
        "IntangibleAssets",
        "IntangibleAssetsIFRS",
        lambda f: f.intangible_assets,
    ),
    Line(
        "投資その他の資産合計",
        "InvestmentsAndOtherAssets",
        "OtherFinancialAssetsNCAIFRS",
        lambda f: f.investments,
    ),
    Line("固定資産合計", "NoncurrentAssets", "NonCurrentAssetsIFRS", lambda f: f.fixed_assets),
    Line("資産合計", "Assets", "AssetsIFRS", lambda f: f.total_assets),
    Line(
        "支払手形及び買掛金",
        "NotesAndAccountsPayableTrade",
        "TradeAndOtherPayablesCLIFRS",
        lambda f: f.payables,
    ),
    Line("短期借入金", "ShortTermLoansPayable", "BorrowingsCLIFRS", lambda f: f.short_loans),
    Line(
        "その他",
        "OtherCL",
        "OtherCurrentLiabilitiesCLIFRS",
        lambda f: f.other_current_liabilities,
    ),
    Line(
        "流動負債合計",
        "CurrentLiabilities",
        "TotalCurrentLiabilitiesIFRS",
        lambda f: f.current_liabilities,
    ),
    Line("長期借入金", "LongTermLoansPayable", "BorrowingsNCLIFRS", lambda f: f.long_loans),
    Line(
        "その他",
        "OtherNCL",
        "OtherNonCurrentLiabilitiesNCLIFRS",
        lambda f: f.other_long_liabilities,
    ),
    # The taxonomy itself misspells the name of this total under IFRS.
    Line(
        "固定負債合計",
        "NoncurrentLiabilities",
        "NonCurrentLabilitiesIFRS",
        lambda f: f.long_liabilities,
    ),
    Line("負債合計", "Liabilities", "LiabilitiesIFRS", lambda f: f.liabilities),
    Line("資本金", "CapitalStock", "ShareCapitalIFRS", lambda f: f.capital_stock),
    Line("資本剰余金", "CapitalSurplus", "CapitalSurplusIFRS", lambda f: f.capital_surplus),
    Line("利益剰余金", "RetainedEarnings", "RetainedEarningsIFRS", lambda f: f.retained_earnings),
    Line("自己株式", "TreasuryStock", "TreasurySharesIFRS", lambda f: f.treasury_stock),
    Line("株主資本合計", "ShareholdersEquity", "", lambda f: f.shareholders_equity),
    Line(
        "その他の包括利益累計額合計",
        "ValuationAndTranslationAdjustments",
        "OtherComponentsOfEquityIFRS",
        lambda f: f.valuation_differences,
    ),
    Line(
        "親会社の所有者に帰属する持分合計",
        "",
        "EquityAttributableToOwnersOfParentIFRS",
        lambda f: f.owners_equity,
    ),
    Line(
        "非支配株主持分",
        "NonControllingInterests",
        "NonControllingInterestsIFRS",
        lambda f: f.minority_interests,
    ),
    Line("純資産合計", "NetAssets", "EquityIFRS", lambda f: f.net_assets),
    Line(
        "負債純資産合計",
        "LiabilitiesAndNetAssets",
        "LiabilitiesAndEquityIFRS",
        lambda f: f.total_assets,
    ),
)
PROFIT_AND_LOSS = (
    Line("売上高", "NetSales", "RevenueIFRS", lambda f: f.net_sales),
    Line("売上原価", "CostOfSales", "CostOfSalesIFRS", lambda f: f.cost_of_sales),
    Line("売上総利益", "GrossProfit", "GrossProfitIFRS", lambda f: f.gross_profit),
    Line(
        "販売費及び一般管理費",
        "SellingGeneralAndAdministrativeExpenses",
        "SellingGeneralAndAdministrativeExpensesIFRS",
        lambda f: f.overheads,
    ),
    Line("営業利益", "OperatingIncome", "OperatingProfitLossIFRS", lambda f: f.operating_income),
    Line("営業外収益", "NonOperatingIncome", "FinanceIncomeIFRS", lambda f: f.non_operating_income),
    Line(
        "営業外費用",
        "NonOperatingExpenses",
        "FinanceCostsIFRS",
        lambda f: f.non_operating_expenses,
    ),
    Line("経常利益", "OrdinaryIncome", "", lambda f: f.ordinary_income),
    Line("特別損失", "ExtraordinaryLoss", "OtherExpensesIFRS", lambda f: f.extraordinary_loss),
    Line(
        "税引前利益",
        "IncomeBeforeIncomeTaxes",
        "ProfitLossBeforeTaxIFRS",
        lambda f: f.profit_before_tax,
    ),
    Line("法人税等合計", "IncomeTaxes", "IncomeTaxExpenseIFRS", lambda f: f.taxes),
    Line("純利益", "ProfitLoss", "ProfitLossIFRS", lambda f: f.profit),
    Line(
        "非支配株主に帰属する純利益",
        "ProfitLossAttributableToNonControllingInterests",
        "ProfitLossAttributableToNonControllingInterestsIFRS",
        lambda f: f.minority_profit,
    ),
    Line(
        "親会社株主に帰属する純利益",
        "ProfitLossAttributableToOwnersOfParent",
        "ProfitLossAttributableToOwnersOfParentIFRS",
        lambda f: f.owners_profit,
    ),
)
_OF_GROUPS = {
    "NonControllingInterests",
    "ProfitLossAttributableToNonControllingInterests",
    "ProfitLossAttributableToOwnersOfParent",
}


def balance_sheet(report: Report, document: InlineDocument) -> str:
    """The balance sheet at the last year's end and at the period's."""
    before, now = _instants(report)
    markup = _statement(
        report,
        document,
        BALANCE_SHEET,
        [(before, report.last_year_end), (now, report.now)],
    )
    return _block(report, document, "BalanceSheet", paragraph("貸借対照表") + markup)


def profit_and_loss(report: Report, document: InlineDocument) -> str:
    """The profit and loss statement of the last year's period and of this one."""
    before, now = _durations(report)
    past = figures(report.company, report.period.moved(-1))
    markup = _statement(report, document, PROFIT_AND_LOSS, [(before, past), (now, report.now)])
    return _block(report, document, "StatementOfIncome", paragraph("損益計算書") + markup)


def hide_entity(report: Report, document: InlineDocument) -> None:
    """The hidden facts about the filer and the periods, as EDINET's dei elements."""
    span = Span("FilingDateInstant", report.filed_on)
    year, last = report.year, report.year.moved(-1)
    kind = {1: "Q1", 2: "HY", 3: "Q3", 4: "FY"}[report.period.quarter]
    standard = {"jp": "Japan GAAP", "if": "IFRS"}[report.company.standard]
    texts = {
        "EDINETCodeDEI": None,
        "FundCodeDEI": None,
        "SecurityCodeDEI": report.company.code,
        "FilerNameInJapaneseDEI": report.company.name,
        "FilerNameInEnglishDEI": None,
        "AccountingStandardsDEI": standard,
        "WhetherConsolidatedFinancialStatementsArePreparedDEI": str(
            report.company.consolidated
        ).lower(),
        "CurrentFiscalYearStartDateDEI": str(year.start),
        "CurrentPeriodEndDateDEI": str(report.period.end),
        "TypeOfCurrentPeriodDEI": kind,
        "CurrentFiscalYearEndDateDEI": str(year.end),
        "PreviousFiscalYearStartDateDEI": str(last.start),
        "ComparativePeriodEndDateDEI": str(report.period.moved(-1).end),
        "PreviousFiscalYearEndDateDEI": str(last.end),
        "AmendmentFlagDEI": "false",
    }
    for element, text in texts.items():
        document.hide(document.text(f"jpdei_cor:{element}", text, span))
    document.hide(document.number("jpdei_cor:NumberOfSubmissionDEI", 1, "count", span))


def _statement(
    report: Report,
    document: InlineDocument,
    lines: tuple[Line, ...],
    columns: list[tuple[Span, Figures]],
) -> str:
    international = report.company.standard == "if"
    members = () if report.company.consolidated else ("NonConsolidatedMember",)
    prefix = "jpigp_cor" if international else "jppfs_cor"
    rows = []
    for line in lines:
        element = line.international if international else line.japanese
        if not element or (element in _OF_GROUPS and not report.company.consolidated):
            continue
        if element == "NetSales" and report.elements.revenue == "OperatingRevenues":
            element = "OperatingRevenue1"
        rows.append(
            [
                line.label,
                *(
                    document.number(
                        f"{prefix}:{element}", line.amount(books), "money", span, *members
                    )
                    for span, books in columns
                ),
            ]
        )
    return table(rows)


def _block(report: Report, document: InlineDocument, statement: str, markup: str) -> str:
    _, span = _durations(report)
    scope = "Consolidated" if report.company.consolidated else ""
    suffix = "IFRS" if report.company.standard == "if" else ""
    part = {_INTERIM: "SemiAnnual", WHOLE_YEAR: ""}.get(report.period.quarter, "Quarterly")
    prefix = "jpigp_cor" if suffix else "jpcrp_cor"
    element = f"{prefix}:{part}{scope}{statement}{suffix}TextBlock"
    return document.block(element, markup, span) + "\n"


def _instants(report: Report) -> tuple[Span, Span]:
    label = {_INTERIM: "Interim", WHOLE_YEAR: "CurrentYear"}.get(
        report.period.quarter, "CurrentQuarter"
    )
    return (
        Span("Prior1YearInstant", report.year.moved(-1).end),
        Span(f"{label}Instant", report.period.end),
    )


def _durations(report: Report) -> tuple[Span, Span]:
    quarter, period, past = report.period.quarter, report.period, report.period.moved(-1)
    before, now = {
        _INTERIM: ("Prior1Interim", "Interim"),
        WHOLE_YEAR: ("Prior1Year", "CurrentYear"),
    }.get(quarter, ("Prior1YTD", "CurrentYTD"))
    return (
        Span(f"{before}Duration", past.end, past.start),
        Span(f"{now}Duration", period.end, period.start),
    )
