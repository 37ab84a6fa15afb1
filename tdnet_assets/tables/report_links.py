"""The table ``report_links``, and the links between reports that are computed when it is read.

What belongs here: which reports are of one period, and in which order they follow each other. What
does not: finding the reports of other days (``assets/related_reports.py``).

Reports of one company, scope and period follow each other: a correction, or the same report after
the auditors' review. Each replaces those before it; the last is current. A day's file states every
pair of reports that could be seen when it was made, in both directions: of two days, whichever is
made later sees the other, and neither touches the other's file.
"""

from datetime import timedelta
from typing import Final

import polars as pl

from tdnet_assets.tables.earnings import EARNINGS_VIEW, IS_CURRENT, REPLACED_BY, REPLACES
from tdnet_assets.tables.report_figures import REPORT
from tdnet_assets.tables.table import Column, Table, yearly_copy_of

CORRECTS: Final = "corrects"
# Corrections come within a year. One of an older report still finds what was published within this
# time of the period's end, and of itself.
LINK_AGE: Final = timedelta(days=400)

_FIGURES = "report_figures"
_MOMENT = pl.Datetime("ms", "Asia/Tokyo")
_SAME_PERIOD = ("code", "standard", "consolidation", "item", "period_end")
_OTHER = {
    "date": "other_date",
    "disclosure_id": "other_id",
    "published_at": "other_published_at",
}
_PAIR = ("earlier_id", "earlier_at", "later_id", "later_at")

REPORT_LINKS_TABLE = Table(
    "report_links",
    (
        Column("disclosure_id", pl.String, "開示番号 of a report", ((_FIGURES, "disclosure_id"),)),
        Column("code", pl.String, "5-character securities code", ((_FIGURES, "code"),)),
        Column("published_at", _MOMENT, "when it was published", ((_FIGURES, "published_at"),)),
        Column(
            "relation",
            pl.String,
            "replaces; corrects, where the title says 訂正, which replaces too; or replaced_by",
            ((_FIGURES, "is_correction"),),
        ),
        Column(
            "other_id",
            pl.String,
            "開示番号 of the other report of the same period",
            ((_FIGURES, "disclosure_id"),),
        ),
        Column("other_date", pl.Date, "JST day whose list shows the other"),
        Column(
            "other_published_at",
            _MOMENT,
            "when the other was published",
            ((_FIGURES, "published_at"),),
        ),
    ),
    description="One row per pair of a report of the day and another of the same company, scope "
    "and period, of any day; the last of them is current.",
    keys=("disclosure_id", "other_id"),
    order=("published_at", "code", "disclosure_id", "other_published_at", "other_id"),
)

REPORT_LINKS_COPY = yearly_copy_of(
    REPORT_LINKS_TABLE,
    "report_links_by_code",
    order=("code", "published_at", "disclosure_id", "other_published_at", "other_id"),
    years_together=True,  # 0.1 MB a year: every question about reports needs those of all years
)


def links_between(reports: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """The links of reports to each other and to reports of other days, as rows of the table.

    Args:
        reports: rows of ``report_figures`` with their ``date``; only those of kind
            ``report`` count.
        others: rows of kind ``report`` of the same companies on other days.
    """
    own = reports.filter(pl.col("kind") == REPORT)
    known = pl.concat([frame.select(*_SAME_PERIOD, *_OTHER) for frame in (own, others)])
    at, other_at = pl.col("published_at"), pl.col("other_published_at")
    number, other_number = pl.col("disclosure_id"), pl.col("other_id")
    is_later = (other_at < at) | ((other_at == at) & (other_number < number))
    relation = (
        pl.when(~is_later)
        .then(pl.lit(REPLACED_BY))
        .when("is_correction")
        .then(pl.lit(CORRECTS))
        .otherwise(pl.lit(REPLACES))
    )
    return (
        own.join(known.rename(_OTHER), on=_SAME_PERIOD, nulls_equal=True)
        .filter(number != other_number)
        .with_columns(relation=relation)
        .select(REPORT_LINKS_TABLE.schema.keys())
        .sort(REPORT_LINKS_TABLE.order)
    )


def with_links(earnings: pl.LazyFrame, links: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of ``earnings`` with ``replaces``, ``replaced_by`` and ``is_current`` as links say.

    Args:
        earnings: rows with the columns of the table; other columns, as ``date``, stay in front.
        links: rows of ``report_links`` of any days: all that name one of the reports and count.
    """
    pairs = _pairs(links)
    behind = pairs.sort("later_at", "later_id").group_by("earlier_id", maintain_order=True).first()
    before = pairs.sort("earlier_at", "earlier_id").group_by("later_id", maintain_order=True).last()
    names = earnings.collect_schema().names()
    kept = [name for name in names if name not in EARNINGS_VIEW.schema]
    return (
        earnings.drop(REPLACES)
        .join(
            before.select("later_id", pl.col("earlier_id").alias(REPLACES)),
            left_on="disclosure_id",
            right_on="later_id",
            how="left",
        )
        .join(
            behind.select("earlier_id", pl.col("later_id").alias(REPLACED_BY)),
            left_on="disclosure_id",
            right_on="earlier_id",
            how="left",
        )
        .with_columns(pl.col(REPLACED_BY).is_null().alias(IS_CURRENT))
        .select(*kept, *EARNINGS_VIEW.schema)
    )


def _pairs(links: pl.LazyFrame) -> pl.LazyFrame:
    """Each pair of reports once, whichever of the two stated it."""
    is_earlier = pl.col("relation") == REPLACED_BY
    own = (pl.col("disclosure_id"), pl.col("published_at"))
    other = (pl.col("other_id"), pl.col("other_published_at"))
    earlier = (pl.when(is_earlier).then(a).otherwise(b) for a, b in zip(own, other, strict=True))
    later = (pl.when(is_earlier).then(b).otherwise(a) for a, b in zip(own, other, strict=True))
    return links.select(
        value.alias(name) for name, value in zip(_PAIR, (*earlier, *later), strict=True)
    ).unique()


def linked_earnings_sql() -> str:
    """The rows of :func:`with_links`, with their ``date``, as SQL over the two daily tables."""
    linked = {
        REPLACES: "before.earlier_id",
        REPLACED_BY: "behind.later_id",
        IS_CURRENT: "behind.later_id IS NULL",
    }
    columns = ",\n".join(
        f"  {linked.get(name, f'earnings.{name}')} AS {name}" for name in EARNINGS_VIEW.schema
    )
    return f'{_NEIGHBOURS_SQL}\nSELECT\n  earnings."date" AS "date",\n{columns}\n{_JOINED_SQL}'


_NEIGHBOURS_SQL = """WITH pairs AS (
  SELECT disclosure_id AS earlier_id, published_at AS earlier_at,
    other_id AS later_id, other_published_at AS later_at
  FROM report_links WHERE relation = 'replaced_by'
  UNION
  SELECT other_id, other_published_at, disclosure_id, published_at
  FROM report_links WHERE relation <> 'replaced_by'
),
behind AS (
  SELECT earlier_id, later_id,
    ROW_NUMBER() OVER (PARTITION BY earlier_id ORDER BY later_at, later_id) AS place
  FROM pairs
),
before AS (
  SELECT earlier_id, later_id,
    ROW_NUMBER() OVER (PARTITION BY later_id ORDER BY earlier_at DESC, earlier_id DESC) AS place
  FROM pairs
)"""
_JOINED_SQL = """FROM earnings
LEFT JOIN before ON before.later_id = earnings.disclosure_id AND before.place = 1
LEFT JOIN behind ON behind.earlier_id = earnings.disclosure_id AND behind.place = 1"""
