"""The tables ``financial_facts``, ``unread_facts`` and ``unread_filings``: what archives say."""

import polars as pl

from tdnet_assets.tables.table import Column, Table
from tdnet_assets.tdnet.xbrl.facts import FRACTION_DIGITS, WHOLE_DIGITS

VALUE = pl.Decimal(WHOLE_DIGITS + FRACTION_DIGITS, FRACTION_DIGITS)
MEMBER = pl.Struct({"axis": pl.String, "member": pl.String, "is_typed": pl.Boolean})

_ARCHIVE = (("documents", "s3_key"),)

FACTS_TABLE = Table(
    "financial_facts",
    (
        Column("disclosure_id", pl.String, "14-digit 開示番号", (("documents", "disclosure_id"),)),
        Column("code", pl.String, "5-character securities code", (("disclosures", "code"),)),
        Column("document", pl.String, "file name inside the archive", _ARCHIVE),
        Column("part", pl.String, "summary or attachment", _ARCHIVE),
        Column("element", pl.String, "local name of the element", _ARCHIVE),
        Column("namespace", pl.String, "URI of the element's namespace", _ARCHIVE),
        Column("context_id", pl.String, "context id as the filing spells it", _ARCHIVE),
        Column("period_type", pl.String, "duration, instant or forever", _ARCHIVE),
        Column("period_start", pl.Date, "first day of a duration", _ARCHIVE),
        Column("period_end", pl.Date, "last day of a duration, or the instant's day", _ARCHIVE),
        Column("period_label", pl.String, "first part of the context id: a label only", _ARCHIVE),
        Column("consolidation", pl.String, "Consolidated or NonConsolidated", _ARCHIVE),
        Column("result_forecast", pl.String, "Result, Forecast, Upper or Lower", _ARCHIVE),
        Column("previous_current", pl.String, "Previous or Current, in revisions", _ARCHIVE),
        Column("dividend_schedule", pl.String, "FirstQuarter to YearEnd, or Annual", _ARCHIVE),
        Column("members", pl.List(MEMBER), "all other dimensions of the context", _ARCHIVE),
        Column("unit", pl.String, "JPY, pure, shares …; a ratio as JPY/shares", _ARCHIVE),
        Column("decimals", pl.Int32, "stated accuracy; null for INF and for text", _ARCHIVE),
        Column("scale", pl.Int32, "power of ten of the printed number", _ARCHIVE),
        Column(
            "value", VALUE, "exact value, scale and sign applied; null if text or nil", _ARCHIVE
        ),
        Column("text", pl.String, "canonical text of a fact that is no number", _ARCHIVE),
        Column("is_nil", pl.Boolean, "no value is stated, which is not zero", _ARCHIVE),
        Column("order", pl.Int32, "position among the archive's facts, from 1", _ARCHIVE),
    ),
    description="One row per fact of the day's XBRL archives, with its context, unit and exact "
    "value.",
    keys=("disclosure_id", "order"),
    order=("disclosure_id", "order"),
)

UNREAD_FACTS_TABLE = Table(
    "unread_facts",
    (
        Column("disclosure_id", pl.String, "14-digit 開示番号"),
        Column("code", pl.String, "5-character securities code"),
        Column(
            "kind",
            pl.String,
            "fact: one cell; document: a whole attachment; unlisted: a document that the filing's "
            "own manifest does not list, which is no fault",
        ),
        Column("document", pl.String, "file name inside the archive"),
        Column("part", pl.String, "summary or attachment"),
        Column("line", pl.Int32, "line of the document; null for a document"),
        Column("element", pl.String, "the fact's name as the filing spells it, with its prefix"),
        Column("context_id", pl.String, "context id as the filing spells it"),
        Column("text", pl.String, "what is printed, at most 1,000 characters"),
        Column("reason", pl.String, "why it could not be read"),
        Column("order", pl.Int32, "position among what could not be read of the filing, from 1"),
    ),
    description="One row per cell, or per attachment, that could not be read of a filing which "
    "stands otherwise.",
    keys=("disclosure_id", "order"),
    order=("disclosure_id", "order"),
)

UNREAD_FILINGS_TABLE = Table(
    "unread_filings",
    (
        Column("disclosure_id", pl.String, "14-digit 開示番号"),
        Column("code", pl.String, "5-character securities code"),
        Column("s3_key", pl.String, "key of the archive in the bucket, prefix included"),
        Column("sha256", pl.String, "hexadecimal digest of the archive"),
        Column("reason", pl.String, "why it could not be read"),
    ),
    description="One row per XBRL archive of the day that could not be read.",
    keys=("disclosure_id",),
    order=("disclosure_id",),
)
