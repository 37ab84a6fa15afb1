import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tdnet_assets.resources.file_workers import (
    FileWorkers,
    WorkerDiedError,
    WorkerTimedOutError,
)
from tdnet_assets.tdnet.files import DocumentError, PdfFacts, check_pdf
from tdnet_assets_tests.local.processes import is_running, wait_until
from tdnet_assets_tests.resources.worker_functions import (
    crash,
    grow,
    has_keys,
    process_of,
    refuse,
    spin_for_half_a_second,
    talkative,
    turn,
)
from tdnet_assets_tests.tdnet.pdf_bombs import crashing_pdf
from tdnet_assets_tests.tdnet.test_files import pdf


def asked(*questions, **limits):
    """What each question ends with: (function, content) one after the other in one session."""

    async def everything():
        found = []
        async with FileWorkers(**limits) as workers:
            for function, content in questions:
                try:
                    found.append(await workers.run(function, content))
                except Exception as error:  # noqa: BLE001 - looked at by the tests
                    found.append(error)
        return found

    return asyncio.run(everything())


def test_one_process_reads_many_files_and_is_gone_with_its_session():
    (first, size), (second, _), _, (third, large) = asked(
        (process_of, b"12345"),
        (process_of, b""),
        (talkative, b""),
        (process_of, bytes(20_000_000)),
    )

    assert first == second == third != os.getpid()
    assert (size, large) == (5, 20_000_000)
    assert not is_running(first)


def test_what_the_function_refuses_is_refused_in_its_own_words_and_the_process_stays():
    (before, _), refusal, (after, _), facts = asked(
        (process_of, b""), (refuse, "見本".encode()), (process_of, b""), (check_pdf, pdf(3))
    )

    assert isinstance(refusal, DocumentError)
    assert str(refusal) == "refused: 見本"
    assert before == after
    assert facts == PdfFacts(pages=3)


@pytest.mark.parametrize(
    ("function", "make", "said"),
    [
        (crash, bytes, "crash was ended by SIGSEGV on a file of 0 bytes"),
        (grow, lambda: b"12", "grow needed more than 300 MB on a file of 2 bytes"),
        pytest.param(
            *(check_pdf, crashing_pdf, "check_pdf was ended by SIGABRT on a file of 1,105 bytes"),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_process_that_dies_costs_one_file(function, make, said):
    (before, _), death, (after, _) = asked(
        (process_of, b""), (function, make()), (process_of, b""), memory_bytes=300_000_000
    )

    assert isinstance(death, WorkerDiedError)
    assert said in str(death)
    assert before != after


@pytest.mark.slow
def test_a_process_that_does_not_end_costs_one_file_and_its_time():
    started = time.monotonic()

    error, (process, _) = asked((turn, b""), (process_of, b""), seconds=1)

    assert isinstance(error, WorkerTimedOutError)
    assert "turn took longer than 1 s for a file of 0 bytes" in str(error)
    assert process
    assert time.monotonic() - started < 20


@pytest.mark.slow
def test_the_time_of_one_file_does_not_count_for_the_next():
    spend = [(spin_for_half_a_second, b"")] * 4

    assert asked(*spend, seconds=1) == [None] * 4


def test_cancelled_work_ends_with_its_process_at_once(tmp_path):
    file = tmp_path / "pid"

    async def everything():
        async with FileWorkers() as workers:
            work = asyncio.create_task(workers.run(turn, str(file).encode()))
            await asyncio.to_thread(wait_until, lambda: file.exists() and file.read_text())
            started = time.monotonic()
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            took = time.monotonic() - started
            return took, work.cancelled(), await workers.run(process_of, b"")

    took, cancelled, (process, _) = asyncio.run(everything())

    assert took < 2
    assert cancelled
    assert process != int(file.read_text())
    assert not is_running(int(file.read_text()))


def test_a_process_that_reads_files_of_strangers_has_none_of_our_keys(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")

    assert asked((has_keys, b"")) == [False]


def test_several_work_at_once_and_the_others_wait():
    async def everything():
        async with FileWorkers(processes=2) as workers:
            return await asyncio.gather(*(workers.run(process_of, b"") for _ in range(6)))

    assert len({process for process, _ in asyncio.run(everything())}) == 2


PARENT = """
import asyncio, sys
from tdnet_assets.resources.file_workers import FileWorkers
from tdnet_assets_tests.resources.worker_functions import turn
async def main():
    async with FileWorkers() as workers:
        await workers.run(turn, sys.argv[1].encode())
asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a busy child with its parent")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_busy_process_ends_with_its_parent_however_that_ends(number, tmp_path):
    file = tmp_path / "pid"
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(file)], env={**os.environ, "PYTHONPATH": str(Path.cwd())}
    )
    wait_until(lambda: file.exists() and file.read_text())
    worker = int(file.read_text())

    parent.send_signal(number)
    parent.wait(timeout=2)

    wait_until(lambda: not is_running(worker), seconds=2)


def test_two_thousand_files_cost_little_more_than_their_reading():
    content = pdf() + bytes(200_000) + b"%%EOF"

    async def everything():
        async with FileWorkers() as workers:
            await workers.run(check_pdf, content)
            started = time.process_time()
            for _ in range(500):
                await workers.run(check_pdf, content)
            return (time.process_time() - started) / 500

    assert asyncio.run(everything()) < 0.001
