"""The views of ``earnings`` for a person and for who pivots, over rows made by hand."""

import datetime as dt
import sqlite3
from decimal import Decimal
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from tdnet_assets.tables.earnings import EARNINGS_VIEW
from tdnet_assets.tables.earnings_figures import EARNINGS_FIGURES_VIEW, earnings_figures
from tdnet_assets.tables.earnings_summary import (
    EARNINGS_SUMMARY,
    EARNINGS_SUMMARY_VIEW,
    earnings_summary,
    summary_columns_sql,
)
from tdnet_assets.tdnet.reports.earnings_columns import earnings_row
from tdnet_assets.tdnet.reports.earnings_report import read_earnings
from tdnet_assets.tdnet.reports.summary_cells import SummaryCells
from tdnet_assets_tests.tdnet.reports.summary_facts import (
    LAST_YEAR,
    THIS_YEAR,
    Filing,
    annual_report,
    cover,
)

TOKYO = ZoneInfo("Asia/Tokyo")
QUARTER = ("2025-04-01", "2025-06-30")


def rows(*filings):
    table = []
    for number, filing in enumerate(filings):
        earnings = read_earnings(SummaryCells(filing.facts))
        row = {**earnings_row(earnings), "other_forecasts": []}
        row |= {"disclosure_id": f"{number:014}", "is_correction": False, "is_current": True}
        row |= {"disclosed_at": dt.datetime(2026, 5, 8, 15, 30, tzinfo=TOKYO), "title": "決算短信"}
        table.append(row | {"replaces": None, "replaced_by": None})
    return EARNINGS_VIEW.frame(table)


def quarterly():
    filing = cover(Filing()).number("SalesIFRS", 5, *QUARTER)
    filing.number("ProfitBeforeTaxIFRS", 3, *QUARTER)
    filing.number("TotalComprehensiveIncomeIFRS", 4, *QUARTER)
    filing.number("ChangesInTotalComprehensiveIncomeIFRS", "0.5", *QUARTER, decimals=3)
    filing.number("SalesIFRS", 24, *THIS_YEAR, "Forecast")
    filing.number("ProfitBeforeTaxIFRS", 12, *THIS_YEAR, "Forecast")
    return filing.dividend("28.00", THIS_YEAR, "Annual", "Forecast")


def summary(*filings):
    return earnings_summary(rows(*filings).lazy()).collect()


def figures(*filings):
    return earnings_figures(rows(*filings).lazy()).collect()


def test_the_summary_of_a_year_has_the_next_years_forecasts():
    (row,) = summary(annual_report()).to_dicts()
    assert (row["revenue"], row["revenue_change"]) == (110_000_000, Decimal("0.1"))
    assert row["ordinary_or_pretax_income"] == 11_000_000
    assert (row["dividend_per_share"], row["payout_ratio"]) == (Decimal("25.5"), Decimal("0.364"))
    assert row["forecast_end"] == dt.date(2027, 3, 31)
    assert row["forecast_revenue"] == 121_000_000
    assert row["forecast_operating_income_change"] == Decimal("0.25")
    assert row["forecast_dividend_per_share"] == 28
    # A range has no one figure.
    assert row["forecast_ordinary_or_pretax_income"] is None


def test_the_summary_of_a_quarter_has_this_years_forecasts():
    (row,) = summary(quarterly()).to_dicts()
    assert (row["period"], row["standard"], row["revenue"]) == ("Q1", "ifrs", 5)
    assert row["ordinary_or_pretax_income"] == 3
    assert (row["forecast_revenue"], row["forecast_ordinary_or_pretax_income"]) == (24, 12)
    assert row["forecast_end"] == dt.date(2026, 3, 31)
    assert (row["dividend_per_share"], row["forecast_dividend_per_share"]) == (None, 28)


def test_the_summary_has_some_forty_columns_of_the_tables_types_and_keeps_the_day():
    assert 35 <= len(EARNINGS_SUMMARY) <= 45
    frame = rows(annual_report()).with_columns(date=dt.date(2026, 5, 8))
    found = earnings_summary(frame.lazy()).collect()
    assert found.columns == ["date", *EARNINGS_SUMMARY_VIEW.schema]
    assert dict(found.drop("date").schema) == dict(
        pl.DataFrame(schema=EARNINGS_SUMMARY_VIEW.schema).schema
    )


@pytest.mark.parametrize("filing", [annual_report, quarterly])
def test_the_summary_in_sql_is_the_summary_in_polars(filing):
    frame = rows(filing())
    names = [*dict.fromkeys(name for one in EARNINGS_SUMMARY for name in one.sources)]
    names += [name for one in EARNINGS_SUMMARY for name in one.annual_sources or ()]
    stored = frame.select(pl.col(dict.fromkeys(names)).cast(pl.String))
    with sqlite3.connect(":memory:") as database:
        database.execute(f"CREATE TABLE earnings ({', '.join(stored.columns)})")
        slots = ", ".join("?" * stored.width)
        database.executemany(f"INSERT INTO earnings VALUES ({slots})", stored.rows())  # noqa: S608
        said = database.execute(f"SELECT\n{summary_columns_sql()}\nFROM earnings").fetchall()
    assert said == earnings_summary(frame.lazy()).select(pl.all().cast(pl.String)).collect().rows()


def test_every_stated_number_is_one_row_that_says_what_it_is():
    found = figures(annual_report())
    assert found.schema == pl.DataFrame(schema=EARNINGS_FIGURES_VIEW.schema).schema
    wide = rows(annual_report()).row(0, named=True)
    numbers = [value for value in wide.values() if isinstance(value, Decimal)]
    assert found["value"].to_list() == numbers
    keys = found.select("item", "period", "kind")
    assert keys.n_unique() == keys.height
    lines = {row[2:3] + row[3:4] + row[5:6]: row for row in found.rows()}
    assert lines["revenue", "current", "result"][4:] == (
        dt.date(2026, 3, 31),
        "result",
        110_000_000,
        "NetSales",
    )
    assert lines["revenue", "current", "change"][-1] == "ChangeInNetSales"
    assert lines["revenue", "prior", "result"][4] == dt.date(2025, 3, 31)
    assert lines["total_assets", "prior", "result"][4] is None
    assert lines["ordinary_income", "next_year", "forecast_upper"][4:7] == (
        dt.date(2027, 3, 31),
        "forecast_upper",
        16_000_000,
    )
    assert lines["dividend_annual", "next_year", "forecast"][-2:] == (28, "DividendPerShare")
    assert lines["parent_revenue", "current", "result"][-2:] == (55_000_000, "NetSales")


def test_each_number_has_the_element_of_its_standard():
    found = figures(quarterly(), annual_report())
    element = {
        (row["disclosure_id"][-1], row["item"], row["period"], row["kind"]): row["element"]
        for row in found.to_dicts()
    }
    assert element["0", "revenue", "this_year", "forecast"] == "SalesIFRS"
    assert element["0", "comprehensive_income", "current", "change"] == (
        "ChangesInTotalComprehensiveIncomeIFRS"
    )
    assert element["1", "total_assets", "current", "result"] == "TotalAssets"
    assert None not in element.values()


def test_a_forecast_in_the_next_standard_has_that_ones_elements():
    filing = cover(Filing()).number("NetSales", 5, *LAST_YEAR)
    filing.number("OperatingIncome", 2, *LAST_YEAR)
    filing.number("OperatingIncomeIFRS", 3, *THIS_YEAR, "Forecast")
    filing.facts = [
        fact._replace(text="2025-03-31") if fact.element == "FiscalYearEnd" else fact
        for fact in filing.facts
    ]
    found = figures(filing).filter(pl.col("item") == "operating_income")
    assert found.select("period", "element").rows() == [
        ("current", "OperatingIncome"),
        ("next_year", "OperatingIncomeIFRS"),
    ]
