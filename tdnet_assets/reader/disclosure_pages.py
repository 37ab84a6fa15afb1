"""The page of one disclosure: the document beside its text, figures, history, and where it is from.

What belongs here: bringing together what the lake knows of it. What does not: how it looks
(``templates/``), and the pictures of its pages (``page_images.py``).
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import polars as pl

from tdnet_assets import catalog
from tdnet_assets.lookups import disclosure_of, files_of
from tdnet_assets.reader.html_pages import page as html_page
from tdnet_assets.reader.library import Library
from tdnet_assets.reader.problems import ProblemError
from tdnet_assets.reader.responses import Answer, Asking, Prepared
from tdnet_assets.tables.earnings_summary import EARNINGS_SUMMARY_VIEW, earnings_summary
from tdnet_assets.tdnet.identifiers import as_printed, is_disclosure_id

LARGEST_PAGE_NUMBER: Final = 5_000
_TABLES: Final = (
    "disclosures",
    "documents",
    "earnings",
    "forecast_revisions",
    "report_links",
    "document_texts",
)
_FIGURES: Final = (
    "revenue",
    "operating_income",
    "ordinary_or_pretax_income",
    "net_income",
    "eps",
    "total_assets",
    "net_assets",
    "dividend_per_share",
    "forecast_revenue",
    "forecast_operating_income",
    "forecast_net_income",
    "forecast_eps",
    "forecast_dividend_per_share",
)
_PER_SHARE: Final = ("eps", "dividend_per_share", "forecast_eps", "forecast_dividend_per_share")


@dataclass(frozen=True, slots=True)
class _Known:
    row: Mapping[str, Any]
    files: Mapping[str, Mapping[str, Any]]
    report: Mapping[str, Any] | None
    revisions: list[dict[str, Any]]


def disclosure(asking: Asking) -> Prepared:
    """A disclosure and all that belongs to it; a page of its PDF."""
    number = number_of(asking.path["disclosure_id"])
    query = asking.query(["page"])
    page = query.number("page", 1, LARGEST_PAGE_NUMBER)
    library = asking.reader.library
    row = row_of(library, number)
    day: date = row["date"]
    version = library.version(_TABLES, day, day)

    def make() -> Answer:
        known = library.kept(
            ("disclosure", number), version, lambda: _known(library, row), lambda _: 20_000
        )
        pdf = known.files.get("pdf")
        pages = (pdf or {}).get("pages") or 1
        if page > pages:
            raise ProblemError(404, f"the document has {pages} pages, and no page {page}")
        return html_page(
            asking,
            "disclosure.html",
            row=known.row,
            number=number,
            files=list(known.files.values()),
            pdf=pdf if pdf and pdf["status"] == "stored" else None,
            pdf_state=pdf,
            xbrl=known.files.get("xbrl"),
            page=page,
            pages=pages,
            report=known.report,
            figures=_figures(known.report),
            revisions=known.revisions,
            text=_lines(library, row, page),
        )

    return Prepared(version, make)


def _lines(library: Library, row: Mapping[str, Any], page: int) -> list[str] | None:
    """The lines of a page of the PDF; none of a scan, None where its text is not known."""
    texts = catalog.scan_texts(
        config=library.config, first=row["date"], last=row["date"], code=row["code"]
    )
    found = (
        texts.filter(
            pl.col("disclosure_id") == row["disclosure_id"],
            pl.col("kind") == "pdf",
            pl.col("page") == page,
        )
        .select("text")
        .collect()
    )
    if found.is_empty():
        return None
    return [line for line in (found["text"][0] or "").split("\n") if line.strip()]


def row_of(library: Library, number: str) -> Mapping[str, Any]:
    """The row of a disclosure as it is stored now.

    Raises:
        ProblemError: the lake has no such disclosure.
    """
    found = library.kept(
        ("place", number),
        library.version(("disclosures",)),
        lambda: disclosure_of(library.config, number),
        lambda _: 4_000,
    )
    if found.is_empty():
        raise ProblemError(404, f"no disclosure {number} in the lake")
    return found.row(0, named=True)


def number_of(text: str) -> str:
    """The disclosure number that an address names.

    Raises:
        ProblemError: it is none.
    """
    number = as_printed(text)
    if not is_disclosure_id(number):
        raise ProblemError(404, f"{text[:40]!r} is not a disclosure number: it has 14 digits")
    return number


def _known(library: Library, row: Mapping[str, Any]) -> _Known:
    number, day, config = row["disclosure_id"], row["date"], library.config

    def of_disclosure(scan: Callable[..., pl.LazyFrame]) -> pl.DataFrame:
        rows = scan(config=config, first=day, last=day)
        return rows.filter(pl.col("disclosure_id") == number).collect()

    with ThreadPoolExecutor(3) as pool:
        files = pool.submit(files_of, config, number)
        report = pool.submit(of_disclosure, catalog.scan_earnings)
        revisions = pool.submit(of_disclosure, catalog.scan_forecast_revisions)
        reports = report.result()
        return _Known(
            row,
            {one["kind"]: one for one in files.result().iter_rows(named=True)},
            _summary(reports),
            revisions.result().to_dicts(),
        )


def _summary(reports: pl.DataFrame) -> Mapping[str, Any] | None:
    """The report in some forty columns, with what it replaces and is replaced by."""
    if reports.is_empty():
        return None

    summary = earnings_summary(reports.lazy()).collect().row(0, named=True)
    links = reports.row(0, named=True)
    return {**summary, "replaces": links["replaces"], "replaced_by": links["replaced_by"]}


def _figures(report: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    if report is None:
        return []
    meanings = {column.name: column.description for column in EARNINGS_SUMMARY_VIEW.columns}
    return [
        {
            "name": name,
            "meaning": meanings[name],
            "value": report[name],
            "change": report.get(f"{name}_change"),
            "is_per_share": name in _PER_SHARE,
        }
        for name in _FIGURES
        if report.get(name) is not None
    ]
