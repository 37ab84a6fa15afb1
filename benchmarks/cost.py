"""Dollars a month without compute: what a recorded day has AWS do, by what a month has of it.

What belongs here: how often a month does what was recorded, and the bill. What does not: prices
(``prices.py``), what a request counts as (``metering.py``), the recording (``recorded_days.py``).

Run it with ``python -m benchmarks.cost``; it takes some minutes. ``--quick`` does all of it with
small days, for a figure that means nothing.

A month has many more runs than can be recorded. They differ by the rows that a run finds on the
list, nearly all of them known, and by the new ones among these; so a run's usage is taken as linear
in both, from three runs of the recorded day, and a fourth, the first of that day, says how far off
that is.
"""

import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil
from pathlib import Path

import click

from benchmarks.prices import GIGABYTE, PRICES, PRICES_OF, REGION, Unit, Usage, dollars
from benchmarks.recorded_days import RecordedDay, RecordedRun, RecordedTicks, recorder
from tdnet_assets.assets.progress import REPORT_EVERY_SECONDS
from tdnet_assets.automation import freshness, new_disclosures, reconciler
from tdnet_assets.automation.records import SWEEP_MARGIN, execution_record_sweep
from tdnet_assets.automation.schedules import DAY_CLOSE_CRON
from tdnet_assets.config import DEFAULT_REGION
from tdnet_assets.infrastructure.alarms import ALARMS
from tdnet_assets.infrastructure.bucket_properties import NONCURRENT_DAYS
from tdnet_assets.local import embedded_aws
from tdnet_assets.resources.aws.metrics import CATALOGUE, FRESHNESS_LAG, SENSOR_HEARTBEAT
from tdnet_assets.resources.source.tdnet_source import OPENS
from tdnet_assets.sample_site.day import planned_day
from tdnet_assets.tdnet.listing import page_count

# Of 65 business days in April to July 2026 the median had 297 rows in a source that leaves out a
# fifth of them; the incident's day had 2,694.
MEDIAN, PEAK = 375, 2_694
MEDIAN_DAY, PEAK_DAY = date(2026, 6, 10), date(2026, 7, 15)

DAYS, BUSINESS_DAYS = 30, 21
# May, the busiest month, had four days of 818 to 2,302 rows: three peak days' worth.
PEAK_DAYS_OF_A_SEASON = 3
YEAR_MONTHS = 12
# A task on ECS before its first request; a shorter start makes more runs.
START_SECONDS = 30
# The live site gets one request a second; without a file to settle a run reports every 5 s.
SECONDS_A_REQUEST, SECONDS_A_HEARTBEAT = 1.0, 5.0
# Days whose list was found changed by the nightly re-read, each of which then has a run.
CHANGED_DAYS_A_NIGHT = 1

AIM_DOLLARS, AIM_METRICS, AIM_PUT_CALLS = 2.0, 10, 2

_STORED = frozenset(
    (
        *(Unit.RAW_BYTES, Unit.DOCUMENT_BYTES, Unit.TABLE_BYTES),
        *(Unit.ITEM_BYTES, Unit.RECOVERY_BYTES),
    )
)
_LEFT_BY_NEW_ROWS = frozenset((Unit.DOCUMENT_BYTES, Unit.ITEM_BYTES, Unit.RECOVERY_BYTES))
_METRICS_OF_SENSORS = (SENSOR_HEARTBEAT, FRESHNESS_LAG)
# Of the two closes, the re-read and the runs that follow it.
_HOURS_OF_THE_NIGHT = (23, 6, 2)
_DAY_SECONDS = 86_400
_WINDOW_SECONDS = int(reconciler.WHOLE_DAYS_EVERY.total_seconds())
_RED_DAY_SECONDS = int(reconciler.OTHER_DAYS_EVERY.total_seconds())
_SWEEP_SECONDS = execution_record_sweep.minimum_interval_seconds or 30


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a day: its hour (JST), the rows that it finds, the new ones, and their files."""

    hour: int
    listed: int
    new: int
    files: int

    @property
    def seconds(self) -> float:
        """How long it takes, at the pace of one request a second."""
        return START_SECONDS + (page_count(self.listed) + self.files) * SECONDS_A_REQUEST

    @property
    def progress_reports(self) -> float:
        """How often at most it reports its progress at that pace."""
        pages = page_count(self.listed) * SECONDS_A_REQUEST
        return self.files * SECONDS_A_REQUEST / REPORT_EVERY_SECONDS + pages / SECONDS_A_HEARTBEAT


@dataclass(frozen=True, slots=True)
class RunModel:
    """A run's usage: what every run has, and what it has for each row and for each new row."""

    fixed: Usage
    per_listed: Usage
    per_new: Usage

    @classmethod
    def of(cls, day: RecordedDay) -> "RunModel":
        """From what the day's runs did."""
        return cls._through_three_runs(day).overridden_by(cls._of_what_new_rows_leave(day))

    @classmethod
    def _through_three_runs(cls, day: RecordedDay) -> "RunModel":
        """The one that the early run, the rest and the late run lie on."""
        (rows, new, used), (more_rows, more_new, more_used) = (
            (run.listed - day.early.listed, run.new - day.early.new, run.usage - day.early.usage)
            for run in (day.rest, day.late)
        )
        determinant = rows * more_new - more_rows * new
        per_listed = (used * more_new - more_used * new) * (1 / determinant)
        per_new = (more_used * rows - used * more_rows) * (1 / determinant)
        fixed = day.early.usage - per_listed * day.early.listed - per_new * day.early.new
        return cls(fixed, per_listed, per_new)

    @classmethod
    def _of_what_new_rows_leave(cls, day: RecordedDay) -> "RunModel":
        """Files and items, of which a known row adds none: by the mean of all new rows.

        Their sizes differ, and the slope between two runs would take that for a trend.
        """
        runs = runs_recorded(day)
        left = sum((run.usage - day.unchanged for run in runs), Usage())
        per_new = left * (1 / sum(run.new for run in runs))
        fixed, per_new = (_only(usage, _LEFT_BY_NEW_ROWS) for usage in (day.unchanged, per_new))
        return cls(fixed, Usage(dict.fromkeys(_LEFT_BY_NEW_ROWS, 0.0)), per_new)

    def overridden_by(self, other: "RunModel") -> "RunModel":
        """The other one where it says anything, else this one."""
        return RunModel(
            Usage(self.fixed | other.fixed),
            Usage(self.per_listed | other.per_listed),
            Usage(self.per_new | other.per_new),
        )

    def usage(self, listed: int, new: int) -> Usage:
        """What such a run has AWS do."""
        return self.fixed + self.per_listed * listed + self.per_new * new


@dataclass(frozen=True, slots=True)
class Month:
    """What a month has AWS do, by what it is done for.

    ``table_bytes`` are those of its tables as they stay: what was put into tables beyond that are
    former versions, which the bucket keeps for NONCURRENT_DAYS.
    """

    activities: Mapping[str, Usage]
    table_bytes: float

    @property
    def usage(self) -> Usage:
        """All of it; what is stored, as it has grown in the month."""
        return sum(self.activities.values(), Usage())

    @property
    def kept(self) -> Usage:
        """What it adds to what is stored for ever."""
        grown = self.usage
        return Usage(
            {
                Unit.S3_BYTES: grown[Unit.RAW_BYTES]
                + grown[Unit.DOCUMENT_BYTES]
                + self.table_bytes,
                Unit.ITEM_BYTES: grown[Unit.ITEM_BYTES],
                Unit.RECOVERY_BYTES: grown[Unit.RECOVERY_BYTES],
            }
        )

    @property
    def replaced(self) -> Usage:
        """Former versions of files that it leaves in the bucket."""
        return Usage({Unit.S3_BYTES: self.usage[Unit.TABLE_BYTES] - self.table_bytes})

    def after(self, months: int, others: "Month") -> "Month":
        """The same with the storage at its end, behind so many other months."""
        noncurrent = min(months, NONCURRENT_DAYS / DAYS - 1)
        stored = self.kept + others.kept * months + self.replaced + others.replaced * noncurrent
        asked = frozenset(Unit) - _STORED
        done = {name: _only(usage, asked) for name, usage in self.activities.items()}
        return Month({**done, "storage at its end": stored}, 0)


@click.command()
@click.option("--quick", is_flag=True, help="Tiny days and little history: shows that it works.")
@click.option("--pdf-bytes", default=200_000, show_default=True, help="Size of every PDF.")
def main(quick: bool, pdf_bytes: int) -> None:
    """Record a median and a peak day, and print what a month of such days costs."""
    logging.disable(logging.INFO)  # what the sensors say of their looks
    median_size, peak_size, days_back = (30, 60, 10) if quick else (MEDIAN, PEAK, 365)
    with (
        tempfile.TemporaryDirectory(prefix="cost-") as name,
        embedded_aws.running(Path(name) / "aws", region=DEFAULT_REGION) as aws,
        recorder(aws.endpoint_url, Path(name) / "home", pdf_bytes) as recording,
    ):
        recording.fill_history(median_size, days_back)
        days = [recording.day(MEDIAN_DAY, median_size), recording.day(PEAK_DAY, peak_size)]
        ticks = recording.ticks(MEDIAN_DAY)
        metrics = recording.metrics
    for recorded in days:
        _print_day(recorded)
    median = month([(BUSINESS_DAYS, days[0])], ticks)
    peak = month([(BUSINESS_DAYS, days[1])], ticks)
    ordinary = BUSINESS_DAYS - PEAK_DAYS_OF_A_SEASON
    season = month([(ordinary, days[0]), (PEAK_DAYS_OF_A_SEASON, days[1])], ticks)
    _print_months({"median": median, "season": season, "peak": peak}, median, pdf_bytes)
    print()
    for name, one in (("median", median), ("season", season)):
        dearest = one.after(YEAR_MONTHS - 1, median).usage
        _aim(f"{name} month after a year, $", dollars(dearest, allowances=True), AIM_DOLLARS)
    _aim("custom metrics", metrics, AIM_METRICS)
    calls = max(run.usage[Unit.PUT_METRIC_DATA] for day in days for run in runs_recorded(day))
    _aim("PutMetricData requests of a run", calls, AIM_PUT_CALLS)


def runs_of(day: date, size: int) -> Iterator[Run]:
    """The runs that the sensor starts on such a day.

    It looks each minute and starts one when rows have appeared, unless one is going on: which takes
    as long as TDnet lets it.
    """
    plans = planned_day(day, size, 0, changes=False).values()
    published = sorted((plan.row.time, 1 + bool(plan.row.xbrl_name)) for plan in plans)
    now = datetime.combine(day, OPENS)
    known = 0
    while now.date() == day:
        minute = f"{now:%H:%M}"
        listed = sum(clock <= minute for clock, _ in published)
        looks = 1
        if listed > known:
            files = sum(count for _, count in published[known:listed])
            run = Run(now.hour, listed, listed - known, files)
            yield run
            known = listed
            looks = ceil(run.seconds / new_disclosures.LOOK_EVERY_SECONDS)
        now += timedelta(seconds=looks * new_disclosures.LOOK_EVERY_SECONDS)


def month(parts: Sequence[tuple[int, RecordedDay]], ticks: RecordedTicks) -> Month:
    """A month with so many business days of each kind; the rest of its days are empty."""
    activities: dict[str, Usage] = {}
    table_bytes = 0
    hours = 0
    for count, recorded in parts:
        runs = list(runs_of(recorded.day, recorded.size))
        for name, usage in _business_day(recorded, runs, ticks).items():
            activities[name] = activities.get(name, Usage()) + usage * count
        table_bytes += recorded.table_bytes * count
        hours += len({*_HOURS_OF_THE_NIGHT, *(run.hour for run in runs)}) * count
    _, usual = parts[0]
    rest = DAYS - sum(count for count, _ in parts)
    hours += len(_HOURS_OF_THE_NIGHT) * rest
    activities["empty days"] = usual.empty_day * rest
    activities["nightly re-read of the lists"] += usual.window_reread * rest
    activities |= {
        name: usage * (DAYS * _DAY_SECONDS / seconds)
        for name, usage, seconds in (
            ("heartbeats of the sensor", ticks.heartbeat, new_disclosures.LOOK_EVERY_SECONDS),
            ("freshness", ticks.freshness, freshness.LOOK_EVERY_SECONDS),
            ("reconciling the window", ticks.reconcile_window, _WINDOW_SECONDS),
            # One day that is not whole all the time.
            ("reconciling a red day", ticks.reconcile_today, _RED_DAY_SECONDS),
            ("sweeps of the records", ticks.sweep, _SWEEP_SECONDS),
        )
    }
    minutes = DAYS * (24 - OPENS.hour) * 60
    activities["looks for new rows"] = ticks.look * minutes
    activities["reconciling today"] = ticks.reconcile_today * minutes
    # A metric is billed by the hours in which it is sent.
    of_runs = len(CATALOGUE) - len(_METRICS_OF_SENSORS)
    metrics = len(_METRICS_OF_SENSORS) + of_runs * hours / (DAYS * 24)
    activities["metrics, alarms, dashboard"] = Usage(
        {Unit.METRICS: metrics, Unit.ALARMS: len(ALARMS), Unit.DASHBOARDS: 1}
    )
    return Month(activities, table_bytes)


def _business_day(
    recorded: RecordedDay, runs: Sequence[Run], ticks: RecordedTicks
) -> dict[str, Usage]:
    model = RunModel.of(recorded)
    ended = len(runs) + len(DAY_CLOSE_CRON) + CHANGED_DAYS_A_NIGHT
    sweeps = SWEEP_MARGIN.total_seconds() / _SWEEP_SECONDS + 1
    return {
        "runs of new rows": sum((model.usage(run.listed, run.new) for run in runs), Usage()),
        "their progress": ticks.progress_report * sum(run.progress_reports for run in runs),
        "their sweeps": ticks.sweep_of_a_run * (ended * sweeps),
        "closes of the day": recorded.unchanged * len(DAY_CLOSE_CRON),
        "nightly re-read of the lists": recorded.window_reread,
        "days it found changed": model.usage(recorded.size, 0) * CHANGED_DAYS_A_NIGHT,
        "yearly copy": recorded.history_copy,
    }


def _only(usage: Usage, units: Set[Unit]) -> Usage:
    return Usage({unit: usage[unit] for unit in units})


def runs_recorded(day: RecordedDay) -> Sequence[RecordedRun]:
    """The day's runs that found new rows."""
    return day.first, day.early, day.rest, day.late


def _print_day(recorded: RecordedDay) -> None:
    """The day's runs, and how far the linear model is off for one that it was not made from."""
    runs = list(runs_of(recorded.day, recorded.size))
    first = recorded.first
    model = RunModel.of(recorded).usage(first.listed, first.new)
    off = {
        unit: model[unit] / first.usage[unit]
        for unit in (Unit.S3_WRITES, Unit.S3_READS, Unit.WRITE_UNITS, Unit.READ_UNITS)
    }
    print(f"{recorded.size:,} disclosures: {len(runs)} runs; one of {first.new:,} new rows,")
    print("  by the model / recorded: " + ", ".join(f"{u} {x:.2f}" for u, x in off.items()))


def _print_months(months: Mapping[str, Month], usual: Month, pdf_bytes: int) -> None:
    print(f"\nList prices of {PRICES_OF} in {REGION}, to be checked; PDFs of {pdf_bytes:,} bytes")
    print(
        f"Months of {BUSINESS_DAYS} business days: all median; {PEAK_DAYS_OF_A_SEASON} peaks among"
    )
    print("them, as in the busiest month; all peaks, which no month has. Storage is that of the")
    print("month's end, after 11 median months; allowances are those that AWS gives for ever.\n")
    later = {name: one.after(YEAR_MONTHS - 1, usual) for name, one in months.items()}
    _print_row("", [text for name in months for text in (name, "$")])
    for price in PRICES:
        amounts = [one.usage[price.unit] for one in later.values()]
        scale = GIGABYTE if price.per == GIGABYTE else 1
        unit = f"{price.unit}, GB" if price.per == GIGABYTE else price.unit
        _print_row(
            unit,
            [
                text
                for amount in amounts
                for text in (
                    f"{amount / scale:,.2f}" if amount / scale < 100 else f"{amount:,.0f}",
                    f"{price.dollars(amount, allowances=False):.2f}",
                )
            ],
        )
    print()
    for name in next(iter(later.values())).activities:
        costs = [dollars(one.activities[name], allowances=False) for one in later.values()]
        _print_row(name, [text for cost in costs for text in ("", f"{cost:.2f}")])
    print()
    first = {name: one.after(0, usual) for name, one in months.items()}
    for title, totals in (("first month", first), ("after a year", later)):
        for allowances, words in ((False, "list prices"), (True, "less allowances")):
            costs = [dollars(one.usage, allowances=allowances) for one in totals.values()]
            cells = [text for cost in costs for text in ("", f"{cost:.2f}")]
            _print_row(f"{title}, {words}", cells)
    growth = [f"{one.kept[Unit.S3_BYTES] / GIGABYTE:.2f}" for one in months.values()]
    _print_row("the bucket grows by, GB", [text for one in growth for text in (one, "")])


def _print_row(name: str, cells: Sequence[str]) -> None:
    print(f"{name:34}" + "".join(f"{cell:>{12 - 4 * (n % 2)}}" for n, cell in enumerate(cells)))


def _aim(name: str, value: float, most: float) -> None:
    print(f"{name:36}{value:>9.2f}   aim <= {most:g}: {'met' if value <= most else 'MISSED'}")


if __name__ == "__main__":
    main()
