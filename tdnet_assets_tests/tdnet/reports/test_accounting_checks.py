from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tdnet_assets.tdnet.reports import accounting_checks as checks
from tdnet_assets.tdnet.reports.accounting_checks import check_earnings, check_revisions
from tdnet_assets.tdnet.reports.earnings_report import read_earnings
from tdnet_assets.tdnet.reports.summary_cells import SummaryCells
from tdnet_assets_tests.tdnet.reports.summary_facts import (
    LAST_YEAR,
    NEXT_YEAR,
    THIS_YEAR,
    TRUST,
    Filing,
    annual_report,
    cover,
)


def checked(filing):
    summary = SummaryCells(filing.facts)
    return check_earnings(summary, filing.facts, read_earnings(summary))


def findings(filing, name):
    return [finding for finding in checked(filing) if finding.name == name]


def verdicts(filing, name):
    return [finding.passed for finding in findings(filing, name)]


def stated(filing, element, value, kind="Result"):
    """Give the first cell of that element and kind another value."""
    facts = filing.facts
    for place, fact in enumerate(facts):
        if (fact.element, fact.result_forecast) == (element, kind) and fact.value is not None:
            facts[place] = fact._replace(value=Decimal(str(value)))
            return filing
    raise AssertionError(element)


def test_a_sound_report_has_no_failed_finding():
    filing = annual_report()
    filing.line("NetSales", 110_400_000, *THIS_YEAR, decimals=-3)
    filing.line("Assets", 200_000_000, None, THIS_YEAR[1])
    filing.line("Liabilities", 110_000_000, None, THIS_YEAR[1])
    filing.line("NetAssets", 90_000_000, None, THIS_YEAR[1])
    filing.line("LiabilitiesAndNetAssets", 200_000_000, None, THIS_YEAR[1])
    found = checked(filing)
    assert [finding for finding in found if not finding.passed] == []
    assert {finding.name for finding in found} == {
        checks.SUMMARY_EQUALS_STATEMENTS,
        checks.ASSETS_BALANCE,
        checks.NET_ASSETS_WITHIN_ASSETS,
        checks.EQUITY_RATIO_AGREES,
        checks.CHANGE_RATE_AGREES,
        checks.FORECASTS_KEPT,
        checks.FORECAST_IS_FIGURE_OR_RANGE,
        checks.DIVIDENDS_ADD_UP,
    }


@pytest.mark.parametrize(
    ("line", "passed"), [(110_999_999, True), (109_000_001, True), (111_000_000, False)]
)
def test_a_summary_in_millions_equals_statements_in_yen_within_a_million(line, passed):
    filing = annual_report().line("NetSales", line, *THIS_YEAR, decimals=0)
    (finding,) = findings(filing, checks.SUMMARY_EQUALS_STATEMENTS)
    assert finding.passed is passed
    assert (finding.left, finding.right, finding.tolerance) == (110_000_000, line, 1_000_000)
    assert finding.compared.startswith("NetSales Consolidated Result 2026-03-31 and NetSales of")


def test_the_parents_figures_are_compared_with_the_parents_statements():
    filing = annual_report()
    filing.line("NetSales", 55_000_000, *THIS_YEAR, consolidation="NonConsolidated")
    (finding,) = findings(filing, checks.SUMMARY_EQUALS_STATEMENTS)
    assert (finding.left, finding.passed) == (55_000_000, True)


def test_any_line_of_revenue_may_be_the_summarys():
    filing = annual_report().line("NetSales", 90_000_000, *THIS_YEAR)
    filing.line("OperatingRevenue1", 110_000_000, *THIS_YEAR)
    assert verdicts(filing, checks.SUMMARY_EQUALS_STATEMENTS) == [True]


@pytest.mark.parametrize(
    ("part", "verdict"), [(90_000_000, []), (100_000_000, [True]), (101_000_001, [False])]
)
def test_a_part_of_the_revenue_is_not_held_against_the_whole(part, verdict):
    # 営業収益 of the summary is 売上高 and 営業収入, each a line of its own.
    filing = cover(Filing()).number("OperatingRevenues", 100_000_000, *THIS_YEAR)
    filing.line("NetSales", part, *THIS_YEAR)
    assert verdicts(filing, checks.SUMMARY_EQUALS_STATEMENTS) == verdict


def test_net_sales_are_held_against_net_sales_even_where_those_are_smaller():
    filing = annual_report().line("NetSales", 90_000_000, *THIS_YEAR)
    assert verdicts(filing, checks.SUMMARY_EQUALS_STATEMENTS) == [False]


def test_figures_in_two_currencies_are_not_compared():
    filing = annual_report()
    for element, dollars in (("NetSales", 760_000), ("Assets", 1_300_000)):
        filing.line(element, dollars, THIS_YEAR[0] if element == "NetSales" else None, THIS_YEAR[1])
        filing.facts[-1] = filing.facts[-1]._replace(unit="USD")
    assert findings(filing, checks.SUMMARY_EQUALS_STATEMENTS) == []
    filing.line("NetSales", 110_000_000, *THIS_YEAR)
    assert verdicts(filing, checks.SUMMARY_EQUALS_STATEMENTS) == [True]
    filing.line("LiabilitiesAndNetAssets", 200_000_000, None, THIS_YEAR[1])
    assert findings(filing, checks.ASSETS_BALANCE) == []


def test_a_result_without_a_tag_is_found():
    filing = annual_report()
    filing.facts = [
        fact
        for fact in filing.facts
        if (fact.element, str(fact.period_end), fact.consolidation)
        != ("NetSales", THIS_YEAR[1], "Consolidated")
    ]
    (finding,) = findings(filing, checks.FIGURES_TAGGED)
    assert (finding.passed, finding.left, finding.right) == (False, None, 100_000_000)
    assert finding.compared.startswith("NetSales of 2026-03-31, which has no tag")


def test_a_group_without_its_owners_part_in_the_statements_is_not_checked_for_it():
    filing = annual_report().line("ProfitLoss", 9_000_000, *THIS_YEAR)
    assert findings(filing, checks.SUMMARY_EQUALS_STATEMENTS) == []


@pytest.mark.parametrize(
    ("net_assets", "passed"), [(90_000_000, True), (89_000_000, True), (88_000_000, False)]
)
def test_statements_balance_but_for_one_unit_that_was_cut_off(net_assets, passed):
    filing = annual_report().line("Assets", 200_000_000, None, THIS_YEAR[1])
    filing.line("Liabilities", 110_000_000, None, THIS_YEAR[1])
    filing.line("NetAssets", net_assets, None, THIS_YEAR[1])
    assert verdicts(filing, checks.ASSETS_BALANCE) == [passed]


def test_net_assets_that_are_nil_are_not_compared():
    filing = annual_report()
    filing.facts = [
        fact._replace(value=None, is_nil=True, decimals=None)
        if fact.element == "NetAssets" and str(fact.period_end) == THIS_YEAR[1]
        else fact
        for fact in filing.facts
    ]
    assert verdicts(filing, checks.NET_ASSETS_WITHIN_ASSETS) == [True]


def test_net_assets_above_total_assets_are_found():
    filing = stated(annual_report(), "NetAssets", 201_000_000)
    assert verdicts(filing, checks.NET_ASSETS_WITHIN_ASSETS) == [False, True]


@pytest.mark.parametrize(("ratio", "passed"), [("0.400", True), ("0.399", True), ("0.41", False)])
def test_the_equity_ratio_is_that_of_the_amounts(ratio, passed):
    filing = stated(annual_report(), "CapitalAdequacyRatio", ratio)
    assert verdicts(filing, checks.EQUITY_RATIO_AGREES)[0] is passed


@pytest.mark.parametrize(("rate", "passed"), [("0.200", True), ("2.00", False), ("-0.2", False)])
def test_a_change_rate_is_that_of_the_amounts(rate, passed):
    filing = stated(annual_report(), "ChangeInOperatingIncome", rate)
    (finding,) = (
        finding
        for finding in findings(filing, checks.CHANGE_RATE_AGREES)
        if finding.compared.startswith("ChangeInOperatingIncome Consolidated Result")
    )
    assert finding.passed is passed
    assert finding.right == Decimal("0.2")


def test_a_forecasts_change_rate_is_counted_from_this_years_result():
    filing = stated(annual_report(), "ChangeInNetSales", "0.21", "Forecast")
    failed = [f for f in findings(filing, checks.CHANGE_RATE_AGREES) if not f.passed]
    assert [(finding.left, finding.right) for finding in failed] == [
        (Decimal("0.21"), Decimal("0.1"))
    ]


def test_a_half_that_is_forecast_is_not_compared_with_a_year():
    filing = annual_report()
    half = ("2026-04-01", "2026-09-30", "Forecast")
    filing.number("ChangeInNetSales", "0.020", *half, decimals=3)
    assert all("2026-09-30" not in f.compared for f in findings(filing, "change_rate_agrees"))


def test_the_second_forecast_is_counted_from_the_first():
    filing = Filing(namespace=TRUST, scope="NonConsolidated")
    filing.text(SecuritiesCode="89990", FiscalYearEnd="2026-06-30")
    spans = (
        ("2025-07-01", "2025-12-31", "Result", 100_000_000, None),
        ("2026-01-01", "2026-06-30", "Result", 100_000_000, "0.000"),
        ("2026-07-01", "2026-12-31", "Forecast", 90_000_000, "-0.100"),
        ("2027-01-01", "2027-06-30", "Forecast", 99_000_000, "0.100"),
    )
    for start, end, kind, amount, rate in spans:
        filing.number("OperatingRevenuesREIT", amount, start, end, kind)
        filing.number("ChangeInOperatingRevenuesREIT", rate, start, end, kind, decimals=3)
    found = findings(filing, checks.CHANGE_RATE_AGREES)
    assert [(finding.left, finding.right, finding.passed) for finding in found] == [
        (0, 0, True),
        (Decimal("-0.100"), Decimal("-0.1"), True),
        (Decimal("0.100"), Decimal("0.1"), True),
    ]
    assert "from Forecast 2026-12-31" in found[2].compared


def test_a_rate_on_a_loss_is_not_checked():
    filing = annual_report().number("ChangeInEquity", "5", *THIS_YEAR, decimals=3)
    filing.number("Equity", 5_000_000, *THIS_YEAR).number("Equity", -5_000_000, *LAST_YEAR)
    assert all("ChangeInEquity" not in f.compared for f in findings(filing, "change_rate_agrees"))


def test_a_forecast_that_the_row_lost_is_found():
    filing = annual_report()
    row = read_earnings(SummaryCells(filing.facts))
    filing.number("NetSales", 61_000_000, *NEXT_YEAR, "Lower", consolidation="NonConsolidated")
    (finding,) = (
        finding
        for finding in check_earnings(SummaryCells(filing.facts), filing.facts, row)
        if finding.name == checks.FORECASTS_KEPT
    )
    assert not finding.passed
    assert finding.right - finding.left == 1
    assert "NetSales Lower" in finding.compared


def test_a_figure_beside_its_range_and_a_reversed_range_are_found():
    filing = annual_report()
    assert verdicts(filing, checks.FORECAST_IS_FIGURE_OR_RANGE) == [True]
    filing.number("NetSales", 100_000_000, *NEXT_YEAR, "Lower")
    assert verdicts(filing, checks.FORECAST_IS_FIGURE_OR_RANGE) == [False, True]
    filing = stated(annual_report(), "OrdinaryIncome", 99_000_000, "Lower")
    assert verdicts(filing, checks.FORECAST_IS_FIGURE_OR_RANGE) == [False]


def test_dividends_that_do_not_add_up_are_found():
    assert verdicts(annual_report(), checks.DIVIDENDS_ADD_UP) == [True, True]
    filing = annual_report().dividend("20.00", LAST_YEAR, "SecondQuarter")
    filing.dividend("20.00", LAST_YEAR, "YearEnd").dividend("30.00", LAST_YEAR, "Annual")
    (wrong, *_) = findings(filing, checks.DIVIDENDS_ADD_UP)
    assert (wrong.passed, wrong.left, wrong.right) == (False, 30, 40)


def test_dividends_partly_paid_add_up_with_the_forecast_of_the_rest():
    filing = cover(Filing(), fiscal_year_end="2026-03-31")
    filing.number("NetSales", 5, "2025-04-01", "2025-12-31")
    filing.dividend("10.00", THIS_YEAR, "SecondQuarter")
    for kind, last, annual in (("Lower", "5.00", "15.00"), ("Upper", "8.00", "19.00")):
        filing.dividend(last, THIS_YEAR, "YearEnd", kind)
        filing.dividend(annual, THIS_YEAR, "Annual", kind)
    assert verdicts(filing, checks.DIVIDENDS_ADD_UP) == [True, False]


@pytest.mark.parametrize("missing", ["SecondQuarter", "Annual"])
def test_dividends_with_a_part_unsaid_are_not_added_up(missing):
    filing = cover(Filing()).number("NetSales", 5, *THIS_YEAR)
    for schedule in ("SecondQuarter", "YearEnd", "Annual"):
        filing.dividend(None if schedule == missing else "9.00", THIS_YEAR, schedule)
    assert findings(filing, checks.DIVIDENDS_ADD_UP) == []


def revision(now, change, rate):
    filing = Filing().text(SecuritiesCode="141A0")
    span = (*THIS_YEAR, "Forecast")
    filing.number("NetSales", 100_000_000, *span, previous_current="Previous")
    for element, value, decimals in (
        ("NetSales", now, -6),
        ("AmountChangeNetSales", change, -6),
        ("ChangeInNetSales", rate, 3),
    ):
        filing.number(element, value, *span, decimals=decimals, previous_current="Current")
    return {finding.name: finding.passed for finding in check_revisions(SummaryCells(filing.facts))}


def test_a_revisions_changes_are_those_of_its_figures():
    assert revision(125_000_000, 25_000_000, "0.250") == {
        checks.CHANGE_AMOUNT_AGREES: True,
        checks.CHANGE_RATE_AGREES: True,
    }
    assert revision(125_000_000, 15_000_000, "0.150") == {
        checks.CHANGE_AMOUNT_AGREES: False,
        checks.CHANGE_RATE_AGREES: False,
    }


@given(
    now=st.integers(-(10**12), 10**12),
    before=st.integers(2_000_000, 10**12),
    cut=st.sampled_from([ROUND_DOWN, ROUND_HALF_UP]),
    cut_rate=st.sampled_from([ROUND_DOWN, ROUND_HALF_UP]),
)
def test_a_rate_counted_from_the_exact_amounts_agrees_however_they_are_cut(
    now, before, cut, cut_rate
):
    def cut_off(amount):
        return (Decimal(amount) / 10**6).quantize(Decimal(1), cut) * 10**6

    rate = (Decimal(now) / Decimal(before) - 1).quantize(Decimal("0.001"), cut_rate)
    filing = cover(Filing())
    filing.number("NetSales", cut_off(now), *THIS_YEAR)
    filing.number("NetSales", cut_off(before), *LAST_YEAR)
    filing.number("ChangeInNetSales", rate, *THIS_YEAR, decimals=3)
    assert all(verdicts(filing, checks.CHANGE_RATE_AGREES))
