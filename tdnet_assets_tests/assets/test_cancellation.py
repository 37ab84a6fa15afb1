import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tdnet_assets.assets.cancellation import run_until_interrupted

SCRIPT = """
import asyncio, sys, time
import dagster as dg
from dagster import raise_execution_interrupts
from tdnet_assets.assets.cancellation import run_until_interrupted
from tdnet_assets.resources.file_workers import FileWorkers
from tdnet_assets_tests.resources.worker_functions import turn

def spin(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass

class Heavy:
    def __del__(self):
        spin(0.05)

async def waiting_for_the_slot():
    await asyncio.sleep(60)

async def a_put_that_hangs():
    await asyncio.to_thread(time.sleep, 60)

async def parsing():
    spin(60)

async def a_busy_task_in_the_background():
    async def beat():
        while True:
            spin(0.05)
            await asyncio.sleep(0)
    task = asyncio.create_task(beat())
    try:
        await asyncio.sleep(60)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

async def a_finalizer():
    for _ in range(1_000):
        Heavy()
        await asyncio.sleep(0)

async def checking_a_pdf():
    async with FileWorkers() as workers:
        await workers.run(turn, b"")

async def one_that_drops_it():
    for _ in range(600):
        try:
            await asyncio.sleep(0.1)
        except asyncio.CancelledError:
            return

with raise_execution_interrupts():
    async def main():
        if sys.argv[1] == "parsing":
            print("ready", flush=True)
        else:
            asyncio.get_running_loop().call_later(0.3, lambda: print("ready", flush=True))
        await globals()[sys.argv[1]]()
    try:
        run_until_interrupted(main)
    except dg.DagsterExecutionInterruptedError:
        print("interrupted", flush=True)
"""
WORK = (
    "waiting_for_the_slot",
    "a_put_that_hangs",
    "parsing",
    "a_busy_task_in_the_background",
    "a_finalizer",
    "checking_a_pdf",
    "one_that_drops_it",
)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("work", WORK)
def test_an_interrupt_ends_any_work_within_two_seconds(work, number):
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, work],
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    if work == "checking_a_pdf":
        time.sleep(1)  # until the worker has begun

    process.send_signal(number)

    sent = time.monotonic()
    try:
        said = process.stdout.readline()
        took = time.monotonic() - sent
        process.wait(timeout=10)  # nothing keeps the process either
    finally:
        process.kill()
    assert said == "interrupted\n"
    assert took < 2


def test_what_is_not_interrupted_gives_its_result_and_its_errors_as_they_are():
    async def fine():
        return 1

    async def broken():
        raise ZeroDivisionError

    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    assert run_until_interrupted(fine) == 1
    with pytest.raises(ZeroDivisionError):
        run_until_interrupted(broken)
    assert handlers == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
