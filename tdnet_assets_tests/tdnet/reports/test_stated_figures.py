from decimal import Decimal

from tdnet_assets.tdnet.reports.earnings_report import read_earnings
from tdnet_assets.tdnet.reports.revision_notice import read_revisions
from tdnet_assets.tdnet.reports.stated_figures import (
    ReportFigure,
    figures_of_notice,
    figures_of_report,
)
from tdnet_assets.tdnet.reports.summary_cells import SummaryCells
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

OLD, NEW = {"previous_current": "Previous"}, {"previous_current": "Current"}


def of_report(filing):
    return figures_of_report(read_earnings(SummaryCells(filing.facts)))


def of_notice(*figures, name="業績予想の修正", **options):
    filing = Filing(**options).text(
        SecuritiesCode="141A0",
        DocumentName=name,
        FiscalYearEnd="2026-03-31",
        ReportingDateOfFinancialForecastCorrection="2026-04-20",
    )
    for element, before, now, span in figures:
        filing.number(element, before, *span, "Forecast", **OLD)
        filing.number(element, now, *span, "Forecast", **NEW)
    return figures_of_notice(read_revisions(SummaryCells(filing.facts)))


def values(figures):
    return {(one.item, one.kind, str(one.period_end)): one.value for one in figures}


def test_a_reports_results_stand_with_those_of_the_year_before_and_its_forecasts():
    found = of_report(annual_report())
    assert found[0] == ReportFigure(
        standard="jp",
        consolidation="Consolidated",
        period_start=day("2025-04-01"),
        period_end=day("2026-03-31"),
        item="revenue",
        kind="result",
        value=Decimal(110_000_000),
        reported_to=day("2026-03-31"),
    )
    assert found[1][2:7] == (
        day("2024-04-01"),
        day("2025-03-31"),
        "revenue",
        "prior",
        Decimal(100_000_000),
    )
    stated = values(found)
    assert stated["revenue", "forecast", "2026-09-30"] == 60_000_000
    assert stated["operating_income", "forecast", "2027-03-31"] == 15_000_000
    assert stated["ordinary_income", "forecast_lower", "2027-03-31"] == 13_000_000
    assert stated["ordinary_income", "forecast_upper", "2027-03-31"] == 16_000_000
    assert ("ordinary_income", "forecast", "2027-03-31") not in stated
    # Nothing is said of what the form does not ask.
    assert not any(one.item == "profit_before_tax" for one in found)


def test_an_empty_forecast_says_that_there_is_none():
    filing = cover(Filing()).number("NetSales", 5, *THIS_YEAR)
    filing.number("NetSales", None, *NEXT_YEAR, "Forecast")
    assert values(of_report(filing))["revenue", "forecast", "2027-03-31"] is None


def test_a_trusts_two_periods_are_both_forecasts():
    filing = Filing(namespace=TRUST, scope="NonConsolidated")
    filing.text(SecuritiesCode="89990", FiscalYearEnd="2026-06-30")
    filing.number("NetIncome", 5, "2026-01-01", "2026-06-30")
    for amount, span in ((6, ("2026-07-01", "2026-12-31")), (7, ("2027-01-01", "2027-06-30"))):
        filing.number("NetIncome", amount, *span, "Forecast")
    assert values(of_report(filing)) == {
        ("net_income", "result", "2026-06-30"): 5,
        ("net_income", "forecast", "2026-12-31"): 6,
        ("net_income", "forecast", "2027-06-30"): 7,
    }


def test_a_forecast_in_the_next_standard_says_so():
    filing = cover(Filing()).number("NetSales", 5, *THIS_YEAR)
    filing.number("RevenueIFRS", 7, *NEXT_YEAR, "Forecast")
    assert [(one.kind, one.standard) for one in of_report(filing)] == [
        ("result", "jp"),
        ("forecast", "ifrs"),
    ]


def test_a_notice_states_its_new_forecasts_only():
    found = of_notice(("NetSales", 10, 12, NEXT_YEAR), ("BrandNewRevenues", 1, 2, NEXT_YEAR))
    assert values(found) == {("revenue", "forecast", "2027-03-31"): 12}
    assert {one.reported_to for one in found} == {None}


def test_a_first_forecast_is_one_though_there_was_none_before():
    assert values(of_notice(("NetSales", None, 12, NEXT_YEAR))) == {
        ("revenue", "forecast", "2027-03-31"): 12
    }


def test_of_two_elements_of_one_item_the_whole_stands_for_it():
    part, whole = ("NetSales", 8, 9, NEXT_YEAR), ("OperatingRevenues", 10, 12, NEXT_YEAR)
    assert values(of_notice(part, whole)) == {("revenue", "forecast", "2027-03-31"): 12}
    assert len(of_notice(part, whole)) == 1


def test_a_withdrawn_forecast_is_one_without_a_value():
    assert values(of_notice(("NetSales", 10, None, NEXT_YEAR))) == {
        ("revenue", "forecast", "2027-03-31"): None
    }


def test_an_undetermined_forecast_that_was_never_made_is_no_figure():
    filing = Filing().text(SecuritiesCode="141A0", FiscalYearEnd="2026-03-31")
    for edition in (OLD, NEW):
        filing.number("NetSales", None, *THIS_YEAR, "Forecast", **edition)
    filing.number("NetSales", 9, *LAST_YEAR, **NEW)
    rows = read_revisions(SummaryCells(filing.facts))
    assert (len(rows), figures_of_notice(rows)) == (1, ())


def test_a_notice_of_a_difference_states_a_result():
    found = of_notice(("NetSales", 10, 12, THIS_YEAR), name="業績予想と実績値との差異")
    assert values(found) == {("revenue", "result", "2026-03-31"): 12}
