"""The text of what companies file: pages of a PDF, and the report inside an XBRL archive.

What belongs here: from the bytes of a file to its pages or sections, as text. What does not: what
is compared when they are searched (``comparable_text.py``), and whether the bytes may be stored
(``files.py``). Both readers are for worker processes: a stranger's file may crash or keep them.

Nothing is recognised in pictures: a scanned page has no text.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lxml import etree

from tdnet_assets.tdnet.errors import FilingError
from tdnet_assets.tdnet.files import PDFIUM_LOCK, DocumentError
from tdnet_assets.tdnet.xbrl.archive import opened, unpacked

if TYPE_CHECKING:
    import pypdfium2

# The longest reports have some 300 pages, of at most some 5,000 characters.
MAXIMUM_PAGES: Final = 3_000
MAXIMUM_CHARACTERS: Final = 10_000_000

_REPORT = "qualitative.htm"
# PDFium's own sign of a word that a hyphen breaks at the end of a line: the word goes on.
_HYPHEN = "\ufffe"
_LEFT_OUT = dict.fromkeys(
    (*(code for code in range(0x20) if chr(code) not in "\n\t"), 0x7F, ord(_HYPHEN), 0xFFFF)
)
_HEADINGS = frozenset(f"h{level}" for level in range(1, 7))
_INLINE = frozenset(
    ("a", "b", "em", "font", "i", "s", "small", "span", "strong", "sub", "sup", "u")
)
_UNSEEN = frozenset(("head", "script", "style", "title"))


@dataclass(frozen=True, slots=True)
class DocumentText:
    """The text of a file, page by page or section by section; lines end with LF.

    Attributes:
        pages: of a page without text, an empty string.
        problem: which pages could not be opened; they are empty.
    """

    pages: tuple[str, ...]
    problem: str | None = None


def pdf_text(content: bytes) -> DocumentText:
    """The text of each page of a PDF, in the order in which it is set.

    Raises:
        DocumentError: PDFium cannot open it (a password, or damage inside), or it has more pages or
            text than any document.
    """
    import pypdfium2  # noqa: PLC0415 - 40 ms that a process without PDFs need not pay

    with PDFIUM_LOCK:
        try:
            document = pypdfium2.PdfDocument(content)
        except pypdfium2.PdfiumError as error:
            raise DocumentError(
                f"the PDF of {len(content):,} bytes cannot be opened: {error}; look at it with "
                "another reader"
            ) from None
        try:
            return _text_of(document)
        finally:
            document.close()


def report_text(content: bytes) -> DocumentText | None:
    """The sections of an archive's ``qualitative.htm``, each from its heading to the next.

    A row of a table is one line. None where the archive has no such report.

    Raises:
        FilingError: the bytes are no whole zip, or the report is larger than any.
    """
    with opened(content) as archive:
        reports = [
            member
            for member in archive.infolist()
            if member.filename.rpartition("/")[2].lower() == _REPORT
        ]
        if not reports:
            return None
        markup = unpacked(archive, reports[0])
    parser = etree.HTMLParser(
        encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(markup, parser)
    except etree.XMLSyntaxError as error:
        raise FilingError(f"{_REPORT} cannot be read: {error}; look at the archive") from None
    return DocumentText(tuple(_sections(root)) if root is not None else ())


def _text_of(document: "pypdfium2.PdfDocument") -> DocumentText:
    import pypdfium2  # noqa: PLC0415 - loaded already

    if len(document) > MAXIMUM_PAGES:
        raise DocumentError(
            f"the PDF has {len(document):,} pages, more than {MAXIMUM_PAGES:,}; look at it before "
            "raising the limit"
        )
    pages: list[str] = []
    not_opened: list[int] = []
    characters = 0
    for place in range(len(document)):
        try:
            pages.append(_page_text(document, place))
        except pypdfium2.PdfiumError:
            pages.append("")
            not_opened.append(place + 1)
        characters += len(pages[-1])
        if characters > MAXIMUM_CHARACTERS:
            raise DocumentError(
                f"the first {place + 1} pages of the PDF have {characters:,} characters, more than "
                f"{MAXIMUM_CHARACTERS:,}; look at it before raising the limit"
            )
    if not not_opened:
        return DocumentText(tuple(pages))
    problem = f"{len(not_opened)} of {len(pages)} pages cannot be opened, first {not_opened[0]}"
    return DocumentText(tuple(pages), problem)


def _page_text(document: "pypdfium2.PdfDocument", place: int) -> str:
    page = document[place]
    try:
        text_page = page.get_textpage()
        try:
            return _clean(text_page.get_text_range())
        finally:
            text_page.close()
    finally:
        page.close()


def _clean(text: str) -> str:
    """The text with LF at the ends of its lines, and without what is no character."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").translate(_LEFT_OUT)
    return lines.encode(errors="ignore").decode().strip()


def _sections(root: etree._Element) -> Iterator[str]:
    """A heading directly under another one opens no section of its own."""
    lines: list[str] = []
    has_body = False
    for line, is_heading in _lines(root):
        if is_heading and has_body:
            yield "\n".join(lines)
            lines, has_body = [], False
        lines.append(line)
        has_body = has_body or not is_heading
    if lines:
        yield "\n".join(lines)


def _lines(root: etree._Element) -> Iterator[tuple[str, bool]]:
    """The lines that are seen, each with whether it is a heading."""
    parts: list[str] = []
    rows = unseen = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        name, starts = str(element.tag).lower(), event == "start"
        unseen += (1 if starts else -1) * (name in _UNSEEN)
        rows += (1 if starts else -1) * (name == "tr")
        if name not in _INLINE:
            # Within a row of a table all is one line.
            if rows and not (name == "tr" and starts):
                parts.append(" ")
            else:
                if line := " ".join(_clean("".join(parts)).split()):
                    yield line, not starts and name in _HEADINGS
                parts.clear()
        text = element.text if starts else element.tail
        if text and not unseen:
            parts.append(text)
