"""What reached the lake, and when by a virtual clock, seen from the outside: on the wire.

What belongs here: which objects were put, and which disclosures are in a day's tables with each
put. What does not: what is made of these moments (``live_day.py``).
"""

from datetime import date
from urllib.parse import unquote, urlsplit

from benchmarks.aws_proxy import Answer, Request, Send
from benchmarks.virtual_time import VirtualClock
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.store import LakeResource

_OK, _FORBIDDEN = 200, 403
_REFUSED = Answer(_FORBIDDEN, [("Content-Type", "application/xml")], b"<Error/>")


class WireObserver:
    """Passes requests to the embedded AWS on; the moments are seconds of the clock.

    While ``is_dead``, nothing that is sent reaches anybody: a killed process writes nothing.
    """

    def __init__(self, clock: VirtualClock, lake: LakeResource, day: date) -> None:
        """Watch the tables and files of one day in a lake, which is read past the proxy."""
        self.is_dead = False
        self.files: dict[str, float] = {}
        """By key: when a file was stored."""
        self.rows: dict[str, float] = {}
        """By disclosure: when the table of disclosures had it first."""
        self.facts: dict[str, float] = {}
        """By disclosure: when the table of facts had some of it first."""
        self.puts = 0
        self._clock, self._lake, self._day = clock, lake, day
        self._tables = {
            layout.table_key("disclosures", day): self.rows,
            layout.table_key("financial_facts", day): self.facts,
        }

    def pass_on(self, request: Request, send: Send) -> Answer | None:
        """For :func:`benchmarks.aws_proxy.proxy`."""
        if self.is_dead and request.method != "GET":
            return _REFUSED
        answer = send()
        if request.method in ("PUT", "POST") and answer.status == _OK:
            key = unquote(urlsplit(request.target).path).removeprefix(f"/{self._bucket}/")
            self._landed(key)
        return answer

    @property
    def _bucket(self) -> str:
        return self._lake.config.bucket

    def _landed(self, key: str) -> None:
        moment = self._clock.seconds
        self.puts += 1
        if key.startswith(layout.documents_prefix(self._day)):
            self.files.setdefault(key, moment)
        if (seen := self._tables.get(key)) is None:
            return
        table = key.split("/")[1]
        if stored := self._lake.read_table(table, self._day):
            for number in stored.frame["disclosure_id"].drop_nulls().unique():
                seen.setdefault(number, moment)
