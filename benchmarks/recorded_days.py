"""Days of real size through the code location, with a meter on the way to AWS.

What belongs here: doing once what a month does again and again, and what passed the meter. What
does not: how often a month does it and what that costs (``cost.py``).

The lake is a year old before anything is metered, because a run reads earlier days' reports.
"""

import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import dagster as dg
from polars import selectors

from benchmarks.aws_proxy import proxy
from benchmarks.metering import Meter
from benchmarks.prices import Usage
from tdnet_assets.automation import due_days, freshness, new_disclosures
from tdnet_assets.automation.day_facts import LISTING_PAGES, facts_of_days
from tdnet_assets.automation.day_plan import DayFacts, plan
from tdnet_assets.automation.records import record_run, sweep
from tdnet_assets.config import PlatformConfig
from tdnet_assets.definitions import DAILY_ASSETS, build_definitions
from tdnet_assets.local.bootstrap import bootstrap
from tdnet_assets.partitions import tags_for
from tdnet_assets.resources.aws.executions import ExecutionsResource
from tdnet_assets.resources.aws.index_table import DisclosureIndexResource
from tdnet_assets.resources.aws.metrics import MetricsResource
from tdnet_assets.resources.day_states import days_of_the_window, window
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.resources.lake.yearly_copies import yearly_copy
from tdnet_assets.resources.source.session import TdnetResource
from tdnet_assets.sample_site.business_days import is_business_day
from tdnet_assets.sample_site.site import SampleSite, serve
from tdnet_assets.sample_site.titles import EARNINGS_ARCHIVE
from tdnet_assets.tables.disclosure_history import HISTORY_TABLE
from tdnet_assets.tables.disclosures import DISCLOSURES_TABLE
from tdnet_assets.tables.earnings import EARNINGS_TABLE, REPLACES
from tdnet_assets.tables.forecast_revisions import REVISIONS_TABLE
from tdnet_assets.tdnet.listing import TOKYO

SAMPLE_DAY = date(2026, 5, 8)
# New rows of a run outside the peaks.
A_FEW = 3

_IDS = selectors.by_name("disclosure_id", REPLACES, require_all=False)
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
_STATUS = dg.DagsterRunStatus


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A run that found ``listed`` rows of which ``new`` were not there before, and its usage."""

    listed: int
    new: int
    usage: Usage


@dataclass(frozen=True, slots=True)
class RecordedDay:
    """What a day of about ``size`` rows does.

    ``first`` to ``late`` are runs of the day in their order: a third of the day at once, a few rows
    more, the rest, a few rows more. ``table_bytes`` are those of the day's tables as they stay;
    ``empty_day`` is both closes of a day without disclosures.
    """

    day: date
    size: int
    first: RecordedRun
    early: RecordedRun
    rest: RecordedRun
    late: RecordedRun
    unchanged: Usage
    table_bytes: int
    empty_day: Usage
    window_reread: Usage
    history_copy: Usage


@dataclass(frozen=True, slots=True)
class RecordedTicks:
    """What the sensors do at each tick, and a run each time that it reports its progress.

    ``reconcile_today`` is a look at today alone, ``reconcile_window`` one at every day there is;
    ``sweep_of_a_run`` is what a run that has just ended adds to a sweep.
    """

    look: Usage
    heartbeat: Usage
    freshness: Usage
    reconcile_today: Usage
    reconcile_window: Usage
    sweep: Usage
    sweep_of_a_run: Usage
    progress_report: Usage


class Recorder:
    """Runs and ticks against an embedded AWS and a sample site of its own."""

    def __init__(
        self, config: PlatformConfig, address: str, site: SampleSite, clock: "Clock", meter: Meter
    ) -> None:
        """Make a recorder.

        Args:
            config: leads to the AWS directly.
            address: of the proxy that the meter is in.
            site: with this clock.
            clock: the recorder sets it.
            meter: gives the readings.
        """
        metered = config.changed(aws_endpoint_url=address)
        self._lake = LakeResource(config=config)
        self._records = ExecutionsResource(config=config)
        self._site, self._clock, self._meter = site, clock, meter
        self._executions = ExecutionsResource(config=metered)
        self._metered_lake = LakeResource(config=metered)
        self._index = DisclosureIndexResource(config=metered)
        self._tdnet, self._metrics = TdnetResource(config=metered), MetricsResource(config=metered)
        self._jobs = build_definitions(metered).resolve_implicit_global_asset_job_def()
        self._instance = dg.DagsterInstance.ephemeral()

    @property
    def metrics(self) -> int:
        """How many custom metrics have been sent."""
        return len(self._meter.metrics)

    def close(self) -> None:
        """Let go of the Dagster instance."""
        self._instance.dispose()

    def fill_history(self, size: int, days_back: int) -> None:
        """Business days like the sample day before it, by way of its own tables with other dates.

        Args:
            size: disclosures of the sample day.
            days_back: how many days of the calendar to go back.
        """
        self._site.set_day(SAMPLE_DAY, size)
        self._clock.now = _at(SAMPLE_DAY + timedelta(days=1), "09:00")
        self._run(SAMPLE_DAY)
        days = [SAMPLE_DAY - timedelta(days=back) for back in range(1, days_back)]
        days = [day for day in days if is_business_day(day)]
        for name in (DISCLOSURES_TABLE.name, EARNINGS_TABLE.name, REVISIONS_TABLE.name):
            stored = self._lake.read_table(name, SAMPLE_DAY)
            if stored is None:
                continue
            for day in days:
                # Dates and ids of its own: a report of the same period would be a correction.
                moved = stored.frame.with_columns(
                    selectors.temporal() - (SAMPLE_DAY - day),
                    _IDS.str.replace("^[0-9]{8}", f"{day:%Y%m%d}"),
                )
                self._lake.write_table(name, day, moved, {"reader": "1"})
        yearly_copy(self._lake).bring_up_to_date(SAMPLE_DAY.year)

    def day(self, day: date, size: int) -> RecordedDay:
        """Record a day, and what the nights around it do in a month of such days."""
        self._site.set_day(day, size)
        self._clock.now = _at(day, "15:20")
        first = self._recorded(day)
        self._publish_a_few(day)
        early = self._recorded(day)
        self._clock.now = _at(day, "23:55")
        rest = self._recorded(day)
        self._publish_a_few(day)
        late = self._recorded(day)
        unchanged = self._recorded(day).usage
        sunday = day - timedelta(days=day.isoweekday())
        return RecordedDay(
            day=day,
            size=size,
            first=first,
            early=early,
            rest=rest,
            late=late,
            unchanged=unchanged,
            table_bytes=sum(
                found.bytes for found in self._lake.list("tables/") if f"date={day}/" in found.key
            ),
            history_copy=self._reading(dg.AssetKey(HISTORY_TABLE.name), str(day.year)),
            empty_day=self._run(sunday)[1] + self._run(sunday)[1],
            window_reread=self._window_reread(day, size),
        )

    def ticks(self, day: date) -> RecordedTicks:
        """Record the ticks, after the days that were recorded."""
        now = _at(day, "23:59")
        context = dg.build_sensor_context(instance=self._instance)
        with self._meter.reading() as look:
            found = new_disclosures.look(
                self._instance, self._tdnet, self._metered_lake, self._executions, None, now
            )
        with self._meter.reading() as heartbeat:
            new_disclosures.report(context, found, self._metrics)
        with self._meter.reading() as fresh:
            state = due_days.freshness(self._facts_of_the_window(now), now)
            freshness.report(context, state, self._metrics, now)
        with self._meter.reading() as today:
            plan(self._facts([day], now, self._executions), now)
        with self._meter.reading() as every_day:
            plan(self._facts_of_the_window(now, self._executions), now)
        with self._meter.reading() as quiet:
            sweep(self._instance, self._executions, since=datetime.now(UTC) + timedelta(hours=1))
        runs = self._instance.get_runs_count()
        with self._meter.reading() as busy:
            sweep(self._instance, self._executions, since=datetime.now(UTC) - timedelta(hours=24))
        self._records.start("reports", partition_start=str(day))
        self._records.progress("reports", 50, total_count=200, collected_count=100)
        with self._meter.reading() as report:
            self._executions.progress("reports", 51, total_count=200, collected_count=102)
        return RecordedTicks(
            look=look,
            heartbeat=heartbeat,
            freshness=fresh,
            reconcile_today=today,
            reconcile_window=every_day,
            sweep=quiet,
            sweep_of_a_run=(busy - quiet) * (1 / runs),
            progress_report=report,
        )

    def _facts_of_the_window(
        self, now: datetime, executions: ExecutionsResource | None = None
    ) -> list[DayFacts]:
        lake = self._metered_lake
        return self._facts(days_of_the_window(lake, lake.config, now), now, executions)

    def _facts(
        self, days: Iterable[date], now: datetime, executions: ExecutionsResource | None
    ) -> list[DayFacts]:
        return facts_of_days(
            days,
            instance=self._instance,
            lake=self._metered_lake,
            index=self._index,
            now=now,
            executions=executions,
        )

    def _publish_a_few(self, day: date) -> None:
        """With a 決算短信 among them, whose facts and row are put anew: rather too dear."""
        rows = self._site.publish(day, A_FEW)
        while not any((row.xbrl_name or "").startswith(EARNINGS_ARCHIVE) for row in rows):
            rows = self._site.publish(day)

    def _recorded(self, day: date) -> RecordedRun:
        run_id, usage = self._run(day)
        record = self._records.get(run_id)
        if record is None:
            raise RuntimeError(f"run {run_id} of {day} left no record")
        return RecordedRun(record.total_count or 0, record.collected_count or 0, usage)

    def _run(self, day: date) -> tuple[str, Usage]:
        return self._execute(DAILY_ASSETS, str(day), str(day))

    def _reading(self, key: dg.AssetKey, first: str, last: str | None = None) -> Usage:
        return self._execute([key], first, last or first)[1]

    def _window_reread(self, day: date, size: int) -> Usage:
        """The second of two readings of the window: nothing has changed since the first."""
        first, last = window(day, self._lake.config)
        for back in range(1, (last - first).days + 1):
            if is_business_day(earlier := day - timedelta(days=back)):
                self._site.set_day(earlier, size)
        self._reading(LISTING_PAGES, str(first), str(last))
        return self._reading(LISTING_PAGES, str(first), str(last))

    def _execute(self, keys: Sequence[dg.AssetKey], first: str, last: str) -> tuple[str, Usage]:
        """A run, and what the daemon's sensors write about it: its id and its usage."""
        job = self._jobs.get_subset(asset_selection=set(keys))
        tags = tags_for(first, last)
        run = dg.DagsterRun(job_name=job.name, run_id=str(uuid.uuid4()), tags=tags)
        with self._meter.reading() as usage:
            # Not yet started is written down just as queued is.
            for status in (_STATUS.NOT_STARTED, _STATUS.STARTED):
                record_run(self._executions, run.with_status(status))
            result = job.execute_in_process(
                instance=self._instance,
                run_id=run.run_id,
                run_config=_QUIET,
                tags=tags,
                raise_on_error=False,
            )
            record_run(self._executions, run.with_status(_STATUS.SUCCESS))
        if not result.success:
            raise RuntimeError(f"run {run.run_id} of {first} to {last} failed")
        return run.run_id, usage


class Clock:
    """The sample site's clock, which stands where it is put."""

    def __init__(self) -> None:
        """A clock at the beginning of the sample day."""
        self.now = _at(SAMPLE_DAY, "00:00")

    def __call__(self) -> datetime:
        """The time on it (aware, JST)."""
        return self.now


@contextmanager
def recorder(endpoint_url: str, folder: Path, pdf_bytes: int) -> Iterator[Recorder]:
    """A recorder with a bucket and tables of its own.

    Args:
        endpoint_url: of an embedded AWS.
        folder: for local state.
        pdf_bytes: size of every PDF of the sample site.
    """
    clock = Clock()
    site = SampleSite(clock=clock, pdf_bytes=pdf_bytes)
    name = f"cost-{os.getpid()}"
    with serve(site) as base_url:
        config = PlatformConfig(
            bucket=name,
            executions_table=f"executions-{name}",
            disclosures_table=f"disclosures-{name}",
            tdnet_base_url=base_url,
            requests_per_second=0,
            home=str(folder),
            aws_endpoint_url=endpoint_url,
            embedded_aws=True,
        )
        bootstrap(config)
        meter = Meter(config)
        with proxy(endpoint_url, meter.pass_on) as address:
            made = Recorder(config, address, site, clock, meter)
            try:
                yield made
            finally:
                made.close()


def _at(day: date, clock: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), TOKYO)
