"""TDnet's XBRL archives, from a zip's bytes to its facts.

What belongs here: which members of an archive are inline documents, which part of the filing they
are, and unpacking them within bounds; nothing is written to disk, and no member's name is used as a
path. What does not: reading the documents (``inline.py``), and whether the zip is whole and safe to
keep (``tdnet/files.py``, before it is stored).
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable

from tdnet_assets.tdnet.errors import FilingError, shown
from tdnet_assets.tdnet.files import MAXIMUM_MEMBERS
from tdnet_assets.tdnet.xbrl.facts import ATTACHMENT, SUMMARY, Fact
from tdnet_assets.tdnet.xbrl.inline import InlineDocument, read_inline
from tdnet_assets.tdnet.xbrl.markup import MAXIMUM_DOCUMENT_BYTES, parsed

MAXIMUM_INLINE_DOCUMENTS = 100
MAXIMUM_INLINE_BYTES = 100_000_000

_INLINE_SUFFIX = "-ixbrl.htm"
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


def read_archive(content: bytes) -> tuple[Fact, ...]:
    """Every fact of an 0812 or 0912 archive: the summary's, then those of the attached statements.

    Documents of one part share contexts and units, and are read together in the order of their
    names. All other members (taxonomy, linkbases, Shift_JIS indexes) are left alone.

    Raises:
        FilingError: the bytes are no whole zip, exceed a bound, hold no inline document or not all
            that the manifest lists, or a document is refused; then no fact may be used.
    """
    documents = inline_documents(content)
    facts: list[Fact] = []
    for part in (SUMMARY, ATTACHMENT):
        together = [document for document in documents if document.part == part]
        facts += read_inline(together, first_order=len(facts) + 1)
    if not facts:
        raise FilingError(
            f"the {len(documents)} inline documents of the archive hold no fact; look at them"
        )
    return tuple(facts)


def inline_documents(content: bytes) -> tuple[InlineDocument, ...]:
    """The inline documents of an archive, unpacked, in the order of their names.

    Raises:
        FilingError: see :func:`read_archive`.
    """
    # Checked before the directory is read: each entry costs a signature, and memory when read.
    if content.count(_CENTRAL_SIGNATURE) > MAXIMUM_MEMBERS:
        raise FilingError(
            f"the archive lists more than {MAXIMUM_MEMBERS:,} members, where TDnet's have some 20; "
            "look at the raw bytes, do not unpack them"
        )
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _unpacked(archive)
    except _ZIP_ERRORS as error:
        raise FilingError(
            f"the {len(content):,} bytes starting with {shown(content)} are no whole zip archive: "
            f"{shown(str(error))}; fetch it again"
        ) from None


def _unpacked(archive: zipfile.ZipFile) -> tuple[InlineDocument, ...]:
    names: dict[tuple[str, str], zipfile.ZipInfo] = {}
    manifests: dict[str, bytes] = {}
    for member in archive.infolist():
        folder, _, name = member.filename.rpartition("/")
        part = _PARTS.get(folder.lower())
        if name.lower() == _MANIFEST and part is not None:
            if part in manifests:
                raise FilingError(f"the {part} has two of {_MANIFEST}; look at the archive")
            manifests[part] = _read(archive, member)
        elif name.lower().endswith(_INLINE_SUFFIX):
            if part is None:
                raise FilingError(
                    f"the inline document {shown(member.filename)} is in an unknown folder: "
                    "neither XBRLData/Summary nor XBRLData/Attachment; look at the archive"
                )
            if (part, name) in names:
                raise FilingError(f"the archive holds {shown(name)} twice; fetch it again")
            names[part, name] = member
    _check_manifests(manifests, names)
    _check_bounds(names.values())
    return tuple(
        InlineDocument(name=name, part=part, content=_read(archive, member))
        for (part, name), member in sorted(names.items(), key=lambda item: item[0])
    )


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    # Reading past the declared size checks the CRC; a size that lies is cut off by the limit.
    with archive.open(member) as file:
        content = file.read(MAXIMUM_DOCUMENT_BYTES + 1)
    if len(content) > MAXIMUM_DOCUMENT_BYTES:
        raise FilingError(
            f"the member {shown(member.filename)} expands to more than {MAXIMUM_DOCUMENT_BYTES:,} "
            "bytes; look at the raw bytes, do not unpack them"
        )
    return content


def _check_bounds(members: Iterable[zipfile.ZipInfo]) -> None:
    sizes = [member.file_size for member in members]
    if not sizes:
        raise FilingError(
            f"the archive holds no inline document (…{_INLINE_SUFFIX}); look at the archive"
        )
    if len(sizes) > MAXIMUM_INLINE_DOCUMENTS or sum(sizes) > MAXIMUM_INLINE_BYTES:
        raise FilingError(
            f"the archive holds {len(sizes):,} inline documents of {sum(sizes):,} bytes, more than "
            f"{MAXIMUM_INLINE_DOCUMENTS} or {MAXIMUM_INLINE_BYTES:,}; look at the raw bytes"
        )


def _check_manifests(
    manifests: dict[str, bytes], names: dict[tuple[str, str], zipfile.ZipInfo]
) -> None:
    """Refuse an archive without a document that its own manifest lists: it is not complete."""
    for part, content in manifests.items():
        for node in parsed(f"{_MANIFEST} of the {part}", content).iter("{*}ixbrl"):
            name = (node.text or "").strip()
            if (part, name) not in names:
                raise FilingError(
                    f"the archive is not complete: its {_MANIFEST} lists {shown(name)}, "
                    f"which is not in the {part}; fetch it again"
                )
