"""Event loops whose clock jumps: what makes it stand still, and what lets it go on."""

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from benchmarks.virtual_time import VirtualClock, VirtualTimeLoop, every_loop_by, run
from tdnet_assets.resources.file_workers import FileWorkers
from tdnet_assets.sample_site.site import SampleSite, serve
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets_tests.resources.worker_functions import process_of, spin_for_half_a_second

START = datetime(2026, 6, 10, 7, 0, tzinfo=TOKYO)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START)


@pytest.fixture
def address(clock: VirtualClock) -> Iterator[str]:
    site = SampleSite(clock=clock.now)
    site.faults.wait("I_main", seconds=0.3)
    with serve(site) as base_url:
        yield base_url


def test_a_day_of_waiting_takes_no_time(clock):
    async def wait() -> list[float]:
        woken = []
        for seconds in (60.0, 86_340.0):
            await asyncio.sleep(seconds)
            woken.append(asyncio.get_running_loop().time())
        return woken

    began = time.monotonic()
    assert run(wait(), clock) == [60.0, 86_400.0]
    assert clock.now() == START + timedelta(days=1)
    assert time.monotonic() - began < 5


def test_timers_of_several_tasks_come_in_their_order(clock):
    heard: list[tuple[float, str]] = []

    async def tick(name: str, every: float) -> None:
        for _ in range(3):
            await asyncio.sleep(every)
            heard.append((asyncio.get_running_loop().time(), name))

    async def both() -> None:
        await asyncio.gather(tick("a", 2.0), tick("b", 3.5))

    run(both(), clock)
    assert heard == [(2, "a"), (3.5, "b"), (4, "a"), (6, "a"), (7, "b"), (10.5, "b")]


def test_the_clock_stands_still_while_a_request_is_open(clock, address):
    async def ask() -> list[float]:
        loop, seen = asyncio.get_running_loop(), []
        beside = asyncio.create_task(asyncio.sleep(3600))
        async with httpx.AsyncClient(trust_env=False, timeout=httpx.Timeout(0.05)) as client:
            for _ in range(3):
                assert (await client.get(f"{address}/I_main_00.html")).status_code == 200
                seen.append(loop.time())
                await asyncio.sleep(1)  # beside an idle connection that is kept open
        beside.cancel()
        return seen

    began = time.monotonic()
    assert run(ask(), clock) == [0.0, 1.0, 2.0]
    assert time.monotonic() - began >= 0.9


def test_many_requests_beside_each_other_take_no_time_either(clock, address):
    async def ask() -> tuple[set[int], float]:
        async with httpx.AsyncClient(trust_env=False, timeout=1) as client:
            answers = await asyncio.gather(
                *(client.get(f"{address}/I_list_001_20260610.html") for _ in range(50))
            )
        return {answer.status_code for answer in answers}, asyncio.get_running_loop().time()

    assert run(ask(), clock) == ({200}, 0.0)


def test_the_clock_stands_still_while_a_thread_works(clock):
    async def work() -> float:
        beside = asyncio.create_task(asyncio.sleep(0.01))
        await asyncio.gather(*(asyncio.to_thread(time.sleep, 0.2) for _ in range(3)))
        assert not beside.done()
        return asyncio.get_running_loop().time()

    assert run(work(), clock) == 0.0


def test_a_thread_may_spend_time_on_the_clock_while_others_go_on(clock):
    async def work() -> list[tuple[str, float]]:
        loop, seen = asyncio.get_running_loop(), []
        assert isinstance(loop, VirtualTimeLoop)

        async def tick() -> None:
            for _ in range(3):
                await asyncio.sleep(10)
                seen.append(("tick", loop.time()))

        beside = asyncio.create_task(tick())
        await asyncio.to_thread(loop.spend, 25)
        seen.append(("spent", loop.time()))
        await asyncio.to_thread(time.sleep, 0.05)
        seen.append(("slept", loop.time()))
        await beside
        return seen

    assert run(work(), clock) == [
        *(("tick", 10), ("tick", 20)),
        *(("spent", 25), ("slept", 25)),
        ("tick", 30),
    ]


def test_a_thread_that_fails_or_is_given_up_does_not_stop_the_clock_for_ever(clock):
    async def work() -> float:
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(lambda: 1 / 0)
        given_up = asyncio.create_task(asyncio.to_thread(time.sleep, 0.1))
        await asyncio.sleep(0)
        given_up.cancel()
        await asyncio.sleep(60)
        return asyncio.get_running_loop().time()

    assert run(work(), clock) == 60.0


@pytest.mark.slow
def test_the_clock_stands_still_while_a_worker_process_answers(clock):
    async def work() -> tuple[list[float], set[int]]:
        loop, seen, workers = asyncio.get_running_loop(), [], set()
        async with FileWorkers(seconds=20) as readers:
            for _ in range(2):
                await readers.run(spin_for_half_a_second, b"")
                workers.add((await readers.run(process_of, b""))[0])
                seen.append(loop.time())
                await asyncio.sleep(500)  # beside an idle process, longer than it might take
        return seen, workers

    seen, workers = run(work(), clock)
    assert seen == [0.0, 500.0]
    assert len(workers - {os.getpid()}) == 1


def test_a_server_in_a_thread_reads_the_same_clock(clock, address):
    async def count() -> list[int]:
        sizes = []
        async with httpx.AsyncClient(trust_env=False) as client:
            for _ in range(3):
                page = (await client.get(f"{address}/I_list_001_20260610.html")).text
                sizes.append(page.count("<tr"))
                await asyncio.sleep(6 * 3600)
        return sizes

    morning, noon, evening = run(count(), clock)
    assert morning < noon < evening


def test_somebody_outside_may_wake_a_loop_that_has_no_timer(clock):
    async def wait() -> float:
        loop = asyncio.get_running_loop()
        woken = loop.create_future()
        threading.Timer(0.05, lambda: loop.call_soon_threadsafe(woken.set_result, None)).start()
        await woken
        return loop.time()

    assert run(wait(), clock) == 0.0


def test_a_loop_in_a_thread_may_share_the_clock(clock):
    async def inner() -> float:
        await asyncio.sleep(30)
        return asyncio.get_running_loop().time()

    async def outer() -> tuple[float, float]:
        await asyncio.sleep(10)
        found = await asyncio.to_thread(lambda: asyncio.run(inner()))
        return found, asyncio.get_running_loop().time()

    with every_loop_by(clock):
        assert asyncio.run(outer()) == (40.0, 40.0)
    loop = asyncio.new_event_loop()
    assert not isinstance(loop, VirtualTimeLoop)
    loop.close()


def test_the_clock_tells_the_time_in_its_own_zone_and_never_goes_back():
    clock = VirtualClock(datetime(2026, 6, 10, 23, 59, 30, tzinfo=TOKYO))
    clock.advance(31)
    clock.advance(-5)
    assert clock.now() == datetime(2026, 6, 11, 0, 0, 1, tzinfo=TOKYO)
    assert clock.now().astimezone(UTC).hour == 15


def test_a_thread_that_waits_by_the_clock_is_woken_by_it_or_by_hand_and_holds_it_while_it_works(
    clock,
):
    heard: list[tuple[float, str]] = []

    over = threading.Event()

    def work(awake: threading.Event) -> None:
        while not over.is_set():
            name = "hand" if awake.wait(5) else "timer"
            awake.clear()
            time.sleep(0.2)
            heard.append((clock.seconds, name))

    async def beside() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        with loop.waking() as awake:
            thread = threading.Thread(target=work, args=(awake,))
            thread.start()
            for seconds in (7, 6):
                await asyncio.sleep(seconds)
                awake.set()
            over.set()
            thread.join()
        await asyncio.sleep(100)

    run(beside(), clock)
    assert heard == [(5, "timer"), (7, "hand"), (12, "timer"), (13, "hand")]
    assert clock.seconds == 113
