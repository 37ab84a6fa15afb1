import csv
import dataclasses
import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from tdnet_assets.tdnet.reports.earnings_columns import (
    earnings_columns,
    earnings_row,
    figure_columns,
)
from tdnet_assets.tdnet.reports.earnings_items import (
    DIVIDEND_ELEMENTS,
    FORECAST_ITEMS,
    PARENT_FORECAST_ITEMS,
    PARENT_ITEMS,
    PAYOUT,
    RESULT_ITEMS,
    changed_element,
)
from tdnet_assets.tdnet.reports.earnings_report import filled_shares, read_earnings
from tdnet_assets.tdnet.reports.report_contents import (
    Earnings,
    Figure,
    ForecastFigures,
    ParentForecasts,
    ParentResults,
    Results,
)
from tdnet_assets.tdnet.reports.summary_cells import EarningsError, SummaryCells
from tdnet_assets_tests.tdnet.reports.summary_facts import (
    LAST_YEAR,
    NEXT_YEAR,
    THIS_YEAR,
    TRUST,
    Filing,
    annual_report,
    cover,
    day,
)

ELEMENT_LIST = (
    Path(__file__).resolve().parents[3].parent / "shared" / "tse-ed-t-2014-01-12-elements.csv"
)
# Figures of single industries that have no column: they are facts like all others.
WITHOUT_COLUMN = {
    "IncomeFromDiscontinuingOperationsBeforeIncomeTaxesUS",
    "OrdinaryIncomeToOrdinaryExpensesRatioBK",
    "DepositsBK",
    "LossRatioIN",
    "ExpenseRatioIN",
    "CapitalAdequacyRatioSecuritiesExchangeAct523SE",
    "NumberOfSubsidiariesNewlyConsolidated",
    "NumberOfSubsidiariesExcludedFromConsolidation",
    "QuarterlyPeriod",
}


def read(filing) -> Earnings:
    earnings = read_earnings(SummaryCells(filing.facts))
    assert earnings is not None
    return earnings


def values(figure: Figure):
    return figure.value, figure.change, figure.prior, figure.prior_change


def test_an_annual_report_becomes_one_row():
    row = read(annual_report())
    assert (row.code, row.standard, row.consolidation) == ("141A0", "jp", "Consolidated")
    assert (row.fiscal_year_end, row.period) == (day("2026-03-31"), "FY")
    assert (row.period_start, row.period_end) == (day("2025-04-01"), day("2026-03-31"))
    assert row.filing_date == day("2026-05-08")
    results = row.results
    assert values(results.revenue) == (110_000_000, Decimal("0.1"), 100_000_000, None)
    assert results.revenue.element == "NetSales"
    assert values(results.ordinary_income) == (11_000_000, None, -1_000_000, None)
    assert values(results.net_income) == (7_000_000, None, -2_000_000, None)
    assert (results.total_assets.value, results.total_assets.prior) == (200_000_000, 190_000_000)
    assert results.equity_ratio.value == Decimal("0.400")
    assert (results.cash_end.value, results.cash_end.prior) == (30_000_000, 28_000_000)
    assert results.treasury_shares.value == 1000


def test_an_empty_figure_is_none_and_a_zero_is_zero():
    results = read(annual_report()).results
    assert results.diluted_eps == Figure(None, None, None, None, "DilutedNetIncomePerShare")
    assert results.profit_before_tax == Figure(None, None, None, None, None)
    assert results.financing_cash_flow.value == Decimal(0)


def test_an_annual_report_forecasts_the_next_year_and_its_half():
    row = read(annual_report())
    assert (row.this_half, row.this_year) == (None, None)
    assert row.next_half.period_end == day("2026-09-30")
    assert row.next_half.figures.revenue.value == 60_000_000
    assert row.next_year.period_end == day("2027-03-31")
    assert row.next_year.figures.operating_income.value == 15_000_000
    assert row.next_year.figures.operating_income.change == Decimal("0.250")


def test_a_range_is_no_figure():
    ordinary = read(annual_report()).next_year.figures.ordinary_income
    assert (ordinary.value, ordinary.lower, ordinary.upper) == (None, 13_000_000, 16_000_000)


def test_dividends_stand_by_quarter_and_year():
    row = read(annual_report())
    assert row.dividends.second_quarter.result == Decimal("10.00")
    assert row.dividends.first_quarter.result is None
    assert row.dividends.annual.result == Decimal("25.50")
    assert row.dividends.payout_ratio.result == Decimal("0.364")
    assert row.next_dividends.year_end.forecast == Decimal("16.00")
    assert row.next_dividends.payout_ratio.forecast == Decimal("0.300")
    assert row.prior_dividends is None


def test_a_quarterly_report_forecasts_its_own_year():
    filing = cover(Filing(), name="四半期決算短信", fiscal_year_end="2026-12-31")
    filing.add("QuarterlyPeriod", value=Decimal(1), unit="Pure")
    quarter, before = ("2026-01-01", "2026-03-31"), ("2025-01-01", "2025-03-31")
    filing.number("NetSales", 5, *quarter).number("NetSales", 4, *before)
    filing.number("TotalAssets", 9, None, "2026-03-31").number("TotalAssets", 8, None, "2025-12-31")
    filing.number("NetSales", 10, "2026-01-01", "2026-06-30", "Forecast")
    filing.number("NetSales", 24, "2026-01-01", "2026-12-31", "Forecast")
    row = read(filing)
    assert (row.period, row.period_end) == ("Q1", day("2026-03-31"))
    assert (row.results.revenue.value, row.results.revenue.prior) == (5, 4)
    assert row.results.total_assets.prior == 8
    assert row.this_half.figures.revenue.value == 10
    assert row.this_year.figures.revenue.value == 24
    assert (row.next_half, row.next_year) == (None, None)


@pytest.mark.parametrize(
    ("end", "period"),
    [
        ("2026-04-30", "Q1"),
        ("2026-06-30", "Q1"),
        ("2026-09-30", "Q2"),
        ("2026-10-31", "Q2"),
        ("2026-11-30", "Q3"),
        ("2026-12-31", "Q3"),
    ],
)
def test_a_report_without_a_numbered_quarter_is_known_by_its_length(end, period):
    filing = cover(Filing(), fiscal_year_end="2027-03-31")
    assert read(filing.number("NetSales", 5, "2026-04-01", end)).period == period


def test_a_next_year_of_nine_months_is_known_by_its_dividends():
    filing = cover(Filing()).number("NetSales", 5, *THIS_YEAR)
    short_year = ("2026-04-01", "2026-12-31")
    filing.number("NetSales", 6, *short_year, "Forecast")
    assert read(filing).next_year is None
    filing.dividend(None, short_year, "Annual", "Forecast")
    assert read(filing).next_year.figures.revenue.value == 6


@pytest.mark.parametrize(
    ("end", "is_half"),
    [
        ("2025-07-31", False),
        ("2025-08-31", True),
        ("2025-10-31", True),
        ("2025-11-30", False),
        ("2025-12-31", False),
    ],
)
def test_a_forecast_of_five_to_seven_months_is_of_a_half(end, is_half):
    filing = cover(Filing()).number("NetSales", 5, "2025-04-01", "2025-06-30")
    filing.number("NetSales", 9, "2025-04-01", end, "Forecast")
    half = read(filing).this_half
    assert (half.figures.revenue.value if half else None) == (9 if is_half else None)


def test_the_standard_is_that_of_most_results():
    filing = cover(Filing(), name="決算短信〔日本基準〕").number("NetSales", 5, *THIS_YEAR)
    filing.number("OperatingIncomeIFRS", 2, *THIS_YEAR)
    filing.number("ProfitAttributableToOwnersOfParentIFRS", 1, *THIS_YEAR)
    # Neither empty cells nor forecasts nor the parent's own figures count.
    filing.number("OrdinaryIncome", None, *THIS_YEAR)
    filing.number("OperatingIncome", 3, *NEXT_YEAR, "Forecast")
    filing.number("NetSales", 4, *THIS_YEAR, consolidation="NonConsolidated")
    assert read(filing).standard == "ifrs"


@pytest.mark.parametrize(
    ("standard", "elements"),
    [
        ("ifrs", ("SalesIFRS", "OperatingIncomeIFRS", "ProfitAttributableToOwnersOfParentIFRS")),
        ("us", ("TotalRevenuesUS", "OperatingIncomeUS", "NetIncomeUS")),
        ("jp", ("OrdinaryRevenuesBK", "OperatingIncome", "ProfitAttributableToOwnersOfParent")),
    ],
)
def test_each_standard_has_its_own_elements(standard, elements):
    filing = cover(Filing(), name="決算短信")
    for amount, element in enumerate(elements, start=1):
        filing.number(element, amount, *THIS_YEAR)
    # The parent's figures are under Japanese standards whatever the group's are.
    for element in ("NetSales", "OrdinaryIncome", "NetIncome", "TotalAssets"):
        filing.number(element, 99, *THIS_YEAR, consolidation="NonConsolidated")
    row = read(filing)
    assert (row.standard, row.is_consolidated) == (standard, True)
    figures = (row.results.revenue, row.results.operating_income, row.results.net_income)
    assert [(figure.element, figure.value) for figure in figures] == [
        (element, amount) for amount, element in enumerate(elements, start=1)
    ]
    assert row.results.ordinary_income.value is None


def test_a_forecast_under_the_next_standard_is_read_and_says_so():
    filing = cover(Filing()).number("NetSales", 5, *THIS_YEAR)
    filing.number("RevenueIFRS", 7, *NEXT_YEAR, "Forecast")
    row = read(filing)
    assert row.standard == "jp"
    assert row.next_year.figures.revenue.element == "RevenueIFRS"
    assert row.next_year.figures.revenue.value == 7


def test_the_whole_revenue_goes_before_its_part_and_the_part_is_kept():
    filing = cover(Filing())
    for element, amount in (("NetSales", 90), ("OperatingRevenues", 100)):
        filing.number(element, amount, *THIS_YEAR).number(element, amount, *NEXT_YEAR, "Forecast")
    row = read(filing)
    assert (row.results.revenue.value, row.results.revenue.element) == (100, "OperatingRevenues")
    (other,) = row.other_forecasts
    assert (other.element, other.value, other.statistic) == ("NetSales", 90, "Forecast")


def test_a_forecast_is_read_under_the_element_of_its_result():
    filing = cover(Filing()).number("NetSales", 1_161, *THIS_YEAR)
    # An operating loss, tagged as revenue.
    filing.number("OperatingRevenues", -1_482, *NEXT_YEAR, "Forecast")
    filing.number("NetSales", 1_895, *NEXT_YEAR, "Forecast")
    row = read(filing)
    assert row.next_year.figures.revenue.value == 1_895
    assert earnings_row(row)["next_year_revenue_element"] == "NetSales"
    assert [(other.element, other.value) for other in row.other_forecasts] == [
        ("OperatingRevenues", -1_482)
    ]


def test_what_is_printed_without_a_tag_is_named_and_all_around_it_is_kept():
    filing = cover(Filing())
    for element, before, rate in (("NetSales", 8_644, "0.121"), ("NetIncome", 217, "0.942")):
        filing.number(element, before, *LAST_YEAR).number(f"ChangeIn{element}", rate, *THIS_YEAR)
    filing.number("ComprehensiveIncome", 429, *THIS_YEAR)
    filing.number("TotalAssets", 12_162, None, LAST_YEAR[1])
    row = read(filing)
    assert row.untagged == ("revenue", "net_income", "total_assets")
    assert values(row.results.revenue) == (None, Decimal("0.121"), 8_644, None)
    assert values(row.results.net_income) == (None, Decimal("0.942"), 217, None)
    assert row.results.net_income.element == "NetIncome"
    assert row.results.total_assets.prior == 12_162
    assert row.results.comprehensive_income.value == 429


def test_an_empty_cell_is_not_untagged():
    filing = annual_report().number("EquityMethod", 1, *THIS_YEAR)
    filing.number("InvestmentProfitLossOnEquityMethod", None, *THIS_YEAR)
    filing.number("InvestmentProfitLossOnEquityMethod", 5, *LAST_YEAR)
    row = read(filing)
    assert row.untagged == ()
    assert (row.results.equity_method_income.value, row.results.equity_method_income.prior) == (
        None,
        5,
    )


def test_the_prior_years_dividends_are_of_the_prior_year_in_interim_reports_too():
    quarter = ("2025-04-01", "2025-06-30")
    filing = cover(Filing()).number("NetSales", 5, *quarter)
    filing.number("NetSales", 4, "2024-04-01", "2024-06-30")
    filing.dividend("0.00", LAST_YEAR, "SecondQuarter").dividend("7.54", LAST_YEAR, "YearEnd")
    filing.dividend("7.54", LAST_YEAR, "Annual")
    filing.dividend("13.90", THIS_YEAR, "Annual", "Forecast")
    # Some software states these for the quarters so far.
    special = {"consolidation": "NonConsolidated", "dividend_schedule": "Annual", "decimals": 2}
    filing.number("CommemorativeDividend", "2.00", *quarter, **special)
    filing.number("ExtraDividend", None, *quarter, **special)
    row = read(filing)
    assert row.prior_dividends.period_end == day("2025-03-31")
    assert row.prior_dividends.second_quarter.result == 0
    assert row.prior_dividends.year_end.result == Decimal("7.54")
    assert row.prior_dividends.annual.result == Decimal("7.54")
    assert row.dividends.annual.forecast == Decimal("13.90")
    assert row.dividends.commemorative.result == 2
    assert (row.dividends.extra.result, row.prior_dividends.commemorative.result) == (None, None)


def test_the_years_of_dividends_are_the_ones_around_the_report_and_whole():
    half = ("2025-04-01", "2025-09-30")
    filing = cover(Filing()).number("NetSales", 5, *half)
    for amount, year in (
        (1, ("2023-04-01", "2024-03-31")),
        (2, LAST_YEAR),
        (3, ("2025-07-01", "2025-09-30")),  # a quarter of the year that has a line of its own
        (4, THIS_YEAR),
        (5, half),
        (6, NEXT_YEAR),
        (7, ("2027-04-01", "2028-03-31")),
    ):
        filing.dividend(amount, year, "Annual", "Forecast")
    row = read(filing)
    years = (row.prior_dividends, row.dividends, row.next_dividends)
    assert [(year.period_end, year.annual.forecast) for year in years] == [
        (day(LAST_YEAR[1]), 2),
        (day(THIS_YEAR[1]), 4),
        (day(NEXT_YEAR[1]), 6),
    ]


def test_shares_are_the_companys_own_and_a_payout_the_groups():
    filing = cover(Filing()).number("NetSales", 5, *THIS_YEAR)
    for scope, shares, ratio in (("Consolidated", 900, "0.3"), ("NonConsolidated", 1000, "0.4")):
        alone = {"consolidation": scope, "decimals": 3}
        treasury = "NumberOfTreasuryStockAtTheEndOfFiscalYear"
        filing.number(treasury, shares, None, THIS_YEAR[1], **alone)
        filing.number("AverageNumberOfShares", shares, *THIS_YEAR, **alone)
        filing.number("PayoutRatio", ratio, *THIS_YEAR, dividend_schedule="Annual", **alone)
    row = read(filing)
    assert (row.results.treasury_shares.value, row.results.average_shares.value) == (1000, 1000)
    assert row.dividends.payout_ratio.result == Decimal("0.3")


def test_other_forecasts_stand_in_the_order_of_the_document():
    filing = cover(Filing()).number("NetSales", 5, *THIS_YEAR)
    names = ("BrandNewIncome", "AnotherIncome", "ThirdIncome")
    for amount, name in enumerate(names, start=1):
        filing.number(name, amount, *NEXT_YEAR, "Forecast")
    row = read_earnings(SummaryCells(filing.facts[::-1]))
    assert tuple(other.element for other in row.other_forecasts) == names


def test_the_parents_own_figures_stand_beside_the_groups():
    filing = annual_report()
    alone = {"consolidation": "NonConsolidated"}
    filing.number("NetSales", 50_000_000, *LAST_YEAR, **alone)
    filing.number("ChangeInNetSales", "0.1", *THIS_YEAR, decimals=3, **alone)
    filing.number("NetIncome", 3_000_000, *THIS_YEAR, **alone)
    filing.number("NetIncomePerShare", "30.00", *THIS_YEAR, decimals=2, **alone)
    filing.number("TotalAssets", 90_000_000, None, THIS_YEAR[1], **alone)
    filing.number("TotalAssets", 80_000_000, None, LAST_YEAR[1], **alone)
    filing.number("OwnersEquity", 45_000_000, None, THIS_YEAR[1], **alone)
    filing.number("CapitalAdequacyRatio", "0.500", None, THIS_YEAR[1], decimals=3, **alone)
    filing.number("NetSales", 60_000_000, *NEXT_YEAR, "Forecast", **alone)
    row = read(filing)
    assert values(row.parent.revenue) == (55_000_000, Decimal("0.1"), 50_000_000, None)
    assert (row.parent.net_income.value, row.parent.eps.value) == (3_000_000, 30)
    assert (row.parent.total_assets.value, row.parent.total_assets.prior) == (
        90_000_000,
        80_000_000,
    )
    assert (row.parent.equity.value, row.parent.equity_ratio.value) == (45_000_000, Decimal("0.5"))
    assert row.next_year.parent.revenue.value == 60_000_000
    assert row.results.revenue.value == 110_000_000
    assert row.other_forecasts == ()
    flat = earnings_row(row)
    assert (flat["parent_revenue"], flat["parent_next_year_revenue_forecast"]) == (
        55_000_000,
        60_000_000,
    )


def test_a_company_without_a_group_has_no_parent():
    filing = cover(Filing(scope="NonConsolidated")).number("NetSales", 5, *THIS_YEAR)
    row = read(filing)
    assert row.parent is None
    assert earnings_row(row)["parent_revenue"] is None


def test_a_report_says_what_changed():
    filing = annual_report().text(
        MaterialChangesInSubsidiariesDuringThisPeriodChangesInScopeOfConsolidationsResultingFromChangeIsSubsidiaries="false",
        ChangesBasedOnRevisionsOfAccountingStandard="true",
        ChangesInAccountingEstimatesInterim="false",
        CorrectionOfConsolidatedFinancialForecastInThisQuarter="true",
        CorrectionOfDividendForecastInThisQuarter="false",
        DividendPayableDateAsPlanned="2026-06-26",
    )
    row = read(filing)
    assert (row.changes.subsidiaries_changed, row.changes.policies_changed_by_standards) == (
        False,
        True,
    )
    assert (row.changes.estimates_changed, row.changes.restated) == (False, None)
    assert (row.changes.forecasts_revised, row.changes.dividend_forecasts_revised) == (True, False)
    assert row.dividend_payment_date == day("2026-06-26")
    assert earnings_row(row)["forecasts_revised"] is True


def test_an_answer_that_is_neither_yes_nor_no_is_refused():
    filing = annual_report().text(RetrospectiveRestatement="perhaps")
    with pytest.raises(EarningsError, match=r"RetrospectiveRestatement.* is 'perhaps'"):
        read(filing)


@pytest.mark.parametrize(
    ("scope", "end", "expected"),
    [
        ("Consolidated", THIS_YEAR[1], "FYFinancialStatements_Consolidated_JP"),
        ("NonConsolidated", "2025-09-30", "2QFinancialStatements_NonConsolidated_JP"),
    ],
)
def test_a_documents_type_is_its_period_scope_and_standard(scope, end, expected):
    filing = cover(Filing(scope=scope)).number("NetSales", 5, THIS_YEAR[0], end)
    assert read(filing).document_type == expected


def test_the_compared_period_has_its_own_days():
    row = read(annual_report())
    assert (row.prior_start, row.prior_end) == (day("2024-04-01"), day("2025-03-31"))


def test_every_column_of_a_number_says_what_it_is():
    columns, figures = earnings_columns(), figure_columns()
    numbers = {"yen", "yen_per_share", "fraction", "shares"}
    assert list(figures) == [name for name, kind in columns.items() if kind in numbers]
    assert len({one[:3] for one in figures.values()}) == len(figures)
    for one in figures.values():
        assert one.end_column is None or columns[one.end_column] == "date"
        assert one.element_column is None or columns[one.element_column] == "text"
        assert columns[one.standard_column] == "text"


def test_the_columns_of_dividends_name_their_own_elements():
    payout = ("total_dividends", "payout_ratio", "dividend_on_equity")
    figures = figure_columns().values()
    assert {(one.item, one.elements["jp"]) for one in figures if one.item in payout} == {
        ("total_dividends", "TotalDividendPaidAnnual"),
        ("payout_ratio", "PayoutRatio"),
        ("dividend_on_equity", "RatioOfTotalAmountOfDividendsToNetAssets"),
    }
    assert {one.elements["jp"] for one in figures if one.item.startswith("dividend_")} == {
        "DividendPerShare",
        "CommemorativeDividend",
        "ExtraDividend",
        "RatioOfTotalAmountOfDividendsToNetAssets",
    }


def test_a_range_of_the_parents_is_kept_beside_the_columns():
    filing = annual_report()
    filing.number("NetSales", 60, *NEXT_YEAR, "Upper", consolidation="NonConsolidated")
    (other,) = read(filing).other_forecasts
    assert (other.consolidation, other.statistic, other.value) == ("NonConsolidated", "Upper", 60)


def test_a_company_without_a_group_reports_alone():
    filing = cover(Filing(scope="NonConsolidated"))
    filing.number("NetSales", 5, *THIS_YEAR).number("NetIncome", 1, *THIS_YEAR)
    filing.number("NetSales", None, *THIS_YEAR, consolidation="Consolidated")
    row = read(filing)
    assert (row.consolidation, row.is_consolidated) == ("NonConsolidated", False)
    assert (row.results.revenue.value, row.results.net_income.element) == (5, "NetIncome")


def test_a_trust_forecasts_its_next_period_and_keeps_the_one_after():
    filing = Filing(namespace=TRUST, scope="NonConsolidated")
    filing.text(SecuritiesCode="89990", IssuerNameREIT="見本投資法人", FiscalYearEnd="2026-06-30")
    now, before = ("2026-01-01", "2026-06-30"), ("2025-07-01", "2025-12-31")
    filing.number("OperatingRevenuesREIT", 50, *now).number("OperatingRevenuesREIT", 45, *before)
    element = "DistributionsPerUnitExcludingDistributionsInExcessOfProfitREIT"
    filing.number(element, 3100, *now, decimals=0)
    filing.number("TotalDistributionsREIT", 900, *now)
    filing.number("PayoutRatio", "1.000", *now, decimals=3)
    for end, amount in ((("2026-07-01", "2026-12-31"), 51), (("2027-01-01", "2027-06-30"), 52)):
        filing.number("OperatingRevenuesREIT", amount, *end, "Forecast")
    row = read(filing)
    assert (row.standard, row.period, row.company_name) == ("reit", "FY", "見本投資法人")
    assert (row.results.revenue.value, row.results.revenue.prior) == (50, 45)
    assert row.results.distribution_per_unit.value == 3100
    assert row.dividends.total_dividends.result == 900
    assert row.dividends.payout_ratio.result == 1
    assert row.next_year.figures.revenue.value == 51
    assert row.year_after_next.period_end == day("2027-06-30")
    assert row.year_after_next.figures.revenue.value == 52
    assert row.document_type == "FYFinancialStatements_Consolidated_REIT"
    assert row.other_forecasts == ()


def test_a_split_empties_the_annual_dividend_only():
    filing = cover(Filing()).number("NetSales", 5, *THIS_YEAR)
    filing.dividend("50.00", THIS_YEAR, "SecondQuarter").dividend("9.00", THIS_YEAR, "YearEnd")
    dividends = read(filing.dividend(None, THIS_YEAR, "Annual")).dividends
    assert (dividends.annual.result, dividends.year_end.result) == (None, 9)


def test_two_figures_for_one_cell_are_refused():
    filing = annual_report().number("NetSales", 113_000_000, *THIS_YEAR)
    with pytest.raises(EarningsError, match=r"NetSales for 2025-04-01\.\.2026-03-31, Consolidated"):
        read_earnings(SummaryCells(filing.facts))


def test_nil_beside_a_figure_is_refused():
    filing = annual_report().number("NetSales", None, *THIS_YEAR)
    with pytest.raises(EarningsError, match="as nil"):
        read_earnings(SummaryCells(filing.facts))


def test_the_more_accurate_of_two_agreeing_figures_is_taken():
    filing = annual_report().number("NetSales", 110_999_999, *THIS_YEAR, decimals=0)
    assert read(filing).results.revenue.value == 110_999_999


@pytest.mark.parametrize("element", ["SecuritiesCode", "FiscalYearEnd"])
def test_a_report_without_what_names_it_is_refused(element):
    facts = [fact for fact in annual_report().facts if fact.element != element]
    with pytest.raises(EarningsError, match=element):
        read_earnings(SummaryCells(facts))


def test_a_report_without_results_is_refused():
    with pytest.raises(EarningsError, match="no revenue and no profit"):
        read_earnings(SummaryCells(cover(Filing()).facts))


def test_an_unreadable_date_is_refused():
    filing = cover(Filing(), fiscal_year_end="令和八年").number("NetSales", 5, *THIS_YEAR)
    with pytest.raises(EarningsError, match="令和八年"):
        read_earnings(SummaryCells(filing.facts))


def test_attached_statements_alone_are_refused():
    with pytest.raises(EarningsError, match="no summary, only attached statements"):
        read_earnings(SummaryCells(Filing().line("NetSales", 5, *THIS_YEAR).facts))


NEW_TAXONOMY = "http://www.xbrl.tdnet.info/taxonomy/jp/tse/tdnet/edsum/2026-07-01"


def test_a_summary_in_a_taxonomy_that_is_not_known_is_refused_by_its_name():
    filing = annual_report(namespace=NEW_TAXONOMY)
    with pytest.raises(EarningsError, match=r"taxonomy '.*edsum/2026-07-01' is not known"):
        read_earnings(SummaryCells(filing.facts))


def test_one_figure_in_a_taxonomy_that_is_not_known_refuses_the_report():
    filing = annual_report()
    filing.number("NetSalesOfTomorrow", 5, *THIS_YEAR, namespace=NEW_TAXONOMY)
    with pytest.raises(EarningsError, match="is not known"):
        read_earnings(SummaryCells(filing.facts))


def test_a_filers_own_extension_is_no_new_taxonomy():
    filing = annual_report()
    own = "http://www.xbrl.tdnet.info/jp/tse/tdnet/ac/edjp/sm/141A0/20260508514347"
    filing.number("SegmentSales", 5, *THIS_YEAR, namespace=own)
    assert read(filing).results.revenue.value == 110_000_000


def test_a_revision_is_no_report():
    filing = Filing().number("NetSales", 5, *THIS_YEAR, "Forecast", previous_current="Previous")
    assert read_earnings(SummaryCells(filing.facts)) is None


def test_a_correction_has_the_identity_of_what_it_replaces():
    first = read(annual_report())
    corrected = annual_report()
    corrected.facts = [
        fact._replace(value=fact.value + 1) if fact.value else fact for fact in corrected.facts
    ]
    corrected = read(corrected)
    assert corrected.identity == first.identity
    assert corrected != first
    quarterly = dataclasses.replace(first, period="Q3", period_end=dt.date(2025, 12, 31))
    assert quarterly.identity != first.identity


def test_shares_of_filled_figures_are_counted_by_standard():
    bank = cover(Filing()).number("OrdinaryRevenuesBK", 5, *THIS_YEAR)
    trust = cover(Filing(namespace=TRUST)).number("NetIncome", 5, *THIS_YEAR)
    shares = filled_shares([read(annual_report()), read(bank), read(trust)])
    assert shares == (
        ("jp", 2, Decimal(1), Decimal("0.5"), Decimal("0.5")),
        ("reit", 1, Decimal(0), Decimal(0), Decimal(1)),
    )
    assert filled_shares([]) == ()


def test_the_fields_are_the_items_of_the_table():
    assert [f.name for f in dataclasses.fields(Results)] == [item.name for item in RESULT_ITEMS]
    assert [f.name for f in dataclasses.fields(ForecastFigures)] == [
        item.name for item in FORECAST_ITEMS
    ]
    assert [f.name for f in dataclasses.fields(ParentResults)] == [
        item.name for item in PARENT_ITEMS
    ]
    assert [f.name for f in dataclasses.fields(ParentForecasts)] == [
        item.name for item in PARENT_FORECAST_ITEMS
    ]


def test_the_flat_row_has_every_column_once():
    row, columns = earnings_row(read(annual_report())), earnings_columns()
    assert list(row) == list(columns)
    assert len(set(columns)) == len(columns)
    assert row["revenue"] == 110_000_000
    assert row["revenue_element"] == "NetSales"
    assert row["next_year_ordinary_income_lower"] == 13_000_000
    assert row["next_dividend_annual_forecast"] == Decimal("28.00")
    assert row["prior_dividend_annual"] is None
    assert (columns["revenue_change"], columns["eps"]) == ("fraction", "yen_per_share")
    kinds = {Decimal: {"yen", "yen_per_share", "fraction", "shares"}, dt.date: {"date"}}
    for name, value in row.items():
        assert columns[name] in kinds.get(type(value), {columns[name]})


@pytest.mark.skipif(
    not ELEMENT_LIST.is_file(), reason=f"ELEMENTS NOT TESTED: there is no list at {ELEMENT_LIST}"
)
def test_every_numeric_element_of_the_taxonomy_has_a_column_or_is_known_to_have_none():
    with ELEMENT_LIST.open(encoding="utf-8-sig", newline="") as lines:
        numeric = {
            row["name"]
            for row in csv.DictReader(lines)
            if row["abstract"] == "false"
            and row["type"].removesuffix("ItemType") not in {"string", "boolean", "date", "anyURI"}
        }
    assert len(numeric) > 200
    items = (*RESULT_ITEMS, *PAYOUT)
    known = {name for item in items for name in (*item.jp, *item.ifrs, *item.us)}
    assert known <= numeric
    left = {
        name
        for name in numeric
        if changed_element(name)[0] not in {*known, *DIVIDEND_ELEMENTS}
        and "CapitalAdequacyRatioBIS" not in name
        and "CapitalAdequacyRatioDomestic" not in name
        and name.removesuffix("US").removesuffix("IFRS") not in WITHOUT_COLUMN
        and changed_element(name)[0] not in WITHOUT_COLUMN
    }
    assert left == set()


def test_the_year_before_is_compared_with_its_own_length():
    filing = cover(Filing(), fiscal_year_end="2027-03-31")
    half, before = ("2026-04-01", "2026-09-30"), ("2025-04-01", "2025-09-30")
    filing.number("NetSales", 5, *half).number("NetSales", 4, *before)
    filing.number("NetSales", 9, *THIS_YEAR).number("NetSales", 8, *LAST_YEAR)
    assert read(filing).results.revenue.prior == 4
