"""A peak day through the code location: how long, how much CPU and memory, how many requests.

What belongs here: starting the parts, running ``tdnet collect`` as its users do, in a process of
its own, and printing what it took beside what it may take. What does not: what the parts of the
work cost alone (``stages.py``, which is started here too).

Run it with ``python -m benchmarks.peak_day``; it needs 5 GB of memory for the embedded AWS.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import click

from tdnet_assets.config import DEFAULT_REGION, PlatformConfig
from tdnet_assets.local import embedded_aws
from tdnet_assets.local.bootstrap import bootstrap
from tdnet_assets.resources.aws.embedded_keys import EMBEDDED_ACCESS_KEY, EMBEDDED_SECRET_KEY
from tdnet_assets.resources.lake.store import LakeResource

DAY = date(2026, 2, 13)  # the busiest day so far had 2,694 disclosures
HALF_DAY = date(2026, 2, 12)

WALL_SECONDS = 60.0
UNCHANGED_WALL_SECONDS = 5.0
UNCHANGED_CPU_SECONDS = 4.0
PEAK_MEGABYTES = 400 * 1.048576
UNCHANGED_PEAK_MEGABYTES = 300 * 1.048576
CPU_RATIO = 2.0
HALF_SIZE_RATIO = 1.25
START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Run:
    """What one run took; ``megabytes`` is its largest resident set, ``objects`` what it put."""

    wall: float
    cpu: float
    megabytes: float
    requests: int
    objects: int
    put_bytes: int


@dataclass(frozen=True, slots=True)
class Setting:
    """The running parts, and the variables that lead a run to them."""

    site: str
    lake: LakeResource
    variables: Mapping[str, str]


@click.command()
@click.option("--size", default=2694, show_default=True, help="Disclosures of the day.")
@click.option("--pdf-bytes", default=200_000, show_default=True, help="Size of every PDF.")
def main(size: int, pdf_bytes: int) -> None:
    """Measure a peak day, the same day again, half of such a day, and the parts alone."""
    with setting({DAY: size, HALF_DAY: size // 2}, pdf_bytes) as parts:
        half = collect(parts, HALF_DAY)
        half_again = collect(parts, HALF_DAY)
        first = collect(parts, DAY)
        again = collect(parts, DAY)
        stages = _stages(parts)
    print(f"{size:,} disclosures, PDFs of {pdf_bytes:,} bytes, {os.cpu_count()} processors\n")
    print(f"{'':22}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}{'requests':>10}{'objects':>9}{'MB':>9}")
    for name, run in (
        ("the day", first),
        ("the same day again", again),
        ("half the size", half),
        ("half the size again", half_again),
    ):
        print(
            f"{name:22}{run.wall:>9.2f}{run.cpu:>9.2f}{run.megabytes:>9.0f}{run.requests:>10,}"
            f"{run.objects:>9,}{run.put_bytes / 1e6:>9.1f}"
        )
    print("\nEach part alone, in one process, on the same bytes: CPU s")
    for name, seconds in stages.items():
        print(f"  {name:32}{seconds:>8.2f}")
    floor = sum(stages.values())
    print(f"  {'sum':32}{floor:>8.2f}\n")
    _aim("wall of the day, s", first.wall, WALL_SECONDS)
    _aim("wall of the same day again, s", again.wall, UNCHANGED_WALL_SECONDS)
    _aim("CPU of the same day again, s", again.cpu, UNCHANGED_CPU_SECONDS)
    _aim("peak memory, MB", first.megabytes, PEAK_MEGABYTES)
    _aim("peak memory of the same day again", again.megabytes, UNCHANGED_PEAK_MEGABYTES)
    _aim("peak memory, of half the size", first.megabytes / half.megabytes, HALF_SIZE_RATIO)
    _aim("CPU of the run, of the sum", first.cpu / floor, CPU_RATIO)
    _aim("objects put by the same day again", again.objects, 1)


def _aim(name: str, value: float, below: float) -> None:
    verdict = "met" if value < below else "MISSED"
    print(f"{name:36}{value:>9.2f}   aim < {below:g}: {verdict}")


@contextmanager
def setting(sizes: Mapping[date, int], pdf_bytes: int) -> Iterator[Setting]:
    """The embedded AWS and a sample TDnet with days of so many disclosures, all of it its own."""
    with tempfile.TemporaryDirectory(prefix="peak-day-") as name:
        folder = Path(name)
        with (
            embedded_aws.running(folder / "aws", region=DEFAULT_REGION) as aws,
            _sample_site(folder, sizes, pdf_bytes) as port,
        ):
            inherited = {
                key: value
                for key, value in os.environ.items()
                if not key.startswith(("AWS_", "TDNET_", "DAGSTER_"))
            }
            variables = {
                **inherited,
                "AWS_ENDPOINT_URL": aws.endpoint_url,
                "AWS_ACCESS_KEY_ID": EMBEDDED_ACCESS_KEY,
                "AWS_SECRET_ACCESS_KEY": EMBEDDED_SECRET_KEY,
                "TDNET_BASE_URL": f"http://{embedded_aws.HOST}:{port}/inbs",
                "TDNET_HOME": str(folder / "home"),
                "TDNET_REQUESTS_PER_SECOND": "0",
            }
            config = PlatformConfig.from_environment(variables).changed(embedded_aws=True)
            bootstrap(config)
            site = f"http://{embedded_aws.HOST}:{port}"
            yield Setting(site, LakeResource(config=config), variables)


@contextmanager
def _sample_site(folder: Path, days: Mapping[date, int], pdf_bytes: int) -> Iterator[int]:
    """The port of a sample site in a process of its own."""
    port_file = folder / "site.port"
    options = [f"--day={day}={size}" for day, size in days.items()]
    process = subprocess.Popen(  # noqa: S603 - our own arguments
        [
            *(sys.executable, "-m", "tdnet_assets.sample_site.site"),
            *(f"--port-file={port_file}", f"--pdf-bytes={pdf_bytes}", *options),
        ],
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not port_file.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the sample site did not start")
            time.sleep(0.05)
        yield int(port_file.read_text())
    finally:
        process.terminate()
        process.wait()


def collect(parts: Setting, day: date, *options: str, expected: int = 0) -> Run:
    """Run ``tdnet collect`` of a day in a process of its own.

    Raises:
        RuntimeError: it ended with another exit code than expected.
    """
    requests, objects = _requests(parts), _objects(parts, day)
    started = time.monotonic()
    process = subprocess.Popen(  # noqa: S603 - our own arguments
        [Path(sys.executable).with_name("tdnet"), "collect", str(day), *options],
        env=parts.variables,
    )
    _, status, used = os.wait4(process.pid, 0)
    wall = time.monotonic() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != expected:
        raise RuntimeError(f"tdnet collect {day} ended with {process.returncode}")
    put = _objects(parts, day) - objects
    return Run(
        wall=wall,
        cpu=used.ru_utime + used.ru_stime,
        # Linux counts what this process had before the child replaced it too: that is less.
        megabytes=used.ru_maxrss * 1024 / 1e6,
        requests=_requests(parts) - requests,
        objects=len(put),
        put_bytes=sum(size for _, size, _ in put),
    )


def _objects(parts: Setting, day: date) -> set[tuple[str, int, datetime]]:
    return {
        (found.key, found.bytes, found.last_modified.astimezone(UTC))
        for found in parts.lake.list("")
        if f"date={day}/" in found.key
    }


def _requests(parts: Setting) -> int:
    with urllib.request.urlopen(f"{parts.site}/_control/requests") as answer:  # noqa: S310 - ours
        return int(json.load(answer)["count"])


def _stages(parts: Setting) -> dict[str, float]:
    output = subprocess.run(  # noqa: S603 - our own arguments
        [sys.executable, "-m", "benchmarks.stages", str(DAY)],
        env=dict(parts.variables),
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    seconds: dict[str, float] = json.loads(output)
    return seconds


if __name__ == "__main__":
    main()
