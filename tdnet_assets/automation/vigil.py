"""Who has gone silent, as one observer sees it, by nothing but its own monotonic clock."""

import time
from collections.abc import Callable, Hashable, Mapping
from datetime import timedelta

from tdnet_assets.resources.aws.executions import LEASE

_NEVER_SEEN = object()


class Vigil:
    """What one observer has seen of each execution, and for how long it has not changed.

    No time that somebody else wrote is ever compared with a clock: a sign of life is only equal to
    the one before or not. Losing the memory (a restart) only delays a verdict. A gap between two
    looks counts for half the patience at most: an observer that was suspended may have been so
    together with those it watches, and must leave them time to speak.
    """

    def __init__(
        self, patience: timedelta = LEASE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._patience = patience.total_seconds()
        self._clock = clock
        self._looked_at: float | None = None
        # The last sign of each, and the seconds that it has been watched for. Replaced as a whole:
        # of two looks at once the later one stays, and none sees half of the other.
        self._watched: dict[str, tuple[Hashable, float]] = {}

    def look(self, signs: Mapping[str, Hashable]) -> set[str]:
        """The executions whose sign has been the same for the whole patience.

        Args:
            signs: the last sign of life of each execution that can be silent, read before the call;
                who is missing is forgotten.
        """
        now = self._clock()
        gap = 0.0 if self._looked_at is None else now - self._looked_at
        counted = min(gap, self._patience / 2)
        watched = {}
        for execution, sign in signs.items():
            last, seconds = self._watched.get(execution, (_NEVER_SEEN, 0.0))
            watched[execution] = (sign, seconds + counted if sign == last else 0.0)
        self._looked_at, self._watched = now, watched
        return {execution for execution, (_, s) in watched.items() if s >= self._patience}
