"""How often the rules put a title where a person put it: precision and recall by category.

What belongs here: reading the labels, and counting. What does not: the rules themselves
(``tdnet_assets/tdnet/categories.py``).

``python -m benchmarks.category_precision CAPTURES`` prints the table for a folder of real list
pages (``I_list_NNN_YYYYMMDD.html``). The labels were given by a person who read each title, not the
rules; they are stored under the SHA-256 of the title, since the titles are the issuers' works.
Rules were changed on account of the titles on which they disagreed, so what it prints is no
measure for other days: before that 127 of the 130 titles agreed, and 136 of 149 typical others.
"""

import csv
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import click

from tdnet_assets.tdnet.categories import CATEGORIES, categorize
from tdnet_assets.tdnet.listing import TOKYO, normalize_title, parse_list_page

LABELS = Path(__file__).parents[1] / "tdnet_assets_tests" / "tdnet" / "title_labels.csv"

_PAGE = re.compile(r"I_list_([0-9]{3})_([0-9]{8})\.html")


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of one category: titles that a person, that the rules, and that both put there."""

    labelled: int
    predicted: int
    both: int

    @property
    def precision(self) -> float:
        """Share of the rules' titles that belong there; 1 where there are none."""
        return self.both / self.predicted if self.predicted else 1.0

    @property
    def recall(self) -> float:
        """Share of the titles which belong there that the rules found; 1 where there are none."""
        return self.both / self.labelled if self.labelled else 1.0


@dataclass(frozen=True, slots=True)
class Measurement:
    """The agreement over distinct titles; ``rows`` counts repeated ones too."""

    rows: int
    titles: int
    categories: Mapping[str, Agreement]
    disagreements: Mapping[str, tuple[str, str]]

    @property
    def agreeing(self) -> int:
        """Distinct titles that the rules put where the person put them."""
        return self.titles - len(self.disagreements)


def measure(labels: Path, captures: Path) -> Measurement:
    """Compare the rules with the labels on every title of the captures, old titles included.

    Raises:
        KeyError: a title has no label.
    """
    label_of = read_labels(labels)
    rows = list(captured_titles(captures))
    pairs = {title: (label_of[digest(title)], categorize(title)) for title in set(rows)}
    labelled = Counter(label for label, _ in pairs.values())
    predicted = Counter(found for _, found in pairs.values())
    both = Counter(label for label, found in pairs.values() if label == found)
    return Measurement(
        rows=len(rows),
        titles=len(pairs),
        categories={
            name: Agreement(labelled[name], predicted[name], both[name]) for name in CATEGORIES
        },
        disagreements={title: pair for title, pair in pairs.items() if pair[0] != pair[1]},
    )


def read_labels(path: Path) -> dict[str, str]:
    """The category by the digest of the title."""
    with path.open(newline="") as file:
        return {row["title_sha256"]: row["category"] for row in csv.DictReader(file)}


def captured_titles(captures: Path) -> Iterator[str]:
    """Every title of the list pages in a folder, normalized."""
    for path in sorted(captures.glob("I_list_*.html")):
        name = _PAGE.fullmatch(path.name)
        if name is None:
            continue
        day = datetime.strptime(name[2], "%Y%m%d").replace(tzinfo=TOKYO).date()
        for row in parse_list_page(path.read_bytes(), day=day, page=int(name[1])).rows:
            yield from map(normalize_title, (row.title, *row.previous_titles))


def digest(title: str) -> str:
    """What a title is labelled under."""
    return hashlib.sha256(title.encode()).hexdigest()


@click.command()
@click.argument("captures", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(captures: Path) -> None:
    """Print how the rules agree with a person on the titles of real list pages."""
    measured = measure(LABELS, captures)
    print(f"{'category':<22}{'labelled':>9}{'predicted':>11}{'precision':>11}{'recall':>9}")
    for name, one in measured.categories.items():
        if one.labelled or one.predicted:
            print(
                f"{name:<22}{one.labelled:>9}{one.predicted:>11}"
                f"{one.precision:>11.2f}{one.recall:>9.2f}"
            )
    share = measured.agreeing / measured.titles
    print(
        f"\n{measured.agreeing} of {measured.titles} distinct titles agree ({share:.1%}), "
        f"of {measured.rows} in all"
    )
    for title, (label, found) in measured.disagreements.items():
        print(f"  {title}: a person says {label}, the rules {found}")


if __name__ == "__main__":
    main()
