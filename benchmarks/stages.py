"""The parts of a day's work, each measured alone in this one process: the floor under a run.

What belongs here: the same bytes through the same libraries, without Dagster, checks, records or
retries in between. What does not: the run itself (``peak_day.py`` starts both and compares them).

``python -m benchmarks.stages DAY`` reads a day that was collected before, with the same variables
as the run, and prints one JSON object: seconds of CPU (user + system, all threads) by stage.
"""

import asyncio
import importlib
import io
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime

import httpx

from tdnet_assets.assets.financial_facts import facts_frame
from tdnet_assets.assets.progress import REPORT_EVERY_DISCLOSURES
from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.aws.executions import ExecutionsResource
from tdnet_assets.resources.aws.index_table import DisclosureIndexResource
from tdnet_assets.resources.lake.store import LakeResource, StoredTable, sha256
from tdnet_assets.resources.source.session import TdnetResource
from tdnet_assets.tables.disclosures import DISCLOSURES_TABLE
from tdnet_assets.tables.documents import DOCUMENTS_TABLE
from tdnet_assets.tables.earnings import EARNINGS_TABLE
from tdnet_assets.tables.forecast_revisions import REVISIONS_TABLE
from tdnet_assets.tables.table import Table
from tdnet_assets.tdnet.files import check_archive, check_pdf
from tdnet_assets.tdnet.listing import page_count, page_name, parse_list_page
from tdnet_assets.tdnet.reports.earnings_report import read_earnings
from tdnet_assets.tdnet.reports.revision_notice import read_revisions
from tdnet_assets.tdnet.reports.summary_cells import SummaryCells
from tdnet_assets.tdnet.xbrl.archive import read_archive
from tdnet_assets.tdnet.xbrl.facts import SUMMARY, Fact

Rows = list[dict[str, object]]


class Stages:
    """Measures stage after stage on one day; ``seconds`` has what each took of the CPU."""

    def __init__(self, config: PlatformConfig, day: date) -> None:
        self.seconds: dict[str, float] = {}
        self._config = config
        self._day = day
        self._pages: list[bytes] = []
        self._files: dict[str, bytes] = {}

    def measure(self) -> None:
        """Every stage, in the order of a run."""
        for name in _IMPORTED_LATER:
            importlib.import_module(name)
        # The clock of the process has counted since the interpreter started.
        self.seconds["interpreter and imports"] = time.process_time()
        lake = LakeResource(config=self._config)
        tables = [(table, _stored(lake, table, self._day).frame.to_dicts()) for table in _TABLES]
        names = [str(row["s3_key"]) for row in tables[-1][1]]
        urls = _file_names(tables[0][1])
        with self._stage(f"fetch {len(urls)} files, httpx"):
            asyncio.run(self._fetch(urls))
        with self._stage(f"parse {len(self._pages)} list pages"):
            for number, page in enumerate(self._pages, start=1):
                parse_list_page(page, day=self._day, page=number)
        pdfs = [content for name, content in self._files.items() if name.endswith(".pdf")]
        with self._stage(f"check {len(pdfs)} PDFs"):
            for content in pdfs:
                check_pdf(content)
        archives = [content for name, content in self._files.items() if name.endswith(".zip")]
        with self._stage(f"check {len(archives)} archives"):
            for content in archives:
                check_archive(content)
        with self._stage(f"sha256 of {sum(map(len, self._files.values())) / 1e6:.0f} MB"):
            for content in self._files.values():
                sha256(content)
        with self._stage(f"put {len(self._files)} objects, obstore"):
            asyncio.run(self._put(names))
        with self._stage("frames and Parquet of the list"):
            for table, rows in tables:
                table.frame(rows).write_parquet(io.BytesIO(), compression="zstd")
        with self._stage(f"read {len(archives)} archives, lxml"):
            filings = [read_archive(content).facts for content in archives]
        with self._stage(f"understand {sum(map(len, filings)):,} facts"):
            for facts in filings:
                _understand(facts)
        with self._stage("frame and Parquet of the facts"):
            facts_frame(("", "", facts) for facts in filings).write_parquet(
                io.BytesIO(), compression="zstd"
            )
        made = [_stored(lake, table, self._day).frame for table in _MADE_OF_FACTS]
        with self._stage("Parquet of what is made of them"):
            for frame in made:
                frame.write_parquet(io.BytesIO(), compression="zstd")
        items = DisclosureIndexResource(config=self._config).by_day(self._day)
        with self._stage(f"put {len(items)} items, boto3"):
            self._put_items([item.to_item() for item in items])
        reports = len(tables[0][1]) // REPORT_EVERY_DISCLOSURES + 2
        with self._stage(f"{reports} DynamoDB writes"):
            self._report(reports)

    def _put_items(self, items: Sequence[Mapping[str, object]]) -> None:
        table = self._config.disclosures_table
        client = DisclosureIndexResource(config=self._config).client
        for start in range(0, len(items), _ITEMS_PER_CALL):
            requests = [
                {"PutRequest": {"Item": item}} for item in items[start : start + _ITEMS_PER_CALL]
            ]
            client.batch_write_item(RequestItems={table: requests})

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        before = time.process_time()
        yield
        self.seconds[name] = time.process_time() - before

    async def _fetch(self, names: list[str]) -> None:
        base_url = self._config.tdnet_base_url
        async with httpx.AsyncClient(trust_env=False) as client:
            page, last = 1, 1
            while page <= last:
                response = await client.get(f"{base_url}/{page_name(self._day, page)}")
                self._pages.append(response.content)
                parsed = parse_list_page(response.content, day=self._day, page=page)
                page, last = page + 1, page_count(parsed.total)
            waiting = iter(names)

            async def work() -> None:
                for name in waiting:
                    response = await client.get(f"{base_url}/{name}")
                    self._files[name] = response.raise_for_status().content

            await asyncio.gather(*(work() for _ in range(_CONCURRENCY)))

    async def _put(self, keys: list[str]) -> None:
        store = LakeResource(config=self._config.changed(prefix="stages/")).store
        waiting = iter(zip(keys, self._files.values(), strict=True))

        async def work() -> None:
            for key, content in waiting:
                await store.put_async(key, content, mode="create")

        await asyncio.gather(*(work() for _ in range(_CONCURRENCY)))

    def _report(self, times: int) -> None:
        executions = ExecutionsResource(config=self._config)
        started = datetime.now(UTC).isoformat()
        for number in range(times):
            executions.progress(f"stages-{started}", min(99, number), total_count=number)


# What a run imports on its way; the other modules are imported above.
_IMPORTED_LATER = ("boto3", "obstore.auth.boto3", "pypdfium2")
_TABLES = (DISCLOSURES_TABLE, DOCUMENTS_TABLE)
_MADE_OF_FACTS = (REVISIONS_TABLE, EARNINGS_TABLE)
_ITEMS_PER_CALL = 25  # DynamoDB's own limit
_CONCURRENCY = TdnetResource.model_fields["concurrency"].default


def _stored(lake: LakeResource, table: Table, day: date) -> StoredTable:
    stored = lake.read_table(table.name, day)
    if stored is None:
        raise SystemExit(f"no table {table.name} of {day}: collect the day first")
    return stored


def _understand(facts: Sequence[Fact]) -> None:
    """Once as a report, once as a revision: a filing is one of them, which takes reading it."""
    summary = SummaryCells(fact for fact in facts if fact.part == SUMMARY)
    read_earnings(summary)
    read_revisions(summary)


def _file_names(rows: Rows) -> list[str]:
    urls = [row[column] for row in rows for column in ("pdf_url", "xbrl_url")]
    return [str(url).rsplit("/", 1)[1] for url in urls if url]


if __name__ == "__main__":
    stages = Stages(PlatformConfig.from_environment(), date.fromisoformat(sys.argv[1]))
    stages.measure()
    print(json.dumps(stages.seconds))
