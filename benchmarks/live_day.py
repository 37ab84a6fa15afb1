"""An operating day of the sample site, lived through by a virtual clock: how soon is what known?

What belongs here: the day with its faults, the ticks and runs as Dagster's daemon would make them,
and the aims beside what was measured. What does not: the clock (``virtual_time.py``) and what is
seen on the wire (``wire_observer.py``).

Run it with ``python -m benchmarks.live_day``. The sensor's own look, the collection session and the
steps of derivation are the real ones, without Dagster around them, and so is who tells people of
it: the desk of a session, and the tick of the sensor otherwise. AWS is the embedded one; the site
and the webhooks answer over HTTP. Their waiting takes no time, and requests take none on the clock.
"""

import asyncio
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any, cast

import click
import dagster as dg

from benchmarks.aws_proxy import proxy
from benchmarks.told_notices import FIGURE, MESSAGES_A_MINUTE, ROW, ToldNotices, Webhooks
from benchmarks.virtual_time import VirtualClock, VirtualTimeLoop, every_loop_by, run
from benchmarks.wire_observer import WireObserver
from tdnet_assets.assets.collection_session import CollectionSession
from tdnet_assets.assets.day_files import DayFiles
from tdnet_assets.assets.following_derivation import FollowingDerivation
from tdnet_assets.assets.progress import RunProgress
from tdnet_assets.assets.steps import CollectionDay, Day
from tdnet_assets.automation.new_disclosures import look
from tdnet_assets.automation.notice_sending import tell
from tdnet_assets.config import DEFAULT_REGION, PlatformConfig
from tdnet_assets.definitions import COLLECTION_STEPS, DERIVATION_STEPS
from tdnet_assets.local import embedded_aws
from tdnet_assets.local.bootstrap import bootstrap
from tdnet_assets.partitions import DAYS_PER_RUN
from tdnet_assets.resources.aws.executions import ExecutionsResource
from tdnet_assets.resources.aws.index_table import DisclosureIndexResource
from tdnet_assets.resources.aws.notices_table import NoticesResource
from tdnet_assets.resources.day_states import read_day_state
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.captures import CaptureStore
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.resources.notices.delivery import Delivery
from tdnet_assets.resources.notices.sender import NoticeSender
from tdnet_assets.resources.notices.watch_desk import WatchDesk
from tdnet_assets.resources.notices.watch_source import read_watch_list
from tdnet_assets.resources.notices.watched_day import read_watched_day
from tdnet_assets.resources.source.disclosure_source import ListReading
from tdnet_assets.resources.source.session import TdnetResource, TdnetSession
from tdnet_assets.resources.source.tdnet_source import TdnetSource
from tdnet_assets.sample_site.day import PlannedRow, living_day
from tdnet_assets.sample_site.site import SampleSite, SeenRequest, serve
from tdnet_assets.tdnet.listing import TOKYO

DAY = date(2026, 2, 13)
OPENS = datetime(2026, 2, 13, 7, tzinfo=TOKYO)
ENDS = OPENS + timedelta(hours=23, minutes=45)  # of the night, in which the day is read once more
TICK_EVERY_SECONDS = 60
START_SECONDS = 12
NOTICED_SECONDS = 60
"""Until a killed run is found dead and asked for again: the daemon looks every 30 s, twice."""
BURST = "15:30"
QUIET_END = timedelta(minutes=30)
CLOSES = ("23:35", "06:30")
BACKFILL_BEGINS, BACKFILL_DAYS = "14:50", 30


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong from a moment of the day on, for so many seconds."""

    name: str
    begins: str
    seconds: float

    @property
    def begins_at(self) -> float:
        """Seconds of the clock."""
        return (_moment(self.begins) - OPENS).total_seconds()

    def switch_on(self, site: SampleSite) -> None:
        """Let the site do it; a killed run is no matter of the site."""
        begins = _moment(self.begins)
        faults = site.faults.between(begins, begins + timedelta(seconds=self.seconds))
        if self.name == "503":
            faults.answer(".", status=503)
        elif self.name == "maintenance":
            faults.html_instead(".")


KILLED = "killed run"
FAULTS = (
    Fault("503", "10:04:30", 90),
    Fault("maintenance", "11:20:00", 1200),
    Fault("503", "15:31:00", 90),
    Fault(KILLED, "15:33:20", NOTICED_SECONDS + START_SECONDS),
    Fault("maintenance", "16:00:00", 1200),
)


@dataclass(slots=True)
class LivedDay:
    """What a day was like; moments are seconds of the clock."""

    plans: Mapping[str, PlannedRow]
    rows: Mapping[str, float]
    files: Mapping[str, float]
    facts: Mapping[str, float]
    requests: Sequence[SeenRequest]
    lacks: str
    runs: int
    looks: int
    looked_at: int
    """Pages that the sensor's looks brought."""
    derivations: Sequence[float]
    real_seconds: float
    full_passes: int
    """Pages that readings of all pages brought."""
    told: ToldNotices

    def appeared(self, number: str) -> float:
        """When the site showed a disclosure."""
        plan = self.plans[number]
        return ((plan.appears_at or _moment(plan.row.time)) - OPENS).total_seconds()

    def archive(self, number: str) -> float | None:
        """When the archive of a disclosure was stored."""
        return self.files.get(layout.document_key(DAY, number, "xbrl"))

    def asked(self, what: str, since: float = 0.0, until: float = float("inf")) -> int:
        """How many requests for such paths arrived in a time."""
        begins = OPENS.timestamp()
        return sum(
            what in seen.path and since <= seen.site_time - begins <= until
            for seen in self.requests
        )

    def delays(self) -> dict[str, float]:
        """From the site to the lake, by what it is: every row, file and filing of the day."""
        found = {f"row {number}": moment for number, moment in self.rows.items()}
        found |= {f"facts {number}": moment for number, moment in self.facts.items()}
        found |= {
            f"file {Path(key).name} {Path(key).stem}": moment for key, moment in self.files.items()
        }
        found |= {f"told {kind} {n}": at for kind in (ROW, FIGURE) for n, at in self.told_at(kind)}
        return {name: at - self.appeared(name.split()[-1]) for name, at in found.items()}

    def told_at(self, kind: str) -> list[tuple[str, float]]:
        """When which disclosure was told; of figures not before the facts count as read."""
        known = self.facts if kind == FIGURE else {}
        told = self.told.published(kind).items()
        return [(number, max(at, known.get(number, at))) for number, at in told]


class TimedDerivation(FollowingDerivation):
    """Derivation beside collection: it takes on the clock what it really took.

    What it really took is measured, and spent afterwards; its facts count from then.
    """

    def __init__(self, daemon: "Daemon", observer: WireObserver) -> None:
        super().__init__(DERIVATION_STEPS, daemon.day, daemon.say)
        self.at_work = threading.Lock()
        self._daemon, self._observer = daemon, observer
        self._loop = cast("VirtualTimeLoop", asyncio.get_running_loop())

    def _derive(self, date_: date) -> None:
        began, known = time.perf_counter(), set(self._observer.facts)
        with self.at_work:
            super()._derive(date_)
        took = time.perf_counter() - began
        self._daemon.derivations.append(took)
        self._loop.spend(took)
        for number in self._observer.facts.keys() - known:
            self._observer.facts[number] = self._loop.time()


class Daemon:
    """Ticks, runs and their deaths, as Dagster's daemon and launcher make them."""

    def __init__(  # noqa: PLR0917 - the parts of the world
        self,
        clock: VirtualClock,
        tdnet: TdnetResource,
        site: SampleSite,
        observer: WireObserver,
        beside: PlatformConfig,
        instance: dg.DagsterInstance,
        *,
        is_talkative: bool,
    ) -> None:
        """Start nothing yet; what runs write passes the observer, what the sensor reads does not.

        Args:
            clock: by which all this happens.
            tdnet: the site, and the way to AWS on which the observer stands.
            site: counts what is asked.
            observer: sees what is put.
            beside: the way to AWS past the observer.
            instance: Dagster's own, in which no run is.
            is_talkative: whether what runs say is printed.
        """
        config = tdnet.config
        self.lake = LakeResource(config=config)
        self.index = DisclosureIndexResource(config=config)
        self.executions = ExecutionsResource(config=config)
        self.runs = self.looks = self.looked_at = self.full_passes = 0
        self.derivations: list[float] = []
        self._clock, self._tdnet, self._site, self._observer = clock, tdnet, site, observer
        self._seen_by_sensor = LakeResource(config=beside), ExecutionsResource(config=beside)
        self._watches = read_watch_list(config)
        self._sender = NoticeSender(
            NoticesResource(config=beside),
            Delivery(beside),
            clock=clock.now,
            monotonic=lambda: clock.seconds,
        )
        self._told: str | None = None
        self._instance, self._is_talkative = instance, is_talkative
        self._run: asyncio.Task[None] | None = None
        self._backfill: asyncio.Task[None] | None = None
        self._derivation: TimedDerivation | None = None
        self._cursor: str | None = None

    async def live(self, plan: "Plan") -> None:
        """Tick until the night is over; the run of that time comes to its own end."""
        killers = [self._kill(fault) for fault in plan.faults if fault.name == KILLED]
        closes = [self._close(mark) for mark in CLOSES]
        backfills = [self._fill(BACKFILL_BEGINS)] if plan.has_backfill else []
        beside = asyncio.gather(*killers, *closes, *backfills)
        tick = plan.phase
        while OPENS + timedelta(seconds=tick) < ENDS:
            await self._sleep_until(tick)
            await self._tick()
            await self._tell()
            tick += TICK_EVERY_SECONDS
        await beside
        if self._run:
            await self._run
        await asyncio.sleep(TICK_EVERY_SECONDS)
        await self._tell()

    def say(self, text: str) -> None:
        """Say what a run says, to whoever wants to hear it."""
        if self._is_talkative:
            print(f"    {self._clock.now():%H:%M:%S} {text}", file=sys.stderr)

    def day(self, day: date) -> Day:
        """A day that is ready to be derived."""
        return Day(**self._parts(day))

    async def _tick(self) -> None:
        now = self._clock.now()
        if _is_going(self._run) or now.date() != DAY:
            return
        self.looks += 1
        before = len(self._site.requests)
        found = await asyncio.to_thread(
            lambda: look(
                self._instance,
                self._tdnet,
                *self._seen_by_sensor,
                self._cursor,
                now,
                clock=self._clock.now,
            )
        )
        self.looked_at += _pages(self._site.requests[before:])
        self._cursor = found.remembered.to_cursor()
        if found.request:
            self._start(START_SECONDS)

    async def _tell(self) -> None:
        """A tick of the sensor that sends while no session does; of the night only the end."""
        if self._clock.now().date() > DAY and self._clock.now() < ENDS - QUIET_END:
            return
        lake, _ = self._seen_by_sensor
        told = await asyncio.to_thread(
            lambda: tell(lake, self._watches, self._sender, self._told, self._clock.now)
        )
        self._told = told.seen.to_cursor()

    @contextmanager
    def _desk(self) -> Iterator[WatchDesk]:
        """The desk of a session, whose thread waits by the clock."""
        loop = cast("VirtualTimeLoop", asyncio.get_running_loop())
        with (
            loop.waking() as awake,
            WatchDesk(
                self.lake,
                clock=self._clock.now,
                monotonic=lambda: self._clock.seconds,
                awake=awake,
            ) as desk,
        ):
            yield desk

    async def _close(self, mark: str) -> None:
        """The schedule of the day's close, which waits in the queue while a run is going."""
        await self._sleep_until((_moment(mark, after=OPENS) - OPENS).total_seconds())
        while _is_going(self._run) or _is_going(self._backfill):  # noqa: ASYNC110 - as the daemon
            await asyncio.sleep(5)
        self._start(START_SECONDS, news_suffice=False)

    def _start(self, seconds: float, *, news_suffice: bool = True) -> None:
        self._run = asyncio.create_task(self._collect_day(seconds, news_suffice=news_suffice))

    async def _fill(self, mark: str) -> None:
        """A backfill of the month before, in runs of so many days, beside which the day goes on."""
        await self._sleep_until((_moment(mark) - OPENS).total_seconds())
        days = [DAY - timedelta(days=back) for back in range(BACKFILL_DAYS, 0, -1)]
        for start in range(0, len(days), DAYS_PER_RUN):
            while _is_going(self._run):  # noqa: ASYNC110 - in the queue, as the daemon has it
                await asyncio.sleep(5)
            chunk = days[start : start + DAYS_PER_RUN]
            self._backfill = asyncio.create_task(self._collect(chunk, START_SECONDS))
            await self._backfill

    async def _kill(self, fault: Fault) -> None:
        """Kill the run of that moment: nothing that it does afterwards reaches anybody."""
        await self._sleep_until(fault.begins_at)
        if not _is_going(self._run) or self._run is None:
            self.say("there is no run to kill")
            return
        self._observer.is_dead = True
        self._run.cancel()
        await asyncio.gather(self._run, return_exceptions=True)
        if self._derivation:  # its thread cannot be ended, but nobody hears of it
            await asyncio.to_thread(self._derivation.at_work.acquire)
            self._derivation.at_work.release()
        self._observer.is_dead = False
        self._start(NOTICED_SECONDS + START_SECONDS)

    async def _sleep_until(self, moment: float) -> None:
        await asyncio.sleep(moment - self._clock.seconds)

    async def _collect_day(self, seconds: float, *, news_suffice: bool) -> None:
        """A run of the day: collection, and derivation when that has ended."""
        await self._collect([DAY], seconds, news_suffice=news_suffice)
        derivation = TimedDerivation(self, self._observer)
        derivation.ask(DAY)
        await derivation.finish()

    async def _collect(
        self, days: Sequence[date], seconds: float, *, news_suffice: bool = False
    ) -> None:
        await asyncio.sleep(seconds)
        self.runs += 1
        with self._desk() as desk:
            await self._collect_beside(desk, days, news_suffice=news_suffice)

    async def _collect_beside(
        self, desk: WatchDesk, days: Sequence[date], *, news_suffice: bool
    ) -> None:
        async with self._tdnet.session(now=self._clock.now) as session:
            source = self._source(session)

            def new_day(day: date) -> CollectionDay:
                parts = self._parts(day)
                return CollectionDay(
                    **parts,
                    source=source,
                    concurrency=self._tdnet.concurrency,
                    counts_documents=True,
                    files=DayFiles(day, self.lake, source, parts["progress"], self.say),
                    rows_stored=desk.rows_stored,
                )

            self._derivation = TimedDerivation(self, self._observer)
            async with CollectionSession(
                source,
                days,
                new_day,
                say=self.say,
                derivation=self._derivation,
                news_suffice=news_suffice,
            ) as collection:
                await collection.collect(COLLECTION_STEPS)

    def _source(self, session: TdnetSession) -> TdnetSource:
        daemon = self

        class Counted(TdnetSource):
            """Counts the pages of readings of all pages."""

            async def read_day(self, store: CaptureStore, day: date) -> ListReading:
                before = len(daemon._site.requests)
                try:
                    return await super().read_day(store, day)
                finally:
                    asked = daemon._site.requests[before:]
                    daemon.full_passes += _pages(asked)

        return Counted(session)

    def _parts(self, day: date) -> dict[str, Any]:
        return {
            "date": day,
            "lake": self.lake,
            "index": self.index,
            "progress": RunProgress(self.executions, "live-day", days=1),
            "state": read_day_state(self.lake, self.index, day),
            "say": self.say,
            "now": self._clock.now,
        }


def _is_going(run: asyncio.Task[None] | None) -> bool:
    return run is not None and not run.done()


def _pages(requests: Sequence[SeenRequest]) -> int:
    """How many list pages of the day were sent; what answers 304 sends none."""
    return sum(f"{DAY:%Y%m%d}.html" in seen.path and seen.status == 200 for seen in requests)


@dataclass(frozen=True, slots=True)
class Plan:
    """What kind of day is lived through; ``phase`` is the second of the minute of each tick."""

    size: int
    phase: float
    faults: Sequence[Fault] = ()
    has_backfill: bool = False


def lived(endpoint_url: str, plan: Plan, *, is_talkative: bool = False) -> LivedDay:
    """Live through a day."""
    began = time.monotonic()
    clock = VirtualClock(OPENS)
    site = SampleSite(clock=clock.now, dates_by_clock=True)
    site.set_day(DAY, plan.size, living=True)
    for fault in plan.faults:
        fault.switch_on(site)
    name = f"{plan.size}-{time.time_ns()}"
    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="live-day-"))
        watch_file = Path(home) / "watches.toml"
        webhooks = Webhooks(clock, watch_file)
        stack.enter_context(webhooks.open())
        config = PlatformConfig(
            bucket=f"live-{name}",
            executions_table=f"executions-{name}",
            disclosures_table=f"disclosures-{name}",
            notices_table=f"notices-{name}",
            watches=str(watch_file),
            tdnet_base_url=stack.enter_context(serve(site)),
            requests_per_second=1,
            home=home,
            aws_endpoint_url=endpoint_url,
            embedded_aws=True,
        )
        bootstrap(config)
        observer = WireObserver(clock, LakeResource(config=config), DAY)
        watched = stack.enter_context(proxy(endpoint_url, observer.pass_on))
        tdnet = TdnetResource(config=config.changed(aws_endpoint_url=watched))
        instance = stack.enter_context(dg.DagsterInstance.ephemeral())
        daemon = Daemon(clock, tdnet, site, observer, config, instance, is_talkative=is_talkative)
        stack.enter_context(every_loop_by(clock))
        run(daemon.live(plan), clock)
        stored = read_watched_day(LakeResource(config=config), DAY, texts=False)
        return LivedDay(
            plans=living_day(DAY, plan.size, 0),
            rows=observer.rows,
            files=observer.files,
            facts=observer.facts,
            requests=tuple(site.requests),
            lacks=_lacks(config, plan.size),
            runs=daemon.runs,
            looks=daemon.looks,
            looked_at=daemon.looked_at,
            derivations=daemon.derivations,
            real_seconds=time.monotonic() - began,
            full_passes=daemon.full_passes,
            told=webhooks.told(stored, read_watch_list(config)),
        )


def _lacks(config: PlatformConfig, size: int) -> str:
    """What the day lacks in the end of all that the site has shown; empty if nothing."""
    lake, index = LakeResource(config=config), DisclosureIndexResource(config=config)
    stored = lake.read_table("disclosures", DAY)
    statuses = Counter(stored.frame["status"]) if stored else Counter()
    wanted = Counter(
        plan.changed.state if plan.changed else "active"
        for plan in living_day(DAY, size, 0).values()
    )
    differs = f"rows are {dict(statuses)}, not {dict(wanted)}" if statuses != wanted else ""
    return "; ".join(filter(None, (read_day_state(lake, index, DAY).why(), differs)))


def _moment(mark: str, *, after: datetime | None = None) -> datetime:
    moment = datetime.fromisoformat(f"{DAY}T{mark}").replace(tzinfo=TOKYO)
    return moment + timedelta(days=1) if after and moment < after else moment


@dataclass(slots=True)
class Report:
    """Aims beside what was measured; ``missed`` counts those that were not met."""

    missed: list[str] = field(default_factory=list)

    def aim(self, name: str, value: float, most: float | None) -> None:
        """One line: at most so much; only what was measured where nothing is aimed at."""
        if most is None:
            print(f"  {name:58}{value:>10.1f}")
            return
        verdict = "met" if value <= most else "MISSED"
        if value > most:
            self.missed.append(name)
        print(f"  {name:58}{value:>10.1f}   aim ≤ {most:g}: {verdict}")

    def day(self, day: LivedDay) -> None:
        """The aims of a day on which nothing goes wrong."""
        self.rows(day)
        self._speed(day)
        self.told(day)
        self._waste(day)
        self._whole(day)

    def rows(self, day: LivedDay) -> None:
        """The aims of its rows, whatever else is going on."""
        rows = [at - day.appeared(number) for number, at in day.rows.items()]
        self.aim("rows, median s", median(rows), 45)
        self.aim("rows, worst s", max(rows), 75)

    def told(self, day: LivedDay) -> None:
        """The aims of notices, whatever else is going on."""
        for kind in (ROW, FIGURE):
            seconds = [at - day.appeared(number) for number, at in day.told_at(kind)]
            most = 90 if kind == ROW else None
            self.aim(f"{kind} told after publication, median s", median(seconds), None)
            self.aim(f"{kind} told after publication, worst s", max(seconds), most)
        burst = [
            at - day.appeared(number)
            for number, at in day.told_at(ROW)
            if day.plans[number].row.time == BURST
        ]
        self.aim(f"row of {BURST} told, worst s of {len(burst):,}", max(burst), 90)
        behind = [at - day.facts[number] for number, at in day.told_at(FIGURE)]
        self.aim(f"figure told behind its facts, worst s of {len(behind):,}", max(behind), 65)
        self.delivered(day)

    def delivered(self, day: LivedDay) -> None:
        """That everything was told, and nothing twice without saying so."""
        announced, silent = day.told.repeated()
        changes = day.told.changes()
        self.aim(f"not told, of rows, figures and {changes} changes", len(day.told.lost), 0)
        if day.told.lost:
            print(f"    {', '.join(day.told.lost[:5])}")
        self.aim(f"told twice without saying so, beside {announced} announced", silent, 0)

    def _speed(self, day: LivedDay) -> None:
        burst = [number for number, plan in day.plans.items() if plan.row.time == BURST]
        burst = [number for number in burst if not day.plans[number].appears_at]
        facts = [
            day.facts[number] - day.appeared(number) for number in burst if number in day.facts
        ]
        self.aim(f"facts of {BURST}, median s", median(facts), 320)
        self.aim(f"facts of {BURST}, 95 of 100 s", quantiles(facts, n=20)[-1], 560)
        behind = [
            at - stored
            for number, at in day.facts.items()
            if (stored := day.archive(number)) is not None
        ]
        self.aim("facts behind their archive, worst s", max(behind), 60)
        seen = min(day.rows[number] for number in burst)
        last = max(at for key, at in day.files.items() if Path(key).stem in set(burst))
        sent = day.asked("/", seen, last)
        self.aim(
            f"last file of {BURST}, s a request since its first row", (last - seen) / sent, 1.02
        )

    def _waste(self, day: LivedDay) -> None:
        pages = _pages(day.requests)
        self.aim(
            f"list pages, beside {day.full_passes} of full passes", pages - day.full_passes, 120
        )
        fetched = Counter(
            seen.path for seen in day.requests if "I_list" not in seen.path and seen.status == 200
        )
        self.aim("files fetched twice", sum(count > 1 for count in fetched.values()), 0)

    def _whole(self, day: LivedDay) -> None:
        self.aim("rows, files and facts that the day lacks in the end", bool(day.lacks), 0)
        if day.lacks:
            print(f"    {day.lacks}")

    def faults(self, day: LivedDay, without: LivedDay, faults: Sequence[Fault]) -> None:
        """The aims of the same day with faults: the worst of each kind of thing."""
        self._whole(day)
        self.delivered(day)
        before = without.delays()
        late: dict[str, tuple[float, str]] = {}
        for name, delay in day.delays().items():
            appeared = day.appeared(name.split()[-1])
            during = sum(
                fault.seconds
                for fault in faults
                if fault.begins_at < appeared + delay and appeared < fault.begins_at + fault.seconds
            )
            kind = name.rpartition(".")[2].partition(" ")[0]  # row, facts, told, or what a file is
            beyond = delay - before.get(name, 0.0) - during
            late[kind] = max(late.get(kind, (beyond, name)), (beyond, name))
        for beyond, name in late.values():
            self.aim(f"later than the fault itself, s: {name}", beyond, 120)


@contextmanager
def _aws() -> Iterator[str]:
    with (
        tempfile.TemporaryDirectory(prefix="live-day-aws-") as folder,
        embedded_aws.running(Path(folder), region=DEFAULT_REGION) as aws,
    ):
        yield aws.endpoint_url


@click.command()
@click.option("--size", "sizes", multiple=True, type=int, default=(180, 2694), show_default=True)
@click.option("--phase", default=30.0, show_default=True, help="Second of the minute of each tick.")
@click.option("--calm/--no-calm", default=True, help="Live each day with nothing going wrong.")
@click.option("--faults/--no-faults", default=True, help="Live each day once more, with faults.")
@click.option("--backfill/--no-backfill", default=True, help="And once beside a backfill.")
@click.option("--talk", is_flag=True, help="Print what the runs say.")
def main(
    sizes: Sequence[int], phase: float, *, calm: bool, faults: bool, backfill: bool, talk: bool
) -> None:
    """Print what was measured beside its aim, for each day; 1 if an aim is missed."""
    if faults and not calm:
        raise click.UsageError("what faults delay is held against a calm day: --no-calm wants none")
    print(
        f"A tick every {TICK_EVERY_SECONDS} s, {phase:g} s after the full minute, unless a run is "
        f"going; a run starts {START_SECONDS} s after\nits tick, a killed one again after "
        f"{NOTICED_SECONDS} s more. One request a second. Requests and puts take no time on the "
        "clock; a derivation\ntakes what it really took, and its facts count from its end.\n"
        f"Who is told takes up to {MESSAGES_A_MINUTE} messages a minute.\n"
    )
    report = Report()
    with _aws() as endpoint_url:

        def live(plan: Plan, how: str = "") -> LivedDay:
            day = lived(endpoint_url, plan, is_talkative=talk)
            _title(day, plan.size, how)
            return day

        for size in sizes:
            if calm:
                undisturbed = live(Plan(size, phase))
                report.day(undisturbed)
            if faults:
                hard = live(Plan(size, phase, FAULTS), f", with {len(FAULTS)} faults")
                report.faults(hard, undisturbed, FAULTS)
            if backfill:
                full = live(Plan(size, phase, has_backfill=True), ", beside a backfill of a month")
                report.rows(full)
                report.told(full)
    sys.exit(1 if report.missed else 0)


def _title(day: LivedDay, size: int, how: str) -> None:
    took = day.derivations
    print(
        f"\n{size:,} disclosures{how}: {day.runs} runs; {day.looks} looks of the sensor, which "
        f"brought {day.looked_at} pages;\n{len(day.requests):,} requests, {day.asked('I_list')} of "
        "them for list pages; "
        f"{len(took)} derivations of {max(took, default=0):.1f} s at most; "
        f"{day.real_seconds:.0f} s of real time"
    )


if __name__ == "__main__":
    main()
