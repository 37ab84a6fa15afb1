"""Facts per second of the XBRL reader, beside bare lxml parsing and Arelle on the same archives.

What belongs here: timing, and the aims that it is held against. What does not: comparing the facts
(``tdnet_assets_tests/tdnet/xbrl/test_against_arelle.py``).

``python -m benchmarks.xbrl_reader [FOLDER]`` takes the zips of a folder, by default
``../shared/fixtures/xbrl``, and archives of the sample site where there is none. CPU time of this
one process, best of several interleaved rounds.
"""

import datetime as dt
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from lxml import etree

from benchmarks.xbrl_reference import Arelle, unpack
from tdnet_assets.sample_site.day import planned_day
from tdnet_assets.sample_site.linked_files import filing
from tdnet_assets.tdnet.xbrl.archive import inline_documents, read_archive
from tdnet_assets.tdnet.xbrl.facts import ATTACHMENT, SUMMARY
from tdnet_assets.tdnet.xbrl.inline import InlineDocument, parse_inline, read_inline

CAPTURES = Path(__file__).resolve().parents[1].parent / "shared" / "fixtures" / "xbrl"
SAMPLE_DAY = dt.date(2026, 5, 14)
SAMPLE_ARCHIVES = 20
ROUNDS, ARELLE_ROUNDS = 40, 3
PEAK_DAY_ARCHIVES, PEAK_DAY_SECONDS = 500, 15
TIMES_LXML, TIMES_ARELLE = 1.7, 50


def main() -> None:
    """Measure, print a table, and say which aims are met."""
    archives = _archives(Path(sys.argv[1]) if len(sys.argv) > 1 else CAPTURES)
    documents = [inline_documents(content) for content in archives]
    facts = sum(len(read_archive(content).facts) for content in archives)
    parsing, reading, whole = _best(
        ROUNDS,
        lambda: _parse(documents),
        lambda: _read(documents),
        lambda: [read_archive(content) for content in archives],
    )
    arelle = _arelle_seconds(archives)
    size = sum(len(document.content) for archive in documents for document in archive)
    print(f"{len(archives)} archives, {facts:,} facts, {size:,} bytes of inline XBRL")
    for name, seconds in (
        ("lxml parsing alone", parsing),
        ("our reader, documents to facts", reading),
        ("our reader, zip to facts", whole),
        ("Arelle, files to facts", arelle),
    ):
        print(
            f"{name:32} {seconds / len(archives) * 1000:9.2f} ms/archive"
            f" {facts / seconds:12,.0f} facts/s {seconds / parsing:8.1f} x lxml"
        )
    print(f"documents to facts: {reading / parsing:.2f} x lxml parsing (aim: {TIMES_LXML})")
    print(f"zip to facts: {arelle / whole:.0f} x faster than Arelle (aim: {TIMES_ARELLE})")
    day = whole / len(archives) * PEAK_DAY_ARCHIVES
    print(f"{PEAK_DAY_ARCHIVES} such archives: {day:.1f} s on one core (aim: {PEAK_DAY_SECONDS})")


def _archives(folder: Path) -> list[bytes]:
    found = [path.read_bytes() for path in sorted(folder.glob("*.zip"))]
    if found:
        print(f"archives of {folder}")
        return found
    print(f"no archives in {folder}: taking {SAMPLE_ARCHIVES} of the sample site")
    rows = [plan.row for plan in planned_day(SAMPLE_DAY, 200, 0, changes=False).values()]
    return [
        filing(row, SAMPLE_DAY, row.xbrl_name, pdf_bytes=None) for row in rows if row.xbrl_name
    ][:SAMPLE_ARCHIVES]


def _parse(archives: list[tuple[InlineDocument, ...]]) -> None:
    for documents in archives:
        for document in documents:
            etree.fromstring(document.content)


def _read(archives: list[tuple[InlineDocument, ...]]) -> None:
    for documents in archives:
        for part in (SUMMARY, ATTACHMENT):
            read_inline([parse_inline(one) for one in documents if one.part == part])


def _arelle_seconds(archives: list[bytes]) -> float:
    with tempfile.TemporaryDirectory() as home:
        folders = [
            unpack(content, Path(home) / str(number)) for number, content in enumerate(archives)
        ]
        arelle = Arelle(Path(home) / "arelle")
        try:
            (seconds,) = _best(ARELLE_ROUNDS, lambda: [arelle.read(folder) for folder in folders])
        finally:
            arelle.close()
    return seconds


def _best(rounds: int, *works: Callable[[], object]) -> list[float]:
    """The least CPU seconds of each, taken in turn, so that a slow moment hits all alike."""
    best = [float("inf")] * len(works)
    for _ in range(rounds):
        for position, work in enumerate(works):
            start = time.process_time()
            work()
            best[position] = min(best[position], time.process_time() - start)
    return best


if __name__ == "__main__":
    main()
