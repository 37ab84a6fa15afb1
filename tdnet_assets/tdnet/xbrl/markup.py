"""The one way in which a file of an archive becomes a tree: bounded, offline, without entities.

What belongs here: parsing XML that is not trusted. What does not: what the tree means
(``inline.py``, ``archive.py``, ``labels.py``).
"""

import contextlib
import re
from typing import Any, cast

from lxml import etree

from tdnet_assets.tdnet.errors import FilingError, TdnetAssetsError, shown

# The largest document of a season's archives has 416,400 bytes, and 10,500 tags and attributes;
# each of those costs some 200 bytes of memory.
MAXIMUM_DOCUMENT_BYTES = 5_000_000
MAXIMUM_MARKUP = 200_000
_LEAST_BYTES_OF_MARKUP = 3  # of a tag, <b>; an attribute takes five

# How nearly every document starts; one that does has no document type.
_STARTS_WITH_ITS_ROOT = re.compile(rb"(?:\xef\xbb\xbf)?(?:<\?xml[^?>]{1,200}\?>)?\s{0,9}<[A-Za-z]")
_PIECE_BYTES = 2_048  # most roots start in the first


def parsed(name: str, content: bytes) -> etree._Element:
    """The root of a whole XML document in UTF-8; comments and instructions are left out.

    How deep elements may be nested (256) is the parser's own limit, and it opens no other file.

    Raises:
        FilingError: the document is too large, is no whole XML in UTF-8, or has a document type,
            which XBRL does not need and which may define entities that change what is read.
    """
    _check_size(name, content)
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )
    try:
        # In UTF-8, which alone is read, a document type cannot be written otherwise; where it
        # stands is for a parser to say. To search the whole document costs a twentieth of it.
        if not _STARTS_WITH_ITS_ROOT.match(content) and b"<!DOCTYPE" in content:
            _refuse_document_type(name, content)
        return etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise FilingError(
            f"{shown(name)} is no whole XML document in UTF-8: {shown(str(error))}; fetch the "
            "archive again, or look at the document"
        ) from None


def _check_size(name: str, content: bytes) -> None:
    # Fewer bytes cannot hold more, and need not be searched, which costs a tenth of reading them.
    may_exceed = len(content) > MAXIMUM_MARKUP * _LEAST_BYTES_OF_MARKUP
    pieces = content.count(b"<") + content.count(b"=") if may_exceed else 0
    if len(content) > MAXIMUM_DOCUMENT_BYTES or pieces > MAXIMUM_MARKUP:
        raise FilingError(
            f"{shown(name)} has {len(content):,} bytes with {pieces:,} tags and attributes, more "
            f"than {MAXIMUM_DOCUMENT_BYTES:,} or {MAXIMUM_MARKUP:,}; look at the archive before "
            "raising the limit"
        )


class _RootReachedError(TdnetAssetsError):
    """The prologue is over, and had no document type."""


class _Prologue:
    """What a parser meets before the root; it is stopped before it expands or builds anything."""

    def __init__(self, name: str) -> None:
        self._name = name

    def doctype(self, name: str | None, *_identifiers: str | None) -> None:
        raise FilingError(
            f"{shown(self._name)} has a document type, {shown(name or '')}, which XBRL does not "
            "need and which may define entities; look at the document"
        )

    def start(self, *_element: object) -> None:
        raise _RootReachedError

    def close(self) -> None:
        """Never called, but every parser's target has it."""


def _refuse_document_type(name: str, content: bytes) -> None:
    # The stubs ask a target for all that it may have; the parser does not.
    target = cast("Any", _Prologue(name))
    parser = etree.XMLParser(target=target, encoding="utf-8", no_network=True)
    start, size = 0, _PIECE_BYTES
    with contextlib.suppress(_RootReachedError):
        while start < len(content):
            parser.feed(content[start : start + size])
            # Growing, because what a piece cuts in two is looked at again with the next.
            start, size = start + size, size * 2
