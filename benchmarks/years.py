"""What is asked of lakes of some years: requests, bytes and CPU, which should not grow with them.

What belongs here: the questions, and what they took. What does not: how a lake of years is made
(``grown_lake.py``).

Run it with ``python -m benchmarks.years``. A lake of five years takes some ten minutes to be made;
``--years 1,2 --rows 40`` tells much in one. Every request to S3 and DynamoDB goes through a proxy,
which counts a listing as S3 does, by thousands of keys.
"""

import math
import os
import re
import resource
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import click
import dagster as dg

from benchmarks.aws_proxy import Answer, Request, Send, proxy
from benchmarks.grown_lake import grow, weekdays
from tdnet_assets import catalog
from tdnet_assets.config import DEFAULT_REGION, PlatformConfig
from tdnet_assets.definitions import build_definitions
from tdnet_assets.local import embedded_aws
from tdnet_assets.local.bootstrap import bootstrap
from tdnet_assets.resources.aws.embedded_keys import EMBEDDED_ACCESS_KEY, EMBEDDED_SECRET_KEY
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.resources.lake.yearly_copies import yearly_copy
from tdnet_assets.sample_site.site import SampleSite, serve
from tdnet_assets.tables import YEARLY_COPIES
from tdnet_assets.tdnet.listing import TOKYO

DERIVED = ("earnings", "report_figures", "report_links")
_KEYS_A_LIST = 1000
_FLAT = 1.1
_TDNET = Path(sys.executable).with_name("tdnet")


class Took(NamedTuple):
    """What a question took: requests, bytes of the answers, and CPU in seconds."""

    requests: int
    megabytes: float
    cpu: float


@dataclass(slots=True)
class Traffic:
    """What passed the proxy: the target of each request, and how much was answered to it."""

    passed: list[tuple[str, int]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def pass_on(self, request: Request, send: Send) -> Answer:
        """Send a request and count it."""
        answer = send()
        target = unquote(request.target)
        is_list = request.method == "GET" and "list-type" in urlsplit(target).query
        keys = len(re.findall(rb"<Key>", answer.body)) if is_list else 0
        lists = max(1, math.ceil(keys / _KEYS_A_LIST))
        with self.lock:
            self.passed += [(target, len(answer.body)), *[(target, 0)] * (lists - 1)]
        return answer

    def other_days(self, day: date) -> tuple[set[str], int]:
        """Of tables, the objects of other days and years that were opened, and their bytes."""
        found = [
            (urlsplit(target).path, size)
            for target, size in self.passed
            if "/tables/" in target and f"date={day}" not in target and "list-type" not in target
        ]
        return {path for path, _ in found}, sum(size for _, size in found)


@dataclass(frozen=True, slots=True)
class Setting:
    """A lake with the way to it that counts, and the variables that lead a command there."""

    lake: LakeResource
    counted: PlatformConfig
    variables: Mapping[str, str]
    traffic: Traffic
    model: date

    def asked(self, ask: Callable[[], object]) -> Took:
        """What a question takes, of this process and of those that it starts."""
        self.traffic.passed.clear()
        before = _cpu()
        ask()
        passed = self.traffic.passed
        megabytes = sum(size for _, size in passed) / 1e6
        return Took(len(passed), megabytes, _cpu() - before)

    def tdnet(self, *arguments: str) -> Took:
        """What a command takes."""

        def run() -> None:
            done = subprocess.run(  # noqa: S603 - our own arguments
                [_TDNET, *arguments],
                env=self.variables,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
            )
            if done.returncode:
                raise RuntimeError(f"tdnet {' '.join(arguments)}: {done.stderr[-2000:]}")

        return self.asked(run)


@click.command()
@click.option("--years", default="1,3,5", show_default=True, help="Sizes of the lake, ascending.")
@click.option("--rows", default=386, show_default=True, help="Disclosures of a day.")
def main(years: str, rows: int) -> None:
    """Measure what is asked of a lake as it grows by years."""
    sizes = [int(size) for size in years.split(",")]
    found: dict[str, list[Took]] = {}
    with _setting(rows) as setting:
        first = setting.model
        for size in sizes:
            start = setting.model - timedelta(days=365 * size)
            grow(setting.lake, setting.model, weekdays(start, first - timedelta(days=1)))
            first = start
            for year in range(start.year, setting.model.year + 1):
                for table in YEARLY_COPIES:
                    yearly_copy(setting.lake, table).bring_up_to_date(year)
            for name, took in _questions(setting):
                found.setdefault(name, []).append(took)
                print(f"{size} years: {name}: {took}", file=sys.stderr)
    print(f"{rows} disclosures a day; requests, MB and CPU s, of lakes of {years} years\n")
    for name, tooks in found.items():
        cells = "".join(f"{t.requests:>8,}{t.megabytes:>8.2f}{t.cpu:>7.2f}" for t in tooks)
        print(f"{name:44}{cells}")


def _questions(setting: Setting) -> Iterator[tuple[str, Took]]:
    day = setting.model
    year, month = str(day - timedelta(days=365)), str(day - timedelta(days=30))
    reports = setting.lake.read_table("earnings", day)
    if reports is None or reports.frame.is_empty():
        raise RuntimeError(f"{day} has no report of results: use more rows")
    code, number = reports.frame.select("code", "disclosure_id").row(0)
    for name in ("query", "facts", "earnings", "revisions"):
        yield f"{name}, a company, a year", setting.tdnet(name, "--code", code, "--from", year)
    for name in ("query", "earnings", "revisions"):
        yield f"{name}, a month", setting.tdnet(name, "--from", month, "--format", "parquet")
    yield "status", setting.tdnet("status")
    yield "open", setting.tdnet("open", number)
    yield "index show, a company", setting.tdnet("index", "show", code)
    for name in DERIVED:
        setting.lake.delete(layout.table_key(name, day))
    yield "derivation of a day", setting.tdnet("collect", str(day), "--select", ",".join(DERIVED))
    objects, size = setting.traffic.other_days(day)
    yield "  of it, other days' objects", Took(len(objects), size / 1e6, 0)
    for table in YEARLY_COPIES:
        copy = yearly_copy(LakeResource(config=setting.counted), table)
        took = setting.asked(lambda copy=copy: copy.bring_up_to_date(day.year))  # type: ignore[misc]
        yield f"{table.name}, a day changed", took
    yield from _ticks(setting)
    yield "a UI page of partitions", setting.asked(lambda: _partitions_page(setting))
    yield "earnings, a company, all years", setting.tdnet("earnings", "--code", code)
    yield "company, all years", setting.tdnet("company", code)
    reports_of_all = catalog.scan_earnings(config=setting.counted)
    two = reports_of_all.select("code", "net_income")
    yield "two columns of earnings, all years", setting.asked(two.collect)


def _ticks(setting: Setting) -> Iterator[tuple[str, Took]]:
    """A tick of each sensor, the second one: the first has everything to see."""
    repository = build_definitions(setting.counted).get_repository_def()
    with dg.DagsterInstance.ephemeral() as instance:
        for sensor in sorted(repository.sensor_defs, key=lambda one: one.name):
            if isinstance(sensor, dg.RunStatusSensorDefinition):
                continue  # evaluated for a run, not for a lake

            def tick(cursor: str | None, sensor: dg.SensorDefinition = sensor) -> str | None:
                with dg.build_sensor_context(
                    instance=instance,
                    cursor=cursor,
                    repository_def=repository,
                    resources=repository.get_top_level_resources(),
                ) as context:
                    return sensor.evaluate_tick(context).cursor

            cursor = tick(None)
            yield f"tick of {sensor.name}", setting.asked(partial(tick, cursor))


def _partitions_page(setting: Setting) -> None:
    """What the page of an asset's partitions asks of Dagster: the state of each key."""
    definitions = build_definitions(setting.counted)
    asset = definitions.resolve_asset_graph().get(dg.AssetKey("earnings"))
    with dg.DagsterInstance.ephemeral() as instance:
        keys = asset.partitions_def.get_partition_keys() if asset.partitions_def else []
        materialized = instance.get_materialized_partitions(dg.AssetKey("earnings"))
        _ = {key: key in materialized for key in keys}


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


@contextmanager
def _setting(rows: int) -> Iterator[Setting]:
    """A lake of one day, the newest weekday, of which the years are to be made."""
    today = datetime.now(TOKYO).date()
    model = weekdays(today - timedelta(days=6), today - timedelta(days=1))[0]
    site = SampleSite()
    site.set_day(model, rows)
    traffic = Traffic()
    with (
        tempfile.TemporaryDirectory(prefix="years-") as name,
        embedded_aws.running(Path(name) / "aws", region=DEFAULT_REGION) as aws,
        proxy(aws.endpoint_url, traffic.pass_on) as counted,
        serve(site) as address,
    ):
        inherited = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("AWS_", "TDNET_", "DAGSTER_"))
        }
        variables = {
            **inherited,
            "AWS_ENDPOINT_URL": counted,
            "AWS_ACCESS_KEY_ID": EMBEDDED_ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": EMBEDDED_SECRET_KEY,
            "TDNET_BASE_URL": address,
            "TDNET_HOME": f"{name}/home",
            "TDNET_REQUESTS_PER_SECOND": "0",
        }
        config = PlatformConfig.from_environment(variables).changed(embedded_aws=True)
        direct = config.changed(aws_endpoint_url=aws.endpoint_url)
        bootstrap(direct)
        setting = Setting(LakeResource(config=direct), config, variables, traffic, model)
        setting.tdnet("collect", str(model))
        yield setting


if __name__ == "__main__":
    main()
