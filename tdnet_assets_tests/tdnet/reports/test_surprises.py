from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tdnet_assets.tdnet.reports.earnings_report import read_earnings
from tdnet_assets.tdnet.reports.revision_notice import Range, read_revisions
from tdnet_assets.tdnet.reports.summary_cells import SummaryCells
from tdnet_assets.tdnet.reports.surprises import (
    biggest_revisions,
    difference,
    largest,
    own_forecasts,
    surprises,
)
from tdnet_assets_tests.tdnet.reports.summary_facts import (
    NEXT_YEAR,
    THIS_YEAR,
    Filing,
    annual_report,
)

AMOUNTS = st.decimals(-(10**15), 10**15, places=2, allow_nan=False)


def figure(value):
    return Range(Decimal(value), None, None)


@pytest.mark.parametrize(
    ("before", "now", "rate", "turn"),
    [
        (100, 125, "0.25", None),
        (100, -25, "-1.25", "to_loss"),
        (-100, 25, None, "to_profit"),
        (-100, -150, None, "larger_loss"),
        (-100, -50, None, "smaller_loss"),
        (0, 50, None, None),
        (0, -50, None, "to_loss"),
    ],
)
def test_a_ratio_is_given_only_where_it_means_something(before, now, rate, turn):
    found = difference(Decimal(before), Decimal(now))
    assert found.amount == now - before
    assert found.rate == (None if rate is None else Decimal(rate))
    assert found.turn == turn


@given(before=AMOUNTS, now=AMOUNTS)
def test_a_size_lies_between_equal_and_opposite(before, now):
    found = difference(before, now)
    assert 0 <= found.size <= 2
    assert (found.size == 0) == (before == now)
    assert found.size == difference(now, before).size
    assert found.size == difference(-before, -now).size
    if before * now < 0:
        assert found.size == pytest.approx(2)


@given(rows=st.lists(st.tuples(AMOUNTS, AMOUNTS)), limit=st.integers(0, 5))
def test_the_largest_come_first_and_unchanged_rows_never(rows, limit):
    found = largest(rows, lambda row: difference(*row), limit=limit)
    sizes = [difference(*row).size for row in found]
    assert sizes == sorted(sizes, reverse=True)
    changed = [row for row in rows if row[0] != row[1]]
    assert len(found) == min(limit, len(changed))
    assert all(row in changed for row in found)


def test_a_result_is_compared_with_the_last_forecast():
    row = read_earnings(SummaryCells(annual_report().facts))
    last = {
        "revenue": figure(100_000_000),
        "operating_income": figure(-3_000_000),
        "net_income": Range(None, Decimal(8_000_000), Decimal(9_000_000)),
        "diluted_eps": figure(1),
        "profit": figure(5),
    }
    found = {surprise.item: surprise for surprise in surprises(row, last)}
    assert set(found) == {"revenue", "operating_income", "net_income"}
    assert found["revenue"].difference.rate == Decimal("0.1")
    assert found["operating_income"].difference.turn == "to_profit"
    assert found["net_income"].difference.amount == -1_000_000


@pytest.mark.parametrize(("lower", "upper", "amount"), [(5, 9, 0), (8, 9, -1), (1, 5, 2)])
def test_a_range_is_missed_from_its_nearer_end(lower, upper, amount):
    row = read_earnings(SummaryCells(annual_report().facts))
    forecast = Range(None, Decimal(lower * 10**6), Decimal(upper * 10**6))
    (found,) = surprises(row, {"net_income": forecast})
    assert found.difference.amount == amount * 10**6


def test_a_reports_forecasts_are_the_next_ones_measure():
    row = read_earnings(SummaryCells(annual_report().facts))
    forecasts = own_forecasts(row.next_year)
    assert forecasts["revenue"] == figure(121_000_000)
    assert forecasts["ordinary_income"] == Range(None, Decimal(13_000_000), Decimal(16_000_000))
    assert "eps" not in forecasts
    assert own_forecasts(None) == {}


def revisions(code, *figures, span=THIS_YEAR):
    filing = Filing().text(SecuritiesCode=code, DocumentName="修正", FiscalYearEnd="2026-03-31")
    for element, before, now in figures:
        filing.number(element, before, *span, "Forecast", previous_current="Previous")
        filing.number(element, now, *span, "Forecast", previous_current="Current")
    return read_revisions(SummaryCells(filing.facts))


def test_the_days_biggest_revisions_are_one_for_each_notice():
    rows = [
        *revisions("10010", ("NetSales", 100, 190), ("OperatingIncome", 100, 110)),
        *revisions("20020", ("OperatingIncome", 100, 100), ("NetIncome", 100, 50)),
        *revisions("30030", ("OperatingIncome", -10, 10)),
        *revisions("40040", ("OperatingIncome", -500, 400)),
        *revisions("50050", ("OperatingIncome", 100, None)),
        *revisions("60060", ("NetSales", 100, 100)),
    ]
    found = biggest_revisions(rows, limit=10)
    assert [(row.code, row.item) for row in found] == [
        ("40040", "operating_income"),
        ("30030", "operating_income"),
        ("20020", "net_income"),
        ("10010", "operating_income"),
    ]
    assert biggest_revisions(rows, limit=1) == found[:1]


def test_each_period_of_a_notice_has_its_own_biggest_revision():
    rows = revisions("10010", ("OperatingIncome", 100, 110))
    rows += revisions("10010", ("OperatingIncome", 100, 150), span=NEXT_YEAR)
    assert [row.current.value for row in biggest_revisions(rows, limit=10)] == [150, 110]
