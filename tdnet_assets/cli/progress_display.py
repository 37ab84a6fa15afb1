"""A run's progress for a person: a bar in a terminal, plain lines elsewhere.

What belongs here: showing. The figures come from the execution record, which is what an operator
of a remote run would see too.
"""

import sys
import threading
from types import TracebackType

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tdnet_assets.resources.aws.executions import ExecutionRecord, ExecutionsResource

POLL_SECONDS = 0.5
PLAIN_LINE_EVERY_SECONDS = 5.0


class ProgressDisplay:
    """Shows a run's record while the block runs; writes to standard error."""

    def __init__(self, executions: ExecutionsResource, execution_id: str, label: str) -> None:
        self._executions = executions
        self._execution_id = execution_id
        self._label = label
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._show, name="progress", daemon=True)

    def __enter__(self) -> "ProgressDisplay":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(timeout=10)

    def _show(self) -> None:
        console = Console(stderr=True)
        if console.is_terminal:
            self._show_bar(console)
        else:
            self._show_lines()

    def _show_bar(self, console: Console) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %  {task.fields[counts]}"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=console) as progress:
            task = progress.add_task(self._label, total=100, counts="")
            while not self._stop.wait(POLL_SECONDS):
                if record := self._record():
                    progress.update(task, completed=record.progress or 0, counts=counts(record))
            if record := self._record():
                progress.update(task, completed=record.progress or 0, counts=counts(record))

    def _show_lines(self) -> None:
        shown = None
        while not self._stop.wait(PLAIN_LINE_EVERY_SECONDS):
            record = self._record()
            line = f"{self._label}: {record.progress or 0} %  {counts(record)}" if record else None
            if line and line != shown:
                print(line, file=sys.stderr, flush=True)  # noqa: T201 - this is the display
                shown = line

    def _record(self) -> ExecutionRecord | None:
        try:
            return self._executions.get(self._execution_id)
        except (BotoCoreError, ClientError):
            return None  # the run itself meets the same error, and reports it


def counts(record: ExecutionRecord) -> str:
    """The counts of a record in one line."""
    parts = [
        f"{value:,} {name}"
        for name, value in (
            ("listed", record.total_count),
            ("collected", record.collected_count),
            ("already there", record.skipped_count),
            ("failed", record.failed_count),
            ("rejected", record.rejected_count),
        )
        if value
    ]
    return ", ".join(parts) or "nothing listed"
