"""What the sample TDnet site publishes by itself, so that there is always something to see.

What belongs here: when new disclosures, titles and deletions come while the site runs, and the
journal from which a restarted site has them again. What does not: what a row or a page looks like.

The journal is a file of orders as the control endpoint takes them, one JSON object a line: what
was ordered there by hand is in it as well, apart from faults.
"""

import datetime as dt
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from tdnet_assets.sample_site.companies import chance
from tdnet_assets.sample_site.day import mended
from tdnet_assets.sample_site.site import WINDOW_DAYS, SampleSite, control

EVERY_MINUTES = 2
"""New disclosures come with every so many minutes of the day."""
MOST_AT_ONCE = 3
RETITLES, DELETIONS = (10, 4), (30, 16)
"""One comes every so many minutes, beginning so many after the full hour."""
_KEPT = ("publish", "delete", "retitle", "set_day")


class Publications:
    """Publishes what is due whenever somebody looks at the site; nothing for times it was down."""

    def __init__(self, site: SampleSite, journal: Path) -> None:
        """Bring back what the journal has; new disclosures are due with the first look.

        Args:
            site: to which all this is published.
            journal: the file of what was; made with the first order.
        """
        self._site, self._journal = site, journal
        now = site.now()
        self._last = now - dt.timedelta(minutes=EVERY_MINUTES)
        for order in _recent(journal, now.date() - dt.timedelta(days=WINDOW_DAYS)):
            # It may be about a day that is not served any more, or of another version.
            with suppress(KeyError, TypeError, ValueError):
                control(site, order)
            if "at" in order and (at := dt.datetime.fromisoformat(order["at"])) <= now:
                self._last = max(self._last, at)

    def catch_up(self) -> None:
        """Publish what has become due since the last time."""
        now = self._site.now()
        minute = self._last.replace(second=0, microsecond=0)
        while (minute := minute + dt.timedelta(minutes=1)) <= now:
            for order in self._due(minute):
                self.order(order)
        self._last = max(self._last, now)

    def order(self, order: dict[str, Any]) -> dict[str, Any]:
        """Do what one order says, and remember it with its moment; see :func:`control`."""
        if order.get("call") not in _KEPT:
            return control(self._site, order)
        if order["call"] != "set_day":
            order = {**order, "at": order.get("at") or self._site.now().isoformat()}
        answer = control(self._site, order)
        with self._journal.open("a", encoding="utf-8") as journal:
            journal.write(json.dumps(order, ensure_ascii=False) + "\n")
        return answer

    def _due(self, minute: dt.datetime) -> list[dict[str, Any]]:
        day, at = str(minute.date()), minute.isoformat()
        draw = chance("publication", at)
        orders: list[dict[str, Any]] = []
        if minute.minute % EVERY_MINUTES == 0:
            count = draw.randint(1, MOST_AT_ONCE)
            orders.append({"call": "publish", "day": day, "count": count, "at": at})
        there = [row for row in self._site.rows(minute.date()) if row.state == "active"]
        if there and _is_due(minute, RETITLES):
            row = draw.choice(there)
            number, title = row.disclosure_id, mended(row.title)
            orders.append({"call": "retitle", "disclosure_id": number, "title": title, "at": at})
        elif there and _is_due(minute, DELETIONS):
            number = draw.choice(there).disclosure_id
            orders.append({"call": "delete", "disclosure_id": number, "at": at})
        return orders


def _is_due(minute: dt.datetime, rhythm: tuple[int, int]) -> bool:
    every, first = rhythm
    return minute.minute % every == first


def _recent(journal: Path, since: dt.date) -> list[dict[str, Any]]:
    """The journal's orders about days from that one on; the older ones leave the file."""
    try:
        lines = journal.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    # A process that was killed while it wrote has left half a line.
    orders = [order for line in lines if (order := _parsed(line))]
    kept = [order for order in orders if order.get("at", order.get("day", "")) >= str(since)]
    unfinished = journal.with_name(f"{journal.name}.{os.getpid()}")
    unfinished.write_text(
        "".join(json.dumps(order, ensure_ascii=False) + "\n" for order in kept), encoding="utf-8"
    )
    unfinished.replace(journal)
    return kept


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        order: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    return order
