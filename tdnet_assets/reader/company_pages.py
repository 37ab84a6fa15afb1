"""The page of a company, and finding one.

What belongs here: what of a company is asked, all at once. What does not: what its figures mean
(``company_results.py``), and how they look (``templates/``).
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import polars as pl
from markupsafe import Markup
from starlette.datastructures import URL

from tdnet_assets import catalog
from tdnet_assets.lookups import whole_code
from tdnet_assets.reader import svg_charts, written_figures
from tdnet_assets.reader.api_resources import COMPANY_DAYS, companies, page_of_rows
from tdnet_assets.reader.company_results import OF_A_SHARE, CompanyResults, company_results
from tdnet_assets.reader.day_pages import ORDER
from tdnet_assets.reader.html_pages import page as html_page
from tdnet_assets.reader.library import Library
from tdnet_assets.reader.parameters import cursor_of
from tdnet_assets.reader.problems import ProblemError
from tdnet_assets.reader.responses import Answer, Asking, Prepared
from tdnet_assets.tdnet.identifiers import as_printed, is_code
from tdnet_assets.tdnet.listing import TOKYO, normalize_title

ROWS: Final = 50
_TABLES: Final = ("disclosures", "report_figures", "earnings", "report_links")
_MATCHES: Final = 100


@dataclass(frozen=True, slots=True)
class DividendYear:
    """A year's dividend per share in yen: decided, or expected at last."""

    end: date
    paid: Decimal | None
    expected: Decimal | None
    payout: Decimal | None


@dataclass(frozen=True, slots=True)
class _Company:
    """All that is known of a company."""

    listed: pl.DataFrame
    results: CompanyResults
    reports: pl.DataFrame


def company(asking: Asking) -> Prepared:
    """A company on one page."""
    code = as_printed(asking.path["code"])
    library = asking.reader.library
    if not is_code(code):
        since = datetime.now(TOKYO).date() - timedelta(days=COMPANY_DAYS)
        whole = whole_code(library.config, code, since, None) or code
        if not is_code(whole):
            raise ProblemError(
                404, f"{code[:20]!r} is not a code: write 4 or 5 characters, e.g. 7203"
            )
        return moved(asking, f"/companies/{whole}")
    query = asking.query(["cursor"])
    cursor = query.cursor(len(ORDER))
    version = library.version(_TABLES)

    def make() -> Answer:
        known = library.kept(("company", code), version, lambda: _known(library, code), _size)
        if known.listed.is_empty():
            raise ProblemError(404, f"no disclosure of {code} in the lake")
        page, end = page_of_rows(known.listed.lazy(), ORDER, cursor, ROWS)
        newest = known.listed.sort("disclosed_at", "disclosure_id").row(-1, named=True)
        latest = known.reports.sort("period_end", "disclosed_at", nulls_last=False)
        return html_page(
            asking,
            "company.html",
            code=code,
            newest=newest,
            latest=latest.row(-1, named=True) if latest.height else None,
            results=known.results,
            of_a_share=OF_A_SHARE,
            charts=_charts(asking, known.results),
            revisions_chart=_revisions_chart(asking, known.results),
            dividends=dividends(known.reports),
            rows=page.to_dicts(),
            total=known.listed.height,
            more=cursor_of(end) if end else None,
        )

    return Prepared(version, make)


def _known(library: Library, code: str) -> _Company:
    """What is asked of the lake of one company, all questions at once."""
    config = library.config

    def collected(scan: Callable[..., pl.LazyFrame]) -> pl.DataFrame:
        return scan(config=config, code=code).collect()

    scans = (
        catalog.scan_disclosures,
        catalog.scan_report_figures,
        catalog.scan_earnings_summary,
    )
    with ThreadPoolExecutor(len(scans)) as pool:
        listed, figures, reports = pool.map(collected, scans)
    return _Company(listed, company_results(figures), reports)


def _size(known: _Company) -> int:
    return int(known.listed.estimated_size() + known.reports.estimated_size()) + 200_000


def dividends(reports: pl.DataFrame) -> list[DividendYear]:
    """The dividends per share by year, oldest first, from the newest report of each."""
    found: dict[date, dict[str, Decimal | None]] = {}
    for row in reports.sort("disclosed_at").iter_rows(named=True):
        if (
            row["period"] == "FY"
            and row["fiscal_year_end"]
            and row["dividend_per_share"] is not None
        ):
            of_year = found.setdefault(row["fiscal_year_end"], {})
            of_year |= {"paid": row["dividend_per_share"], "payout": row["payout_ratio"]}
        end = row["forecast_end"] or (row["fiscal_year_end"] if row["period"] != "FY" else None)
        if end and row["forecast_dividend_per_share"] is not None:
            found.setdefault(end, {})["expected"] = row["forecast_dividend_per_share"]
    return [
        DividendYear(end, year.get("paid"), year.get("expected"), year.get("payout"))
        for end, year in sorted(found.items())
    ]


def _charts(asking: Asking, results: CompanyResults) -> Sequence[Mapping[str, Any]]:
    charts = []
    for item in results.items:
        text, tick, _ = _forms(asking, item)
        title = f"{asking.words(item)}: {asking.words('result')}, {asking.words('forecast')}"
        chart = svg_charts.years_chart(
            results.years[item],
            title,
            words=_words(asking),
            text=text,
            tick=tick,
            name=f"chart-{item}",
        )
        if chart:
            charts.append(
                {
                    "item": item,
                    "svg": Markup(chart),  # noqa: S704 - made by our own code, its texts escaped
                    "years": list(results.years[item]),
                }
            )
    return charts


def _revisions_chart(asking: Asking, results: CompanyResults) -> Mapping[str, Any] | None:
    """Of the first profit that the company states; without one, of the first item."""
    for item in (*results.items[1:], *results.items[:1]):
        text, tick, _ = _forms(asking, item)
        chart = svg_charts.revisions_chart(
            results.years[item],
            f"{asking.words('revisions')}: {asking.words(item)}",
            text=text,
            tick=tick,
            name="chart-revisions",
        )
        if chart:
            return {"item": item, "svg": Markup(chart)}  # noqa: S704 - as above
    return None


def _words(asking: Asking) -> svg_charts.Words:
    t = asking.words
    return svg_charts.Words(t("result"), t("so_far"), t("forecast"), t("first_forecast"), t("none"))


def _forms(asking: Asking, item: str) -> tuple[svg_charts.Text, svg_charts.Text, str]:
    if item in OF_A_SHARE:
        unit = asking.words("yen")
        return (
            lambda value: f"{written_figures.per_share(value)} {unit}",
            written_figures.whole,
            unit,
        )
    unit = asking.words("million_yen")
    return (
        lambda value: f"{written_figures.millions(value)} {unit}",
        lambda value: written_figures.millions(value) or "0",
        unit,
    )


def find(asking: Asking) -> Prepared:
    """Companies whose code or name has what was typed; one that is meant exactly is shown."""
    query = asking.query(["q"])
    words = query.text("q")
    library = asking.reader.library
    since = datetime.now(TOKYO).date() - timedelta(days=COMPANY_DAYS)
    version = library.version(("disclosures",), since)

    def known() -> pl.DataFrame:
        return companies(library, since, None).sort("code").collect()

    rows = library.kept(("companies",), version, known, lambda found: int(found.estimated_size()))
    typed = as_printed(words or "")
    if is_code(typed) and rows.filter(pl.col("code") == typed).height:
        return moved(asking, f"/companies/{typed}")
    name = normalize_title(words or "").lower()
    folded = pl.col("company_name").str.normalize("NFKC").str.to_lowercase()
    found = rows.filter(
        pl.col("code").str.starts_with(typed) | folded.str.contains(name, literal=True)
    )
    if words and found.height == 1:
        return moved(asking, f"/companies/{found['code'][0]}")

    def make() -> Answer:
        newest = found.sort("newest_at", descending=True).head(_MATCHES)
        return html_page(
            asking, "companies.html", rows=newest.to_dicts(), found=found.height, words=words or ""
        )

    return Prepared(version, make)


def moved(asking: Asking, path: str) -> Prepared:
    """Where the same is under its own address."""
    language = asking.request.query_params.get("lang")
    url = URL(path).include_query_params(lang=language) if language else URL(path)
    return Prepared(str(url), lambda: Answer(b"", "text/plain", {"location": str(url)}, status=302))
