"""A lake as a reader finds it: days collected from the sample site, and a company's five years."""

import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import dagster as dg

from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.resources.lake.yearly_copies import yearly_copy
from tdnet_assets.sample_site.site import SampleSite
from tdnet_assets.tables.disclosure_history import HISTORY_TABLE
from tdnet_assets.tables.earnings import EARNINGS_TABLE
from tdnet_assets.tables.report_figures import REPORT_FIGURES_COPY, REPORT_FIGURES_TABLE
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets_tests.lake_days import disclosure, put_day
from tdnet_assets_tests.pipeline import Pipeline

CODE = "86990"
NAME = "霧浜精機"
YEARS = range(2021, 2027)
ITEMS = ("revenue", "operating_income", "net_income", "eps")
MILLION = Decimal(1_000_000)


def collect(config: PlatformConfig, instance: dg.DagsterInstance, site: SampleSite) -> list[date]:
    """Collect today, yesterday and the day before, of which a row cannot be read; newest first.

    A day of three weeks ago is there as well, and those in between are not.
    """
    today = datetime.now(TOKYO).date()
    days = [today - timedelta(days=back) for back in (0, 1, 2, 21)]
    for day, size in zip(days, (60, 36, 24, 5), strict=True):
        site.set_day(day, size)
    site.faults.malformed_row(days[2], page=1, position=2, kind="bad_time")
    pipeline = Pipeline(config, instance)
    for day in days:
        pipeline.materialize(day)
    return days


def site_of_today() -> SampleSite:
    """A sample TDnet at which it is the evening of today."""
    evening = datetime.combine(datetime.now(TOKYO).date(), time(20), TOKYO)
    return SampleSite(clock=lambda: evening)


def write_history(lake: LakeResource, code: str = CODE, name: str = NAME) -> None:
    """Reports and revisions of a company over five years, ending in a year that goes on."""
    for year in YEARS:
        _write_year(lake, code, name, year)
    for table in (HISTORY_TABLE, REPORT_FIGURES_COPY):
        copy = yearly_copy(lake, table)
        for year in (YEARS[0] - 1, *YEARS):
            copy.bring_up_to_date(year)


def result_of(year: int, item: str) -> Decimal:
    """What a fiscal year brought, in yen (per share)."""
    grown = Decimal(1 + (year - 2020) * 0.06 + 0.1 * math.sin(year * 1.7)).quantize(
        Decimal("0.001")
    )
    base = {
        "revenue": Decimal(412_000),
        "operating_income": Decimal(31_500),
        "net_income": Decimal(21_200),
        "eps": Decimal("118.40"),
    }[item]
    if year == 2024 and item != "revenue":
        grown = Decimal("-0.21")  # a loss, of which no ratio is told
    value = base * grown
    return value.quantize(Decimal("0.01")) if item == "eps" else value * MILLION


def _forecast(year: int, item: str, step: int) -> Decimal:
    """The forecast of a year: the first, after the interim report, and the last."""
    result = result_of(year, item)
    if result < 0:  # nobody has seen a loss coming
        factor = (Decimal("0.8"), Decimal("0.35"), Decimal("-0.12"))[step]
        return (result_of(year - 1, item) * factor).quantize(Decimal("0.01"))
    factor = (Decimal("0.92"), Decimal("0.97"), Decimal("1.04"))[step]
    return (result * factor).quantize(Decimal("0.01"))


_FILED = {"xbrl_url": "081220260610000001.zip", "xbrl_kind": "earnings"}


def _write_year(lake: LakeResource, code: str, name: str, year: int) -> None:
    start, end = date(year - 1, 4, 1), date(year, 3, 31)
    reports = (
        ("Q1", date(year - 1, 6, 30), date(year - 1, 8, 6), "0.23"),
        ("Q2", date(year - 1, 9, 30), date(year - 1, 11, 7), "0.48"),
        ("Q3", date(year - 1, 12, 31), date(year, 2, 6), "0.74"),
        ("FY", end, date(year, 5, 12), "1"),
    )
    for number, (period, until, day, part) in enumerate(reports):
        if year == YEARS[-1] and period == "FY":
            continue
        title = f"{year}年３月期 {period} 決算短信〔日本基準〕(連結)"
        listed = disclosure(day, number, code=code, company_name=name, title=title, **_FILED)
        figures = [_row(listed, start, until, period, "report", None, until)]
        for item in ITEMS:
            share, prior = Decimal(part), result_of(year - 1, item)
            result = (result_of(year, item) * share).quantize(Decimal("0.01"))
            figures.append(_row(listed, start, until, item, "result", result, until))
            before = (start.replace(year=year - 2), until.replace(year=until.year - 1))
            figures.append(
                _row(
                    listed, *before, item, "prior", (prior * share).quantize(Decimal("0.01")), until
                )
            )
            if period != "FY":
                step = 0 if number < 1 else 1
                figures.append(
                    _row(listed, start, end, item, "forecast", _forecast(year, item, step), until)
                )
            else:
                following = (date(year, 4, 1), date(year + 1, 3, 31))
                value = _forecast(year + 1, item, 0)
                figures.append(_row(listed, *following, item, "forecast", value, until))
        put_day(lake, day, [listed])
        _put_figures(lake, day, figures)
        _put_earnings(lake, day, listed, year, period, start, until)
    day = date(year, 3, 2)
    title = "業績予想の修正に関するお知らせ"
    listed = disclosure(day, 9, code=code, company_name=name, title=title)
    put_day(lake, day, [listed])
    _put_figures(
        lake,
        day,
        [
            _row(listed, start, end, item, "forecast", _forecast(year, item, 2), None)
            for item in ITEMS
        ],
    )


def _row(listed, start, end, item, kind, value, reported_to):
    return {
        "disclosure_id": listed.disclosure_id,
        "code": listed.code,
        "published_at": listed.disclosed_at,
        "is_correction": False,
        "standard": "jp",
        "consolidation": "Consolidated",
        "period_start": start,
        "period_end": end,
        "item": item,
        "kind": kind,
        "value": value,
        "reported_to": reported_to,
    }


def _put_figures(lake, day, rows):
    lake.write_table("report_figures", day, REPORT_FIGURES_TABLE.frame(rows), {})


def _put_earnings(lake, day, listed, year, period, start, until):
    row = dict.fromkeys(EARNINGS_TABLE.schema) | {
        "disclosure_id": listed.disclosure_id,
        "code": listed.code,
        "company_name": listed.company_name,
        "disclosed_at": listed.disclosed_at,
        "title": listed.title,
        "standard": "jp",
        "consolidation": "Consolidated",
        "fiscal_year_end": date(year, 3, 31),
        "period": period,
        "period_start": start,
        "period_end": until,
        "dividend_annual_forecast": None if period == "FY" else Decimal(30 + 2 * (year - 2020)),
        "dividend_annual": Decimal(30 + 2 * (year - 2020)) if period == "FY" else None,
        "dividend_payout_ratio": Decimal("0.31") if period == "FY" else None,
        "next_year_end": date(year + 1, 3, 31) if period == "FY" else None,
        "this_year_end": None if period == "FY" else date(year, 3, 31),
        "next_dividend_annual_forecast": Decimal(32 + 2 * (year - 2020))
        if period == "FY"
        else None,
    }
    lake.write_table("earnings", day, EARNINGS_TABLE.frame([row]), {})
