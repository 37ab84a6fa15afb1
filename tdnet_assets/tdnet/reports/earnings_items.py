"""Which element states which item, by accounting standard: the one table that all readers use.

What belongs here: names of items, of their elements, and of the elements about their change. What
does not: contexts and values (``earnings_report.py``), and elements of the attached statements
(``attached_elements.py``).
"""

from dataclasses import dataclass
from functools import cache
from typing import Literal

Standard = Literal["jp", "ifrs", "us", "reit", "etf"]
"""Japanese GAAP, IFRS, US GAAP, a real estate investment trust's or an ETF's form."""

STANDARDS: tuple[Standard, ...] = ("jp", "ifrs", "us", "reit", "etf")

Unit = Literal["yen", "yen_per_share", "fraction", "shares"]


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One line of a 決算短信 and the elements that state it; each is one of a kind.

    Where several elements of a standard state one item, they stand in order of preference: the
    whole before a part of it (営業収益 holds 売上高 and 営業収入 in retail), the usual before the
    rare.
    """

    name: str
    unit: Unit
    jp: tuple[str, ...]
    ifrs: tuple[str, ...]
    us: tuple[str, ...]
    reit: tuple[str, ...]

    def elements(self, standard: Standard) -> tuple[str, ...]:
        """The item's elements in order of preference: the standard's own, then the others'.

        A company that is about to change its standard forecasts in the next one's elements. The
        form of an ETF has never been seen in XBRL: it is read with the other forms' names.
        """
        own = self.jp if standard == "etf" else getattr(self, standard)
        rest = () if standard == "reit" else (*self.jp, *self.ifrs, *self.us, *self.reit)
        return tuple(dict.fromkeys((*own, *rest)))

    @property
    def is_ambiguous(self) -> bool:
        """Whether one standard has several elements for it, so that a row must say which it is."""
        return any(len(names) > 1 for names in (self.jp, self.ifrs, self.us, self.reit))


def _item(
    name: str, unit: Unit, *, jp: str = "", ifrs: str = "", us: str = "", reit: str = ""
) -> Item:
    return Item(name, unit, *(tuple(names.split()) for names in (jp, ifrs, us, reit)))


# Results over the period: each may have a change rate, a forecast and a forecast's change rate.
INCOME = (
    _item(
        "revenue",
        "yen",
        jp="""GrossOperatingRevenues NetSalesAndOperatingRevenues OperatingRevenues Revenue
            Revenue2 NetSales NetSalesOfCompletedConstructionContracts OperatingRevenuesSE
            NetOperatingRevenuesSE OrdinaryRevenuesBK OrdinaryRevenuesIN NetPremiumsWrittenIN
            OperatingRevenuesSpecific""",
        ifrs="OperatingRevenuesIFRS RevenueIFRS SalesIFRS NetSalesIFRS OrdinaryRevenuesBKIFRS",
        us="""NetSalesAndOperatingRevenuesUS TotalRevenuesUS GrossRevenuesUS RevenuesUS
            OperatingRevenuesUS NetSalesUS OperatingRevenuesSpecificUS
            TotalRevenuesAfterDeductingFinancialExpenseUS""",
        reit="OperatingRevenuesREIT",
    ),
    _item(
        "operating_income",
        "yen",
        jp="OperatingIncome",
        ifrs="OperatingIncomeIFRS",
        us="OperatingIncomeUS",
        reit="OperatingIncome",
    ),
    _item("ordinary_income", "yen", jp="OrdinaryIncome", reit="OrdinaryIncome"),
    _item(
        "profit_before_tax",
        "yen",
        ifrs="ProfitBeforeTaxIFRS",
        us="IncomeBeforeIncomeTaxesUS IncomeFromContinuingOperationsBeforeIncomeTaxesUS",
    ),
    _item("profit", "yen", ifrs="ProfitIFRS", us="IncomeBeforeMinorityInterestUS"),
    _item(
        "net_income",
        "yen",
        jp="ProfitAttributableToOwnersOfParent NetIncome",
        # Some groups without minorities state their profit only once, under the second name.
        ifrs="ProfitAttributableToOwnersOfParentIFRS ProfitIFRS",
        us="NetIncomeUS",
        reit="NetIncome",
    ),
    _item(
        "comprehensive_income",
        "yen",
        jp="ComprehensiveIncome",
        ifrs="TotalComprehensiveIncomeIFRS",
        us=" ".join(
            # The last two are the owners' part only.
            "ComprehensiveIncomeNetOfTaxIncludingPortionAttributableToNoncontrollingInterest"
            f"{number}US"
            for number in ("", 1, 2, 3, 4, 5, 6)
        ),
    ),
)
PER_SHARE = (
    _item(
        "eps",
        "yen_per_share",
        jp="NetIncomePerShare",
        ifrs="BasicEarningsPerShareIFRS",
        us="BasicNetIncomePerShareUS NetIncomePerShareUS",
        reit="NetIncomePerUnitREIT",
    ),
    _item(
        "diluted_eps",
        "yen_per_share",
        jp="DilutedNetIncomePerShare",
        ifrs="DilutedEarningsPerShareIFRS",
        us="DilutedNetIncomePerShareUS DilutedNetIncomePerShare2US",
    ),
    # The three of a trust's form: without, of, and with what is paid in excess of profit.
    _item(
        "distribution_per_unit",
        "yen_per_share",
        reit="DistributionsPerUnitExcludingDistributionsInExcessOfProfitREIT",
    ),
    _item(
        "excess_distribution_per_unit",
        "yen_per_share",
        reit="DistributionsInExcessOfProfitPerUnitREIT",
    ),
    _item(
        "total_distribution_per_unit",
        "yen_per_share",
        reit="DistributionsPerUnitIncludingDistributionsInExcessOfProfitREIT",
    ),
)
# At the end of the period; the earlier figure is that of the last year's end.
POSITION = (
    _item(
        "total_assets",
        "yen",
        jp="TotalAssets",
        ifrs="TotalAssetsIFRS",
        us="TotalAssetsUS",
        reit="TotalAssets",
    ),
    _item(
        "net_assets",
        "yen",
        jp="NetAssets",
        ifrs="TotalEquityIFRS",
        us="NetAssetsUS",
        reit="NetAssets",
    ),
    _item(
        "equity",
        "yen",
        jp="OwnersEquity",
        ifrs="EquityAttributableToOwnersOfParentIFRS",
        us="ShareholdersEquityUS",
    ),
    _item(
        "equity_ratio",
        "fraction",
        jp="CapitalAdequacyRatio",
        ifrs="EquityAttributableToOwnersOfParentToTotalAssetsRatioIFRS",
        us="ShareholdersEquityRatioUS CapitalAdequacyRatioUS",
        reit="CapitalAdequacyRatio",
    ),
    _item(
        "net_assets_per_share",
        "yen_per_share",
        jp="NetAssetsPerShare",
        ifrs="EquityAttributableToOwnersOfParentPerShareIFRS",
        us="ShareholdersEquityPerShareUS NetAssetsPerShareUS",
        reit="NetAssetsPerUnitREIT",
    ),
    _item(
        "cash_end",
        "yen",
        jp="CashAndEquivalentsEndOfPeriod",
        ifrs="CashAndCashEquivalentsAtEndOfPeriodIFRS",
        us="CashAndEquivalentsEndOfPeriodUS CashAndEquivalentsEndOfPeriod1US",
        reit="CashAndEquivalentsEndOfPeriod",
    ),
)
CASH_FLOWS = tuple(
    _item(
        f"{kind.lower()}_cash_flow",
        "yen",
        jp=f"CashFlowsFrom{kind}Activities",
        ifrs=f"CashFlowsFrom{kind}ActivitiesIFRS",
        us=f"CashFlowsFrom{kind}ActivitiesUS CashFlowsFrom{kind}ActivitiesContinuingOperationsUS",
        reit=f"CashFlowsFrom{kind}Activities",
    )
    for kind in ("Operating", "Investing", "Financing")
)
RATIOS = (
    _item(
        "return_on_equity",
        "fraction",
        jp="NetIncomeToShareholdersEquityRatio",
        ifrs="ProfitToEquityAttributableToOwnersOfParentRatioIFRS",
        us="""NetIncomeToShareholdersEquityRatioUS NetIncomeToShareholdersEquityRatioUS2
            IncomeBeforeMinorityInterestToConsolidatedEquityRatioUS""",
        reit="NetIncomeToUnitholdersEquityRatioREIT",
    ),
    _item(
        "return_on_assets",
        "fraction",
        jp="OrdinaryIncomeToTotalAssetsRatio",
        ifrs="ProfitBeforeTaxToTotalAssetsRatioIFRS ProfitToTotalAssetsRatioIFRS",
        us="""IncomeBeforeIncomeTaxesToTotalAssetsRatioUS
            IncomeFromContinuingOperationsBeforeIncomeTaxesToTotalAssetsRatioUS
            IncomeBeforeIncomeTaxesToTotalCapitalRatioUS
            IncomeFromContinuingOperationsBeforeIncomeTaxesToTotalCapitalRatioUS""",
        reit="OrdinaryIncomeToTotalAssetsRatio",
    ),
    _item(
        "operating_margin",
        "fraction",
        jp="""OperatingIncomeToNetSalesRatio OperatingProfitToRevenueRatio
            OperatingProfitToRevenue2Ratio OperatingIncomeToOperatingRevenuesRatio
            OperatingIncomeToOperatingRevenuesRatioSE NetOperatingIncomeToOperatingRevenuesRatioSE
            OperatingIncomeToOperatingRevenuesSpecificRatio
            OperatingIncomeToGrossOperatingRevenuesRatio
            OperatingIncomeToNetSalesOfCompletedConstructionContractsRatio
            OrdinaryIncomeToOrdinaryRevenuesRatioBK OrdinaryIncomeToOrdinaryRevenuesRatioIN""",
        ifrs="""OperatingIncomeToNetSalesRatioIFRS OperatingIncomeToSalesRatioIFRS
            OperatingIncomeToRevenueRatioIFRS OperatingIncomeToOperatingRevenuesRatioIFRS
            OperatingIncomeToOrdinaryRevenuesRatioBKIFRS ProfitBeforeTaxToNetSalesRatioIFRS
            ProfitBeforeTaxToSalesRatioIFRS ProfitBeforeTaxToRevenueRatioIFRS
            ProfitBeforeTaxToOperatingRevenuesRatioIFRS
            ProfitBeforeTaxToOrdinaryRevenuesRatioBKIFRS ProfitToNetSalesRatioIFRS
            ProfitToSalesRatioIFRS ProfitToRevenueRatioIFRS ProfitToOperatingRevenuesRatioIFRS
            ProfitToOrdinaryRevenuesRatioBKIFRS""",
        us="""OperatingIncomeToNetSalesRatioUS OperatingIncomeToOperatingRevenuesRatioUS
            OperatingIncomeToRevenuesRatioUS OperatingIncomeToOperatingRevenuesSpecificRatioUS
            IncomeBeforeIncomeTaxesToGrossRevenuesRatioUS
            IncomeFromContinuingOperationsBeforeIncomeTaxesToNetSalesRatioUS
            IncomeBeforeIncomeTaxesToTotalRevenuesRatioUS""",
        reit="OrdinaryIncomeToOperatingRevenuesRatioREIT",
    ),
    _item(
        "equity_method_income",
        "yen",
        jp="InvestmentProfitLossOnEquityMethod",
        ifrs="InvestmentsAccountedForUsingEquityMethodIFRS",
        us="InvestmentProfitLossOnEquityMethodUS",
    ),
)
# Always the company's own, whatever the scope of its results.
SHARES = (
    _item(
        "shares_issued",
        "shares",
        jp="NumberOfIssuedAndOutstandingSharesAtTheEndOfFiscalYearIncludingTreasuryStock",
        reit="NumberOfInvestmentUnitsIncludingTreasuryInvestmentUnitsIssuedAtEndOfPeriodREIT",
    ),
    _item(
        "treasury_shares",
        "shares",
        jp="NumberOfTreasuryStockAtTheEndOfFiscalYear",
        reit="NumberOfTreasuryInvestmentUnitsIssuedAtEndOfPeriodREIT",
    ),
    _item("average_shares", "shares", jp="AverageNumberOfShares"),
)
SHARES_AT_END = tuple(item for item in SHARES if item.name != "average_shares")
# Once a year, under the annual member of the dividend schedule; a trust's have no schedule.
PAYOUT = (
    _item("total_dividends", "yen", jp="TotalDividendPaidAnnual", reit="TotalDistributionsREIT"),
    _item(
        "payout_ratio",
        "fraction",
        jp="PayoutRatio",
        ifrs="PayoutRatioIFRS",
        us="PayoutRatioUS",
        reit="PayoutRatio",
    ),
    _item(
        "dividend_on_equity",
        "fraction",
        jp="RatioOfTotalAmountOfDividendsToNetAssets",
        ifrs="RatioOfTotalAmountOfDividendsToEquityAttributableToOwnerOfParentConsolidatedIFRS",
        us="""RatioOfTotalAmountOfDividendsToShareholdersEquityUS
            RatioOfTotalAmountOfDividendsToNetAssetsUS""",
        reit="RatioOfDistributionsToNetAssetsREIT",
    ),
)

RESULT_ITEMS = (*INCOME, *PER_SHARE, *POSITION, *CASH_FLOWS, *RATIOS, *SHARES)
FORECAST_ITEMS = (*INCOME, *PER_SHARE)

# Of the parent alone (個別業績), beside the group's.
_PARENTS = (
    "revenue",
    "operating_income",
    "ordinary_income",
    "net_income",
    "eps",
    "diluted_eps",
    "total_assets",
    "net_assets",
    "equity",
    "equity_ratio",
    "net_assets_per_share",
    "return_on_equity",
)
PARENT_ITEMS = tuple(item for item in RESULT_ITEMS if item.name in _PARENTS)
PARENT_FORECAST_ITEMS = tuple(
    item for item in FORECAST_ITEMS if item.name in _PARENTS and item.name != "diluted_eps"
)

# What a report says about itself with yes or no.
_SUBSIDIARIES = (
    "MaterialChangesInSubsidiariesDuringThisPeriodChangesInScopeOfConsolidationsResultingFrom"
)
_SCOPE = "SignificantChangesInTheScopeOfConsolidationDuringThePeriod"
_BY_STANDARDS = "ChangesBasedOnRevisionsOfAccountingStandard"
_OTHERWISE = "ChangesOtherThanOnesBasedOnRevisionsOfAccountingStandard"
FLAGS: dict[str, tuple[str, ...]] = {
    "subsidiaries_changed": (
        f"{_SUBSIDIARIES}ChangeIsSubsidiaries",
        f"{_SUBSIDIARIES}ChangeIsSubsidiariesUS",
        f"{_SUBSIDIARIES}ChangesInSubsidiariesIFRS",
    ),
    "consolidation_scope_changed": (_SCOPE, f"{_SCOPE}US", f"{_SCOPE}IFRS"),
    "policies_changed_by_standards": (
        _BY_STANDARDS,
        f"{_BY_STANDARDS}US",
        "ChangesInAccountingPoliciesRequiredByIFRSIFRS",
    ),
    "policies_changed_otherwise": (
        _OTHERWISE,
        f"{_OTHERWISE}US",
        "ChangesInAccountingPoliciesOtherThanIFRSRequirementsIFRS",
    ),
    "estimates_changed": (
        "ChangesInAccountingEstimates",
        "ChangesInAccountingEstimatesInterim",
        "ChangesInAccountingEstimatesIFRS",
    ),
    "restated": ("RetrospectiveRestatement", "RetrospectiveRestatementInterim"),
    "forecasts_revised": (
        "CorrectionOfConsolidatedFinancialForecastInThisQuarter",
        "CorrectionOfFinancialForecastInThisQuarter",
    ),
    "dividend_forecasts_revised": ("CorrectionOfDividendForecastInThisQuarter",),
}
PAYMENT_DATES = ("DividendPayableDateAsPlanned", "DistributionsPayableDateAsPlannedREIT")

DIVIDEND, COMMEMORATIVE_DIVIDEND, EXTRA_DIVIDEND = DIVIDEND_ELEMENTS = (
    "DividendPerShare",
    "CommemorativeDividend",
    "ExtraDividend",
)
AMOUNT_CHANGE, CHANGE_RATE = "AmountChange", "ChangeIn"
_IRREGULAR_CHANGE = {"TotalComprehensiveIncomeIFRS": "ChangesInTotalComprehensiveIncomeIFRS"}
_REGULAR_NAME = {change: element for element, change in _IRREGULAR_CHANGE.items()}

INCOME_ELEMENTS = frozenset(
    element for item in INCOME for element in (*item.jp, *item.ifrs, *item.us, *item.reit)
)
ITEM_OF_ELEMENT: dict[str, Item] = {
    element: item
    # A profit that may also stand for net income keeps its own name: the later entry wins.
    for item in (*PAYOUT, *RESULT_ITEMS[::-1])
    for element in (*item.jp, *item.ifrs, *item.us, *item.reit)
}


_ITEMS = {item.name: item for item in (*PAYOUT, *RESULT_ITEMS)}


@cache
def elements_of(name: str, standard: Standard) -> tuple[str, ...]:
    """:meth:`Item.elements` of the item of that name, worked out once."""
    return _ITEMS[name].elements(standard)


def change_element(element: str) -> str:
    """The element of an element's change rate."""
    return _IRREGULAR_CHANGE.get(element, f"{CHANGE_RATE}{element}")


def changed_element(element: str) -> tuple[str, str]:
    """What an element is about, and which statistic of that: ``amount``, ``change`` or ``rate``."""
    if element in _REGULAR_NAME:
        return _REGULAR_NAME[element], "rate"
    if element.startswith(AMOUNT_CHANGE):
        return element.removeprefix(AMOUNT_CHANGE), "change"
    if element.startswith(CHANGE_RATE):
        return element.removeprefix(CHANGE_RATE), "rate"
    return element, "amount"


def standard_of_element(element: str) -> Standard:
    """The accounting standard that an element of a company's form belongs to, by its ending."""
    if element.endswith("IFRS"):
        return "ifrs"
    return "us" if element.endswith(("US", "US2")) else "jp"
