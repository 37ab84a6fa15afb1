"""TDnet's XBRL archives, from a zip's bytes to its facts.

What belongs here: which members of an archive are inline documents, which part of the filing they
are, what its manifest lists, and unpacking them within bounds; nothing is written to disk, and no
member's name is used as a path. What does not: reading the documents (``inline.py``), and whether
the zip is whole and safe to keep (``tdnet/files.py``, before it is stored).
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tdnet_assets.tdnet.errors import FilingError, shown
from tdnet_assets.tdnet.files import MAXIMUM_MEMBERS, DocumentError, check_directory
from tdnet_assets.tdnet.xbrl.contexts import MAXIMUM_NAME
from tdnet_assets.tdnet.xbrl.facts import (
    ATTACHMENT,
    SUMMARY,
    UNLISTED_DOCUMENT,
    UNREAD_DOCUMENT,
    Fact,
    FilingFacts,
    Unread,
)
from tdnet_assets.tdnet.xbrl.inline import (
    InlineDocument,
    ParsedDocument,
    parse_inline,
    read_inline,
)
from tdnet_assets.tdnet.xbrl.markup import MAXIMUM_DOCUMENT_BYTES, parsed

# What the largest of a season's archives has: 8 documents of 1.0 MB together, 819 facts and 117
# contexts. An archive at any limit takes some 0.2 s and 40 MB (benchmarks/fuzz_archives.py).
MAXIMUM_INLINE_DOCUMENTS = 100
MAXIMUM_INLINE_BYTES = 10_000_000
MAXIMUM_FACTS = 20_000
MAXIMUM_CONTEXTS = 10_000

_INLINE_SUFFIX = "-ixbrl.htm"
_OLD_SUFFIX = ".xbrl"
# By folder, in lower case: an 0812 archive has the first two, an 0912 archive is flat.
_PARTS = {"xbrldata/summary": SUMMARY, "xbrldata/attachment": ATTACHMENT, "": SUMMARY}
_MANIFEST = "manifest.xml"
_CENTRAL_SIGNATURE = b"PK\x01\x02"
# What the standard library raises on an archive that lies.
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)


@dataclass(slots=True)
class _Contents:
    """The inline documents of an archive: those that count, and those that are left out."""

    documents: list[InlineDocument] = field(default_factory=list)
    left_out: list[Unread] = field(default_factory=list)


def read_archive(content: bytes) -> FilingFacts:
    """Every fact of an 0812 or 0912 archive: the summary's, then those of the attached statements.

    Documents of one part share contexts and units, and are read together in the order of their
    names. Where a part has a manifest, only what that lists is read. All other members (taxonomy,
    linkbases, Shift_JIS indexes) are left alone.

    A cell that cannot be read, and an attachment that cannot, are named beside the facts.

    Raises:
        FilingError: the bytes are no whole zip, exceed a bound, hold no inline document, the
            summary cannot be read as a document, or there is no fact; then no fact may be used.
    """
    contents = _contents(content)
    documents: dict[str, list[ParsedDocument]] = {SUMMARY: [], ATTACHMENT: []}
    unread = contents.left_out
    for document in contents.documents:
        try:
            documents[document.part].append(parse_inline(document))
        except FilingError as error:
            if document.part == SUMMARY:
                raise
            unread.append(_left_out(UNREAD_DOCUMENT, document.name, document.part, str(error)))
    _check_counts([one for part in documents.values() for one in part])
    facts: list[Fact] = []
    for together in documents.values():
        read, refused = read_inline(together, first_order=len(facts) + 1)
        facts += read
        unread += refused
    if not facts:
        first = (
            f"; first of {len(unread)} that cannot be read: {unread[0].reason}" if unread else ""
        )
        raise FilingError(
            f"the {len(contents.documents)} inline documents of the archive hold no fact{first}; "
            "look at them"
        )
    return FilingFacts(tuple(facts), tuple(unread))


def inline_documents(content: bytes) -> tuple[InlineDocument, ...]:
    """The inline documents of an archive that count, unpacked, in the order of their names.

    Raises:
        FilingError: see :func:`read_archive`.
    """
    return tuple(_contents(content).documents)


@contextmanager
def opened(content: bytes) -> Iterator[zipfile.ZipFile]:
    """An archive whose directory is safe to read members by.

    Raises:
        FilingError: the bytes are no whole zip, or a member is not what TDnet's archives hold; also
            for what turns out to be damaged while it is open.
    """
    # Checked before the directory is read: each entry costs a signature, and memory when read.
    if content.count(_CENTRAL_SIGNATURE) > MAXIMUM_MEMBERS:
        raise FilingError(
            f"the archive lists more than {MAXIMUM_MEMBERS:,} members, where TDnet's have some 20; "
            "look at the raw bytes, do not unpack them"
        )
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            check_directory(archive.infolist())
            yield archive
    except DocumentError as error:
        raise FilingError(str(error)) from None
    except _ZIP_ERRORS as error:
        raise FilingError(
            f"the {len(content):,} bytes starting with {shown(content)} are no whole zip archive: "
            f"{shown(str(error))}; fetch it again"
        ) from None


def unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """The content of a member, once its CRC is right.

    Raises:
        FilingError: it is larger than any document of TDnet's.
    """
    # Reading past the declared size checks the CRC; a size that lies is cut off by the limit.
    with archive.open(member) as file:
        content = file.read(MAXIMUM_DOCUMENT_BYTES + 1)
    if len(content) > MAXIMUM_DOCUMENT_BYTES:
        raise FilingError(
            f"the member {shown(member.filename)} expands to more than {MAXIMUM_DOCUMENT_BYTES:,} "
            "bytes; look at the raw bytes, do not unpack them"
        )
    return content


def check_sizes(members: Sequence[zipfile.ZipInfo], what: str) -> None:
    """Refuse to unpack more members, or more bytes, than any filing has.

    Raises:
        FilingError: there are more.
    """
    size = sum(member.file_size for member in members)
    if len(members) > MAXIMUM_INLINE_DOCUMENTS or size > MAXIMUM_INLINE_BYTES:
        raise FilingError(
            f"the archive holds {len(members):,} {what} of {size:,} bytes, more than "
            f"{MAXIMUM_INLINE_DOCUMENTS} or {MAXIMUM_INLINE_BYTES:,}; look at the raw bytes"
        )


def _contents(content: bytes) -> _Contents:
    with opened(content) as archive:
        manifests, members = _sorted_out(archive)
        if not members:
            raise _no_inline_document(archive)
        contents = _Contents()
        wanted = [
            (part, name)
            for part in (SUMMARY, ATTACHMENT)
            for name in _listed(archive, part, manifests.get(part), members, contents)
        ]
        check_sizes([members[one] for one in wanted], "inline documents")
        for part, name in wanted:
            document = InlineDocument(name, part, unpacked(archive, members[part, name]))
            contents.documents.append(document)
        return contents


def _sorted_out(
    archive: zipfile.ZipFile,
) -> tuple[dict[str, zipfile.ZipInfo], dict[tuple[str, str], zipfile.ZipInfo]]:
    """The manifest of each part, and the inline documents by part and name."""
    manifests: dict[str, zipfile.ZipInfo] = {}
    documents: dict[tuple[str, str], zipfile.ZipInfo] = {}
    for member in archive.infolist():
        folder, _, name = member.filename.rpartition("/")
        part = _PARTS.get(folder.lower())
        if name.lower() == _MANIFEST and part is not None:
            manifests[part] = member
        elif name.lower().endswith(_INLINE_SUFFIX):
            if part is None or len(name) > MAXIMUM_NAME:
                raise FilingError(
                    f"the inline document {shown(member.filename)} is in an unknown folder: "
                    "neither XBRLData/Summary nor XBRLData/Attachment, or has a name of more than "
                    f"{MAXIMUM_NAME} characters; look at the archive"
                )
            if (part, name) in documents:
                raise FilingError(f"the archive holds {shown(name)} twice; fetch it again")
            documents[part, name] = member
    return manifests, documents


def _listed(
    archive: zipfile.ZipFile,
    part: str,
    manifest: zipfile.ZipInfo | None,
    members: dict[tuple[str, str], zipfile.ZipInfo],
    contents: _Contents,
) -> list[str]:
    """The documents of a part that count, in order; what is left out goes to the contents."""
    present = sorted(name for of_part, name in members if of_part == part)
    if manifest is None:
        return present
    try:
        root = parsed(f"{_MANIFEST} of the {part}", unpacked(archive, manifest))
        listed = {(node.text or "").strip() for node in root.iter("{*}ixbrl")}
        missing = listed.difference(present)
    except FilingError as error:
        if part == SUMMARY:
            raise
        # Which of the attached documents count is not known, so none of them does.
        contents.left_out.append(_left_out(UNREAD_DOCUMENT, _MANIFEST, part, str(error)))
        return []
    if missing and part == SUMMARY:
        raise FilingError(_missing(min(missing), part))
    for name in sorted(missing):
        contents.left_out.append(_left_out(UNREAD_DOCUMENT, name, part, _missing(name, part)))
    for name in present:
        if name not in listed:
            reason = f"the {_MANIFEST} of the {part} does not list it; its facts are none of ours"
            contents.left_out.append(_left_out(UNLISTED_DOCUMENT, name, part, reason))
    return [name for name in present if name in listed]


def _missing(name: str, part: str) -> str:
    return (
        f"the archive is not complete: its {_MANIFEST} lists {shown(name)}, which is not in the "
        f"{part}; fetch it again"
    )


def _left_out(kind: str, name: str, part: str, reason: str) -> Unread:
    return Unread(kind, name[:MAXIMUM_NAME], part, None, None, None, None, reason)


def _no_inline_document(archive: zipfile.ZipFile) -> FilingError:
    for name in archive.namelist():
        if name.lower().endswith(_OLD_SUFFIX):
            return FilingError(
                f"the archive is in the old format: {shown(name)} is a plain XBRL instance, as "
                "TDnet had them before 2014; only inline XBRL is read"
            )
    return FilingError(
        f"the archive holds no inline document (…{_INLINE_SUFFIX}); look at the archive"
    )


def _check_counts(documents: Sequence[ParsedDocument]) -> None:
    facts = sum(len(document.facts) for document in documents)
    contexts = sum(len(document.contexts) for document in documents)
    if facts > MAXIMUM_FACTS or contexts > MAXIMUM_CONTEXTS:
        raise FilingError(
            f"the archive holds {facts:,} facts and {contexts:,} contexts, more than "
            f"{MAXIMUM_FACTS:,} or {MAXIMUM_CONTEXTS:,}; look at the documents before raising the "
            "limit"
        )
