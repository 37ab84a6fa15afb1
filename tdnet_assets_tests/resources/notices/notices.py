"""Notices as items, and watch files for tests."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from tdnet_assets.resources.aws.notices_table import TO_TELL, NoticeItem
from tdnet_assets.tdnet.watching.notice_text import Notice
from tdnet_assets.tdnet.watching.watch_list import Destination, WatchList

DAY = date(2026, 6, 10)


def item(number: int = 0, *, destination: str = "hook", **changes: object) -> NoticeItem:
    """A notice that is due since a moment ago."""
    now = datetime.now(UTC) - timedelta(minutes=1)
    notice = Notice(
        watch="all",
        event="published",
        disclosure_id=f"20260610{number:06d}",
        published_at=datetime(2026, 6, 10, 6, 30, tzinfo=UTC),
        code="72030",
        company_name="見本",
        title=f"題 {number}",
        previous_title="",
        category="other",
        figures=(),
        links={},
    )
    values: dict[str, object] = {
        "destination": destination,
        "notice": notice,
        "date": DAY,
        "state": TO_TELL,
        "titles": 0,
        "seen_at": now,
        "due_at": now,
        "not_before": now,
    }
    return NoticeItem(**{**values, **changes})  # type: ignore[arg-type]


def to_hooks(**addresses: str) -> WatchList:
    """Destinations by name, each a webhook that takes a message a second."""
    return WatchList(
        (),
        {
            name: Destination(name, address=address, messages_a_minute=60)
            for name, address in addresses.items()
        },
    )


def watch_file(folder: Path, address: str, *watches: str, messages_a_minute: int = 60) -> str:
    """A watch file with a destination ``hook``; by default everything of Tokyo is watched."""
    watched = watches or ('name = "all"\nto = ["hook"]\nexchanges = ["東"]\n',)
    path = folder / "watches.toml"
    path.write_text(
        f'[destinations.hook]\nwebhook = "{address}"\nmessages_a_minute = {messages_a_minute}\n'
        + "".join(f"[[watches]]\n{one}\n" for one in watched)
    )
    return str(path)
