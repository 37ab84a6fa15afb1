"""The table ``disclosure_index``: what the items of the look-up index in DynamoDB say."""

import polars as pl

from tdnet_assets.tables.disclosures import DISCLOSURES_TABLE
from tdnet_assets.tables.documents import DOCUMENTS_TABLE
from tdnet_assets.tables.table import Column, Table

_SOURCE = DISCLOSURES_TABLE.name
_COPIED = {column.name: column for column in DISCLOSURES_TABLE.columns}
_FILE_KEY = "key in the bucket, prefix included; absent where the list links no such file"
_FILE = ((DOCUMENTS_TABLE.name, "status"),)
_FILE_STORED = "whether the file was in the lake when the day was fed"


def _column(name: str) -> Column:
    """A column of the table ``disclosures``, as it is found again in the index."""
    return Column(name, _COPIED[name].type, _COPIED[name].description, ((_SOURCE, name),))


INDEX_TABLE = Table(
    "disclosure_index",
    (
        _column("disclosure_id"),
        Column("date", pl.Date, "JST day whose list shows it", ((_SOURCE, "disclosed_at"),)),
        *map(_column, ("disclosed_at", "code", "company_name")),
        *map(_column, ("title", "previous_titles", "category", "status", "is_correction")),
        _column("exchanges"),
        Column("pdf_key", pl.String, _FILE_KEY, ((_SOURCE, "pdf_url"),)),
        Column("pdf_stored", pl.Boolean, _FILE_STORED, _FILE),
        Column("xbrl_key", pl.String, _FILE_KEY, ((_SOURCE, "xbrl_url"),)),
        Column("xbrl_stored", pl.Boolean, _FILE_STORED, _FILE),
        _column("changed_at"),
    ),
    description="One DynamoDB item per disclosure that has an id, for look-ups by id, by code and "
    "by day.",
    keys=("disclosure_id",),
    partition=None,
)
