"""Every page of a running reader, as a person opens them; the tests and the pictures take it.

``python -m tdnet_assets_tests.reader.tour docs`` collects the example lake, serves it, and makes
the pictures of ``docs/reader.md``; it needs Chromium and a Japanese font.
"""

import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import dagster as dg
import httpx
import uvicorn

from tdnet_assets.config import DEFAULT_REGION, PlatformConfig
from tdnet_assets.local import embedded_aws
from tdnet_assets.local.bootstrap import bootstrap
from tdnet_assets.reader.application import application
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.sample_site.site import serve as serve_site
from tdnet_assets_tests.e2e.browser import chromium, opened_browser
from tdnet_assets_tests.reader import example_lake

WIDE, NARROW = (1280, 860), (390, 844)
LANGUAGES = ("ja", "en")


@dataclass(frozen=True)
class Stop:
    """A page, and what a person sees on it in either language."""

    name: str
    path: str
    seen: tuple[str, str]


@contextmanager
def served(config: PlatformConfig) -> Iterator[str]:
    """The address of a reader in a thread of this process."""
    server = uvicorn.Server(
        uvicorn.Config(application(config), port=0, log_config=None, access_log=False)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def stops(address: str, days: list[date]) -> list[Stop]:
    """The pages of a lake that :mod:`example_lake` has filled."""
    httpx.get(f"{address}/api/v1/days", timeout=60)  # the first look at the window has ended
    rows = httpx.get(
        f"{address}/api/v1/disclosures?from={days[0]}&category=earnings&limit=1", timeout=60
    )
    number = rows.json()["items"][0]["disclosure_id"]
    return [
        Stop("today", "/", ("60件", "60 disclosures")),
        Stop("day", f"/days/{days[2]}", ("未完了の理由", "Why this day is not whole")),
        Stop("companies", "/companies", ("見つかりました", "found")),
        Stop(
            "company", f"/companies/{example_lake.CODE}", ("予想の推移", "Revisions of forecasts")
        ),
        Stop("disclosure", f"/disclosures/{number}", ("この文書は見本です", "この文書は見本です")),
        Stop("search", "/search?q=業績予想", ("業績予想", "業績予想")),
        Stop("notices", "/notices", ("監視リストがありません", "Nothing is watched")),
        Stop("status", "/status", ("次にすること", "What comes next")),
    ]


def in_language(stop: Stop, language: str) -> str:
    """The address of a page in one language."""
    return f"{stop.path}{'&' if '?' in stop.path else '?'}lang={language}"


@contextmanager
def example() -> Iterator[tuple[str, list[date]]]:
    """A reader of the example lake, with everything that it needs, and its days."""
    with tempfile.TemporaryDirectory(prefix="reader-") as name:
        folder, site = Path(name), example_lake.site_of_today()
        with (
            embedded_aws.running(folder / "aws", region=DEFAULT_REGION) as aws,
            serve_site(site) as base_url,
            dg.DagsterInstance.ephemeral() as instance,
        ):
            config = PlatformConfig(
                bucket="reader",
                executions_table="executions",
                disclosures_table="disclosures",
                tdnet_base_url=base_url,
                requests_per_second=0,
                home=str(folder / "home"),
                aws_endpoint_url=aws.endpoint_url,
                embedded_aws=True,
            )
            bootstrap(config)
            days = example_lake.collect(config, instance, site)
            example_lake.write_history(LakeResource(config=config))
            with served(config) as address:
                yield address, days


def main(folder: Path) -> None:
    """Make the pictures of the documentation."""
    browser = chromium()
    if browser is None:
        sys.exit("no Chromium on the PATH")
    with (
        example() as (address, days),
        tempfile.TemporaryDirectory() as profile,
        opened_browser(browser, Path(profile)) as page,
    ):
        known = {stop.name: stop for stop in stops(address, days)}
        for name, language, size, dark, file in (
            ("company", "ja", (1280, 1180), False, "reader-company.png"),
            ("today", "ja", (1280, 760), False, "reader-today.png"),
            ("company", "en", (390, 844), True, "reader-phone.png"),
        ):
            page.size(*size, dark=dark)
            page.load(address + in_language(known[name], language))
            (folder / file).write_bytes(page.picture())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
