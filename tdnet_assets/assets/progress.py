"""What a run has done so far, and how it gets into its execution record.

What belongs here: the counts of a run in disclosures, its progress in per cent, and how often the
record hears of them. What does not: how a record is written (``resources/aws/executions.py``).
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tdnet_assets.resources.aws.executions import Details, ExecutionsResource

_LOGGER = logging.getLogger(__name__)

REPORT_EVERY_DISCLOSURES = 100
REPORT_EVERY_SECONDS = 2.0
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(slots=True)
class RunProgress:
    """Counts of disclosures over all days of a run.

    ``total = collected + skipped + failed + rejected`` once every day is done: collected are those
    of which this run stored something, skipped those that were complete before, failed those with
    a file that could not be stored, rejected the rows that could not be read.

    The run counts in its own thread; the record is written by the thread of :meth:`heartbeat`, so
    that neither waits for the other.
    """

    executions: ExecutionsResource
    execution_id: str
    days: int
    total: int = 0
    collected: int = 0
    skipped: int = 0
    failed: int = 0
    rejected: int = 0
    documents_stored: int = 0
    documents_failed: int = 0
    days_done: int = 0
    is_complete: bool = False
    """Whether the run has ended well."""
    _percent: int = 0
    _day_total: int = 0
    _day_settled: int = 0
    _unreported: int = 0
    _reported_at: float = field(default_factory=time.monotonic)
    _heard: datetime = field(default_factory=lambda: datetime.fromtimestamp(0, UTC))
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _due: threading.Event = field(default_factory=threading.Event)

    def listed(self, disclosures: int, rejects: int) -> None:
        """So many disclosures and so many unreadable rows have been listed, or have come since."""
        with self._lock:
            self.total += disclosures + rejects
            self.rejected += rejects
            self._day_total += disclosures

    def settled(self, *, collected: int = 0, skipped: int = 0, failed: int = 0) -> None:
        """So many disclosures of the day have come to their end."""
        with self._lock:
            self.collected += collected
            self.skipped += skipped
            self.failed += failed
            self._day_settled += collected + skipped + failed
            self._unreported += collected + failed
        if (
            self._unreported >= REPORT_EVERY_DISCLOSURES
            or time.monotonic() - self._reported_at >= REPORT_EVERY_SECONDS
        ):
            self._due.set()

    def day_done(self, *, made: bool) -> None:
        """The current day has come to its end; without a list, or a table, it is no progress."""
        with self._lock:
            self.days_done += made
            self._day_total = self._day_settled = 0
        self._due.set()

    @property
    def percent(self) -> int:
        """Progress over all days, 0 to 99; only the final status makes it 100.

        It never falls, though a day that goes on gets more disclosures.
        """
        if self.is_complete:
            return 100
        with self._lock:
            share = min(1.0, self._day_settled / self._day_total) if self._day_total else 0.0
            percent = min(99, int(100 * (self.days_done + share) / self.days))
            self._percent = max(self._percent, percent)
            return self._percent

    def take_in(self, other: "RunProgress") -> None:
        """Count what was done beside the run's own days."""
        with self._lock:
            self.total += other.total
            self.collected += other.collected
            self.skipped += other.skipped
            self.failed += other.failed
            self.rejected += other.rejected
            self.documents_stored += other.documents_stored
            self.documents_failed += other.documents_failed

    @property
    def counts(self) -> Details:
        """The counts by the names of the execution record."""
        return Details(
            total_count=self.total,
            collected_count=self.collected,
            skipped_count=self.skipped,
            failed_count=self.failed,
            rejected_count=self.rejected,
        )

    @property
    def success_rate(self) -> float | None:
        """Share of the listed disclosures that are stored, in per cent; None without any."""
        if not self.total:
            return None
        return 100.0 * (self.total - self.failed - self.rejected) / self.total

    @contextmanager
    def heartbeat(self, seconds: float = 5.0) -> Iterator[None]:
        """Report while the block runs: when there is something to tell, and every so often anyway.

        The beat comes from a thread of its own: a run that computes, or waits for S3, is alive.
        It ends with the block, however that ends, after at most one short attempt to report.
        """
        ended = threading.Event()
        beat = threading.Thread(
            target=self._beat, args=(seconds, ended), name="heartbeat", daemon=True
        )
        beat.start()
        try:
            yield
        finally:
            ended.set()
            self._due.set()
            beat.join()

    def _beat(self, seconds: float, ended: threading.Event) -> None:
        executions: ExecutionsResource | None = None
        while True:
            self._due.wait(seconds)
            if ended.is_set():
                return
            self._due.clear()
            try:
                executions = executions or self.executions.in_a_hurry()
                self._report(executions)
            except Exception as error:  # noqa: BLE001 - whatever it is, the next beat may succeed
                # The final write raises; a missed beat must not end an hour's work.
                _LOGGER.warning(
                    "the execution record could not be renewed, trying again: %s: %s",
                    type(error).__name__,
                    error,
                )

    def _report(self, executions: ExecutionsResource) -> None:
        with self._lock:
            self._unreported = 0
            self._reported_at = time.monotonic()
            percent, counts = self.percent, self.counts
        # Always later than what the record has: where another machine's clock is ahead, or ours
        # was put back, the record would stand still although the run lives.
        moment = max(datetime.now(UTC), self._heard + _MILLISECOND)
        record = executions.progress(self.execution_id, percent, **counts, now=moment)
        self._heard = record.updated_at
