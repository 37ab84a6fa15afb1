"""The table ``disclosure_history``: a year's disclosures, sorted by company; never the truth."""

from tdnet_assets.tables.disclosures import DISCLOSURES_TABLE
from tdnet_assets.tables.table import yearly_copy_of

HISTORY_TABLE = yearly_copy_of(
    DISCLOSURES_TABLE,
    "disclosure_history",
    order=("code", "disclosed_at", "disclosure_id", "title", "history"),
)
