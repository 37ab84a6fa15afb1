"""The tables ``document_texts`` and ``text_extractions``, and the text as it is compared.

What belongs here: columns, and what is computed of them when they are read. What does not: how a
file becomes text (``tdnet/document_text.py``), and what counts as the same text
(``tdnet/comparable_text.py``).

``text_normalized`` is all but ``text`` once more: stored, it would double the table, whose columns
are compressed one by one. It is computed where it is asked for.
"""

from typing import Final

import polars as pl

from tdnet_assets.tables.table import Column, Table
from tdnet_assets.tdnet.comparable_text import comparable_expression

READ, SCAN, ABSENT, REFUSED, STOPPED, DAMAGED = (
    "read",
    "scan",
    "absent",
    "refused",
    "stopped",
    "damaged",
)
"""Outcomes of an extraction; the last three are those of files whose text is not known."""

NORMALIZED: Final = "text_normalized"

_FILE = (("documents", "s3_key"),)
_COLUMNS = (
    Column("disclosure_id", pl.String, "14-digit 開示番号", (("documents", "disclosure_id"),)),
    Column("code", pl.String, "5-character securities code", (("disclosures", "code"),)),
    Column(
        "kind",
        pl.String,
        "pdf, or xbrl: the attached report (qualitative.htm) of an archive",
        (("documents", "kind"),),
    ),
    Column(
        "page",
        pl.Int32,
        "page of a PDF, from 1; in an archive the number of the section, which begins with its "
        "heading",
        _FILE,
    ),
    Column("text", pl.String, "text as it is set, lines ended by LF; empty in a scan", _FILE),
    Column("chars", pl.Int32, "characters that are not white space", _FILE),
    Column("has_text", pl.Boolean, "whether there are any: a scan has none", _FILE),
)

DOCUMENT_TEXTS_TABLE = Table(
    "document_texts",
    _COLUMNS,
    description="One row per page of every stored PDF, and per section of the report in an XBRL "
    "archive, with its text; small groups of rows by company, so that one company's are read "
    "without the others'.",
    keys=("disclosure_id", "kind", "page"),
    order=("code", "disclosure_id", "kind", "page"),
    rows_a_group=256,
)

TEXT_EXTRACTIONS_TABLE = Table(
    "text_extractions",
    (
        Column("disclosure_id", pl.String, "14-digit 開示番号"),
        Column("code", pl.String, "5-character securities code"),
        Column("kind", pl.String, "pdf or xbrl"),
        Column("s3_key", pl.String, "key of the file in the bucket, prefix included"),
        Column("sha256", pl.String, "hexadecimal digest of the bytes that were looked at"),
        Column(
            "outcome",
            pl.String,
            "read; scan (no page has text); absent (an archive without qualitative.htm); refused "
            "(a password, or damage by whoever made it); stopped (it took too long or too much "
            "memory, or crashed the reader); damaged (not the bytes that were stored)",
        ),
        Column("pages", pl.Int32, "pages or sections; 0 where the text is not known"),
        Column("pages_without_text", pl.Int32, "those of them that have none"),
        Column("reason", pl.String, "why the text is not known"),
    ),
    description="One row per stored file of the day, and what became of its text.",
    keys=("disclosure_id", "kind"),
    order=("disclosure_id", "kind"),
)

COMPARABLE_TEXTS_VIEW = Table(
    "comparable_texts",
    (
        *_COLUMNS[:5],
        Column(
            NORMALIZED,
            pl.String,
            "text as it is searched: NFKC in lower case, without accents, and without the white "
            "space and line ends inside Japanese; in Athena with accents",
            ((DOCUMENT_TEXTS_TABLE.name, "text"),),
        ),
        *_COLUMNS[5:],
    ),
    description="The texts with what a search compares.",
    keys=DOCUMENT_TEXTS_TABLE.keys,
    view_of=DOCUMENT_TEXTS_TABLE.name,
)


def comparable_texts(texts: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of ``document_texts`` with ``text_normalized``; other columns stay in front."""
    names = [
        name for name in texts.collect_schema().names() if name not in DOCUMENT_TEXTS_TABLE.schema
    ]
    normalized = comparable_expression(pl.col("text")).alias(NORMALIZED)
    return texts.with_columns(normalized).select(*names, *COMPARABLE_TEXTS_VIEW.schema)


def comparable_texts_sql() -> str:
    """What :func:`comparable_texts` gives, with the ``date``, as SQL; as near as SQL comes."""
    spaced = r"regexp_replace(lower(normalize(text, NFKC)), '\s+', ' ')"
    before = rf"regexp_replace({spaced}, '([\x{{2000}}-\x{{10FFFF}}]) ', '$1')"
    normalized = rf"trim(regexp_replace({before}, ' ([\x{{2000}}-\x{{10FFFF}}])', '$1'))"
    columns = ",\n".join(
        f"  {normalized} AS {NORMALIZED}" if name == NORMALIZED else f"  {name}"
        for name in ("date", *COMPARABLE_TEXTS_VIEW.schema)
    ).replace("  date,", '  "date",', 1)
    return f"SELECT\n{columns}\nFROM {DOCUMENT_TEXTS_TABLE.name}"
