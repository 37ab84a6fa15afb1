"""Two machines on one bucket, in every interleaving of their steps: the union, and true checks.

Each machine stores a capture of the list as it saw it, and folds what is there into the table. What
it does between two touches of the bucket is its own; which of the two touches it next is drawn.
"""

import asyncio
import itertools
import threading
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import PrivateAttr

from tdnet_assets.assets import disclosures
from tdnet_assets.assets.day_files import DayFiles
from tdnet_assets.assets.day_run import make
from tdnet_assets.assets.progress import RunProgress
from tdnet_assets.assets.steps import CollectionDay
from tdnet_assets.resources.aws.executions import ExecutionsResource
from tdnet_assets.resources.aws.index_table import DisclosureIndexResource
from tdnet_assets.resources.day_states import read_day_state
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.captures import CapturedPage, CaptureStore, CaptureWriter
from tdnet_assets.resources.lake.store import LakeResource, sha256
from tdnet_assets_tests.tdnet.list_pages import many, page_html

DAY = date(2026, 6, 10)
BASE = "http://127.0.0.1:8080/inbs"
BEGUN = datetime(2026, 6, 10, 6, 30, tzinfo=UTC)
_PREFIXES = itertools.count(1)


class Turns:
    """Lets one thread at a time touch the bucket, in the order that was drawn."""

    def __init__(self, order):
        self._order = list(order)
        self._alive = {0, 1}
        self._changed = threading.Condition()

    def _next(self):
        while self._order and self._order[0] not in self._alive:
            self._order.pop(0)
        return self._order[0] if self._order else min(self._alive)

    @contextmanager
    def turn(self, machine):
        with self._changed:
            self._changed.wait_for(lambda: self._next() == machine, timeout=30)
            try:
                yield
            finally:
                if self._order:
                    self._order.pop(0)
                self._changed.notify_all()

    def gone(self, machine):
        with self._changed:
            self._alive.discard(machine)
            self._changed.notify_all()


class SharedLake(LakeResource):
    """The lake of one machine, which waits for its turn before each touch of the bucket."""

    _turns: Turns = PrivateAttr()
    _machine: int = PrivateAttr()

    def on(self, turns, machine):
        self._turns, self._machine = turns, machine
        return self

    def read_table(self, table, day):
        with self._turns.turn(self._machine):
            return super().read_table(table, day)

    def put_table(self, *arguments, **named):
        with self._turns.turn(self._machine):
            return super().put_table(*arguments, **named)

    def put_new(self, *arguments, **named):
        with self._turns.turn(self._machine):
            return super().put_new(*arguments, **named)

    def list(self, prefix, *, after=None):
        with self._turns.turn(self._machine):
            found = list(super().list(prefix, after=after))
        return iter(found)


def store_capture(lake, rows, begun):
    """What a reading leaves that began then and saw so many rows."""
    content = page_html(many(rows), day=DAY, page=1, total=rows).encode()
    store = CaptureStore(lake)
    writer = CaptureWriter(store, DAY, BASE, layout.capture_id(begun), None)
    page = CapturedPage(
        number=1,
        key=writer.keep(1, content),
        status=200,
        sha256=sha256(content),
        bytes=len(content),
        total=rows,
        last_modified=None,
        received_at=begun.isoformat(),
        headers={},
    )
    writer.finish((page,), complete=True, problem=None)
    return writer.id


def open_day(lake):
    index = DisclosureIndexResource(config=lake.config)
    progress = RunProgress(ExecutionsResource(config=lake.config), "nobody", days=1)
    return CollectionDay(
        date=DAY,
        lake=lake,
        index=index,
        progress=progress,
        state=read_day_state(lake, None, DAY),
        say=lambda text: None,
        source=None,
        concurrency=1,
        counts_documents=True,
        files=DayFiles(DAY, lake, None, progress, print),
    )


def work(lake, turns, machine, sightings, errors):
    """One machine's runs: it stores what it saw, then folds what is there."""
    try:
        for rows, begun in sightings:
            day = open_day(lake)
            day.capture = store_capture(lake, rows, begun)
            asyncio.run(make(disclosures.DISCLOSURES_STEP, day))
    except Exception as error:  # noqa: BLE001 - told by the test
        errors.append(error)
    finally:
        turns.gone(machine)


sightings = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 9)), min_size=1, max_size=2)


@pytest.mark.slow
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    seen=st.tuples(sightings, sightings),
    order=st.lists(st.sampled_from((0, 1)), max_size=60),
)
def test_two_machines_end_with_the_union_and_a_true_check(platform, seen, order):
    config = platform.changed(prefix=f"writers-{next(_PREFIXES)}/")
    turns, errors = Turns(order), []
    # Rows are only ever added, so a reading that began later saw no fewer of them.
    plan = [
        [
            (rows, BEGUN + timedelta(seconds=rows, milliseconds=ms, microseconds=machine))
            for rows, ms in sorted(of_machine)
        ]
        for machine, of_machine in enumerate(seen)
    ]

    def lake_of(machine):
        return SharedLake(config=config).on(turns, machine)

    threads = [
        threading.Thread(
            target=work,
            args=(
                SharedLake(config=config).on(turns, machine),
                turns,
                machine,
                plan[machine],
                errors,
            ),
        )
        for machine in (0, 1)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    lake = LakeResource(config=config)
    table = lake.read_table("disclosures", DAY)
    most = max(rows for of_machine in seen for rows, _ in of_machine)
    assert errors == []
    assert table.frame.height == table.frame["disclosure_id"].n_unique() == most
    assert table.footer[disclosures.CAPTURES].split(",") == CaptureStore(lake).ids(DAY)
    state = read_day_state(lake, None, DAY)
    assert state.lacks("disclosures") == []
    assert table.frame.filter(pl.col("capture") == CaptureStore(lake).latest(DAY).id).height == most
