"""What people are told on a lived day, and when by its clock: the watches, and a webhook for each.

What belongs here: who watches what, what has arrived, and what is missing of it. What does not: the
day (``live_day.py``), and sending, which is the real one (``tdnet_assets/resources/notices``).
"""

import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

from benchmarks.virtual_time import VirtualClock
from tdnet_assets.resources.notices.watched_day import WatchedDay
from tdnet_assets.tdnet.foreign_text import visible
from tdnet_assets.tdnet.watching.watch_file import EXCHANGES
from tdnet_assets.tdnet.watching.watch_list import WatchList

ROW, FIGURE = "row", "figure"
MESSAGES_A_MINUTE = 60
"""As many as a destination may take: of 1,100 rows in a minute, 20 a message."""
_CONDITIONS = {
    ROW: f"exchanges = {json.dumps(EXCHANGES, ensure_ascii=False)}",
    FIGURE: """figures = ["forecast_revision.net_income.change <= -0.01", "dividend.changed",
  "forecast_revision.net_income.change >= 0.01", "surprise.operating_income >= 0.0001",
  "surprise.operating_income <= -0.0001"]""",
}


class Arrival(NamedTuple):
    """One notice as it came; ``at`` is in seconds of the clock."""

    watch: str
    number: str
    event: str
    title: str
    is_announced: bool
    """It says that it may be a repetition."""
    at: float


@dataclass(frozen=True, slots=True)
class ToldNotices:
    """Everything that arrived, in its order, and what the day lacks of it in the end."""

    arrivals: Sequence[Arrival] = ()
    lost: Sequence[str] = ()

    def published(self, watch: str) -> Mapping[str, float]:
        """When somebody was first told of each disclosure that a watch matches."""
        found: dict[str, float] = {}
        for one in self.arrivals:
            if (one.watch, one.event) == (watch, "published"):
                found.setdefault(one.number, one.at)
        return found

    def repeated(self) -> tuple[int, int]:
        """How many came once more and said so, and how many did not."""
        seen: set[tuple[str, str, str]] = set()
        again: Counter[bool] = Counter()
        for one in self.arrivals:
            key = (one.watch, one.number, one.event)
            again[one.is_announced] += key in seen
            seen.add(key)
        return again[True], again[False]

    def changes(self) -> int:
        """How many retitlings and deletions were told."""
        return sum(one.event != "published" for one in self.arrivals)


class Webhooks:
    """A webhook for each watch, which takes everything; threads may share it."""

    def __init__(self, clock: VirtualClock, watch_file: Path) -> None:
        """Write the watch file, and answer nothing yet."""
        self._clock = clock
        self._arrivals: list[Arrival] = []
        webhooks = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                webhooks._take(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        watch_file.write_text("\n".join(map(self._watch, _CONDITIONS)), encoding="utf-8")

    def told(self, day: WatchedDay | None, watches: WatchList) -> ToldNotices:
        """What has arrived, held against the day as it is stored."""
        return ToldNotices(tuple(self._arrivals), self._lost(day, watches) if day else ())

    @contextmanager
    def open(self) -> Iterator[None]:
        """Answer within the block."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            self._server.server_close()

    def _watch(self, name: str) -> str:
        address = f"http://127.0.0.1:{self._server.server_port}/{name}"
        return (
            f'[[watches]]\nname = "{name}"\nto = ["{name}"]\n{_CONDITIONS[name]}\n'
            f'[destinations.{name}]\nwebhook = "{address}"\n'
            f"messages_a_minute = {MESSAGES_A_MINUTE}\n"
        )

    def _take(self, body: bytes) -> None:
        at = self._clock.seconds
        for one in json.loads(body)["notices"]:
            named = (one["watch"], one["disclosure_id"], one["event"], one["title"])
            self._arrivals.append(Arrival(*named, one["repeated"], at))

    def _lost(self, day: WatchedDay, watches: WatchList) -> list[str]:
        """What somebody does not know in the end, who was told of it or should have been."""
        events: dict[tuple[str, str], set[str]] = {}
        titles = {}
        for one in self._arrivals:
            events.setdefault((one.watch, one.number), set()).add(one.event)
            titles[one.watch, one.number] = one.title
        lost = []
        for watch in watches.watches:
            for subject in day.subjects():
                listed = subject.listed
                key, is_gone = (watch.name, listed.disclosure_id or ""), listed.status == "deleted"
                if key not in events:
                    lost += [f"{key}: published"] if watch.fits(subject) and not is_gone else []
                    continue
                lost += [f"{key}: retitled"] if titles[key] != visible(listed.title) else []
                lost += [f"{key}: deleted"] if is_gone and "deleted" not in events[key] else []
        return lost
