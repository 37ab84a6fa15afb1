"""What other days' reports say about a day's: which it replaces, and what the company had forecast.

What belongs here: finding reports of the same period and a company's last own forecasts in the
lake, and keeping the links between reports true on both sides. What does not: what a report says
(``tdnet/reports/earnings_report.py``), and how large a surprise is
(``tdnet/reports/surprises.py``).

Reports of one company, scope and period follow each other: a correction, or the same report after
the auditors' review. Each names the one before and the one behind it; the last is current.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from tdnet_assets.assets.filings import Filing
from tdnet_assets.assets.steps import Day
from tdnet_assets.resources.lake.parquet_scans import scan_days
from tdnet_assets.resources.lake.yearly_copies import daily_files
from tdnet_assets.tables.earnings import EARNINGS_TABLE, IS_CURRENT, REPLACED_BY, REPLACES
from tdnet_assets.tables.forecast_revisions import REVISIONS_TABLE
from tdnet_assets.tables.table import Table
from tdnet_assets.tables.wholeness import MADE_FROM, READER, RESULT
from tdnet_assets.tdnet.reports.earnings_items import FORECAST_ITEMS
from tdnet_assets.tdnet.reports.report_contents import FORECAST_PERIODS, Earnings
from tdnet_assets.tdnet.reports.revision_notice import Range

# A forecast of a half year, as trusts make, is at most that old when its result comes.
FORECAST_AGE = timedelta(days=230)
# Corrections come within a year; one of an older report still finds it, by that report's period.
CORRECTION_AGE = timedelta(days=400)

_IDENTITY = ("code", "standard", "consolidation", "fiscal_year_end", "period", "period_end")
_ORDER = ("disclosed_at", "disclosure_id")

_Identity = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Links:
    """The disclosure ids of the reports of the same period just before and just behind one."""

    replaces: str | None
    replaced_by: str | None


@dataclass(frozen=True, slots=True)
class OwnForecast:
    """A company's last forecast of an item before its result."""

    disclosed_at: datetime
    range: Range


def link_reports(day: Day, rows: Sequence[dict[str, Any]]) -> None:
    """Fill the links of the day's rows, and those of other days' reports to them.

    Other days' files are replaced as a whole, and only where a link changes.
    """
    if not rows:
        return
    first = min(row["period_end"] for row in rows)
    others = _other_reports(day, {row["code"] for row in rows}, first)
    chains: dict[_Identity, list[Mapping[str, Any]]] = {}
    for row in sorted([*rows, *others], key=lambda row: [row[name] for name in _ORDER]):
        chains.setdefault(_identity(row), []).append(row)
    wanted = {
        row["disclosure_id"]: Links(_number(before), _number(behind))
        for chain in chains.values()
        for before, row, behind in _neighbours(chain)
    }
    for row in rows:
        links = wanted[row["disclosure_id"]]
        row[REPLACES], row[REPLACED_BY] = links.replaces, links.replaced_by
        row[IS_CURRENT] = links.replaced_by is None
    stale = {
        row["date"]
        for row in others
        if wanted[row["disclosure_id"]] != Links(row[REPLACES], row[REPLACED_BY])
    }
    for other_day in sorted(stale):
        _relink(day, other_day, wanted)


def own_forecasts(
    day: Day, reports: Sequence[tuple[Filing, Earnings]]
) -> dict[str, dict[str, Range]]:
    """The companies' last own forecasts of what the reports have results of.

    Args:
        day: the day of the reports.
        reports: of any period; those of a quarter are seldom forecast.

    Returns:
        By disclosure id, the last forecast of each item before that disclosure.
    """
    if not reports:
        return {}
    known = _stated_forecasts(day, {filing.code for filing, _ in reports})
    found: dict[str, dict[str, Range]] = {}
    for filing, report in reports:
        about = (filing.code, report.consolidation, report.period_start, report.period_end)
        stated = [one for one in known.get(about, ()) if one[1].disclosed_at < filing.disclosed_at]
        stated.sort(key=lambda one: one[1].disclosed_at)
        if stated:
            found[filing.disclosure_id] = {item: forecast.range for item, forecast in stated}
    return found


def _other_reports(day: Day, codes: set[str], first: date) -> list[dict[str, Any]]:
    """Reports of these companies on other days, from ``first`` to a correction's age behind."""
    columns = ("date", "disclosure_id", "disclosed_at", REPLACES, REPLACED_BY, *_IDENTITY)
    rows = _scan(day, EARNINGS_TABLE, first, day.date + CORRECTION_AGE)
    return (
        rows.filter(pl.col("code").is_in(list(codes)), pl.col("date") != day.date)
        .select(columns)
        .collect()
        .to_dicts()
    )


def _relink(day: Day, other_day: date, wanted: Mapping[str, Links]) -> None:
    stored = day.lake.read_table(EARNINGS_TABLE.name, other_day)
    if stored is None:
        return
    rows = stored.frame.to_dicts()
    for row in rows:
        if links := wanted.get(row["disclosure_id"]):
            row[REPLACES], row[REPLACED_BY] = links.replaces, links.replaced_by
            row[IS_CURRENT] = links.replaced_by is None
    frame = EARNINGS_TABLE.frame(rows)
    day.lake.write_table(EARNINGS_TABLE.name, other_day, frame, stored_by(stored.metadata))


def stored_by(metadata: Mapping[str, str]) -> dict[str, str]:
    """Of an object's metadata, what its writer gave."""
    return {name: metadata[name] for name in (READER, RESULT, MADE_FROM) if name in metadata}


_About = tuple[str, str | None, date | None, date]


def _stated_forecasts(day: Day, codes: set[str]) -> dict[_About, list[tuple[str, OwnForecast]]]:
    known: dict[_About, list[tuple[str, OwnForecast]]] = {}
    first = day.date - FORECAST_AGE
    for about, item, forecast in (
        *_from_reports(day, codes, first),
        *_from_revisions(day, codes, first),
    ):
        if forecast.range.is_stated:
            known.setdefault(about, []).append((item, forecast))
    return known


def _from_reports(
    day: Day, codes: set[str], first: date
) -> Iterator[tuple[_About, str, OwnForecast]]:
    names = [
        f"{period}_{item.name}_{end}"
        for period in FORECAST_PERIODS
        for item in FORECAST_ITEMS
        for end in ("forecast", "lower", "upper")
    ]
    ends = [f"{period}_{end}" for period in FORECAST_PERIODS for end in ("start", "end")]
    rows = (
        _scan(day, EARNINGS_TABLE, first, day.date)
        .filter(pl.col("code").is_in(list(codes)))
        .select("code", "consolidation", "disclosed_at", *ends, *names)
        .collect()
    )
    for row in rows.iter_rows(named=True):
        for period in FORECAST_PERIODS:
            days = (row[f"{period}_start"], row[f"{period}_end"])
            about = (row["code"], row["consolidation"], *days)
            for item in FORECAST_ITEMS:
                stem = f"{period}_{item.name}"
                stated = Range(row[f"{stem}_forecast"], row[f"{stem}_lower"], row[f"{stem}_upper"])
                yield about, item.name, OwnForecast(row["disclosed_at"], stated)


def _from_revisions(
    day: Day, codes: set[str], first: date
) -> Iterator[tuple[_About, str, OwnForecast]]:
    days = ("period_start", "period_end")
    columns = ("current", "current_lower", "current_upper", "is_difference", "dividend_schedule")
    rows = (
        _scan(day, REVISIONS_TABLE, first, day.date)
        .filter(
            pl.col("code").is_in(list(codes)),
            # What a notice of a difference states is the result itself.
            ~pl.col("is_difference"),
            pl.col("dividend_schedule").is_null(),
        )
        .select("code", "consolidation", "disclosed_at", *days, "item", *columns)
        .collect()
    )
    for row in rows.iter_rows(named=True):
        stated = Range(row["current"], row["current_lower"], row["current_upper"])
        about = (row["code"], row["consolidation"], row["period_start"], row["period_end"])
        yield about, row["item"], OwnForecast(row["disclosed_at"], stated)


def _scan(day: Day, table: Table, first: date, last: date) -> pl.LazyFrame:
    return scan_days(
        day.lake, table.name, daily_files(day.lake, table.name, first, last), table.schema
    )


def _identity(row: Mapping[str, Any]) -> _Identity:
    return tuple(row[name] for name in _IDENTITY)


def _number(row: Mapping[str, Any] | None) -> str | None:
    return None if row is None else str(row["disclosure_id"])


def _neighbours(
    chain: Sequence[Mapping[str, Any]],
) -> Iterator[tuple[Mapping[str, Any] | None, Mapping[str, Any], Mapping[str, Any] | None]]:
    """Each element with the one before and the one behind it."""
    yield from zip([None, *chain[:-1]], chain, [*chain[1:], None], strict=True)
