"""What a host has refused holds for the next session, wherever that runs: the lake remembers it."""

import asyncio
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path

import pytest

from benchmarks import virtual_time
from benchmarks.aws_proxy import Answer, Request, Send, proxy
from benchmarks.virtual_time import VirtualClock
from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.lake.layout import REFUSALS
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.resources.source.answers import SourceError
from tdnet_assets.resources.source.refusals import (
    CLOSED_SECONDS,
    FILE,
    LIST,
    LONGEST_AWAY_SECONDS,
    REFUSALS_BEFORE_THE_DOOR_IS_CLOSED,
)
from tdnet_assets.resources.source.session import TdnetSession
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets_tests.resources.source.test_request_slot import DAY, PAGE, tdnet_at

NOON = datetime(2026, 6, 30, 12, tzinfo=TOKYO)


@dataclass
class Machines:
    """Each session is on a machine of its own; they share a lake, whose requests are kept."""

    base_url: str
    folder: Path
    bucket: PlatformConfig
    files: Sequence[str]
    clock: VirtualClock = field(default_factory=lambda: VirtualClock(NOON))
    asked: list[str] = field(default_factory=list)
    is_refusing: bool = False
    may_put: threading.Event = field(default_factory=threading.Event)
    _homes: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.lake = LakeResource(config=self.bucket)
        self.may_put.set()

    def pass_on(self, request: Request, send: Send) -> Answer:
        assert request.target.endswith(f"/{REFUSALS}")
        self.asked.append(request.method)
        if self.is_refusing:
            return Answer(403, [], b"<Code>AccessDenied</Code>")
        if request.method == "PUT":
            self.may_put.wait(10)
        return send()

    def session(self) -> AbstractAsyncContextManager[TdnetSession]:
        home = self.folder / str(next(self._homes))
        tdnet = tdnet_at(
            self.base_url, home, rate=1, lake=self.bucket, attempts=1, backoff_floor_seconds=1.0
        )
        return tdnet.session(now=self.clock.now)

    async def files_of(self, session: TdnetSession, number: int) -> list[str]:
        """What becomes of so many files, asked for one after the other."""
        heard = []
        for name in self.files[:number]:
            try:
                await session.document(name, lambda _: None)
                heard.append("given")
            except SourceError as error:
                heard.append(str(error))
        return heard

    async def new_session(self, number: int = 1) -> list[str]:
        async with self.session() as session:
            return await self.files_of(session, number)

    def remembered(self) -> dict[str, dict[str, float]]:
        return json.loads(self.lake.read(REFUSALS) or b"null")


@pytest.fixture
def machines(site, base_url, tmp_path, bucket) -> Iterator[Machines]:
    site.set_day(DAY, 30)
    files = [row.pdf_name for row in site.rows(DAY)]
    machines = Machines(base_url, tmp_path, bucket, files)
    with proxy(bucket.aws_endpoint_url, machines.pass_on) as address:
        machines.bucket = bucket.changed(aws_endpoint_url=address)
        yield machines


def test_a_session_that_asks_nothing_costs_nothing_and_one_that_is_answered_one_request(machines):
    async def nothing() -> None:
        async with machines.session():
            pass

    virtual_time.run(nothing(), machines.clock)
    assert machines.asked == []

    assert virtual_time.run(machines.new_session(5), machines.clock) == ["given"] * 5
    assert machines.asked == ["GET"]
    assert machines.remembered() is None


def test_closed_doors_hold_for_the_next_session_when_those_that_closed_them_never_ended(
    machines, site
):
    site.faults.answer("pdf", status=503)
    closings = 1 + CLOSED_SECONDS.count(0.0)
    refused = REFUSALS_BEFORE_THE_DOOR_IS_CLOSED + closings - 1

    async def everything() -> list[str]:
        async with AsyncExitStack() as killed:
            for _ in range(closings):
                session = await killed.enter_async_context(machines.session())
                await machines.files_of(session, REFUSALS_BEFORE_THE_DOOR_IS_CLOSED)
            assert machines.asked.count("PUT") == closings
            return await machines.new_session()

    (said,) = virtual_time.run(everything(), machines.clock)

    assert said.endswith(
        f"because earlier files were refused {refused} times in a row, and are asked for again "
        "from 12:23 JST"
    )
    assert len(site.requests) == refused


def test_a_host_that_sends_us_away_for_an_hour_is_left_alone_by_all_before_the_session_has_ended(
    machines, site
):
    site.faults.answer("pdf", status=503, retry_after="3600")

    async def everything() -> list[str]:
        async with machines.session() as killed:
            await machines.files_of(killed, 1)
            site.faults.clear()
            away = await machines.new_session()
            await asyncio.sleep(3601)
            return away + await machines.new_session()

    away, back = virtual_time.run(everything(), machines.clock)

    assert away.endswith(
        "because earlier the host has asked not to be asked before 2026-06-30 13:00 JST"
    )
    assert back == "given"
    assert len(site.requests) == 2


def test_what_one_session_learns_is_not_lost_to_another_that_began_before_and_ends_later(
    machines, site
):
    async def everything() -> list[str]:
        async with machines.session() as early:
            await machines.files_of(early, 1)
            site.faults.answer("pdf", status=503)
            for _ in range(2):
                await machines.new_session(REFUSALS_BEFORE_THE_DOOR_IS_CLOSED)
                known = machines.remembered()
            site.faults.answer(PAGE, status=503)
            with pytest.raises(SourceError):
                await early.list_page(PAGE)
        return known

    known = virtual_time.run(everything(), machines.clock)

    assert known["in_a_row"] == {FILE: REFUSALS_BEFORE_THE_DOOR_IS_CLOSED + 1}
    assert known["closed_until"][FILE] > 0
    now_known = machines.remembered()
    assert now_known["in_a_row"] == {**known["in_a_row"], LIST: 1}
    assert now_known["closed_until"] == known["closed_until"]


def test_of_two_times_until_which_the_host_is_left_alone_the_later_holds(machines, site):
    async def everything() -> None:
        async with machines.session() as early:
            await machines.files_of(early, 1)
            site.faults.answer("pdf", status=503, retry_after="7200")
            await machines.new_session()
            site.faults.clear()
            site.faults.answer("pdf", status=503, retry_after="600")
            await machines.files_of(early, 1)

    virtual_time.run(everything(), machines.clock)

    left = machines.remembered()["away_until"] - NOON.timestamp()
    assert 7200 <= left < 7300 < LONGEST_AWAY_SECONDS


@pytest.mark.parametrize("content", [b"soon", b"[]", b'{"in_a_row": {"files": "x"}}', b""])
def test_what_is_no_memory_is_said_to_be_none_and_replaced_with_the_next_refusal(
    machines, site, content, caplog
):
    machines.lake.put_new(REFUSALS, content, content_type="text/plain", metadata={})

    assert virtual_time.run(machines.new_session(), machines.clock) == ["given"]
    assert f"{REFUSALS} is read as if nothing had been refused: {content!r} does" in caplog.text
    assert machines.lake.read(REFUSALS) == content
    site.faults.answer("pdf", status=503)
    virtual_time.run(machines.new_session(), machines.clock)

    assert machines.remembered() == {"in_a_row": {FILE: 1}, "closed_until": {}, "away_until": 0.0}


def test_a_session_goes_on_without_a_lake_and_says_what_is_not_remembered(machines, site, caplog):
    machines.is_refusing = True
    site.faults.answer(machines.files[0], status=503)

    (said,) = virtual_time.run(machines.new_session(), machines.clock)

    assert "answers 503" in said
    for what in ("has refused earlier sessions is not known", "later sessions will not know what"):
        (line,) = [one for one in caplog.messages if what in one]
        assert "AccessDenied" in line


def test_while_the_memory_is_put_the_loop_goes_on(machines, site):
    site.faults.answer(machines.files[0], status=503, retry_after="3600")

    async def everything() -> list[str]:
        async with machines.session() as session:
            machines.may_put.clear()
            asking = asyncio.create_task(machines.files_of(session, 1))
            while "PUT" not in machines.asked:  # noqa: ASYNC110 - filled by the proxy's thread
                await asyncio.sleep(0)
            machines.may_put.set()
            return await asking

    (said,) = virtual_time.run(everything(), machines.clock)

    assert "asks to wait 3600 s" in said
