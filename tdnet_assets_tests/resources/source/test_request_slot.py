import asyncio
import itertools
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.source.admission import LONGEST_RETRY_AFTER_SECONDS
from tdnet_assets.resources.source.answers import SessionBusyError
from tdnet_assets.resources.source.request_slot import RequestSlot, Urgency
from tdnet_assets.resources.source.session import TdnetResource, TdnetSession
from tdnet_assets.sample_site.site import CLOSED, SampleSite
from tdnet_assets.tdnet.listing import page_name

DAY = date(2026, 6, 10)
PAGE = page_name(DAY, 1)
GAP = 0.02


def tdnet_at(
    base_url: str,
    home: Path,
    *,
    rate: float = 1 / GAP,
    lake: PlatformConfig | None = None,
    **limits: Any,
) -> TdnetResource:
    """TDnet as a process of that home asks it; without a lake nothing is remembered."""
    nowhere = PlatformConfig(
        bucket="no-bucket", executions_table="no-table", disclosures_table="no-table"
    )
    config = (lake or nowhere).changed(
        tdnet_base_url=base_url,
        requests_per_second=rate,
        home=str(home),
    )
    return TdnetResource(config=config, **{"backoff_floor_seconds": 0.01, **limits})


def _gaps(site: SampleSite) -> list[float]:
    arrivals = sorted(seen.arrived_at for seen in site.requests)
    return [later - earlier for earlier, later in itertools.pairwise(arrivals)]


async def _accept(session: TdnetSession, name: str) -> bytes | None:
    return (await session.document(name, lambda _: None)).content


def test_fifty_workers_keep_the_gap_retries_and_redirects_included(site, base_url, tmp_path):
    site.set_day(DAY, 60)
    names = [row.pdf_name for row in site.rows(DAY)[:50]]
    for name in names[10:14]:
        site.faults.answer(name, status=503, times=1)
    site.faults.close(names[30], times=1)
    site.faults.redirect(names[40], to=f"{base_url}/{names[0]}", times=1)
    site.faults.cut_connection(names[45], times=1)

    async def everything() -> TdnetSession:
        async with tdnet_at(base_url, tmp_path).session() as session:
            await asyncio.gather(*(_accept(session, name) for name in names))
            return session

    session = asyncio.run(everything())

    assert len(site.requests) == session.counts.requests == 50 + 4 + 1 + 1 + 1
    assert session.counts.retries == 4 + 1 + 1
    assert {seen.status for seen in site.requests} == {503, 302, CLOSED, 200}
    assert min(_gaps(site)) >= GAP


def test_the_gap_is_kept_behind_answers_that_are_slow_to_begin_or_to_end(site, base_url, tmp_path):
    site.set_day(DAY, 30)
    names = [row.pdf_name for row in site.rows(DAY)[:15]]
    site.faults.wait(names[2], seconds=0.2)
    site.faults.drip(names[5], piece_bytes=400, seconds=0.1)

    async def everything() -> None:
        async with tdnet_at(base_url, tmp_path, concurrency=15).session() as session:
            await asyncio.gather(*(_accept(session, name) for name in names))

    asyncio.run(everything())

    arrivals = {seen.path.rsplit("/", 1)[1]: seen.arrived_at for seen in site.requests}
    assert min(_gaps(site)) >= GAP
    # Nobody is sent for while an answer is awaited; a body that drips holds nobody up.
    silent = sorted(at - arrivals[names[2]] for at in arrivals.values() if at > arrivals[names[2]])
    assert silent[0] >= 0.2
    dripping = sorted(
        at - arrivals[names[5]] for at in arrivals.values() if at > arrivals[names[5]]
    )
    assert dripping[0] < 0.2


def test_without_a_rate_requests_are_in_flight_together(site, base_url, tmp_path):
    site.set_day(DAY, 10)
    site.faults.wait(r"\.pdf$", seconds=0.3)

    async def everything() -> None:
        async with tdnet_at(base_url, tmp_path, rate=0).session() as session:
            names = [row.pdf_name for row in site.rows(DAY)[:8]]
            await asyncio.gather(*(_accept(session, name) for name in names))

    asyncio.run(everything())

    arrivals = [seen.arrived_at for seen in site.requests]
    assert len(arrivals) == 8
    assert max(arrivals) - min(arrivals) < 0.3


def test_waiting_for_the_slot_does_not_count_against_the_time_of_an_attempt(
    site, base_url, tmp_path
):
    site.set_day(DAY, 10)
    source = tdnet_at(base_url, tmp_path, rate=8, attempt_timeout_seconds=0.4, attempts=1)

    async def everything() -> list[int]:
        async with source.session() as session:
            answers = await asyncio.gather(*(session.list_page(PAGE) for _ in range(8)))
            return [answer.status for answer in answers]

    assert asyncio.run(everything()) == [200] * 8
    assert min(_gaps(site)) >= 1 / 8


@pytest.mark.parametrize("rate", [0, 1 / GAP])
def test_a_request_cancelled_on_its_way_leaves_the_slot_to_the_next(site, base_url, tmp_path, rate):
    site.set_day(DAY, 10)
    site.faults.wait(PAGE, seconds=30, times=1)

    async def everything() -> int:
        async with tdnet_at(base_url, tmp_path, rate=rate).session() as session:
            unlucky = asyncio.create_task(session.list_page(PAGE))
            while not site.requests:  # noqa: ASYNC110 - filled by the server's thread
                await asyncio.sleep(0.01)
            queued = asyncio.create_task(session.list_page(PAGE))
            next_one = asyncio.create_task(session.list_page(PAGE))
            await asyncio.sleep(0.05)
            if rate:  # with a gap, the first one's answer is being awaited
                assert len(site.requests) == 1
                queued.cancel()
            unlucky.cancel()
            with pytest.raises(asyncio.CancelledError):
                await unlucky
            answer = await asyncio.wait_for(next_one, timeout=5)
            await asyncio.gather(queued, return_exceptions=True)
            return answer.status

    assert asyncio.run(everything()) == 200
    if rate:
        assert len(site.requests) == 2
        assert min(_gaps(site)) >= GAP


def test_a_failure_inside_the_slot_frees_it_after_the_gap():
    async def everything() -> float:
        slot = RequestSlot(0.1)
        with pytest.raises(ConnectionError):
            async with slot.hold():
                raise ConnectionError
        failed_at = time.monotonic()
        async with slot.hold():
            return time.monotonic() - failed_at

    assert 0.1 <= asyncio.run(everything()) < 1


@pytest.mark.parametrize("gap", [0.0, 0.01])
def test_a_pause_holds_back_those_that_wait_already_and_a_shorter_one_does_not_end_it(gap):
    async def everything() -> list[float]:
        slot = RequestSlot(gap)
        slot.pause(0.1)

        async def one() -> float:
            async with slot.hold():
                return time.monotonic()

        waiting = [asyncio.create_task(one()) for _ in range(5)]
        await asyncio.sleep(0.02)
        begun = time.monotonic()
        slot.pause(0.4)
        slot.pause(0.01)
        return [at - begun for at in await asyncio.gather(*waiting)]

    assert min(asyncio.run(everything())) >= 0.4


@pytest.mark.parametrize("gap", [0.0, 0.05])
def test_a_pause_asked_for_while_the_slot_is_held_outlasts_the_gap_behind_it(gap):
    async def everything() -> float:
        slot = RequestSlot(gap)
        async with slot.hold():
            asked_at = time.monotonic()
            slot.pause(0.4)
        async with slot.hold():
            return time.monotonic() - asked_at

    assert 0.4 <= asyncio.run(everything()) < 1.4


def test_a_lock_file_of_the_far_future_keeps_nobody_out_for_longer_than_a_pause_may_last(
    base_url, tmp_path
):
    lock = tmp_path / "tdnet-session.lock"
    lock.touch()
    for ahead, expected in ((10**7, LONGEST_RETRY_AFTER_SECONDS), (100, 100)):
        os.utime(lock, (time.time() + ahead,) * 2)
        with pytest.raises(SessionBusyError, match="asked again in") as busy:
            asyncio.run(
                tdnet_at(base_url, tmp_path).look(PAGE, if_modified_since=None, timeout_seconds=5)
            )
        seconds = float(re.findall(r"in (\d+) s", str(busy.value))[0])
        assert expected - 20 < seconds <= expected


def test_a_second_session_of_the_same_home_waits_with_its_first_request_for_the_first(
    site, base_url, tmp_path, caplog
):
    source = tdnet_at(base_url, tmp_path)

    async def everything() -> None:
        async with source.session() as first:
            await first.admission.wait()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.7), source.session() as second:
                    await second.admission.wait()
        async with asyncio.timeout(2), source.session() as third:
            await third.admission.wait()

    asyncio.run(everything())

    assert "another run is talking to TDnet" in caplog.text


def test_sessions_of_different_homes_do_not_wait_for_each_other(base_url, tmp_path):
    async def everything() -> None:
        async with (
            asyncio.timeout(2),
            tdnet_at(base_url, tmp_path / "one").session() as one,
            tdnet_at(base_url, tmp_path / "other").session() as other,
        ):
            await one.admission.wait()
            await other.admission.wait()

    asyncio.run(everything())


# Says "begun" before and "open" once it has the session, then keeps it until it is told to stop.
_ANOTHER_RUN = """
import asyncio, sys
from pathlib import Path
from tdnet_assets_tests.resources.source.test_request_slot import tdnet_at

async def everything():
    print("begun", flush=True)
    async with tdnet_at("http://127.0.0.1:1/inbs", Path(sys.argv[1])).session() as session:
        await session.admission.wait()
        print("open", flush=True)
        await asyncio.to_thread(sys.stdin.readline)

asyncio.run(everything())
"""


@contextmanager
def _another_run(home: Path) -> Iterator[subprocess.Popen[str]]:
    root = Path(__file__).parents[3]
    with subprocess.Popen(
        [sys.executable, "-c", _ANOTHER_RUN, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _said(process: subprocess.Popen[str]) -> "queue.Queue[str]":
    """The process's lines as they come; a pipe can only be waited for with a time from a thread."""
    lines: queue.Queue[str] = queue.Queue()

    def read() -> None:
        for line in process.stdout or ():
            lines.put(line.strip())

    threading.Thread(target=read, daemon=True).start()
    return lines


def test_a_run_in_another_process_waits_until_this_one_has_finished(tmp_path):
    async def everything() -> None:
        with ExitStack() as processes:
            async with tdnet_at("http://127.0.0.1:1/inbs", tmp_path).session() as session:
                await session.admission.wait()
                process = processes.enter_context(_another_run(tmp_path))
                said = _said(process)
                assert said.get(timeout=60) == "begun"
                with pytest.raises(queue.Empty):
                    said.get(timeout=1)
            assert said.get(timeout=5) == "open"

    asyncio.run(everything())


def test_a_run_that_was_killed_with_the_session_open_does_not_block_the_next(tmp_path):
    async def opened_within(seconds: float) -> bool:
        try:
            async with (
                asyncio.timeout(seconds),
                tdnet_at("http://127.0.0.1:1/inbs", tmp_path).session() as session,
            ):
                await session.admission.wait()
                return True
        except TimeoutError:
            return False

    with _another_run(tmp_path) as process:
        said = _said(process)
        assert [said.get(timeout=60), said.get(timeout=60)] == ["begun", "open"]
        assert not asyncio.run(opened_within(0.7))

        process.send_signal(signal.SIGKILL)
        process.wait()

        assert asyncio.run(opened_within(2))


def test_the_most_urgent_goes_first_and_the_others_in_the_order_in_which_they_came():
    order = [Urgency.PDF, Urgency.PDF, Urgency.LIST, Urgency.TODAYS_PDF, Urgency.ARCHIVE]
    order += [Urgency.TODAYS_ARCHIVE, Urgency.TODAYS_LIST, Urgency.LOOK]
    served: list[tuple[Urgency, int]] = []

    async def everything() -> None:
        slot = RequestSlot(0.01)

        async def one(urgency: Urgency, number: int) -> None:
            async with slot.hold(urgency):
                served.append((urgency, number))

        async with slot.hold():
            waiting = [
                asyncio.create_task(one(urgency, number)) for number, urgency in enumerate(order)
            ]
            await asyncio.sleep(0.02)
        await asyncio.gather(*waiting)

    asyncio.run(everything())

    assert [urgency for urgency, _ in served] == sorted(order)
    assert [number for urgency, number in served if urgency is Urgency.PDF] == [0, 1]


@pytest.mark.parametrize("gap", [0.0, 0.01])
def test_only_a_look_passes_while_the_host_is_left_in_peace_and_its_answer_ends_that(gap):
    async def everything() -> tuple[float, float]:
        slot = RequestSlot(gap)
        slot.rest(60)
        begun = time.monotonic()

        async def one(urgency: Urgency) -> float:
            async with slot.hold(urgency):
                return time.monotonic() - begun

        waiting = asyncio.create_task(one(Urgency.TODAYS_LIST))
        await asyncio.sleep(0.05)
        looked = await one(Urgency.LOOK)
        assert not waiting.done()
        slot.end_rest()
        return looked, await asyncio.wait_for(waiting, timeout=2)

    looked, listed = asyncio.run(everything())

    assert looked < 1
    assert looked < listed < 2


def test_a_look_waits_for_the_end_of_a_pause_that_the_host_has_asked_for():
    async def everything() -> float:
        slot = RequestSlot(0.01)
        slot.pause(0.3)
        begun = time.monotonic()
        async with slot.hold(Urgency.LOOK):
            return time.monotonic() - begun

    assert 0.3 <= asyncio.run(everything()) < 2
