"""The view ``earnings_figures``: the numbers of ``earnings`` as a long table, for who pivots.

What belongs here: turning columns into rows. What does not: what each column is
(``tdnet/reports/earnings_columns.py``).
"""

import polars as pl

from tdnet_assets.tables.financial_facts import VALUE
from tdnet_assets.tables.table import Column, Table
from tdnet_assets.tdnet.reports.earnings_columns import FigureColumn, figure_columns
from tdnet_assets.tdnet.reports.earnings_items import change_element

EARNINGS_FIGURES_VIEW = Table(
    "earnings_figures",
    (
        Column("disclosure_id", pl.String, "14-digit 開示番号"),
        Column("code", pl.String, "5-character securities code"),
        Column("item", pl.String, "e.g. revenue, parent_revenue, dividend_annual"),
        Column(
            "period",
            pl.String,
            "current, prior, this_half, this_year, next_half, next_year or year_after_next; of "
            "dividends prior_year, this_year or next_year",
        ),
        Column("period_end", pl.Date, "last day of the period; null for a position of prior"),
        Column(
            "kind",
            pl.String,
            "result, change, forecast, forecast_lower, forecast_upper, forecast_change, "
            "forecast_lower_change or forecast_upper_change",
        ),
        Column("value", VALUE, "as in earnings: yen, yen per share, fraction or shares"),
        Column("element", pl.String, "the element that states it; null where several may"),
    ),
    description="The numbers of `earnings` as one row each: only those that are stated.",
    keys=("disclosure_id", "item", "period", "kind"),
    order=("disclosure_id",),
    view_of="earnings",
)

_COLUMNS = figure_columns()
_MEANING = FigureColumn._fields.index("elements")
_CHANGES = {
    element: change_element(element)
    for element in ("TotalComprehensiveIncomeIFRS",)  # the others' names follow one rule
}


def earnings_figures(earnings: pl.LazyFrame) -> pl.LazyFrame:
    """The long form of rows of ``earnings``, in the order of their columns within each report."""
    figures = pl.LazyFrame(
        [(number, name, *one[:_MEANING]) for number, (name, one) in enumerate(_COLUMNS.items())],
        schema=["number", "column", "item", "period", "kind", "end", "named", "by"],
        orient="row",
    )
    elements = pl.LazyFrame(
        [
            (name, standard, element)
            for name, one in _COLUMNS.items()
            for standard, element in one.elements.items()
            if one.element_column is None
        ],
        schema=["column", "standard", "only_element"],
        orient="row",
    )
    values = _unpivoted(earnings, list(_COLUMNS), "column", "value")
    ends = _unpivoted(earnings, _named("end_column"), "end", "period_end")
    named = _unpivoted(earnings, _named("element_column"), "named", "named_element")
    standards = _unpivoted(earnings, _named("standard_column"), "by", "standard")
    element = pl.coalesce("named_element", "only_element")
    of_change = pl.col("kind").str.ends_with("change")
    return (
        values.join(figures, on="column")
        .join(ends.drop("code"), on=["disclosure_id", "end"], how="left")
        .join(named.drop("code"), on=["disclosure_id", "named"], how="left")
        .join(standards.drop("code"), on=["disclosure_id", "by"], how="left")
        .join(elements, on=["column", "standard"], how="left")
        .with_columns(
            element=pl.when(of_change)
            .then(element.replace_strict(_CHANGES, default="ChangeIn" + element))
            .otherwise(element)
        )
        .sort("disclosure_id", "number")
        .select(EARNINGS_FIGURES_VIEW.schema.keys())
    )


def _named(field: str) -> list[str]:
    """The columns that figures name in a field, each once."""
    names = (getattr(column, field) for column in _COLUMNS.values())
    return list(dict.fromkeys(name for name in names if name is not None))


def _unpivoted(
    earnings: pl.LazyFrame, columns: list[str], variable: str, value: str
) -> pl.LazyFrame:
    """One row for each of the columns that has a value."""
    return (
        earnings.select("disclosure_id", "code", *columns)
        .unpivot(columns, index=["disclosure_id", "code"], variable_name=variable, value_name="is")
        .drop_nulls("is")
        .rename({"is": value})
    )
