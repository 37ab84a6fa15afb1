"""The tables of filings that could not be understood, which all have the same columns."""

import polars as pl

from tdnet_assets.tables.table import Column, Table


def rejects_table(name: str, filings: str) -> Table:
    """The table of the filings that an asset could not understand.

    Args:
        name: the table's name.
        filings: the kind of filing, for the description.
    """
    return Table(
        name,
        (
            Column("disclosure_id", pl.String, "14-digit 開示番号"),
            Column("code", pl.String, "5-character securities code"),
            Column("title", pl.String, "title in the company's own spelling"),
            Column("reason", pl.String, "what the filing lacks or contradicts"),
        ),
        description=f"One row per {filings} whose facts contradict each other or lack what makes "
        "a row.",
        keys=("disclosure_id",),
        order=("disclosure_id",),
    )
