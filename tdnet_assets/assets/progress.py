"""What a run has done so far, and how it gets into its execution record.

What belongs here: the counts of a run in disclosures, its progress in per cent, and how often the
record hears of them. What does not: how a record is written (``resources/aws/executions.py``).
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date

from tdnet_assets.resources.aws.executions import Details, ExecutionsResource

_LOGGER = logging.getLogger(__name__)

REPORT_EVERY_DISCLOSURES = 100
REPORT_EVERY_SECONDS = 2.0


@dataclass(slots=True)
class RunProgress:
    """Counts of disclosures over all days of a run.

    ``total = collected + skipped + failed + rejected`` once every day is done: collected are those
    of which this run stored something, skipped those that were complete before, failed those with
    a file that could not be stored, rejected the rows that could not be read.
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
    _day_total: int = 0
    _day_settled: int = 0
    _unreported: int = 0
    _reported_at: float = field(default_factory=time.monotonic)

    def listed(self, disclosures: int, rejects: int) -> None:
        """A day's list has been read: so many disclosures and so many unreadable rows."""
        self.total += disclosures + rejects
        self.rejected += rejects
        self._day_total = disclosures

    def settled(self, *, collected: int = 0, skipped: int = 0, failed: int = 0) -> None:
        """So many disclosures of the day have come to their end."""
        self.collected += collected
        self.skipped += skipped
        self.failed += failed
        self._day_settled += collected + skipped + failed
        self._unreported += collected + failed
        if (
            self._unreported >= REPORT_EVERY_DISCLOSURES
            or time.monotonic() - self._reported_at >= REPORT_EVERY_SECONDS
        ):
            self.report()

    def day_done(self) -> None:
        """The current day has come to its end, well or not."""
        self.days_done += 1
        self._day_total = self._day_settled = 0
        self.report()

    @property
    def percent(self) -> int:
        """Progress over all days, 0 to 99; only the final status makes it 100."""
        share = self._day_settled / self._day_total if self._day_total else 0.0
        return min(99, int(100 * (self.days_done + share) / self.days))

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

    def report(self) -> None:
        """Write the progress to the record now."""
        self._unreported = 0
        self._reported_at = time.monotonic()
        self.executions.progress(self.execution_id, self.percent, **self.counts)

    @asynccontextmanager
    async def heartbeat(self, seconds: float = 5.0) -> AsyncIterator[None]:
        """Renew the record's lease while the block runs, also when nothing is settled."""
        beat = asyncio.create_task(self._beat(seconds))
        try:
            yield
        finally:
            beat.cancel()
            await asyncio.gather(beat, return_exceptions=True)

    async def _beat(self, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            if time.monotonic() - self._reported_at < seconds:
                continue
            try:
                await asyncio.to_thread(self.report)
            except Exception:
                # The run's own reports raise; a missed beat alone must not end an hour's work.
                _LOGGER.exception("the execution record could not be renewed; trying again")


@dataclass(frozen=True, slots=True)
class DayFailure:
    """Why an asset of a day was not materialized."""

    day: date
    asset: str
    error_type: str
    message: str
    permanent: bool
