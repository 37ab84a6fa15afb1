"""A day as watch-lists see it: its rows, the texts of its documents, and the figures that changed.

What belongs here: reading what is stored of a day into what watches judge, one way for the asset,
the commands and the reader. What does not: the judgement (``tdnet/watching/watch_list.py``).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from tdnet_assets.resources.lake.store import LakeResource, StoredTable
from tdnet_assets.resources.lake.yearly_copies import daily_files, scan_copied
from tdnet_assets.tables.disclosures import DISCLOSURES_TABLE, known_disclosures
from tdnet_assets.tables.document_texts import DOCUMENT_TEXTS_TABLE
from tdnet_assets.tables.forecast_revisions import REVISIONS_TABLE, revision_of
from tdnet_assets.tables.report_figures import (
    FORECAST_AGE,
    FORECAST_KINDS,
    REPORT_FIGURES_COPY,
    REPORT_FIGURES_TABLE,
    surprises,
)
from tdnet_assets.tdnet.reports.surprises import difference
from tdnet_assets.tdnet.search_query import Query
from tdnet_assets.tdnet.sightings import Disclosure
from tdnet_assets.tdnet.watching.figure_conditions import (
    ITEM_NAMES,
    WatchedFigure,
    revised_figures,
    surprising_figure,
)
from tdnet_assets.tdnet.watching.watch_list import WatchedDisclosure

_Figures = Mapping[str, Sequence[WatchedFigure]]


class DayTexts:
    """The texts of a day's documents; a search goes over all of them once, however many ask."""

    def __init__(self, texts: pl.DataFrame) -> None:
        """Of the rows of ``document_texts``, of a day."""
        self._texts = texts
        self._pages: dict[str, int] = dict(texts["disclosure_id"].value_counts().iter_rows())
        self._found: dict[Query, dict[str, int]] = {}

    def of(self, disclosure_id: str) -> "DocumentPages":
        """The pages of one disclosure."""
        return DocumentPages(self, disclosure_id)

    def count(self, disclosure_id: str) -> int:
        """How many pages a disclosure has."""
        return self._pages.get(disclosure_id, 0)

    def found(self, query: Query) -> Mapping[str, int]:
        """The first page of each disclosure that a search finds."""
        if query not in self._found:
            text = pl.col("text")
            found = (
                self._texts.lazy()
                .filter(query.may_be_in(text))
                .filter(query.expression(text))
                .group_by("disclosure_id")
                .agg(pl.col("page").min())
                .collect()
            )
            self._found[query] = dict(found.iter_rows())
        return self._found[query]


@dataclass(frozen=True, slots=True)
class DocumentPages:
    """The pages of one disclosure's documents."""

    texts: DayTexts
    disclosure_id: str

    def __len__(self) -> int:
        return self.texts.count(self.disclosure_id)

    def find(self, query: Query) -> int | None:
        """The first page that a search finds."""
        return self.texts.found(query).get(self.disclosure_id)


@dataclass(frozen=True, slots=True)
class WatchedDay:
    """The stored rows of a day; texts and figures are None where they are not read yet."""

    date: date
    disclosures: Sequence[Disclosure]
    texts: DayTexts | None = None
    figures: _Figures | None = None

    def subjects(self) -> Iterator[WatchedDisclosure]:
        """Each disclosure of the day that has a number, as far as it is known."""
        for listed in self.disclosures:
            if number := listed.disclosure_id:
                yield WatchedDisclosure(
                    listed,
                    None if self.texts is None else self.texts.of(number),
                    None if self.figures is None else self.figures.get(number, ()),
                )

    def subject(self, disclosure_id: str) -> WatchedDisclosure | None:
        """One disclosure of the day."""
        found = (one for one in self.subjects() if one.listed.disclosure_id == disclosure_id)
        return next(found, None)


Read = Callable[[str], StoredTable | None]
"""Reads a table of the day by its name."""


def read_watched_day(
    lake: LakeResource, day: date, read: Read | None = None, *, texts: bool = True
) -> WatchedDay | None:
    """What is stored of a day; None where nothing is.

    Args:
        lake: where it is.
        day: JST day.
        read: how tables of the day are read, by who wants to know which; from the lake when None.
        texts: whether the texts of its documents are wanted.

    Raises:
        LakeError: S3 refused or failed, or a table of the day is damaged.
    """
    read = read or (lambda table: lake.read_table(table, day))
    listed = read(DISCLOSURES_TABLE.name)
    if listed is None:
        return None
    figures = _figures(lake, day, read(REVISIONS_TABLE.name), read(REPORT_FIGURES_TABLE.name))
    found = read(DOCUMENT_TEXTS_TABLE.name) if texts else None
    pages = DayTexts(found.frame) if found else None
    return WatchedDay(day, known_disclosures(listed.frame), pages, figures)


def _figures(
    lake: LakeResource, day: date, revisions: StoredTable | None, figures: StoredTable | None
) -> _Figures | None:
    """The figures that notices revise, and the results against own forecasts, by disclosure."""
    if revisions is None and figures is None:
        return None
    found: dict[str, list[WatchedFigure]] = {}
    for row in revisions.frame.iter_rows(named=True) if revisions else ():
        found.setdefault(row["disclosure_id"], []).extend(revised_figures(revision_of(row)))
    for row in _surprises(lake, day, figures.frame) if figures else ():
        expected, value = row["expected"], row["value"]
        found.setdefault(row["disclosure_id"], []).append(
            surprising_figure(
                row["item"], expected, value, difference(expected, value), row["period_end"]
            )
        )
    return found


def _surprises(lake: LakeResource, day: date, figures: pl.DataFrame) -> Iterable[dict[str, Any]]:
    codes = sorted(set(figures.filter(pl.col("kind") == "result")["code"]))
    if not codes:
        return ()
    days = daily_files(lake, REPORT_FIGURES_TABLE.name, day - FORECAST_AGE, day - timedelta(days=1))
    earlier = (
        scan_copied(lake, REPORT_FIGURES_COPY, days, codes=codes)
        .filter(pl.col("code").is_in(codes), pl.col("kind").is_in(FORECAST_KINDS))
        .select(list(REPORT_FIGURES_TABLE.schema))
        .collect()
    )
    found = surprises(pl.concat([earlier, figures]).lazy())
    return (
        found.filter(pl.col("expected").is_not_null(), pl.col("item").is_in(list(ITEM_NAMES)))
        .collect()
        .iter_rows(named=True)
    )
