"""Whether received bytes are the whole PDF or the whole XBRL archive that they should be.

What belongs here: the checks that a file must pass before it is stored, on bytes in memory. They
look for what really arrives in place of a file (an HTML error page, a cut body) and, in archives,
for what must never be unpacked. What does not: fetching, storing, and reading what is inside.
"""

import io
import re
import stat
import struct
import threading
import zipfile
import zlib
from dataclasses import dataclass

from tdnet_assets.tdnet.errors import TdnetError, shown

MAXIMUM_MEMBERS = 1_000
MAXIMUM_EXPANDED_BYTES = 200_000_000

_HEADER_BYTES = 1_024  # where ISO 32000 readers look for %PDF- and %%EOF
_HTML_START = re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype|!--|html|head|body|\?xml)", re.IGNORECASE)
_CHUNK_BYTES = 1 << 20

_CENTRAL_SIGNATURE = b"PK\x01\x02"
_LOCAL_SIGNATURE = b"PK\x03\x04"
_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_UTF8_NAME = 0x800
_ENCRYPTED_OR_PATCHED = 0x1 | 0x20 | 0x40 | 0x2000  # encrypted, patch data, strong, masked
_DRIVE = re.compile(r"[A-Za-z]:")
_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f]")
# What the standard library raises on a directory that lies; found by fuzzing it.
_DIRECTORY_ERRORS = (
    zipfile.BadZipFile,
    NotImplementedError,
    OSError,
    OverflowError,
    ValueError,
    struct.error,
)

# PDFium is not thread-safe: from several threads at once it opens good files wrongly or not at all.
# Whoever else calls it in this process must hold this same lock.
PDFIUM_LOCK = threading.Lock()


class DocumentError(TdnetError):
    """The bytes are not the file that they should be; they must not be stored as one."""


@dataclass(frozen=True, slots=True)
class PdfFacts:
    """What is known of an accepted PDF.

    Attributes:
        pages: number of pages; None where PDFium cannot open it (a password, or damage inside).
    """

    pages: int | None


@dataclass(frozen=True, slots=True)
class ArchiveFacts:
    """What is known of an accepted archive.

    Attributes:
        members: number of files inside, folders not counted.
        expanded_bytes: their size together, counted while decompressing.
    """

    members: int
    expanded_bytes: int


def check_pdf(content: bytes) -> PdfFacts:
    """Accept a whole PDF of any size, and count its pages; PDFium has crashed on hostile ones.

    Raises:
        DocumentError: as of :func:`refuse_other_than_pdf`.
    """
    refuse_other_than_pdf(content)
    return PdfFacts(pages=_count_pages(content))


def refuse_other_than_pdf(content: bytes) -> None:
    """Look at both ends of what should be a PDF, and at nothing that is inside.

    Raises:
        DocumentError: the bytes start with HTML, have no ``%PDF-`` in the first 1,024 bytes, or no
            ``%%EOF`` in the last 1,024: an error page, another file, or a cut body.
    """
    _refuse_html(content, "a PDF")
    if b"%PDF-" not in content[:_HEADER_BYTES]:
        raise DocumentError(
            f"this is no PDF: {len(content):,} bytes starting with {shown(content)}, without %PDF- "
            f"in the first {_HEADER_BYTES:,}; fetch it again"
        )
    if b"%%EOF" not in content[-_HEADER_BYTES:]:
        raise DocumentError(
            f"the PDF is cut: {len(content):,} bytes starting with {shown(content)}, without %%EOF "
            f"in the last {_HEADER_BYTES:,}; fetch it again"
        )


def check_archive(content: bytes) -> ArchiveFacts:
    """Accept a whole zip archive that is safe to unpack.

    Every member is decompressed once, in pieces that are counted and dropped, so that no size
    written in the archive has to be believed.

    Raises:
        DocumentError: the bytes are no zip, are cut or damaged (a CRC differs), hold no file or
            more than 1,000 members, expand to more than 200 MB, or hold a member that is
            encrypted, doubled, overlapping, a link, or named outside its own folder.
    """
    _refuse_html(content, "a zip archive")
    # Checked before the directory is read: each entry costs a signature, and memory when read.
    if content.count(_CENTRAL_SIGNATURE) > MAXIMUM_MEMBERS:
        raise DocumentError(
            f"the archive of {len(content):,} bytes lists more than {MAXIMUM_MEMBERS:,} members: "
            "a TDnet archive has some 20; look at the raw bytes, do not unpack them"
        )
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members, directory_start = archive.infolist(), archive.start_dir
    except _DIRECTORY_ERRORS as error:
        raise DocumentError(
            f"this is no whole zip archive: {len(content):,} bytes starting with {shown(content)} "
            f"({shown(str(error))}); fetch it again"
        ) from None
    check_directory(members)
    files = [member for member in members if not member.is_dir()]
    if not files:
        raise DocumentError("the archive holds no file: fetch it again")
    expanded, end_of_previous = 0, 0
    for member in sorted(members, key=lambda member: member.header_offset):
        if member.header_offset < end_of_previous:
            raise _unsafe(member, "overlaps the member before it")
        start = _data_start(content, member)
        end_of_previous = start + member.compress_size
        if end_of_previous > directory_start:
            raise _unsafe(member, "runs into the directory")
        expanded += _expanded_size(member, content[start:end_of_previous])
    return ArchiveFacts(members=len(files), expanded_bytes=expanded)


def _refuse_html(content: bytes, expected: str) -> None:
    if not content:
        raise DocumentError(f"this is not {expected}: the body is empty; fetch it again")
    if _HTML_START.match(content):
        raise DocumentError(
            f"this is not {expected}: {len(content):,} bytes of HTML starting with "
            f"{shown(content)}; the site sent an error page, fetch it again later"
        )


def _count_pages(content: bytes) -> int | None:
    import pypdfium2  # noqa: PLC0415 - 40 ms that a process without PDFs need not pay

    with PDFIUM_LOCK:
        try:
            document = pypdfium2.PdfDocument(content)
        except pypdfium2.PdfiumError:
            return None
        try:
            return len(document)
        finally:
            document.close()


def check_directory(members: list[zipfile.ZipInfo]) -> None:
    """Accept the directory of a zip archive, of which nothing has been unpacked yet.

    Raises:
        DocumentError: a member is encrypted, doubled, a link, or named outside its own folder, or
            all are declared to expand to more than 200 MB.
    """
    for member in members:
        _check_member(member)
    _check_duplicates(members)
    _check_declared_size(members)


def _check_member(member: zipfile.ZipInfo) -> None:
    name = member.orig_filename
    # The standard library cuts a name at NUL, and may take another one from an extra field.
    if name != member.filename or _CONTROL_CHARACTER.search(name):
        raise _unsafe(member, "has control characters in its name, or two names")
    parts = name.removesuffix("/").split("/")
    if "\\" in name or _DRIVE.match(name) or any(part in ("", ".", "..") for part in parts):
        raise _unsafe(member, "is not named by a plain relative path")
    if member.flag_bits & _ENCRYPTED_OR_PATCHED:
        raise _unsafe(member, "is encrypted")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _unsafe(member, f"uses compression method {member.compress_type}")
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _unsafe(member, "is a link or a device")


def _check_duplicates(members: list[zipfile.ZipInfo]) -> None:
    seen: set[str] = set()
    for member in members:
        # Folded, because on some file systems ``a`` and ``A`` are one file.
        name = member.filename.removesuffix("/").casefold()
        if name in seen:
            raise _unsafe(member, "is there twice")
        seen.add(name)


def _check_declared_size(members: list[zipfile.ZipInfo]) -> None:
    declared = sum(member.file_size for member in members)
    if declared > MAXIMUM_EXPANDED_BYTES:
        raise DocumentError(
            f"the archive says that it expands to {declared:,} bytes, more than "
            f"{MAXIMUM_EXPANDED_BYTES:,}: look at the raw bytes, do not unpack them"
        )


def _data_start(content: bytes, member: zipfile.ZipInfo) -> int:
    """Where the member's data starts, once its own header agrees with the directory."""
    offset = member.header_offset
    if not 0 <= offset <= len(content) - _LOCAL_HEADER.size:
        raise _unsafe(member, "lies outside the archive")
    signature, _, flags, method, *_, name_size, extra_size = _LOCAL_HEADER.unpack_from(
        content, offset
    )
    name_start = offset + _LOCAL_HEADER.size
    name = member.orig_filename.encode("utf-8" if member.flag_bits & _UTF8_NAME else "cp437")
    if (
        signature != _LOCAL_SIGNATURE
        or method != member.compress_type
        or flags & _ENCRYPTED_OR_PATCHED
        or content[name_start : name_start + name_size] != name
    ):
        raise _unsafe(member, "has a header that the directory contradicts")
    start: int = name_start + name_size + extra_size
    return start


def _expanded_size(member: zipfile.ZipInfo, data: bytes) -> int:
    """Size of the member's content, counted while decompressing, once its CRC is right."""
    if member.compress_type == zipfile.ZIP_STORED:
        size, crc = len(data), zlib.crc32(data)
    else:
        size, crc = _inflated(member, data)
    if size != member.file_size or crc != member.CRC:
        raise DocumentError(
            f"the member {shown(member.filename)} is damaged: {size:,} bytes with CRC {crc:08x}, "
            f"where {member.file_size:,} with {member.CRC:08x} are declared; fetch it again"
        )
    return size


def _inflated(member: zipfile.ZipInfo, data: bytes) -> tuple[int, int]:
    """Size and CRC of deflated data, never holding more than one piece of the content.

    It stops beyond the declared size, and the declared sizes together are within the limit.
    """
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    size, crc, waiting = 0, 0, data
    while not inflater.eof:
        try:
            piece = inflater.decompress(waiting, _CHUNK_BYTES)
        except zlib.error as error:
            raise DocumentError(
                f"the member {shown(member.filename)} is damaged ({error}): fetch it again"
            ) from None
        waiting = inflater.unconsumed_tail
        size, crc = size + len(piece), zlib.crc32(piece, crc)
        if size > member.file_size:
            raise _unsafe(member, f"expands to more than the {member.file_size:,} bytes declared")
        if not piece and not waiting and not inflater.eof:
            raise DocumentError(
                f"the member {shown(member.filename)} is cut after {size:,} bytes: fetch it again"
            )
    if inflater.unused_data:
        raise _unsafe(member, "has bytes hidden behind its content")
    return size, crc


def _unsafe(member: zipfile.ZipInfo, why: str) -> DocumentError:
    return DocumentError(
        f"the archive is not safe: its member {shown(member.filename)} {why}; look at the raw "
        "bytes, do not unpack them"
    )
