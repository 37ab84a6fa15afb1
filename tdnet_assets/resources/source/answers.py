"""What asking a source gives: an answer, or an error that says what another attempt may mend.

What belongs here: the shapes that every source and everybody who asks one share. What does not: how
a request is sent (``polite_http.py``).
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from tdnet_assets.tdnet.errors import TdnetError


class SourceError(TdnetError):
    """A source did not give what was asked for; ``status`` is HTTP's where there was one."""

    def __init__(self, message: str, *, status: int | None = None, attempts: int = 1) -> None:
        super().__init__(message)
        self.status = status
        self.attempts = attempts


class TransientSourceError(SourceError):
    """A failure that another attempt may mend: 408, 429, 5xx, connection, truncated body."""

    def __init__(
        self, message: str, *, status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message, status=status)
        self.retry_after = retry_after


class RefusedBodyError(TransientSourceError):
    """The body arrived whole but is not what its name says, e.g. HTML sent as a PDF."""


class NotAskedError(SourceError):
    """Nothing was asked, because the host has refused enough, or has asked to be left in peace."""


class SessionBusyError(TdnetError):
    """Another process is talking to the host, or has just done so: not asked, not waited for."""


class IncompleteListError(TdnetError):
    """The list could not be read as a whole; what was read of it is in the lake."""


class PageNotGivenError(IncompleteListError):
    """A page of the list was refused or not asked for: nothing is known of those behind it."""


class DayNotListedError(TdnetError):
    """The source has no list for the day, nor has the lake: asking again will not help."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One accepted answer; ``content`` is None for 304 Not Modified."""

    status: int
    content: bytes | None
    headers: dict[str, str]
    attempts: int
    received_at: datetime

    @property
    def last_modified(self) -> str | None:
        """The validator to send next time; None where there is none, or one too fresh.

        A page may have changed again within the second that it names.
        """
        value = self.headers.get("last-modified")
        modified, answered = http_date(value), http_date(self.headers.get("date"))
        if modified is None or answered is None:
            return None
        return value if (answered - modified).total_seconds() >= 2 else None  # noqa: PLR2004 - HTTP dates have whole seconds


@dataclass(slots=True)
class RequestCounts:
    """What a session has asked for so far; ``requests`` includes every retry and redirect."""

    requests: int = 0
    retries: int = 0
    bytes: int = 0


def http_date(value: str | None) -> datetime | None:
    """The aware moment of an HTTP date; None where there is none that can be read."""
    try:
        moment = parsedate_to_datetime(value or "")
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
