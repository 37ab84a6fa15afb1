"""The table ``disclosure_history``: a year's disclosures, sorted by company; never the truth."""

from dataclasses import replace

from tdnet_assets.tables.disclosures import DISCLOSURES_TABLE
from tdnet_assets.tables.table import Table

HISTORY_TABLE = Table(
    "disclosure_history",
    tuple(
        replace(column, sources=((DISCLOSURES_TABLE.name, column.name),))
        for column in DISCLOSURES_TABLE.columns
    ),
    description="A copy of a year's disclosures by company, so that one company's history is read "
    "without opening every day.",
    keys=DISCLOSURES_TABLE.keys,
    order=("code", "disclosed_at", "disclosure_id", "title", "history"),
    partition="year",
)
