"""When work that failed is asked for again: soon at first, then ever later, and never not at all.

What belongs here: the pauses, counted from the execution records, so that nothing has to be
remembered. What does not: what is asked for (``reconciler.py``, ``new_disclosures.py``).
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from tdnet_assets.resources.aws.executions import COMPLETED, ExecutionRecord
from tdnet_assets.tables.recipes import COLLECTION, DERIVATION

PAUSES = tuple(timedelta(minutes=minutes) for minutes in (0, 1, 2, 5, 15, 60))
"""How long to wait after the last try, by the number of tries in vain one after the other."""

_AT_ONCE = datetime.min.replace(tzinfo=UTC)
_WITHOUT = {COLLECTION: DERIVATION, DERIVATION: COLLECTION}
"""The job that does not do a kind of work; any other, a person's selection included, may have."""


def tries_of(records: Iterable[ExecutionRecord], work: str) -> list[ExecutionRecord]:
    """The records of runs that may have done this kind of work, in their order."""
    return [record for record in records if record.job_name != _WITHOUT[work]]


def asked_again_at(
    records: Iterable[ExecutionRecord], work: str, since: datetime | None
) -> datetime:
    """From when on work may be asked for (aware); in the past where nothing was tried in vain.

    Args:
        records: of the day's tries, newest first. Runs over ranges do not count: they fail by any
            of their days.
        work: the kind of it.
        since: when the work came to be (aware): a try before it was one of other work, and one
            after it was in vain even if it completed. None if that is not known: then a completed
            try is taken to have left nothing undone.
    """
    in_vain: list[ExecutionRecord] = []
    for record in tries_of(records, work):
        if since is not None and record.started_at < since:
            break
        if since is None and record.status == COMPLETED:
            break
        if record.is_final and record.partition_start == record.partition_end:
            in_vain.append(record)
    if not in_vain:
        return _AT_ONCE
    ended = in_vain[0].completed_at or in_vain[0].updated_at
    return ended + PAUSES[min(len(in_vain), len(PAUSES) - 1)]
