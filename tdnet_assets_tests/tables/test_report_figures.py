"""Results against the forecasts that stood when they were published."""

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from tdnet_assets.tables.report_figures import REPORT_FIGURES_TABLE, surprises

TOKYO = ZoneInfo("Asia/Tokyo")
YEAR = (dt.date(2025, 4, 1), dt.date(2026, 3, 31))
LAST_YEAR = (dt.date(2024, 4, 1), dt.date(2025, 3, 31))
THIRD_QUARTER, HALF = dt.date(2025, 12, 31), dt.date(2025, 9, 30)


def at(text):
    return dt.datetime.fromisoformat(text).replace(tzinfo=TOKYO)


A, B, C = at("2026-02-10T15:30"), at("2026-04-20T16:00"), at("2026-05-12T15:30")


def row(disclosure_id, published_at, kind, value, span=YEAR, **changes):
    return {
        "disclosure_id": disclosure_id,
        "code": "141A0",
        "published_at": published_at,
        "is_correction": False,
        "standard": "jp",
        "consolidation": "Consolidated",
        "period_start": span[0],
        "period_end": span[1],
        "item": "operating_income",
        "kind": kind,
        "value": None if value is None else Decimal(str(value)),
        "reported_to": None,
        **changes,
    }


def found(*rows):
    return surprises(REPORT_FIGURES_TABLE.frame(rows).lazy()).collect().to_dicts()


def only(*rows):
    (one,) = found(*rows)
    return one


REPORT_A = row("A", A, "forecast", 100, reported_to=THIRD_QUARTER)
REVISION_B = row("B", B, "forecast", 120)
REPORT_C = row("C", C, "result", 126, reported_to=YEAR[1])
PRIOR_C = row("C", C, "prior", 90, LAST_YEAR, reported_to=YEAR[1])
REVISION_D = row("D", C, "forecast", 126)


def test_a_result_is_held_against_the_last_forecast_before_its_minute():
    one = only(REPORT_A, REVISION_B, REPORT_C, PRIOR_C, REVISION_D)
    assert (one["disclosure_id"], one["value"], one["forecast"]) == ("C", 126, 120)
    assert (one["forecast_id"], one["forecast_at"]) == ("B", B)
    assert (one["surprise"], one["surprise_turn"]) == (6, None)
    assert one["surprise_rate"] == pytest.approx(0.05)
    assert (one["prior"], one["prior_change"]) == (90, 36)
    assert one["prior_rate"] == pytest.approx(0.4)


def test_without_the_revision_it_is_the_report_before():
    one = only(REPORT_A, REPORT_C)
    assert (one["forecast_id"], one["surprise"], one["prior"]) == ("A", 26, None)


def test_the_order_of_the_rows_is_no_matter():
    rows = [REPORT_A, REVISION_B, REPORT_C, PRIOR_C, REVISION_D]
    assert found(*rows) == found(*reversed(rows))


def test_a_result_that_nobody_forecast_stands_alone():
    one = only(REPORT_C, REVISION_D, PRIOR_C)
    assert (one["forecast"], one["forecast_id"], one["surprise"], one["prior"]) == (
        None,
        None,
        None,
        90,
    )


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("code", "99990"),
        ("consolidation", "NonConsolidated"),
        ("consolidation", None),
        ("item", "revenue"),
        ("period_end", dt.date(2027, 3, 31)),
        # A quarter by itself ends with the year too.
        ("period_start", dt.date(2026, 1, 1)),
    ],
)
def test_a_forecast_of_something_else_is_none(column, value):
    assert only({**REVISION_B, column: value}, REPORT_C)["forecast"] is None


def test_a_form_without_scopes_is_held_against_its_own():
    rows = ({**one, "consolidation": None} for one in (REVISION_B, REPORT_C, PRIOR_C))
    one = only(*rows)
    assert (one["forecast"], one["prior"]) == (120, 90)


def test_a_trusts_half_year_is_held_against_the_report_of_the_half_year_before():
    half = (dt.date(2026, 1, 1), dt.date(2026, 6, 30))
    forecast = row("A", at("2026-02-16T15:00"), "forecast", 50, half, reported_to=half[0])
    result = row("C", at("2026-08-17T15:00"), "result", 51, half, reported_to=half[1])
    assert only(forecast, result)["surprise"] == 1


@pytest.mark.parametrize(("value", "expected"), [(126, 126), (90, 100), (150, 140)])
def test_a_range_is_missed_from_its_nearer_end(value, expected):
    ends = [row("B", B, f"forecast_{end}", at_) for end, at_ in (("lower", 100), ("upper", 140))]
    one = only(REPORT_A, *ends, {**REPORT_C, "value": Decimal(value)})
    assert (one["forecast"], one["forecast_lower"], one["forecast_upper"]) == (None, 100, 140)
    assert (one["expected"], one["surprise"]) == (expected, value - expected)


def test_a_forecast_that_was_taken_back_is_none_and_says_by_whom():
    one = only(REPORT_A, row("B", B, "forecast", None), REPORT_C)
    assert (one["forecast"], one["surprise"], one["forecast_id"]) == (None, None, "B")


def test_a_correction_of_an_older_report_does_not_bring_its_forecast_back():
    first = row("1", at("2025-11-10T15:30"), "forecast", 80, reported_to=HALF)
    correction = row("2", at("2026-04-25T15:30"), "forecast", 81, reported_to=HALF)
    correction["is_correction"] = True
    assert only(first, REPORT_A, REVISION_B, correction, REPORT_C)["forecast_id"] == "B"
    assert only(first, correction, REPORT_C)["forecast"] == 81


def test_of_two_disclosures_of_one_minute_the_later_number_stands():
    same = row("B2", B, "forecast", 121)
    assert only(REVISION_B, same, REPORT_C)["forecast"] == 121


def test_a_notice_of_a_difference_is_a_surprise_of_its_own():
    notice = row("N", at("2026-05-01T15:30"), "result", 125)
    assert [
        (one["disclosure_id"], one["surprise"]) for one in found(REVISION_B, notice, REPORT_C)
    ] == [
        ("N", 5),
        ("C", 6),
    ]


@pytest.mark.parametrize(
    ("before", "now", "turn"),
    [
        (-10, 5, "to_profit"),
        (10, -5, "to_loss"),
        (0, -5, "to_loss"),
        (0, 5, None),
        (-10, -20, "larger_loss"),
        (-10, -5, "smaller_loss"),
        (-10, -10, None),
        (10, 20, None),
    ],
)
def test_where_a_ratio_means_nothing_a_turn_says_it(before, now, turn):
    prior = row("C", C, "prior", before, LAST_YEAR)
    one = only(row("B", B, "forecast", before), row("C", C, "result", now), prior)
    assert (one["surprise_turn"], one["prior_turn"]) == (turn, turn)
    assert (one["surprise_rate"] is None) == (one["prior_rate"] is None) == (before <= 0)


def test_nothing_makes_no_surprise():
    assert found() == []
    assert surprises(REPORT_FIGURES_TABLE.frame([]).lazy()).collect().schema[
        "surprise"
    ] == pl.Decimal(38, 12)
