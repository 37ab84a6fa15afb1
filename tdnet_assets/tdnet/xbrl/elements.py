"""TDnet's own elements: of which type each is, and what a person calls it.

What belongs here: the list of the elements of 決算短信 and revisions (``tse-ed-t``) that can be
facts, packaged as ``element_labels.csv``. The taxonomy words a label for one form, e.g. 中間純利益
for the net income of any period; the list says 純利益. What does not: the labels that a filing
itself brings (``labels.py``).
"""

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

_NAMESPACE_START = "http://www.xbrl.tdnet.info/taxonomy/jp/tse/tdnet/"
"""Of any version of TDnet's taxonomies."""


class KnownElement(NamedTuple):
    """What is known of an element: its type as in XBRL (``date``, ``monetary`` …), its labels."""

    type: str
    ja: str
    en: str


@cache
def known_elements() -> Mapping[str, KnownElement]:
    """All of them by local name."""
    with files(__package__).joinpath("element_labels.csv").open(encoding="utf-8") as file:
        return {name: KnownElement(*known) for name, *known in list(csv.reader(file))[1:]}


def type_of(element: str, namespace: str) -> str | None:
    """The type of an element of TDnet's; None for any other."""
    known = known_elements().get(element) if namespace.startswith(_NAMESPACE_START) else None
    return None if known is None else known.type
