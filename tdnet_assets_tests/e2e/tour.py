"""The first hour in Dagster's pages, clicked as a person does; it makes the documents' pictures.

``python -m tdnet_assets_tests.e2e.tour docs`` starts an installation with a small month and walks
through ``docs/getting-started.md``; it needs Chromium and a Japanese font, and takes some minutes.
The pictures of the reader are made by ``tdnet_assets_tests.reader.tour``.
"""

import sys
import tempfile
import time
from datetime import date, datetime, timedelta
from pathlib import Path

import dagster as dg

from tdnet_assets.automation.day_runs import COLLECT_DAY
from tdnet_assets.config import DEFAULT_REGION, LIVE_WINDOW_DAYS
from tdnet_assets.local import embedded_aws
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets_tests.e2e.browser import Page, chromium, opened_browser
from tdnet_assets_tests.e2e.dagster_ui import eventually
from tdnet_assets_tests.e2e.installation import Installation, installed

SIZE = (1280, 800)
WEEKEND, ROWS = 5, 40
# Dagster's pages go on loading, and fading in, after their text is there.
_SETTLED_SECONDS = 2.5


class Tour:
    """A walk through one installation, of which pictures are kept in a folder."""

    def __init__(self, installation: Installation, page: Page, folder: Path) -> None:
        self._installation = installation
        self._ui = installation.ui.address
        self._page = page
        self._folder = folder
        self._today = datetime.now(TOKYO).date()
        self._bad = _business_day_before(self._today)

    def walk(self) -> None:
        """From an empty home to a whole window."""
        days = [self._today - timedelta(days=back) for back in range(LIVE_WINDOW_DAYS)]
        for day in days:
            self._installation.site.set_day(day, ROWS if day.weekday() < WEEKEND else 0)
        self._launch("Latest", "Launch 1 run")
        self._wait_for_runs(1)
        self._show_run("ui-run.png")
        faults = self._installation.site.faults
        faults.malformed_row(self._bad, page=1, position=3, kind="missing_cell")
        self._launch("Missing", "Launch backfill", picture="ui-backfill.png")
        eventually(lambda: self._is_red() or None, seconds=300)
        self._wait_for_runs(2)
        view = f"assets/disclosures?view=partitions&partition={self._bad}"
        self._show(view, "ui-bad-day.png", "Failed (1)", "Materialized (30)")
        self._page.open(f"{self._ui}/assets/disclosures?view=checks&checkDetail=rows_complete")
        self._page.click("Execute")
        self._page.wait_for(f"{self._bad}: rows_complete failed")
        self._picture("ui-check.png")
        faults.clear()
        self._launch("Failed and missing", "Launch 1 run")
        eventually(lambda: not self._is_red() or None, seconds=300)
        self._wait_for_runs(4)
        self._show("assets/disclosures?view=overview", "ui-asset.png", "Columns", str(self._bad))
        for sensor in ("new_disclosures", "reconcile"):
            self._installation.ui.start_sensor(sensor)
        eventually(lambda: self._installation.ui.ticks("reconcile") or None, seconds=120)
        self._show("automation", "ui-automation.png", "new_disclosures", "reconcile")

    def _launch(self, which: str, button: str, *, picture: str | None = None) -> None:
        self._page.open(f"{self._ui}/locations/tdnet_assets/jobs/{COLLECT_DAY}")
        self._page.click("Materialize all…")
        self._page.wait_for("Partition selection")
        time.sleep(_SETTLED_SECONDS)
        self._page.click(which)
        if picture:
            self._picture(picture)
        self._page.click(button)

    def _wait_for_runs(self, number: int) -> None:
        def ended() -> bool | None:
            runs = self._installation.dagster.get_runs()
            return (len(runs) >= number and all(run.is_finished for run in runs)) or None

        eventually(ended, seconds=300)

    def _is_red(self) -> bool:
        ranges = self._installation.ui.partitions("disclosures")
        bad = str(self._bad)
        return any(status == "FAILED" and first <= bad <= last for status, first, last in ranges)

    def _show_run(self, picture: str) -> None:
        (run,) = self._installation.dagster.get_runs(limit=1)
        self._page.open(f"{self._ui}/runs/{run.run_id}")
        self._page.wait_for("RUN_SUCCESS")
        self._picture(picture)

    def _show(self, view: str, picture: str, *texts: str) -> None:
        self._page.open(f"{self._ui}/{view}")
        self._page.wait_for(*texts)
        self._picture(picture)

    def _picture(self, name: str) -> None:
        time.sleep(_SETTLED_SECONDS)
        (self._folder / name).write_bytes(self._page.picture())


def _business_day_before(day: date) -> date:
    before = day - timedelta(days=1)
    return before if before.weekday() < WEEKEND else _business_day_before(before)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def main(folder: Path) -> None:
    """Make the pictures of the documentation."""
    browser = chromium()
    if browser is None:
        sys.exit("no Chromium on the PATH")
    first_day = datetime.now(TOKYO).date() - timedelta(days=LIVE_WINDOW_DAYS - 1)
    with (
        tempfile.TemporaryDirectory(prefix="tour") as name,
        embedded_aws.running(Path(name) / "aws", region=DEFAULT_REGION) as aws,
        dg.DagsterInstance.ephemeral() as instance,
        installed(
            aws.endpoint_url, instance, _made(Path(name) / "tour"), first_day=str(first_day)
        ) as installation,
        opened_browser(browser, Path(name) / "profile") as page,
    ):
        page.size(*SIZE)
        # Dagster leaves out the days that are still to come where the browser is.
        page.zone(str(TOKYO))
        Tour(installation, page, folder).walk()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
