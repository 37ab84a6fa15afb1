"""The tables ``disclosures`` and ``rejects``: the rows of a day's list, read and unreadable.

What belongs here: the columns, and what is known of disclosures as rows and back. What does not:
reading a page (``tdnet/listing.py``) and merging sightings (``tdnet/sightings.py``).
"""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

import polars as pl

from tdnet_assets.tables.table import Column, Table
from tdnet_assets.tdnet.categories import categorize, is_correction
from tdnet_assets.tdnet.listing import normalize_title
from tdnet_assets.tdnet.sightings import Disclosure

_KNOWN_FIELDS = tuple(field.name for field in fields(Disclosure))
_JST = pl.Datetime("ms", "Asia/Tokyo")
_UTC = pl.Datetime("us", "UTC")
_PAGE = (("listing_pages", "html"),)

DISCLOSURES_TABLE = Table(
    "disclosures",
    (
        Column(
            "disclosure_id",
            pl.String,
            "14-digit 開示番号; null only for a row never seen before its deletion",
            _PAGE,
        ),
        Column("disclosed_at", _JST, "day of the list and time of the row", _PAGE),
        Column("code", pl.String, "5-character securities code, never cut", _PAGE),
        Column(
            "company_name", pl.String, "name as listed, at most 10 full-width characters", _PAGE
        ),
        Column("title", pl.String, "title in the company's own spelling", _PAGE),
        Column("title_normalized", pl.String, "title in NFKC, spaces folded", _PAGE),
        Column("category", pl.String, "kind of disclosure, from the title", _PAGE),
        Column("is_correction", pl.Boolean, "whether the title says 訂正", _PAGE),
        Column("exchanges", pl.List(pl.String), "東 名 札 福, GR, PH", _PAGE),
        Column("pdf_url", pl.String, "address of the PDF when first seen", _PAGE),
        Column("xbrl_url", pl.String, "address of the XBRL archive when first seen", _PAGE),
        Column("xbrl_kind", pl.String, "earnings or revision", _PAGE),
        Column("status", pl.String, "active, retitled or deleted", _PAGE),
        Column("previous_titles", pl.List(pl.String), "earlier titles, oldest first", _PAGE),
        Column("history", pl.String, "the row's 更新履歴 as it stands", _PAGE),
        Column("changed_at", _JST, "when TDnet says that the row changed", _PAGE),
        Column("first_seen_at", _UTC, "beginning of the first capture with the row"),
        Column("last_seen_at", _UTC, "beginning of the last stored capture with the row"),
        Column("source", pl.String, "where the row comes from"),
        Column("capture", pl.String, "id of the last stored capture with the row"),
    ),
    description="One row per disclosure of the day, with its titles, links and history as far as "
    "they have been seen.",
    keys=("disclosure_id",),
    order=("disclosed_at", "code", "disclosure_id", "title", "history"),
)

REJECTS_TABLE = Table(
    "rejects",
    (
        Column("page", pl.Int32, "list page, from 1"),
        Column("position", pl.Int32, "row on the page, from 1"),
        Column("reason", pl.String, "why the row could not be read"),
        Column("html", pl.String, "the row as it came"),
        Column("capture", pl.String, "id of the capture"),
    ),
    description="One row per row of the day's list that could not be read.",
    keys=("page", "position"),
    order=("page", "position"),
)


def disclosures_frame(known: Iterable[Disclosure]) -> pl.DataFrame:
    """What is known of a day as rows of the table, in their order."""
    return DISCLOSURES_TABLE.frame(map(_row, known))


def known_disclosures(table: pl.DataFrame) -> list[Disclosure]:
    """What rows of the table say, in their order; the other way of :func:`disclosures_frame`."""
    rows: Iterable[dict[str, Any]] = table.select(*_KNOWN_FIELDS).iter_rows(named=True)
    return [
        Disclosure(
            **{
                **row,
                "previous_titles": tuple(row["previous_titles"]),
                "exchanges": tuple(row["exchanges"]),
            }
        )
        for row in rows
    ]


def _row(seen: Disclosure) -> dict[str, Any]:
    return {
        **{name: getattr(seen, name) for name in _KNOWN_FIELDS},
        "title_normalized": normalize_title(seen.title),
        "category": categorize(seen.title),
        "is_correction": is_correction(seen.title),
    }
