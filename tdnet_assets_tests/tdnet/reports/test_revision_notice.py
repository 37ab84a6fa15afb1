from decimal import Decimal

import pytest

from tdnet_assets.tdnet.reports.revision_notice import Range, read_revisions, unread_elements
from tdnet_assets.tdnet.reports.summary_cells import EarningsError, SummaryCells
from tdnet_assets.tdnet.xbrl.facts import Member
from tdnet_assets_tests.tdnet.reports.summary_facts import (
    LAST_YEAR,
    THIS_YEAR,
    TRUST,
    Filing,
    annual_report,
    day,
)

HALF, LAST_HALF = ("2025-04-01", "2025-09-30"), ("2024-04-01", "2024-09-30")
OLD, NEW = {"previous_current": "Previous"}, {"previous_current": "Current"}


def notice(name="業績予想の修正に関するお知らせ", **options):
    return Filing(**options).text(
        DocumentName=name,
        SecuritiesCode="141A0",
        FiscalYearEnd="2026-03-31",
        ReportingDateOfFinancialForecastCorrection="2025-10-31",
    )


def revised(filing, element, before, now, span, kind="Forecast"):
    return filing.number(element, before, *span, kind, **OLD).number(
        element, now, *span, kind, **NEW
    )


def only_row(filing):
    (row,) = read_revisions(SummaryCells(filing.facts))
    return row


def test_a_revised_figure_has_its_old_and_new_value_and_the_stated_change():
    filing = revised(notice(), "OperatingIncome", 240_000_000, 274_000_000, THIS_YEAR)
    filing.number("AmountChangeOperatingIncome", 34_000_000, *THIS_YEAR, "Forecast", **NEW)
    filing.number("ChangeInOperatingIncome", "0.143", *THIS_YEAR, "Forecast", decimals=3, **NEW)
    filing.number("OperatingIncome", 187_000_000, *LAST_YEAR, **NEW)
    row = only_row(filing)
    assert (row.code, row.kind, row.item) == ("141A0", "earnings", "operating_income")
    assert (row.statistic, row.period, row.period_end) == ("amount", "full_year", day("2026-03-31"))
    assert row.reported_on == day("2025-10-31")
    assert row.previous == Range(Decimal(240_000_000), None, None)
    assert row.current == Range(Decimal(274_000_000), None, None)
    assert (row.change.value, row.change_rate.value) == (34_000_000, Decimal("0.143"))
    assert (row.prior_result, row.result, row.is_difference) == (187_000_000, None, False)
    assert unread_elements(SummaryCells(filing.facts)) == ()


def test_half_and_full_year_are_two_rows_each_with_its_own_last_year():
    filing = revised(notice(), "NetSales", 10, 11, HALF)
    revised(filing, "NetSales", 20, 22, THIS_YEAR)
    filing.number("NetSales", 9, *LAST_HALF, **NEW).number("NetSales", 19, *LAST_YEAR, **NEW)
    rows = read_revisions(SummaryCells(filing.facts))
    assert [(row.period, row.current.value, row.prior_result) for row in rows] == [
        ("first_half", 11, 9),
        ("full_year", 22, 19),
    ]


def test_a_figure_may_become_a_range():
    filing = notice().number("NetIncome", 100, *THIS_YEAR, "Forecast", **OLD)
    for kind, amount, change in (("Lower", 80, -20), ("Upper", 120, 20)):
        filing.number("NetIncome", amount, *THIS_YEAR, kind, **NEW)
        filing.number("AmountChangeNetIncome", change, *THIS_YEAR, kind, **NEW)
    row = only_row(filing)
    assert (row.previous.value, row.previous.middle) == (100, 100)
    assert row.current == Range(None, Decimal(80), Decimal(120))
    assert row.current.middle == 100
    assert (row.change.lower, row.change.upper) == (-20, 20)


def test_a_withdrawn_forecast_keeps_its_old_value():
    row = only_row(revised(notice(), "NetSales", 10, None, THIS_YEAR))
    assert row.previous.value == 10
    assert not row.current.is_stated


def test_a_figure_without_old_and_new_value_is_no_revision():
    filing = revised(notice(), "NetSales", None, None, THIS_YEAR)
    assert read_revisions(SummaryCells(filing.facts)) == ()


def test_what_the_year_before_brought_is_kept_where_the_forecast_is_undetermined():
    filing = revised(notice(), "NetSales", None, 62_740, THIS_YEAR)
    revised(filing, "OrdinaryIncome", None, None, THIS_YEAR)
    filing.number("NetSales", 82_110, *LAST_YEAR, **NEW)
    filing.number("OrdinaryIncome", 336, *LAST_YEAR, **NEW)
    filing.number("NetIncome", 140, *LAST_YEAR, **NEW)  # without any cell for a forecast
    rows = {row.item: row for row in read_revisions(SummaryCells(filing.facts))}
    assert {item: (row.current.value, row.prior_result) for item, row in rows.items()} == {
        "revenue": (62_740, 82_110),
        "ordinary_income": (None, 336),
        "net_income": (None, 140),
    }
    assert {row.period_end for row in rows.values()} == {day(THIS_YEAR[1])}
    assert unread_elements(SummaryCells(filing.facts)) == ()


@pytest.mark.parametrize(
    ("span", "period"),
    [
        (("2025-04-01", "2025-04-30"), "other"),
        (("2025-04-01", "2025-05-31"), "first_quarter"),
        (("2025-04-01", "2025-06-30"), "first_quarter"),
        (("2025-04-01", "2025-07-31"), "first_quarter"),
        (("2025-04-01", "2025-08-31"), "first_half"),
        (("2025-04-01", "2025-09-30"), "first_half"),
        (("2025-04-01", "2025-10-31"), "first_half"),
        (("2025-04-01", "2025-11-30"), "nine_months"),
        (("2025-04-01", "2025-12-31"), "nine_months"),
        (("2025-04-01", "2026-01-31"), "nine_months"),
        (("2025-06-01", "2026-01-31"), "other"),
        (("2025-06-01", "2026-03-31"), "full_year"),
        (("2026-06-01", "2027-03-31"), "full_year"),
        (("2025-04-01", "2026-03-31"), "full_year"),
        (("2026-04-01", "2027-03-31"), "full_year"),
        (("2026-04-01", "2026-12-31"), "nine_months"),
        (("2025-07-01", "2025-09-30"), "other"),
    ],
)
def test_a_forecast_has_the_name_of_its_part_of_the_year(span, period):
    assert only_row(revised(notice(), "NetSales", 1, 2, span)).period == period


@pytest.mark.parametrize(
    ("stated", "span", "year_end"),
    [
        ("2026-03-31", ("2025-04-01", "2025-09-30"), "2026-03-31"),
        ("2026-03-31", ("2026-04-01", "2026-09-30"), "2027-03-31"),
        ("2023-02-28", ("2023-03-01", "2024-02-29"), "2024-02-29"),
        ("2024-02-29", ("2024-03-01", "2025-02-28"), "2025-02-28"),
        ("2024-08-20", ("2024-08-21", "2025-08-20"), "2025-08-20"),
    ],
)
def test_a_forecast_of_a_later_year_says_which_year_it_belongs_to(stated, span, year_end):
    filing = notice()
    filing.facts = [
        fact._replace(text=stated) if fact.element == "FiscalYearEnd" else fact
        for fact in filing.facts
    ]
    row = only_row(revised(filing, "NetSales", 1, 2, span))
    assert (row.fiscal_year_end, row.period_year_end) == (day(stated), day(year_end))


def test_a_trusts_forecast_period_is_its_own_fiscal_year():
    filing = notice(namespace=TRUST, scope="NonConsolidated")
    row = only_row(revised(filing, "OperatingRevenuesREIT", 1, 2, ("2026-04-01", "2026-09-30")))
    assert (row.fiscal_year_end, row.period_year_end) == (day("2026-03-31"), day("2026-09-30"))


def test_a_notice_in_a_taxonomy_that_is_not_known_is_refused():
    filing = revised(notice(namespace="http://x/taxonomy/tdnet/new"), "NetSales", 1, 2, THIS_YEAR)
    with pytest.raises(EarningsError, match="taxonomy 'http://x/taxonomy/tdnet/new' is not known"):
        read_revisions(SummaryCells(filing.facts))


def test_a_difference_from_the_result_is_told_by_title_and_period():
    name = "業績予想値と実績値との差異に関するお知らせ"
    filing = revised(notice(name), "NetSales", 10, 11, HALF)
    assert [row.is_difference for row in read_revisions(SummaryCells(filing.facts))] == [True]
    # The same notice may also revise the year, which is not over.
    filing = revised(notice(name), "NetSales", 20, 22, THIS_YEAR)
    assert [row.is_difference for row in read_revisions(SummaryCells(filing.facts))] == [False]


@pytest.mark.parametrize(("reported_on", "is_over"), [("2025-09-30", False), ("2025-10-01", True)])
def test_a_notice_of_a_difference_on_the_periods_last_day_is_a_forecast(reported_on, is_over):
    filing = Filing().text(
        DocumentName="業績予想値と実績値との差異に関するお知らせ",
        SecuritiesCode="141A0",
        FiscalYearEnd="2026-03-31",
        ReportingDateOfFinancialForecastCorrection=reported_on,
    )
    assert only_row(revised(filing, "NetSales", 10, 11, HALF)).is_difference is is_over


@pytest.mark.parametrize(
    ("stated", "prior_result"),
    [
        ({None: 7}, 7),
        ({None: 7, "Previous": 8}, 8),
        ({None: 7, "Previous": 8, "Current": 9}, 9),
    ],
)
def test_what_the_year_before_brought_is_the_current_then_the_previous_then_any(
    stated, prior_result
):
    filing = revised(notice(), "NetSales", 20, 22, THIS_YEAR)
    for edition, amount in stated.items():
        filing.number("NetSales", amount, *LAST_YEAR, previous_current=edition)
    assert only_row(filing).prior_result == prior_result


def test_a_result_in_a_cell_of_its_own_stands_beside_the_forecast():
    filing = notice("差異に関するお知らせ").number("NetSales", 10, *HALF, "Forecast", **OLD)
    filing.number("NetSales", 12, *HALF, **NEW).number("AmountChangeNetSales", 2, *HALF, **NEW)
    filing.number("NetSales", 9, *LAST_HALF, **NEW)
    row = only_row(filing)
    assert (row.previous.value, row.current.value, row.result) == (10, None, 12)
    assert (row.change.value, row.prior_result) == (2, 9)
    assert unread_elements(SummaryCells(filing.facts)) == ()


def test_dividends_are_one_row_for_each_part_that_is_planned_or_paid():
    filing = Filing().text(
        DocumentName="配当予想の修正",
        SecuritiesCode="141A0",
        FiscalYearEnd="2026-03-31",
        ReportingDateOfDividendForecastCorrection="2025-10-31",
    )
    for schedule, before, now in (
        ("FirstQuarter", None, None),
        ("YearEnd", "15.00", "20.00"),
        ("Annual", "25.00", "30.00"),
    ):
        filing.dividend(before, THIS_YEAR, schedule, "Forecast", **OLD)
        filing.dividend(now, THIS_YEAR, schedule, "Forecast", **NEW)
    filing.dividend("10.00", THIS_YEAR, "SecondQuarter", **NEW)
    filing.dividend("24.00", LAST_YEAR, "Annual", **NEW)
    rows = {row.dividend_schedule: row for row in read_revisions(SummaryCells(filing.facts))}
    assert set(rows) == {"SecondQuarter", "YearEnd", "Annual"}
    assert {(row.kind, row.item, row.statistic) for row in rows.values()} == {
        ("dividend", "dividend", "per_share")
    }
    assert rows["SecondQuarter"].result == 10
    assert (rows["YearEnd"].previous.value, rows["YearEnd"].current.value) == (15, 20)
    assert rows["Annual"].prior_result == 24
    assert rows["Annual"].reported_on == day("2025-10-31")


def test_a_trusts_period_counts_as_a_full_year():
    filing = notice(namespace=TRUST, scope="NonConsolidated")
    row = only_row(revised(filing, "OperatingRevenuesREIT", 50, 55, HALF))
    assert (row.kind, row.item, row.period) == ("reit", "revenue", "full_year")


def test_an_element_outside_the_table_is_a_row_under_its_own_name():
    row = only_row(revised(notice(), "BrandNewRevenues", 1, 2, THIS_YEAR))
    assert (row.item, row.statistic, row.current.value) == ("BrandNewRevenues", "amount", 2)


def test_what_no_row_covers_is_named():
    filing = revised(notice(), "NetSales", 1, 2, THIS_YEAR)
    segment = (Member(axis="SegmentAxis", member="Retail", is_typed=False),)
    filing.number("OperatingIncome", 3, *THIS_YEAR, "Forecast", members=segment, **NEW)
    filing.number("OrdinaryIncome", 3, *THIS_YEAR, "Forecast")
    filing.number("NetIncome", None, *THIS_YEAR, "Forecast")
    assert unread_elements(SummaryCells(filing.facts)) == ("OperatingIncome", "OrdinaryIncome")


def test_a_report_of_results_has_no_revisions():
    assert read_revisions(SummaryCells(annual_report().facts)) == ()


def test_two_new_forecasts_of_one_figure_are_refused():
    filing = revised(notice(), "NetSales", 1, 20_000_000, THIS_YEAR)
    filing.number("NetSales", 30_000_000, *THIS_YEAR, "Forecast", **NEW)
    with pytest.raises(EarningsError, match="Forecast, Current"):
        read_revisions(SummaryCells(filing.facts))


def test_a_notice_without_a_code_is_refused():
    filing = revised(Filing(), "NetSales", 1, 2, THIS_YEAR)
    with pytest.raises(EarningsError, match="SecuritiesCode"):
        read_revisions(SummaryCells(filing.facts))
