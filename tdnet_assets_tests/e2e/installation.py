"""A whole installation on this machine, with a home, names and a site of its own.

What belongs here: the sample site, a bucket and tables in the embedded AWS, ``tdnet up`` on top of
them, and what tests do to its processes. What does not: what is compared (``agreement.py``).
"""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest

from tdnet_assets.config import PlatformConfig
from tdnet_assets.local import dagster_home
from tdnet_assets.local.bootstrap import bootstrap
from tdnet_assets.resources.aws.executions import ExecutionRecord
from tdnet_assets.sample_site.site import SampleSite, serve
from tdnet_assets_tests.e2e.dagster_ui import DagsterUi, eventually, running_ui
from tdnet_assets_tests.pipeline import Pipeline


class Installation:
    """``tdnet up`` with its site and its stores; :meth:`start` may be called again after its end.

    Dagster's storage is read in this process, while webserver, daemon and runs write it.
    """

    def __init__(
        self, config: PlatformConfig, site: SampleSite, instance: dg.DagsterInstance, logs: Path
    ) -> None:
        self.config = config
        self.site = site
        self.stores = Pipeline(config, instance)
        self.since = datetime.now(UTC)
        self._logs = logs
        self._starts = 0
        self._running = ExitStack()
        self._reading = ExitStack()
        self._ui: DagsterUi | None = None
        self._dagster: dg.DagsterInstance | None = None

    @property
    def ui(self) -> DagsterUi:
        assert self._ui is not None, "not started"
        return self._ui

    def start(self) -> None:
        self._starts += 1
        log = self._logs / f"up-{self._starts}.log"
        self._ui = self._running.enter_context(running_ui(self.config, log))

    def stop(self) -> None:
        """Ctrl-C, unless it has ended already."""
        self._running.close()

    def close(self) -> None:
        """The end of it all."""
        self.stop()
        self._reading.close()

    @property
    def dagster(self) -> dg.DagsterInstance:
        """Dagster's own storage; opened once, since polls would spend their time on opening it."""
        if self._dagster is None:
            self._dagster = self._reading.enter_context(dagster_home.instance(self.config))
        return self._dagster

    def daemon(self) -> int:
        """The process of the Dagster daemon."""
        (found,) = [
            process
            for process in descendants(self.ui.process.pid)
            if b"dagster._daemon" in Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
        ]
        return found

    def run_process(self, run_id: str) -> int | None:
        """The process that executes a run, as Dagster's event log names it once it has begun."""
        begun = self.dagster.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
        processes = {
            event.engine_event_data.metadata["pid"].value
            for entry in begun
            if (event := entry.dagster_event)
            and event.message.startswith("Executing steps")
            and "pid" in event.engine_event_data.metadata
        }
        return int(processes.pop()) if processes else None

    def final(self, run_id: str) -> ExecutionRecord | None:
        """The run's record, once it is final and Dagster calls the run finished as well."""
        record = self.stores.executions.get(run_id)
        if record is None or not record.is_final:
            return None
        return record if self.ui.run_status(run_id) in ("SUCCESS", "FAILURE", "CANCELED") else None

    def files(self, day: date) -> dict[str, str]:
        """By name on the site: where the lake keeps each file of a day."""
        rows = self.site.rows(day)
        found = {row.pdf_name: f"documents/date={day}/{row.disclosure_id}.pdf" for row in rows}
        for row in rows:
            if row.xbrl_name:
                found[row.xbrl_name] = f"documents/date={day}/{row.disclosure_id}.zip"
        return {name: key for name, key in found.items() if name}


@contextmanager
def installed(
    aws_endpoint: str,
    instance: dg.DagsterInstance,
    folder: Path,
    *,
    requests_per_second: float = 0,
    looks_for_the_dead_every: int | None = None,
    first_day: str = "",
) -> Iterator[Installation]:
    """A started installation, until the block ends; the environment leads to nothing else.

    The daemon looks for runs whose process has died every so many seconds, as installed when None.
    Partitions begin with the first day, or where those of an archive of ten years would.
    """
    site = SampleSite()
    with pytest.MonkeyPatch.context() as environment, serve(site) as base_url:
        for name in list(os.environ):
            if name.startswith(("AWS_", "TDNET_")) or name == "DAGSTER_HOME":
                environment.delenv(name)
        name = f"e2e-{os.getpid()}-{folder.name}"
        config = PlatformConfig(
            bucket=f"lake-{name}",
            executions_table=f"executions-{name}",
            disclosures_table=f"disclosures-{name}",
            metrics_namespace=f"TDnet-{name}",
            tdnet_base_url=base_url,
            requests_per_second=requests_per_second,
            home=str(folder / "home"),
            first_day=first_day,
            aws_endpoint_url=aws_endpoint,
            embedded_aws=True,
        )
        bootstrap(config)
        if looks_for_the_dead_every is not None:
            settings = dagster_home.prepare(config) / dagster_home.INSTANCE_SETTINGS.name
            poll = "poll_interval_seconds: "
            text, found = re.subn(
                rf"{poll}\d+", f"{poll}{looks_for_the_dead_every}", settings.read_text()
            )
            assert found == 1, settings
            settings.write_text(text)
        installation = Installation(config, site, instance, folder)
        try:
            installation.start()
            yield installation
        finally:
            installation.close()


def descendants(pid: int) -> list[int]:
    """The process and everything that it has started, directly or not; Linux only."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rsplit(")", 1)[1].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended meanwhile
        children.setdefault(parent, []).append(int(stat.parent.name))
    found = [pid]
    for one in found:
        found.extend(children.get(one, ()))
    return found


def kill(process: int) -> None:
    os.kill(process, signal.SIGKILL)


def soon(installation: Installation, run_id: str) -> ExecutionRecord:
    """The final record of a run that is to end by itself or with nobody's help."""
    return eventually(lambda: installation.final(run_id), seconds=240)
