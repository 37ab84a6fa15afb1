"""The lake as lazy polars frames, for notebooks and for ``tdnet query`` and ``tdnet facts``.

    from tdnet_assets import catalog

    toyota = catalog.scan_disclosures(code="72030").collect()

What belongs here: which files answer a question. Days are chosen by their path, so only those asked
for are opened; one company's history comes from the yearly copies as far as these are still true,
and from the daily files for the rest; an ``as_of`` moment is answered from the captures. What does
not: how files are read (``resources/lake/parquet_scans.py``) and shown (``cli/query.py``).

Days are days of the list in Tokyo. The files are listed when a function is called and read when the
frame is collected; rows come in no particular order.
"""

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import polars as pl

from tdnet_assets.config import PlatformConfig
from tdnet_assets.local.services import connect
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.captures import CaptureStore
from tdnet_assets.resources.lake.parquet_scans import scan_days
from tdnet_assets.resources.lake.readings import fold_captures
from tdnet_assets.resources.lake.store import LakeError, LakeResource, StoredObject
from tdnet_assets.resources.lake.yearly_copies import (
    FILES_WORTH_A_COPY,
    Days,
    all_of_them,
    daily_files,
    scan_copied,
)
from tdnet_assets.tables.disclosure_history import HISTORY_TABLE
from tdnet_assets.tables.disclosures import DISCLOSURES_TABLE, REJECTS_TABLE, disclosures_frame
from tdnet_assets.tables.document_texts import DOCUMENT_TEXTS_TABLE, comparable_texts
from tdnet_assets.tables.documents import DOCUMENTS_TABLE
from tdnet_assets.tables.earnings import EARNINGS_COPY, EARNINGS_TABLE
from tdnet_assets.tables.earnings_figures import earnings_figures
from tdnet_assets.tables.earnings_summary import earnings_summary
from tdnet_assets.tables.financial_facts import FACTS_TABLE
from tdnet_assets.tables.forecast_revisions import REVISIONS_TABLE
from tdnet_assets.tables.report_figures import (
    FORECAST_AGE,
    FORECAST_KINDS,
    REPORT_FIGURES_COPY,
    surprises,
)
from tdnet_assets.tables.report_links import (
    LINK_AGE,
    REPORT_LINKS_COPY,
    REPORT_LINKS_TABLE,
    with_links,
)
from tdnet_assets.tables.table import Table
from tdnet_assets.tables.watch_notices import WATCH_NOTICES_TABLE
from tdnet_assets.tdnet.errors import TdnetAssetsError
from tdnet_assets.tdnet.identifiers import is_code
from tdnet_assets.tdnet.listing import TOKYO

# S3 refuses requests of a clock that is further off, so its times and ours differ by no more.
CLOCK_MARGIN = timedelta(minutes=15)
_READS_AT_ONCE = 8

# Of the tables that are made of archives: the disclosures that can have rows there.
_HAS_ARCHIVE = pl.col("xbrl_url").is_not_null()
_WITH_ROWS = {
    FACTS_TABLE.name: _HAS_ARCHIVE,
    EARNINGS_TABLE.name: _HAS_ARCHIVE,
    REVISIONS_TABLE.name: pl.col("xbrl_kind") == "revision",
}


class QueryError(TdnetAssetsError):
    """What was asked for cannot be answered; the message says what can."""


def scan_disclosures(
    *,
    config: PlatformConfig | None = None,
    first: date | None = None,
    last: date | None = None,
    code: str | None = None,
    as_of: datetime | None = None,
) -> pl.LazyFrame:
    """The disclosures, one row each: ``date`` and the columns of the table ``disclosures``.

    Args:
        config: where the lake is; by default what the environment says. In the embedded default the
            services are started unless they run.
        first: first day (JST); from the beginning when None.
        last: last day (JST), included; to the newest when None.
        code: 5-character securities code, e.g. ``72030``.
        as_of: aware moment; the answer is what had been captured until then: later rows are not
            there, and rows that changed later stand as they did.

    Raises:
        QueryError: an argument is wrong.
        LakeError: S3 refused or failed.
    """
    asked = _Question.asked(first, last, code, as_of)
    lake = _lake(config)
    days = daily_files(lake, DISCLOSURES_TABLE.name, asked.first, asked.last)
    known = _known_then(lake, days, asked.as_of)
    unchanged = scan_copied(lake, HISTORY_TABLE, known.unchanged, codes=asked.codes)
    rows = pl.concat([unchanged, *known.changed.values()])
    return rows.filter(pl.col("code") == code) if code else rows


def scan_facts(
    *,
    config: PlatformConfig | None = None,
    first: date | None = None,
    last: date | None = None,
    code: str | None = None,
    as_of: datetime | None = None,
) -> pl.LazyFrame:
    """The XBRL facts, one row each: ``date`` and the columns of the table ``financial_facts``.

    Arguments and errors are those of :func:`scan_disclosures`; of an ``as_of`` moment the facts of
    the filings that were listed by then. With a code, only days with an archive of it are opened.
    """
    return _scan_of_disclosures(FACTS_TABLE, config, _Question.asked(first, last, code, as_of))


def scan_earnings(
    *,
    config: PlatformConfig | None = None,
    first: date | None = None,
    last: date | None = None,
    code: str | None = None,
    as_of: datetime | None = None,
) -> pl.LazyFrame:
    """The reports of results, one row each: ``date`` and the columns of ``linked_earnings``.

    Arguments and errors are those of :func:`scan_facts`. Reports behind ``last`` count as
    replacements too; a report that was replaced after the ``as_of`` moment is current, as it was
    then.
    """
    asked = _Question.asked(first, last, code, as_of)
    lake = _lake(config)
    rows = _scan_of_disclosures(EARNINGS_COPY, lake.config, asked)
    return with_links(rows, _links(lake, asked))


def scan_earnings_summary(
    *,
    config: PlatformConfig | None = None,
    first: date | None = None,
    last: date | None = None,
    code: str | None = None,
    as_of: datetime | None = None,
) -> pl.LazyFrame:
    """The reports in some forty columns: ``date`` and the columns of ``earnings_summary``.

    Arguments and errors are those of :func:`scan_earnings`.
    """
    return earnings_summary(
        scan_earnings(config=config, first=first, last=last, code=code, as_of=as_of)
    )


def scan_earnings_figures(
    *,
    config: PlatformConfig | None = None,
    first: date | None = None,
    last: date | None = None,
    code: str | None = None,
    as_of: datetime | None = None,
) -> pl.LazyFrame:
    """The numbers of the reports, one row each, with the columns of ``earnings_figures``.

    Arguments and errors are those of :func:`scan_facts`.
    """
    asked = _Question.asked(first, last, code, as_of)
    return earnings_figures(_scan_of_disclosures(EARNINGS_COPY, config, asked))


def scan_surprises(
    *,
    config: PlatformConfig | None = None,
    first: date | None = None,
    last: date | None = None,
    code: str | None = None,
    as_of: datetime | None = None,
) -> pl.LazyFrame:
    """The results against the company's last own forecasts, and against the year before.

    Arguments and errors are those of :func:`scan_disclosures`: ``date`` and the columns of
    :func:`tdnet_assets.tables.report_figures.surprises`, of the results of these days. Forecasts
    are looked for before ``first`` too.
    """
    asked = _Question.asked(first, last, code, as_of)
    lake = _lake(config)
    since = asked.first and asked.first - FORECAST_AGE
    figures = _known_rows(lake, REPORT_FIGURES_COPY, replace(asked, first=since))
    if asked.first:
        is_forecast = pl.col("kind").is_in(FORECAST_KINDS)
        figures = figures.filter(is_forecast | (pl.col("date") >= asked.first))
    found = surprises(figures)
    return found.select(pl.col("published_at").dt.date().alias("date"), pl.all())


def scan_report_figures(
    *,
    config: PlatformConfig | None = None,
    first: date | None = None,
    last: date | None = None,
    code: str | None = None,
    as_of: datetime | None = None,
) -> pl.LazyFrame:
    """The main figures and own forecasts: ``date`` and the columns of ``report_figures``.

    Arguments and errors are those of :func:`scan_disclosures`.
    """
    return _known_rows(
        _lake(config), REPORT_FIGURES_COPY, _Question.asked(first, last, code, as_of)
    )


def scan_forecast_revisions(
    *,
    config: PlatformConfig | None = None,
    first: date | None = None,
    last: date | None = None,
    code: str | None = None,
    as_of: datetime | None = None,
) -> pl.LazyFrame:
    """The revised figures: ``date`` and the columns of the table ``forecast_revisions``.

    Arguments and errors are those of :func:`scan_facts`.
    """
    return _scan_of_disclosures(REVISIONS_TABLE, config, _Question.asked(first, last, code, as_of))


def scan_documents(
    *,
    config: PlatformConfig | None = None,
    first: date | None = None,
    last: date | None = None,
    as_of: datetime | None = None,
) -> pl.LazyFrame:
    """The expected files, one row each: ``date`` and the columns of the table ``documents``.

    Arguments and errors are those of :func:`scan_disclosures`; of an ``as_of`` moment the files of
    the disclosures that were listed by then.
    """
    return _scan_of_disclosures(DOCUMENTS_TABLE, config, _Question.asked(first, last, None, as_of))


def scan_texts(
    *,
    config: PlatformConfig | None = None,
    first: date | None = None,
    last: date | None = None,
    code: str | None = None,
    as_of: datetime | None = None,
) -> pl.LazyFrame:
    """The pages of the documents, one row each: ``date`` and the columns of ``comparable_texts``.

    Arguments and errors are those of :func:`scan_facts`. What is not selected is not read, and
    ``text_normalized`` not computed: to search, filter with
    :meth:`tdnet_assets.tdnet.search_query.Query.expression` of the column ``text``.
    """
    asked = _Question.asked(first, last, code, as_of)
    return comparable_texts(_scan_of_disclosures(DOCUMENT_TEXTS_TABLE, config, asked))


def scan_watch_notices(
    *,
    config: PlatformConfig | None = None,
    first: date | None = None,
    last: date | None = None,
    code: str | None = None,
) -> pl.LazyFrame:
    """What was told to whom: ``date`` and the columns of the table ``watch_notices``.

    Arguments and errors are those of :func:`scan_disclosures`. What is being sent at the moment is
    in DynamoDB (``resources/notices/explanation.py``).
    """
    asked = _Question.asked(first, last, code, None)
    lake = _lake(config)
    days = daily_files(lake, WATCH_NOTICES_TABLE.name, asked.first, asked.last)
    rows = scan_days(lake, WATCH_NOTICES_TABLE.name, days, WATCH_NOTICES_TABLE.schema)
    return rows.filter(pl.col("code") == code) if code else rows


def scan_rejects(
    *,
    config: PlatformConfig | None = None,
    first: date | None = None,
    last: date | None = None,
) -> pl.LazyFrame:
    """The list rows that could not be read: ``date`` and the columns of the table ``rejects``.

    Arguments and errors are those of :func:`scan_disclosures`.
    """
    asked = _Question.asked(first, last, None, None)
    lake = _lake(config)
    days = daily_files(lake, REJECTS_TABLE.name, asked.first, asked.last)
    return scan_days(lake, REJECTS_TABLE.name, days, REJECTS_TABLE.schema)


@dataclass(frozen=True, slots=True)
class _Question:
    """What was asked for, checked; ``last`` is never behind the day of ``as_of``."""

    first: date | None
    last: date | None
    code: str | None
    as_of: datetime | None

    @property
    def codes(self) -> Collection[str] | None:
        """The company that is asked for; None for all of them."""
        return None if self.code is None else (self.code,)

    @classmethod
    def asked(
        cls, first: date | None, last: date | None, code: str | None, as_of: datetime | None
    ) -> "_Question":
        for name, day in (("first", first), ("last", last)):
            if day is not None and (not isinstance(day, date) or isinstance(day, datetime)):
                raise QueryError(f"{name} is {day!r}: use a day, e.g. date(2026, 6, 10)")
        if first and last and last < first:
            raise QueryError(f"the last day, {last}, is before the first, {first}")
        if code is not None and not is_code(code):
            raise QueryError(f"{code!r} is not a code: write all 5 characters, e.g. 72030 for 7203")
        if as_of is not None:
            if as_of.tzinfo is None:
                raise QueryError(
                    f"as_of is {as_of.isoformat()} in no time zone: add one, e.g. "
                    f"{as_of.isoformat()}+09:00 for Tokyo"
                )
            # The list of a day cannot be seen before that day begins.
            then = as_of.astimezone(TOKYO).date()
            last = min(last, then) if last else then
        return cls(first, last, code, as_of)


@dataclass(frozen=True, slots=True)
class _KnownThen:
    """Days whose file is the answer, and the answers of those whose file has changed since."""

    unchanged: Mapping[date, StoredObject]
    changed: Mapping[date, pl.LazyFrame]


def _lake(config: PlatformConfig | None) -> LakeResource:
    return LakeResource(config=connect(config or PlatformConfig.from_environment()))


def _known_then(
    lake: LakeResource, days: Mapping[date, StoredObject], as_of: datetime | None
) -> _KnownThen:
    if as_of is None:
        return _KnownThen(days, {})
    # A file that is older than the moment was made from captures that are older still.
    suspects = [day for day, found in days.items() if found.last_modified > as_of - CLOCK_MARGIN]
    _ = lake.store  # made before the threads share it
    with ThreadPoolExecutor(_READS_AT_ONCE) as pool:
        read_again = pool.map(lambda day: _read_again(lake, day, as_of), suspects)
        changed = {
            day: frame.lazy()
            for day, frame in zip(suspects, read_again, strict=True)
            if frame is not None
        }
    return _KnownThen({day: days[day] for day in days if day not in changed}, changed)


def _read_again(lake: LakeResource, day: date, as_of: datetime) -> pl.DataFrame | None:
    """What was known of a day at a moment; None if its table holds nothing newer."""
    metadata = lake.metadata(layout.table_key(DISCLOSURES_TABLE.name, day)) or {}
    capture = metadata.get("capture")
    if capture and layout.capture_time(capture) <= as_of:
        return None
    store = CaptureStore(lake)
    ids = [one for one in store.ids(day) if layout.capture_time(one) <= as_of]
    reading = fold_captures(store, day, ids)
    if reading and reading.damaged:
        raise LakeError(f"what was known of {day} cannot be told: {reading.damaged[0]}")
    rows = disclosures_frame(reading.known if reading else ())
    return rows.select(pl.lit(day).alias("date"), pl.all())


def _scan_of_disclosures(
    table: Table, config: PlatformConfig | None, asked: _Question
) -> pl.LazyFrame:
    """A table of what belongs to disclosures: of one company, and of those known at a moment."""
    lake = _lake(config)
    if asked.code is None:
        return _known_rows(lake, table, asked)

    def of_company(days: Days) -> Days:
        if not days or (table.copy_of and len(days) <= FILES_WORTH_A_COPY):
            return days  # to open them costs no more than to ask which of them have it
        listed = scan_disclosures(
            config=lake.config, first=min(days), last=max(days), code=asked.code
        )
        may_have_rows = _WITH_ROWS.get(table.copy_of or table.name, pl.lit(value=True))
        wanted = set(listed.filter(may_have_rows).select("date").unique().collect()["date"])
        return {day: found for day, found in days.items() if day in wanted}

    return _known_rows(lake, table, asked, of_company)


def _known_rows(
    lake: LakeResource,
    table: Table,
    asked: _Question,
    narrowed: Callable[[Days], Days] = all_of_them,
) -> pl.LazyFrame:
    """The rows of what belongs to disclosures that were known at the moment.

    Args:
        lake: where they are.
        table: a daily table, or the yearly copies of one: then these answer where they help.
        asked: which days, which company, and of when.
        narrowed: of days whose own files are to be opened, those that may have wanted rows.
    """
    days: Days = daily_files(lake, table.copy_of or table.name, asked.first, asked.last)
    if asked.as_of is None:
        rows = _scan(lake, table, days, narrowed, asked.codes)
    else:
        days = narrowed(days)
        known = _known_ids(lake, days, asked.as_of)
        unchanged = {day: days[day] for day in days if day in known.days}
        changed = {day: days[day] for day in days if day not in known.days}
        is_known = pl.col("disclosure_id").is_in(known.ids)
        rows = pl.concat(
            [
                _scan(lake, table, unchanged, all_of_them, asked.codes),
                _scan(lake, table, changed, all_of_them, asked.codes).filter(is_known),
            ]
        )
    return rows.filter(pl.col("code") == asked.code) if asked.code else rows


def _scan(
    lake: LakeResource,
    table: Table,
    days: Days,
    narrowed: Callable[[Days], Days],
    codes: Collection[str] | None,
) -> pl.LazyFrame:
    if table.copy_of:
        return scan_copied(lake, table, days, codes=codes, narrowed=narrowed)
    return scan_days(lake, table.name, narrowed(days), table.schema)


@dataclass(frozen=True, slots=True)
class _KnownIds:
    """What had been listed at a moment: everything of some days, and some rows of the others."""

    days: Collection[date]
    ids: Collection[str]


def _known_ids(lake: LakeResource, days: Collection[date], as_of: datetime) -> _KnownIds:
    if not days:
        return _KnownIds((), ())
    listed = daily_files(lake, DISCLOSURES_TABLE.name, min(days), max(days))
    known = _known_then(lake, {day: listed[day] for day in days if day in listed}, as_of)
    ids = pl.concat(
        [pl.LazyFrame(schema={"disclosure_id": pl.String})]
        + [rows.select("disclosure_id") for rows in known.changed.values()]
    ).collect()["disclosure_id"]
    return _KnownIds(list(known.unchanged), ids.drop_nulls().to_list())


def _links(lake: LakeResource, asked: _Question) -> pl.LazyFrame:
    """The links of the reports that are asked for, of whichever of two days states them."""
    since = asked.first and asked.first - LINK_AGE
    days = daily_files(lake, REPORT_LINKS_TABLE.name, since)
    links = scan_copied(lake, REPORT_LINKS_COPY, days, codes=asked.codes)
    if asked.code:
        links = links.filter(pl.col("code") == asked.code)
    if asked.as_of is None:
        return links
    dates, ids = ("date", "other_date"), ("disclosure_id", "other_id")
    asked_for = [
        pl.col(name).is_between(asked.first or date.min, asked.last or date.max) for name in dates
    ]
    moment = pl.lit(asked.as_of.astimezone(TOKYO), REPORT_LINKS_TABLE.schema["published_at"])
    was_published = pl.col("published_at", "other_published_at") <= moment
    found = links.filter(pl.any_horizontal(asked_for), pl.all_horizontal(was_published)).collect()
    known = _known_ids(lake, set(pl.concat([found[name] for name in dates])), asked.as_of)
    return found.lazy().filter(
        pl.col(day).is_in(list(known.days)) | pl.col(number).is_in(list(known.ids))
        for day, number in zip(dates, ids, strict=True)
    )
