"""What a person calls an element: a Japanese and an English label.

What belongs here: the labels that a filing's own label linkbases give, mostly for elements that the
company made itself, and those that the project has of TDnet's own elements (``elements.py``). What
does not: the labels of EDINET's taxonomies, which no filing contains.
"""

from typing import NamedTuple

from lxml import etree

from tdnet_assets.tdnet.xbrl.archive import check_sizes, opened, unpacked
from tdnet_assets.tdnet.xbrl.elements import known_elements
from tdnet_assets.tdnet.xbrl.markup import parsed

_SUFFIXES = ("-lab.xml", "-lab-en.xml")
_LINK = "http://www.xbrl.org/2003/linkbase"
_XLINK = "http://www.w3.org/1999/xlink"
_LABEL_LINK, _LOCATOR, _LABEL, _ARC = (
    f"{{{_LINK}}}{name}" for name in ("labelLink", "loc", "label", "labelArc")
)
_HREF, _NAME, _FROM, _TO, _ROLE = (
    f"{{{_XLINK}}}{name}" for name in ("href", "label", "from", "to", "role")
)
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_STANDARD = "http://www.xbrl.org/2003/role/label"


class Label(NamedTuple):
    """Both labels of an element; None where there is none in that language."""

    ja: str | None
    en: str | None


def label_of(element: str) -> Label | None:
    """The labels of one of TDnet's own elements, by its local name; None for any other."""
    known = known_elements().get(element)
    return None if known is None else Label(known.ja, known.en)


def labels(content: bytes) -> dict[str, Label]:
    """The standard labels that an archive's own label linkbases give, by local name.

    Raises:
        FilingError: the bytes are no whole zip, exceed a bound, or a linkbase is no whole XML.
    """
    found: dict[str, dict[str, str]] = {}
    with opened(content) as archive:
        members = [one for one in archive.infolist() if one.filename.lower().endswith(_SUFFIXES)]
        check_sizes(members, "label linkbases")
        # In the order of their names, which end in a date: the latest has the last word.
        for member in sorted(members, key=lambda one: one.filename):
            root = parsed(member.filename, unpacked(archive, member))
            for link in root.iter(_LABEL_LINK):
                for element, language, text in _labelled(link):
                    found.setdefault(element, {})[language] = text
    return {name: Label(texts.get("ja"), texts.get("en")) for name, texts in found.items()}


def _labelled(link: etree._Element) -> list[tuple[str, str, str]]:
    """Element, language and text of the standard labels of one extended link."""
    elements = {
        locator.get(_NAME): (locator.get(_HREF) or "").rpartition("#")[2].rpartition("_")[2]
        for locator in link.iterchildren(_LOCATOR)
    }
    texts: dict[str | None, list[tuple[str, str]]] = {}
    for label in link.iterchildren(_LABEL):
        text = (label.text or "").strip()
        if text and label.get(_ROLE, _STANDARD) == _STANDARD:
            named = texts.setdefault(label.get(_NAME), [])
            named.append((label.get(_LANGUAGE) or "", text))
    return [
        (elements[arc.get(_FROM)], *text)
        for arc in link.iterchildren(_ARC)
        if arc.get("use") != "prohibited" and elements.get(arc.get(_FROM))
        for text in texts.get(arc.get(_TO), ())
    ]
