"""The yearly copies of daily tables, sorted by company: ``disclosure_history`` and its like.

What belongs here: the assets, their partitions and their check. What does not: which there are
(``tables/``), what a copy contains and how it is brought up to date
(``resources/lake/yearly_copies.py``), and answering questions with it (``catalog.py``). The days
are the truth; a copy may be lost or old without harm.
"""

import warnings
from datetime import date
from typing import Any

import dagster as dg

from tdnet_assets.assets.previews import column_metadata
from tdnet_assets.partitions import FIRST_DAY, years_from
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.resources.lake.yearly_copies import StoredCopy, Update, YearlyCopy, yearly_copy
from tdnet_assets.tables import YEARLY_COPIES
from tdnet_assets.tables.table import Table

ROWS_OF_THE_DAYS = "rows_of_the_days"

YEARS = years_from(FIRST_DAY)


def _days_of_the_year() -> dg.TimeWindowPartitionMapping:
    with warnings.catch_warnings():
        # Beta, and said on standard error by every process that loads the assets.
        warnings.simplefilter("ignore", dg.BetaWarning)
        # The rest of this year's days is still to come.
        return dg.TimeWindowPartitionMapping(allow_nonexistent_upstream_partitions=True)


def _history(table: Table) -> dg.AssetsDefinition:
    """The yearly copies that a table describes, as an asset."""

    @dg.asset(
        name=table.name,
        deps=[dg.AssetDep(table.copy_of or "", partition_mapping=_days_of_the_year())],
        partitions_def=YEARS,
        check_specs=[
            dg.AssetCheckSpec(
                ROWS_OF_THE_DAYS,
                asset=table.name,
                description="The copy, read back, has for each day as many rows as its daily file.",
            )
        ],
        description=f"{table.description} Only days that changed are read again.",
        group_name="yearly",
        kinds={"s3", "parquet", "polars"},
        code_version="1",
        metadata=column_metadata(table),
    )
    def history(
        context: dg.AssetExecutionContext, lake: dg.ResourceParam[LakeResource]
    ) -> dg.MaterializeResult:  # type: ignore[type-arg] # Dagster reads the plain class only
        """Take the days that changed into the year's copy, and compare its rows with theirs."""
        year = int(context.partition_key)
        copy = yearly_copy(lake, table)
        update = copy.bring_up_to_date(year)
        stored = copy.read(year)
        return dg.MaterializeResult(
            metadata={**column_metadata(table), **_metadata(copy, year, update, stored)},
            check_results=[_check(stored)],
        )

    return history


HISTORIES = tuple(map(_history, YEARLY_COPIES))
"""An asset for each yearly copy."""


def _check(stored: StoredCopy) -> dg.AssetCheckResult:
    counted: dict[date, int] = dict(stored.frame.group_by("date").len().iter_rows())
    wrong = [
        f"{day}: {counted.get(day, 0)} rows, {known.rows} in the daily file"
        for day, known in sorted(stored.contents.items())
        if counted.get(day, 0) != known.rows
    ]
    wrong += [f"{day}: no daily file" for day in sorted(counted.keys() - stored.contents.keys())]
    return dg.AssetCheckResult(
        check_name=ROWS_OF_THE_DAYS,
        passed=not wrong,
        description="; ".join(wrong[:10]) or f"{stored.frame.height} rows of {len(counted)} days",
        metadata={"rows": stored.frame.height, "days_that_differ": len(wrong)},
    )


def _metadata(copy: YearlyCopy, year: int, update: Update, stored: StoredCopy) -> dict[str, Any]:
    days = sorted(stored.contents)
    changed = [*update.changed, *update.removed]
    lake, key = copy.lake, copy.key(year)
    rows = stored.frame["date"].dt.year() == year
    return {
        "dagster/partition_row_count": rows.sum(),
        "dagster/uri": lake.uri(key if copy.parts == 1 else f"{key.rpartition('/')[0]}/"),
        "days": len(days),
        "codes": stored.frame["code"].n_unique(),
        "megabytes": round(stored.bytes / 1e6, 3),
        "changed_days": len(changed),
        "changed": ", ".join(map(str, changed[:31])) or "none",
        "last_day": str(days[-1]) if days else "none",
        "object": dg.MetadataValue.url(lake.console_url(key)),
    }
