"""The table ``documents``: what became of every PDF and XBRL archive that the list links to."""

from typing import Final

import polars as pl

from tdnet_assets.tables.table import Column, Table

STORED: Final = "stored"
FAILED: Final = "failed"
GONE: Final = "gone"
"""What became of a file; one that failed is asked for again, one that is gone TDnet has no more."""

_ID = (("disclosures", "disclosure_id"),)

DOCUMENTS_TABLE = Table(
    "documents",
    (
        Column("disclosure_id", pl.String, "14-digit 開示番号", _ID),
        Column(
            "kind",
            pl.String,
            "pdf or xbrl",
            (("disclosures", "pdf_url"), ("disclosures", "xbrl_url")),
        ),
        Column(
            "status",
            pl.String,
            "stored, failed (asked again next time) or gone (TDnet has it no more)",
        ),
        Column("s3_key", pl.String, "key in the bucket, prefix included"),
        Column("bytes", pl.Int64, "size"),
        Column("sha256", pl.String, "hexadecimal digest of the bytes"),
        Column("pages", pl.Int32, "pages of a PDF, null where it cannot be opened"),
        Column("attempts", pl.Int32, "requests it took, retries included"),
        Column("error", pl.String, "why it is not stored"),
        Column("fetched_at", pl.Datetime("ms", "UTC"), "when it was fetched or last asked for"),
        Column("source", pl.String, "where it was asked for"),
    ),
    description="One row per file that the day's list links to, and what became of it.",
    keys=("disclosure_id", "kind"),
    order=("disclosure_id", "kind"),
)
