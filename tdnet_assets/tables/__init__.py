"""What each table is: columns, types, meaning, keys; everything else takes them from here."""

from tdnet_assets.tables.disclosure_history import HISTORY_TABLE
from tdnet_assets.tables.disclosure_index import INDEX_TABLE
from tdnet_assets.tables.disclosures import DISCLOSURES_TABLE, REJECTS_TABLE
from tdnet_assets.tables.document_texts import (
    COMPARABLE_TEXTS_VIEW,
    DOCUMENT_TEXTS_TABLE,
    TEXT_EXTRACTIONS_TABLE,
)
from tdnet_assets.tables.documents import DOCUMENTS_TABLE
from tdnet_assets.tables.earnings import (
    EARNINGS_COPY,
    EARNINGS_REJECTS_TABLE,
    EARNINGS_TABLE,
    EARNINGS_VIEW,
)
from tdnet_assets.tables.earnings_figures import EARNINGS_FIGURES_VIEW
from tdnet_assets.tables.earnings_summary import EARNINGS_SUMMARY_VIEW
from tdnet_assets.tables.financial_facts import (
    FACTS_TABLE,
    UNREAD_FACTS_TABLE,
    UNREAD_FILINGS_TABLE,
)
from tdnet_assets.tables.forecast_revisions import REVISION_REJECTS_TABLE, REVISIONS_TABLE
from tdnet_assets.tables.report_figures import REPORT_FIGURES_COPY, REPORT_FIGURES_TABLE
from tdnet_assets.tables.report_links import REPORT_LINKS_COPY, REPORT_LINKS_TABLE
from tdnet_assets.tables.table import Table
from tdnet_assets.tables.watch_notices import WATCH_NOTICES_TABLE

ALL_TABLES: tuple[Table, ...] = (
    DISCLOSURES_TABLE,
    REJECTS_TABLE,
    DOCUMENTS_TABLE,
    DOCUMENT_TEXTS_TABLE,
    TEXT_EXTRACTIONS_TABLE,
    FACTS_TABLE,
    UNREAD_FACTS_TABLE,
    UNREAD_FILINGS_TABLE,
    EARNINGS_TABLE,
    EARNINGS_REJECTS_TABLE,
    REVISIONS_TABLE,
    REVISION_REJECTS_TABLE,
    REPORT_FIGURES_TABLE,
    REPORT_LINKS_TABLE,
    WATCH_NOTICES_TABLE,
    HISTORY_TABLE,
    EARNINGS_COPY,
    REPORT_FIGURES_COPY,
    REPORT_LINKS_COPY,
    INDEX_TABLE,
)
"""Every stored table; a new one is one line here, and stands in Athena and in the documentation."""

ALL_VIEWS: tuple[Table, ...] = (
    EARNINGS_VIEW,
    EARNINGS_SUMMARY_VIEW,
    EARNINGS_FIGURES_VIEW,
    COMPARABLE_TEXTS_VIEW,
)
"""What is computed from a table when it is read."""

YEARLY_COPIES: tuple[Table, ...] = tuple(table for table in ALL_TABLES if table.copy_of)
"""The tables whose years are copies of a daily table."""
