"""What the XBRL reader makes of a whole folder of archives, as a table and as JSON.

What belongs here: reading every archive of a folder, what could not be read, the findings of probes
by kind, time and memory, and on demand whether Arelle reads the same facts. What does not: what a
probe looks for (``PROBES``; each is a function of one archive), and timing the reader against the
parser alone (``xbrl_reader.py``), and which column a figure belongs in
(``xbrl_season_figures.py``).

``python -m benchmarks.xbrl_season FOLDER [--arelle] [--json FILE]``; Arelle takes some 0.4 s an
archive. Milliseconds are CPU time of this process, the least of three readings.
"""

import argparse
import json
import resource
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

from benchmarks.xbrl_reference import Arelle, in_common_form, unpack
from benchmarks.xbrl_season_figures import SeasonFigures
from tdnet_assets.tdnet.errors import TdnetError
from tdnet_assets.tdnet.xbrl.archive import read_archive
from tdnet_assets.tdnet.xbrl.facts import FilingFacts

READINGS = 3


class Finding(NamedTuple):
    """Something that a probe noticed in one archive: a kind to count it under, and the detail."""

    kind: str
    detail: str


Probe = Callable[[bytes, FilingFacts], Iterable[Finding]]


def unread_cells(_content: bytes, filing: FilingFacts) -> Iterator[Finding]:
    """What the reader itself names as not among the facts."""
    for one in filing.unread:
        where = f"{one.document}, {one.element}, {one.text!r}" if one.element else one.document
        yield Finding(f"unread {one.kind}", f"{where}: {one.reason}")


PROBES: list[Probe] = [unread_cells]
"""What is looked for in every archive; whoever reads more of a filing adds its probe here."""


@dataclass(slots=True)
class Season:
    """What was found in a folder.

    Attributes:
        archives: how many.
        facts: of all that were read.
        whole: archives of which every cell was read.
        refused: reason of each archive that could not be read, by name.
        findings: number of findings of each kind.
        first_findings: archive and detail of the first of each kind.
        milliseconds: of each archive that was read, by name.
        peak_memory_mib: of this process, at the end.
        arelle_facts: facts that Arelle was asked for; 0 where it was not.
        arelle_differences: archives whose facts are not Arelle's, with the number that differ.
        figures: whether each figure stands in the column that its context names.
    """

    archives: int = 0
    facts: int = 0
    whole: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    findings: dict[str, int] = field(default_factory=dict)
    first_findings: dict[str, str] = field(default_factory=dict)
    milliseconds: dict[str, float] = field(default_factory=dict)
    peak_memory_mib: float = 0
    arelle_facts: int = 0
    arelle_differences: dict[str, int] = field(default_factory=dict)
    figures: SeasonFigures = field(default_factory=SeasonFigures)

    def rows(self) -> list[tuple[str, str]]:
        """The lines of the table."""
        times = sorted(self.milliseconds.values()) or [0.0]
        slowest = max(self.milliseconds, key=lambda name: self.milliseconds[name], default="")
        rows = [
            ("archives", f"{self.archives:,}"),
            ("read", f"{len(self.milliseconds):,}, of which {self.whole:,} whole"),
            ("facts", f"{self.facts:,}"),
            ("milliseconds per archive", f"{statistics.fmean(times):.2f}"),
            ("slowest", f"{times[-1]:.2f} ms, {slowest}"),
            ("peak memory", f"{self.peak_memory_mib:.0f} MiB"),
        ]
        rows += [(f"refused {name}", reason) for name, reason in self.refused.items()]
        rows += [
            (kind, f"{count:,}, first {self.first_findings[kind]}")
            for kind, count in sorted(self.findings.items(), key=lambda one: -one[1])
        ]
        if self.arelle_facts:
            differing = ", ".join(f"{n} in {name}" for name, n in self.arelle_differences.items())
            rows.append((f"unlike Arelle, of {self.arelle_facts:,}", differing or "none"))
        return rows


def read_season(
    folder: Path, *, probes: Sequence[Probe] = PROBES, with_arelle: bool = False
) -> Season:
    """Read every zip of a folder.

    Args:
        folder: searched with its subfolders.
        probes: what is looked for in each archive.
        with_arelle: compare the facts of whole archives with Arelle's.
    """
    season = Season()
    with tempfile.TemporaryDirectory() as home:
        arelle = Arelle(Path(home) / "arelle") if with_arelle else None
        for path in sorted(folder.rglob("*.zip")):
            season.archives += 1
            content = path.read_bytes()
            filing = _read(season, path.name, content)
            if filing is None:
                continue
            season.figures.look_at(path.name, filing.facts)
            for probe in probes:
                for kind, detail in probe(content, filing):
                    season.findings[kind] = season.findings.get(kind, 0) + 1
                    season.first_findings.setdefault(kind, f"{path.name}: {detail}")
            if arelle and filing.is_whole:  # a cell that is no number ends Arelle's reading too
                _compare(season, arelle, path.name, filing, unpack(content, Path(home) / path.stem))
        if arelle:
            arelle.close()
    season.peak_memory_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return season


def _read(season: Season, name: str, content: bytes) -> FilingFacts | None:
    seconds = []
    try:
        for _ in range(READINGS):
            started = time.process_time()
            filing = read_archive(content)
            seconds.append(time.process_time() - started)
    except TdnetError as error:
        season.refused[name] = str(error)
        return None
    season.facts += len(filing.facts)
    season.whole += filing.is_whole
    season.milliseconds[name] = round(min(seconds) * 1000, 3)
    return filing


def _compare(season: Season, arelle: Arelle, name: str, filing: FilingFacts, folder: Path) -> None:
    expected, found = Counter(arelle.read(folder)), Counter(in_common_form(filing.facts))
    season.arelle_facts += expected.total()
    if differing := ((expected - found) + (found - expected)).total():
        season.arelle_differences[name] = differing


def main() -> None:
    """Read a folder and print what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--arelle", action="store_true", help="compare with Arelle, slowly")
    parser.add_argument("--json", type=Path, help="also write the result here")
    arguments = parser.parse_args()
    season = read_season(arguments.folder, with_arelle=arguments.arelle)
    for name, value in season.rows():
        print(f"{name:40} {value}")
    print(*season.figures.lines(), sep="\n")
    if arguments.json:
        arguments.json.write_text(json.dumps(asdict(season), ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
