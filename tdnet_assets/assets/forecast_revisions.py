"""``forecast_revisions``: one row per figure that a notice revises: before, after, and the change.

What belongs here: the asset and its checks. What does not: its columns
(``tables/forecast_revisions.py``), what the facts of a notice
mean (``tdnet/reports/revision_notice.py``) and how large a revision is
(``tdnet/reports/surprises.py``).
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from typing import Any, NamedTuple, get_args

import dagster as dg

from tdnet_assets.assets.accounting import REVISION_CHECKS, accounting_checks
from tdnet_assets.assets.filings import (
    IN_SUMMARY,
    Filing,
    Understood,
    check_understood,
    put_rejects,
    understand,
)
from tdnet_assets.assets.previews import amount, column_metadata, percent, preview
from tdnet_assets.assets.steps import CheckResult, DailyStep, Day, Materialized
from tdnet_assets.resources.lake import layout
from tdnet_assets.tables.forecast_revisions import (
    REVISION_RANGES,
    REVISION_REJECTS_TABLE,
    REVISIONS_TABLE,
)
from tdnet_assets.tables.recipes import RECIPES
from tdnet_assets.tdnet.identifiers import XbrlKind
from tdnet_assets.tdnet.reports.accounting_checks import Finding, check_revisions
from tdnet_assets.tdnet.reports.revision_notice import (
    ForecastRevision,
    RevisionKind,
    read_revisions,
    unread_elements,
)
from tdnet_assets.tdnet.reports.summary_cells import SummaryCells
from tdnet_assets.tdnet.reports.surprises import biggest_revisions, revision_difference
from tdnet_assets.tdnet.xbrl.facts import Fact

NAME = "forecast_revisions"
REVISIONS_UNDERSTOOD = "revisions_understood"
NOTHING_DROPPED = "nothing_dropped"

_KINDS: tuple[XbrlKind | None, ...] = ("revision",)
_FIELDS = tuple(field.name for field in fields(ForecastRevision))


class _Notice(NamedTuple):
    revisions: tuple[ForecastRevision, ...]
    unread_elements: tuple[str, ...]
    findings: tuple[Finding, ...]


SPEC = dg.AssetSpec(
    NAME,
    deps=RECIPES[NAME].inputs,
    description="One row per figure that a notice of the day revises: the forecast before and "
    "after as a figure or a range, the stated change, last year's result. Amounts are exact.",
    group_name=RECIPES[NAME].work,
    kinds={"s3", "parquet", "polars"},
    code_version=RECIPES[NAME].reader,
    metadata=column_metadata(REVISIONS_TABLE),
)


async def materialize(day: Day) -> Materialized:
    """Read the day's notices, and check the changes that they state."""
    found = await asyncio.to_thread(understand, day, _KINDS, IN_SUMMARY, _notice)
    rows = [_row(filing, one) for filing, notice in found.rows for one in notice.revisions]
    put_rejects(day, REVISION_REJECTS_TABLE, found.not_understood)
    findings = [(filing, one) for filing, notice in found.rows for one in notice.findings]
    checks = [
        check_understood(REVISIONS_UNDERSTOOD, found),
        _nothing_dropped(found),
        *accounting_checks(REVISION_CHECKS, findings),
    ]
    made = day.put(NAME, REVISIONS_TABLE.frame(rows), checks)
    return replace(made, metadata=_metadata(day, found))


def _notice(facts: Sequence[Fact]) -> _Notice | None:
    summary = SummaryCells(facts)
    revisions = read_revisions(summary)
    if not revisions:
        return None
    return _Notice(revisions, unread_elements(summary), check_revisions(summary))


def _row(filing: Filing, revision: ForecastRevision) -> dict[str, Any]:
    row: dict[str, Any] = {
        "disclosure_id": filing.disclosure_id,
        "disclosed_at": filing.disclosed_at,
        "is_correction": filing.is_correction,
    }
    for name in _FIELDS:
        value = getattr(revision, name)
        if name in REVISION_RANGES:
            row |= {name: value.value, f"{name}_lower": value.lower, f"{name}_upper": value.upper}
        else:
            row[name] = value
    # As listed: a form may state the code in another spelling.
    return {**row, "code": filing.code}


def _nothing_dropped(found: Understood[_Notice]) -> CheckResult:
    dropped = [
        (filing, notice.unread_elements) for filing, notice in found.rows if notice.unread_elements
    ]
    description = "every figure of every notice is in a row"
    if dropped:
        filing, elements = dropped[0]
        description = (
            f"{len(dropped)} notices state figures that no row covers, first "
            f"{filing.disclosure_id}: {', '.join(elements[:5])}"
        )
    return CheckResult(
        NOTHING_DROPPED,
        passed=not dropped,
        description=description,
        metadata={"notices": len(dropped)},
    )


def _metadata(day: Day, found: Understood[_Notice]) -> dict[str, Any]:
    key = layout.table_key(REVISIONS_TABLE.name, day.date)
    revisions = [one for _, notice in found.rows for one in notice.revisions]
    kinds = Counter(notice.revisions[0].kind for _, notice in found.rows)
    return {
        "dagster/partition_row_count": len(revisions),
        "dagster/uri": day.lake.uri(key),
        "notices": len(found.rows),
        "not_understood": len(found.not_understood),
        **{f"{kind}_notices": kinds[kind] for kind in get_args(RevisionKind)},
        "biggest_revisions": preview(revision_lines(revisions)),
        "object": dg.MetadataValue.url(day.lake.console_url(key)),
    }


def revision_lines(revisions: Iterable[ForecastRevision]) -> list[dict[str, str]]:
    """The ten biggest revisions, for a person."""
    return [
        {
            "code": one.code,
            "item": " ".join(filter(None, (one.item, one.dividend_schedule))),
            "period": f"{one.period} to {one.period_end}",
            "before": amount(one.previous.middle),
            "after": amount(one.current.middle if one.current.is_stated else one.result),
            "change": percent(found.rate) or (found.turn or "").replace("_", " "),
        }
        for one in biggest_revisions(revisions, limit=10)
        if (found := revision_difference(one))
    ]


FORECAST_REVISIONS_STEP = DailyStep(
    spec=SPEC,
    checks={
        REVISIONS_UNDERSTOOD: "Every stored archive of a revision became rows.",
        NOTHING_DROPPED: "Every figure that a notice states is in a row.",
        **REVISION_CHECKS,
    },
    materialize=materialize,
)
