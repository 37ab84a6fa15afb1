"""A run's progress for a person: a bar in a terminal, plain lines elsewhere.

What belongs here: showing. The figures are those of the run itself, which is in this process: they
are what its execution record is written from, without being read back from there.
"""

import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tdnet_assets.assets.progress import RunProgress
from tdnet_assets.resources.aws.executions import ExecutionRecord

POLL_SECONDS = 0.5
PLAIN_LINE_EVERY_SECONDS = 5.0
_WORDS = {
    "total_count": "listed",
    "collected_count": "collected",
    "skipped_count": "already there",
    "failed_count": "failed",
    "rejected_count": "rejected",
}


class ProgressDisplay:
    """Shows a run's progress while the block runs; writes to standard error.

    ``progress`` gives None while the run has none: before it begins, and when it is over.
    """

    def __init__(self, progress: Callable[[], RunProgress | None], label: str) -> None:
        self._progress = progress
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
            run, over = None, False
            while not over:
                over = self._stop.wait(POLL_SECONDS)
                # What was seen of it last goes on counting, also when the run is over.
                run = self._progress() or run
                if run:
                    told = _in_words({**run.counts})
                    progress.update(task, completed=run.percent, counts=told)

    def _show_lines(self) -> None:
        shown = None
        while not self._stop.wait(PLAIN_LINE_EVERY_SECONDS):
            run = self._progress()
            line = f"{self._label}: {run.percent} %  {_in_words({**run.counts})}" if run else None
            if line and line != shown:
                print(line, file=sys.stderr, flush=True)  # noqa: T201 - this is the display
                shown = line


def counts(record: ExecutionRecord) -> str:
    """The counts of a record in one line."""
    return _in_words(asdict(record))


def _in_words(counted: Mapping[str, Any]) -> str:
    parts = [f"{counted[name]:,} {word}" for name, word in _WORDS.items() if counted.get(name)]
    return ", ".join(parts) or "nothing listed"
