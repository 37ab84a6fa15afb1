"""Which elements of the attached statements say what an element of the summary says.

What belongs here: names in EDINET's taxonomies (jppfs_cor, jpigp_cor). What does not: names in the
summary's (``earnings_items.py``), and the comparison itself (``accounting_checks.py``). US GAAP
reports and those of trusts have no statements in XBRL.
"""

from tdnet_assets.tdnet.reports.earnings_items import INCOME

ASSETS = ("Assets", "AssetsIFRS")
LIABILITIES = ("Liabilities", "LiabilitiesIFRS")
NET_ASSETS = ("NetAssets", "EquityIFRS")
LIABILITIES_AND_NET_ASSETS = ("LiabilitiesAndNetAssets", "LiabilitiesAndEquityIFRS")

_REVENUE = INCOME[0]
# Statements split a company's revenue in more ways than summaries do: any line may be the one.
_JAPANESE_REVENUE = (
    "NetSales",
    "OperatingRevenue1",
    "OperatingRevenue2",
    "GrossOperatingRevenue",
    "TotalOperatingRevenue",
    "Revenue",
    "NetSalesOfCompletedConstructionContractsCNS",
    "OperatingRevenueSEC",
    "NetOperatingRevenueSEC",
    "OrdinaryIncomeBNK",
    "OperatingIncomeINS",
    "NetPremiumsWrittenOIINS",
)
_INTERNATIONAL_REVENUE = (
    "RevenueIFRS",
    "Revenue2IFRS",
    "NetSalesIFRS",
    "SalesIFRS",
    "OperatingRevenueIFRS",
    "OperatingRevenuesIFRS",
    "InsuranceRevenueIFRS",
)

# A summary's 営業収益 may be 売上高 and 営業収入 together, each a line of its own.
WHOLES_OF_REVENUE = frozenset(
    ("GrossOperatingRevenues", "NetSalesAndOperatingRevenues", "OperatingRevenues")
)
PARTS_OF_REVENUE = frozenset(("NetSales", "OperatingRevenue2"))

ATTACHED_ELEMENTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_REVENUE.jp, _JAPANESE_REVENUE),
    **dict.fromkeys(_REVENUE.ifrs, _INTERNATIONAL_REVENUE),
    "OperatingIncome": ("OperatingIncome",),
    "OrdinaryIncome": ("OrdinaryIncome",),
    "NetIncome": ("ProfitLoss",),
    "ProfitAttributableToOwnersOfParent": ("ProfitLossAttributableToOwnersOfParent",),
    "ComprehensiveIncome": ("ComprehensiveIncome",),
    "TotalAssets": ("Assets",),
    "NetAssets": ("NetAssets",),
    "CashFlowsFromOperatingActivities": ("NetCashProvidedByUsedInOperatingActivities",),
    "CashFlowsFromInvestingActivities": ("NetCashProvidedByUsedInInvestmentActivities",),
    "CashFlowsFromFinancingActivities": ("NetCashProvidedByUsedInFinancingActivities",),
    "CashAndEquivalentsEndOfPeriod": ("CashAndCashEquivalents",),
    "OperatingIncomeIFRS": ("OperatingProfitLossIFRS",),
    "ProfitBeforeTaxIFRS": ("ProfitLossBeforeTaxIFRS",),
    "ProfitIFRS": ("ProfitLossIFRS",),
    "ProfitAttributableToOwnersOfParentIFRS": ("ProfitLossAttributableToOwnersOfParentIFRS",),
    "TotalComprehensiveIncomeIFRS": ("ComprehensiveIncomeIFRS",),
    "BasicEarningsPerShareIFRS": ("BasicEarningsLossPerShareIFRS",),
    "DilutedEarningsPerShareIFRS": ("DilutedEarningsLossPerShareIFRS",),
    "TotalAssetsIFRS": ("AssetsIFRS",),
    "TotalEquityIFRS": ("EquityIFRS",),
    "EquityAttributableToOwnersOfParentIFRS": ("EquityAttributableToOwnersOfParentIFRS",),
    "CashFlowsFromOperatingActivitiesIFRS": ("NetCashProvidedByUsedInOperatingActivitiesIFRS",),
    "CashFlowsFromInvestingActivitiesIFRS": ("NetCashProvidedByUsedInInvestingActivitiesIFRS",),
    "CashFlowsFromFinancingActivitiesIFRS": ("NetCashProvidedByUsedInFinancingActivitiesIFRS",),
    "CashAndCashEquivalentsAtEndOfPeriodIFRS": ("CashAndCashEquivalentsIFRS",),
}

COMPARED_ELEMENTS = frozenset(
    {*ASSETS, *LIABILITIES, *NET_ASSETS, *LIABILITIES_AND_NET_ASSETS}.union(
        *ATTACHED_ELEMENTS.values()
    )
)
"""All that the checks look at in attached statements."""
