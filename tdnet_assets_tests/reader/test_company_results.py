"""What a company's figures say: periods, forecasts against results, and how forecasts moved."""

import re
from datetime import date, datetime
from decimal import Decimal

import polars as pl
import pytest

from tdnet_assets.reader import written_figures
from tdnet_assets.reader.company_results import company_results
from tdnet_assets.reader.svg_charts import Words, revisions_chart, years_chart
from tdnet_assets.tables.report_figures import REPORT_FIGURES_TABLE
from tdnet_assets.tdnet.listing import TOKYO

START, END = date(2025, 4, 1), date(2026, 3, 31)
WORDS = Words("result", "so far", "forecast", "first forecast", "none")
WHOLE_TEXT = written_figures.whole


def row(day, kind, item, value=None, start=START, end=END, **changes):
    moment = datetime(day.year, day.month, day.day, 15, 0, tzinfo=TOKYO)
    return {
        "disclosure_id": f"{day:%Y%m%d}000001",
        "code": "72030",
        "published_at": moment,
        "is_correction": False,
        "standard": "jp",
        "consolidation": "Consolidated",
        "period_start": start,
        "period_end": end,
        "item": item,
        "kind": kind,
        "value": None if value is None else Decimal(value),
        "reported_to": end,
        **changes,
    }


def results(*rows):
    frame = REPORT_FIGURES_TABLE.frame(rows).with_columns(
        pl.col("published_at").dt.date().alias("date")
    )
    return company_results(frame)


FIRST, NOTICE, INTERIM, FULL = (
    date(2025, 5, 12),
    date(2025, 10, 2),
    date(2025, 11, 7),
    date(2026, 5, 11),
)
HALF = date(2025, 9, 30)
YEAR = (
    row(FIRST, "report", "FY", start=date(2024, 4, 1), end=date(2025, 3, 31)),
    row(FIRST, "forecast", "operating_income", 100, reported_to=date(2025, 3, 31)),
    row(NOTICE, "forecast", "operating_income", 130, reported_to=None),
    row(INTERIM, "report", "Q2", end=HALF),
    row(INTERIM, "result", "operating_income", 65, end=HALF),
    row(INTERIM, "forecast", "operating_income", 130, reported_to=HALF),
)
WHOLE = (
    row(FULL, "report", "FY"),
    row(FULL, "result", "operating_income", 156),
    row(FULL, "prior", "operating_income", -4, start=date(2024, 4, 1), end=date(2025, 3, 31)),
)


def test_within_a_year_the_result_is_held_against_the_year_s_forecast():
    found = results(*YEAR)

    (period,) = found.periods
    assert (period.label, period.end, period.year_end) == ("Q2", HALF, END)
    assert period.results["operating_income"].reached == Decimal("0.5")
    (year,) = found.years["operating_income"]
    assert (year.result, year.so_far, year.so_far_label) == (None, 65, "Q2")
    assert (year.first, year.last) == (100, 130)


def test_a_full_year_is_held_against_its_last_forecast_and_the_year_before():
    found = results(*YEAR, *WHOLE)

    full = found.periods[0].results["operating_income"]
    assert (found.periods[0].label, full.value, full.expected) == ("FY", 156, 130)
    assert full.surprise_rate == pytest.approx(0.2)
    assert (full.prior, full.prior_rate, full.prior_turn) == (-4, None, "to_profit")
    assert full.reached is None


def test_only_a_forecast_that_became_another_one_is_a_revision():
    (revision,) = results(*YEAR, *WHOLE).revisions

    assert (revision.before, revision.after, revision.published_at.date()) == (100, 130, NOTICE)
    assert revision.rate == pytest.approx(0.3)
    assert revision.disclosure_id == "20251002000001"


def test_a_forecast_that_is_taken_back_has_no_figure_any_more():
    withdrawn = row(date(2026, 1, 9), "forecast", "operating_income", None, reported_to=None)

    found = results(*YEAR, withdrawn)

    assert (found.revisions[0].after, found.revisions[0].rate) == (None, None)
    assert found.years["operating_income"][0].last is None


def test_a_range_has_its_middle():
    ends = [
        row(NOTICE, kind, "operating_income", value, reported_to=None)
        for kind, value in (("forecast_lower", 120), ("forecast_upper", 140))
    ]

    found = results(YEAR[0], YEAR[1], *ends, *YEAR[3:5])

    last = found.years["operating_income"][0].forecasts[-1]
    assert (last.lower, last.value, last.upper) == (120, 130, 140)


def test_a_bank_without_operating_income_is_shown_by_its_ordinary_income():
    found = results(
        row(FULL, "report", "FY"),
        row(FULL, "result", "ordinary_income", 9),
        row(FULL, "result", "net_income", 5),
    )

    assert found.items == ["ordinary_income", "net_income"]


def test_a_company_without_reports_has_no_results():
    assert results().periods == ()
    assert results(row(NOTICE, "forecast", "revenue", 3, reported_to=None)).items == ()


def test_charts_have_a_bar_a_year_marks_of_forecasts_and_all_in_words():
    years = results(*YEAR, *WHOLE).years["operating_income"]

    chart = years_chart(years, "<b>title</b>", words=WORDS, text=WHOLE_TEXT, tick=str, name="x")
    steps = revisions_chart(years, "t", text=WHOLE_TEXT, tick=str, name="y")

    assert chart.count('class="bar result"') == 1
    assert (chart.count('class="mark last"'), chart.count('class="mark first"')) == (1, 1)
    assert "2026/03\nresult: 156\nforecast: 130\nfirst forecast: 100" in chart
    assert "<b>" not in chart
    assert (steps.count("<circle"), steps.count('class="end line0"')) == (3, 1)
    heights = [float(y) for y in re.findall(r'cy="([0-9.]+)"', steps)]
    (end,) = re.findall(r'class="end line0" d="M[0-9.]+ ([0-9.]+)', steps)
    # The diamond's middle is 6 below where it begins.
    height = heights[0] + (156 - 100) / (130 - 100) * (heights[1] - heights[0])
    assert float(end) + 6 == pytest.approx(height, abs=0.3)
    assert "style=" not in chart + steps
    assert years_chart([], "t", words=WORDS, text=str, tick=str, name="z") == ""


@pytest.mark.parametrize(
    ("value", "short", "all_digits"),
    [
        (Decimal(1234567890), "1,235", "1,234,567,890"),
        (Decimal(-4500000000), "−4,500", "−4,500,000,000"),
        (Decimal(1250000), "1.3", "1,250,000"),
        (Decimal(0), "0", "0"),
        (Decimal("1234.50"), "0.0", "1,234.5"),
        (None, "", ""),
    ],
)
def test_figures_are_short_in_a_table_and_whole_when_pointed_at(value, short, all_digits):
    assert written_figures.millions(value) == short
    assert written_figures.whole(value) == all_digits


def test_rates_have_a_sign():
    rates = [written_figures.rate(one) for one in (0.123, -0.05, 0.0, 0.0001, None)]
    assert rates == ["+12.3 %", "−5.0 %", "±0.0 %", "±0.0 %", ""]
    assert written_figures.share(Decimal("0.745")) == "74 %"
