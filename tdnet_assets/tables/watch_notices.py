"""The table ``watch_notices``: what was told to whom, and when.

What belongs here: the columns. What does not: what is watched (``tdnet/watching``), and the notices
while they are being sent (``resources/aws/notices_table.py``).
"""

import polars as pl

from tdnet_assets.tables.table import Column, Table

_UTC = pl.Datetime("us", "UTC")
_LISTED = "as in the list"

WATCH_NOTICES_TABLE = Table(
    "watch_notices",
    (
        Column("watch", pl.String, "name of the watch in the watch file"),
        Column(
            "disclosure_id", pl.String, "14-digit 開示番号", (("disclosures", "disclosure_id"),)
        ),
        Column("event", pl.String, "published, retitled-N (N-th other title) or deleted"),
        Column("destination", pl.String, "name of the destination in the watch file"),
        Column("code", pl.String, f"code, {_LISTED}", (("disclosures", "code"),)),
        Column("company_name", pl.String, f"name, {_LISTED}", (("disclosures", "company_name"),)),
        Column("title", pl.String, "title when it was due", (("disclosures", "title"),)),
        Column(
            "published_at",
            pl.Datetime("ms", "Asia/Tokyo"),
            f"time, {_LISTED}",
            (("disclosures", "disclosed_at"),),
        ),
        Column(
            "seen_at",
            _UTC,
            "beginning of the first capture with the row",
            (("disclosures", "first_seen_at"),),
        ),
        Column("due_at", _UTC, "when it matched"),
        Column("sent_at", _UTC, "when the destination had taken it; null until then"),
        Column("seconds", pl.Float64, "from publication, whose minute alone is known, to sent_at"),
        Column("state", pl.String, "due, claimed, sent or failed, when the table was made"),
        Column("attempts", pl.Int64, "tries so far"),
        Column("repeated", pl.Boolean, "the message said that it may have been sent before"),
        Column("error", pl.String, "why the last try was in vain; empty if it was not"),
        Column("first_tried_at", _UTC, "when it was first tried"),
        Column("titles", pl.Int64, "how many earlier titles the disclosure had then"),
        Column("notice", pl.String, "what was told, as JSON"),
    ),
    description="One row per watch, disclosure of the day, event and destination: what was due, "
    "and what became of it.",
    keys=("watch", "disclosure_id", "event", "destination"),
    order=("published_at", "code", "disclosure_id", "watch", "event", "destination"),
)
