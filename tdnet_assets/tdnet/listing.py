"""The list page: ``I_list_{page:03d}_{YYYYMMDD}.html``, from bytes to rows.

What belongs here: the shape of the page, and every way in which it can be wrong. Bytes are decoded
as strict UTF-8 before they are parsed, because the page declares its charset in a way that parsers
overlook. What cannot be trusted is refused as a whole (:class:`ListPageError`); one row that cannot
be read becomes a :class:`RejectedRow` and stops no other.

What does not: fetching pages, deciding whether a day is complete, and joining the deleted rows,
which carry no id, to their earlier sighting.
"""

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

from selectolax.lexbor import LexborHTMLParser, LexborNode

from tdnet_assets.tdnet.errors import TdnetError, shown
from tdnet_assets.tdnet.identifiers import XbrlKind, is_code, parse_pdf_name, parse_xbrl_name

PAGE_SIZE = 100
TOKYO = ZoneInfo("Asia/Tokyo")
REJECTED_HTML_CHARACTERS = 20_000
# A full page has 60 to 100 KB and some 2,300 tags. HTML can say far more with less than it seems:
# 60 KB of open <b> and <p> made 25 million elements, 70,000 nested ones overflowed the stack, and
# the attributes of one tag cost their square. Within these bounds any page is parsed in 0.5 s.
MAXIMUM_PAGE_BYTES = 1_000_000
MAXIMUM_TAGS = 6_000
MAXIMUM_TAG_CHARACTERS = 1_000
MAXIMUM_FORMATS = 20
# No title has more than 300; normalizing stacked accents costs the square of their number.
MAXIMUM_CELL_CHARACTERS = 1_000

RowState = Literal["active", "retitled", "deleted"]

_CELLS = ("kjTime", "kjCode", "kjName", "kjTitle", "kjXbrl", "kjPlace", "kjHistroy")  # sic
_DATE = re.compile(r"([0-9]{4})年([0-9]{2})月([0-9]{2})日")
_TOTALS = re.compile(r"([0-9]{1,6})\s*[～〜~]\s*([0-9]{1,6})\s*件\s*/\s*全\s*([0-9]{1,6})\s*件")
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_CHANGED_AT = re.compile(
    r"([0-9]{4})/([0-9]{2})/([0-9]{2})\s+([01][0-9]|2[0-3]):([0-5][0-9])(?![0-9])"
)
_EXCHANGE = re.compile(r"PH|GR|[東名札福]")
_PADDING = " \t\r\n\f\N{NO-BREAK SPACE}\N{IDEOGRAPHIC SPACE}"
_INDENTATION = " \t\r\n\f"
_LINE_ENDS = ("\r", "\n")
_UNDECODABLE = "\N{REPLACEMENT CHARACTER}"
_END_OF_PAGE_CHARACTERS = 1_024
_TAG_START = re.compile(r"<[A-Za-z]")
# As the HTML standard reads a tag: every quantifier is possessive, so nothing is read twice.
# A tag as the HTML standard reads it. Possessive: no character is read more than twice.
_TAG = re.compile(
    r"""<[A-Za-z][^ \t\r\n\f/>]*+
    (?:
        [ \t\r\n\f/]++
        | (?: =[^ \t\r\n\f/>=]*+ | [^ \t\r\n\f/>=]++ )
          (?:
              [ \t\r\n\f]*+ = [ \t\r\n\f]*+
              (?: "[^"]*+" | '[^']*+' | (?=>) | [^ \t\r\n\f>"'][^ \t\r\n\f>]*+ )
              | (?! [ \t\r\n\f]*+ = )
          )
    )*+ >""",
    re.VERBOSE,
)
# What HTML opens again in every paragraph until it is closed.
_FORMAT = re.compile(
    r"<(?:b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)[ \t\r\n\f/>]", re.IGNORECASE
)


class ListPageError(TdnetError):
    """A list page is refused as a whole; nothing of it may be used."""


class CharsetError(ListPageError):
    """The bytes are not UTF-8."""


class StructureError(ListPageError):
    """The page is cut, is not a list page, or contradicts itself."""


class WrongDayError(ListPageError):
    """The page is the list of another day."""


class _UnreadableRowError(TdnetError):
    """One row cannot be read; it becomes a reject."""


@dataclass(frozen=True, slots=True)
class ListedDisclosure:
    """One row of the list.

    Attributes:
        page: number of the page, from 1.
        position: place of the row on its page, from 1.
        time: wall-clock minute of the disclosure, Asia/Tokyo, on the day of the list.
        code: 5 characters, never cut; see ``identifiers.four_character_code``.
        company_name: as printed (the site cuts it at 10 full-width characters), padding removed.
        title: in the company's own spelling: mixed widths, double and trailing spaces are kept;
            only line ends around it, with their indentation, are the page's and removed.
        previous_titles: struck-out titles in page order, in the same spelling; mostly empty.
        pdf_name: bare file name; None for a deleted row.
        xbrl_name: bare file name; None where there is no XBRL.
        disclosure_id: 14 digits shared by both names; None for a deleted row.
        xbrl_kind: ``earnings``, ``revision``, or None (no XBRL, or an unknown prefix).
        exchanges: the marks known in ``exchanges_text``, in its order, e.g. ``("東", "名")``.
        exchanges_text: the whole cell, padding removed. An unknown mark is here alone.
        history: the whole cell, padding removed, e.g. ``2016/07/29 15:38 表題変更``; mostly empty.
            A word other than 表題変更 and 削除 leaves the state as the rest of the row has it.
        state: ``active``, ``retitled`` (same id, new title) or ``deleted`` (the row stays).
        changed_at: latest moment named in ``history``, aware, Asia/Tokyo; None if it names none.
    """

    page: int
    position: int
    time: dt.time
    code: str
    company_name: str
    title: str
    previous_titles: tuple[str, ...]
    pdf_name: str | None
    xbrl_name: str | None
    disclosure_id: str | None
    xbrl_kind: XbrlKind | None
    exchanges: tuple[str, ...]
    exchanges_text: str
    history: str
    state: RowState
    changed_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """One row that could not be read.

    Attributes:
        page: number of the page, from 1.
        position: place of the row on its page, from 1.
        reason: what was seen.
        html: the row as the parser understood it, at most 20,000 characters.
    """

    page: int
    position: int
    reason: str
    html: str


@dataclass(frozen=True, slots=True)
class ListPage:
    """One accepted page; whether it holds as many rows as it says is told by ``missing``.

    Attributes:
        day: day of the list, Asia/Tokyo.
        number: number of the page, from 1.
        total: the day's own count of rows (全N件), deleted ones included; 0 on an empty day.
        first: number of the first row within the day, from 1.
        last: number of the last row within the day; 0 on an empty day.
        rows: the rows that could be read, in page order.
        rejects: the others, in page order.
    """

    day: dt.date
    number: int
    total: int
    first: int
    last: int
    rows: tuple[ListedDisclosure, ...]
    rejects: tuple[RejectedRow, ...]

    @property
    def missing(self) -> int:
        """Rows that the page announces (first to last) and does not hold; negative for surplus.

        It refuses no page, because the rows that are there are worth keeping: who reads the day
        must not take it for complete.
        """
        return self.last - self.first + 1 - len(self.rows) - len(self.rejects)


def page_count(total: int) -> int:
    """How many pages a day of ``total`` rows has; an empty day has one.

    Never read this off the pager: it shows ten pages and a link labelled ``..``.
    """
    if total < 0:
        raise ValueError(f"total is {total}: a day has 0 or more rows")
    return max(1, -(-total // PAGE_SIZE))


def page_name(day: dt.date, page: int) -> str:
    """File name of one page of a day's list, e.g. ``I_list_001_20260610.html``; pages from 1."""
    if page < 1:
        raise ValueError(f"page is {page}: pages are numbered from 1")
    return f"I_list_{page:03d}_{day:%Y%m%d}.html"


def normalize_title(title: str) -> str:
    """The title for searching and comparing: NFKC, one space for any run of space, trimmed."""
    return " ".join(unicodedata.normalize("NFKC", title).split())


def parse_list_page(content: bytes, *, day: dt.date, page: int) -> ListPage:
    """Read one list page.

    Args:
        content: body of the response, exactly as received.
        day: day that was asked for, Asia/Tokyo.
        page: number that was asked for, from 1.

    Returns:
        The page: its totals, its rows, and the rows that could not be read.

    Raises:
        CharsetError: the bytes are not UTF-8.
        WrongDayError: the page belongs to another day.
        StructureError: the page is cut, is no list page, or contradicts itself.
    """
    name = page_name(day, page)
    text = _decoded(content, name)
    if "</html" not in text[-_END_OF_PAGE_CHARACTERS:].lower():
        raise StructureError(
            f"{name} ends with {shown(text[-40:])}, not with </html>: it was cut; fetch it again"
        )
    _check_markup(text, name)
    # HTML parsers drop NUL without a word; as U+FFFD it condemns its row like any other damage.
    tree = LexborHTMLParser(text.replace("\0", _UNDECODABLE))
    _check_day(tree, day, name)

    tables = tree.css("#main-list-table")
    totals = _totals(tree, name)
    says_none = any("ありません" in node.text() for node in tree.css("#kaiji-text-1"))
    if says_none and not tables and totals is None and page == 1:
        return ListPage(day=day, number=page, total=0, first=1, last=0, rows=(), rejects=())
    if says_none or totals is None or len(tables) != 1:
        raise StructureError(
            f"{name} has {len(tables)} tables of rows, "
            f"{'no totals' if totals is None else 'totals'} and "
            f"{'the' if says_none else 'no'} text 'ありません': this is neither a page of rows nor "
            "the page of an empty day; look at the raw bytes, the site may have changed"
        )
    first, last, total = totals
    if first != (page - 1) * PAGE_SIZE + 1 or last != min(page * PAGE_SIZE, total) or first > last:
        raise StructureError(
            f"{name} says {first}～{last}件 / 全{total}件, which cannot be page {page} at "
            f"{PAGE_SIZE} rows a page: fetch it again; if it stays, the site has changed"
        )
    rows, rejects = [], []
    for position, element in enumerate(_row_elements(tables[0]), start=1):
        try:
            rows.append(_read_row(element, page, position))
        except TdnetError as error:
            html = (element.html or "")[:REJECTED_HTML_CHARACTERS]
            rejects.append(RejectedRow(page, position, str(error), html))
    return ListPage(day, page, total, first, last, tuple(rows), tuple(rejects))


def _decoded(content: bytes, name: str) -> str:
    if len(content) > MAXIMUM_PAGE_BYTES:
        raise StructureError(
            f"{name} has {len(content):,} bytes, a page of {PAGE_SIZE} rows about 70,000: this is "
            "no list page; look at the raw bytes"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        around = content[max(0, error.start - 8) : error.start + 8]
        raise CharsetError(
            f"{name} is not UTF-8 at byte {error.start} ({around!r}): the raw bytes are what to "
            "look at; do not decode them with another charset before the site is known to use it"
        ) from None


def _check_markup(text: str, name: str) -> None:
    """Refuse what could keep or break the HTML parser, looking at each character a few times.

    Comments and scripts are not told apart from markup: that only makes the bounds stricter.
    """
    tags = text.count("<")
    if tags > MAXIMUM_TAGS:
        raise StructureError(
            f"{name} has {tags:,} tags, a page of {PAGE_SIZE} rows about 2,300: this is no list "
            "page; look at the raw bytes"
        )
    formats = set()
    for start in _TAG_START.finditer(text):
        place = start.start()
        tag = _TAG.match(text, place, place + MAXIMUM_TAG_CHARACTERS)
        if tag is None:
            raise StructureError(
                f"{name} has a tag at character {place:,} that does not end within "
                f"{MAXIMUM_TAG_CHARACTERS:,} characters, {shown(text[place : place + 80])}: look "
                "at the raw bytes, the site may have changed"
            )
        if _FORMAT.match(tag[0]):
            formats.add(tag[0])
    if len(formats) > MAXIMUM_FORMATS:
        raise StructureError(
            f"{name} has {len(formats):,} different formatting tags, as "
            f"{shown(max(formats))}, where a list page has 1 or 2: look at the raw bytes"
        )


def _check_day(tree: LexborHTMLParser, day: dt.date, name: str) -> None:
    printed = {node.text().strip(_PADDING) for node in tree.css("#kaiji-date-1, #kaiji-date-2")}
    if len(printed) != 1:
        raise StructureError(
            f"{name} prints {len(printed)} different days {shown(str(sorted(printed)))} where a "
            "list page prints one: look at the raw bytes, this may not be a list page"
        )
    (printed_day,) = printed
    match = _DATE.fullmatch(printed_day)
    try:
        found = dt.date(*map(int, match.groups())) if match else None
    except ValueError:
        found = None
    if found is None:
        raise StructureError(
            f"{name} prints the day {shown(printed_day)}, not YYYY年MM月DD日: look at the raw "
            "bytes, the site may have changed"
        )
    if found != day:
        raise WrongDayError(
            f"{name} is the list of {found}, not of {day}: fetch it again; if it stays, a cache or "
            "a wrong address stands between"
        )


def _totals(tree: LexborHTMLParser, name: str) -> tuple[int, int, int] | None:
    """First row, last row and total as the page prints them, or None where it prints none."""
    printed = {node.text().strip(_PADDING) for node in tree.css(".kaijiSum")}
    found = {
        (int(match[1]), int(match[2]), int(match[3])) if match else None
        for match in map(_TOTALS.fullmatch, printed)
    }
    if len(found) > 1 or None in found:
        raise StructureError(
            f"{name} prints the totals {shown(str(sorted(printed)))}, not one a～b件 / 全N件 at "
            "top and bottom: fetch it again; if it stays, look at the raw bytes"
        )
    return found.pop() if found else None


def _row_elements(table: LexborNode) -> list[LexborNode]:
    """The table's own rows: none of a table, template or comment inside it."""
    return [
        row
        for section in table.iter()
        if section.tag in ("tbody", "thead", "tfoot")
        for row in section.iter()
        if row.tag == "tr"
    ]


def _read_row(row: LexborNode, page: int, position: int) -> ListedDisclosure:
    cells = _cells(row)
    texts = {name: cell.text() for name, cell in cells.items()}
    if damaged := [name for name, text in texts.items() if _UNDECODABLE in text]:
        raise _UnreadableRowError(f"{', '.join(damaged)} holds U+FFFD: a character was lost")
    if long := [name for name, text in texts.items() if len(text) > MAXIMUM_CELL_CHARACTERS]:
        raise _UnreadableRowError(
            f"{', '.join(long)} holds more than {MAXIMUM_CELL_CHARACTERS:,} characters"
        )
    code = texts["kjCode"].strip(_PADDING)
    if not is_code(code):
        raise _UnreadableRowError(f"the code is {shown(code)}, not 5 characters such as 587A4")
    company_name = texts["kjName"].strip(_PADDING)
    if not company_name:
        raise _UnreadableRowError("the company name is empty")

    history = texts["kjHistroy"].strip(_PADDING)
    pdf_link, xbrl_link = _link(cells["kjTitle"], "PDF"), _link(cells["kjXbrl"], "XBRL")
    title, previous_titles = _titles(cells["kjTitle"], pdf_link)
    state = _state(row, history, previous_titles)
    if pdf_link is None and state != "deleted":
        raise _UnreadableRowError(
            f"there is no PDF link, and neither the row nor its history {shown(history)} says 削除"
        )
    pdf_name, xbrl_name = _target(pdf_link), _target(xbrl_link)
    disclosure_id, xbrl_kind = _identity(pdf_name, xbrl_name)
    exchanges_text = texts["kjPlace"].strip(_PADDING)
    return ListedDisclosure(
        page=page,
        position=position,
        time=_time(texts["kjTime"].strip(_PADDING)),
        code=code,
        company_name=company_name,
        title=title,
        previous_titles=previous_titles,
        pdf_name=pdf_name,
        xbrl_name=xbrl_name,
        disclosure_id=disclosure_id,
        xbrl_kind=xbrl_kind,
        exchanges=tuple(_EXCHANGE.findall(exchanges_text)),
        exchanges_text=exchanges_text,
        history=history,
        state=state,
        changed_at=_changed_at(history),
    )


def _cells(row: LexborNode) -> dict[str, LexborNode]:
    """The row's own cells by their ``kj…`` class; each exactly once."""
    cells: dict[str, LexborNode] = {}
    for cell in row.iter():
        for name in _classes(cell):
            if name not in _CELLS:
                continue
            if name in cells:
                raise _UnreadableRowError(f"there are two cells {name}")
            cells[name] = cell
    if missing := [name for name in _CELLS if name not in cells]:
        raise _UnreadableRowError(f"there is no cell {', '.join(missing)}")
    return cells


def _classes(node: LexborNode) -> list[str]:
    return (node.attributes.get("class") or "").split()


def _link(cell: LexborNode, kind: str) -> LexborNode | None:
    links = cell.css("a[href]")
    if len(links) > 1:
        raise _UnreadableRowError(f"there are {len(links)} {kind} links")
    return links[0] if links else None


def _target(link: LexborNode | None) -> str | None:
    return None if link is None else link.attributes.get("href") or ""


def _identity(pdf_name: str | None, xbrl_name: str | None) -> tuple[str | None, XbrlKind | None]:
    """Disclosure id and XBRL kind that the two names agree on."""
    pdf_id = None if pdf_name is None else parse_pdf_name(pdf_name)
    xbrl_id, kind = (None, None) if xbrl_name is None else parse_xbrl_name(xbrl_name)
    if pdf_id and xbrl_id and pdf_id != xbrl_id:
        raise _UnreadableRowError(f"the PDF is of {pdf_id} and the XBRL of {xbrl_id}")
    return pdf_id or xbrl_id, kind


def _titles(cell: LexborNode, link: LexborNode | None) -> tuple[str, tuple[str, ...]]:
    """The title and the struck-out ones; a stray ``</a>`` stands after the latter."""
    struck = cell.css("s")
    source = cell if link is None else link
    title = _company_spelling(_text_outside_struck(source) if struck else source.text())
    if not title.strip(_PADDING):
        raise _UnreadableRowError("the title is empty")
    previous = (_company_spelling(old.text()) for old in struck)
    return title, tuple(old for old in previous if old.strip(_PADDING))


def _text_outside_struck(node: LexborNode) -> str:
    # A stack and not recursion: markup may be nested deeper than Python's stack.
    texts, waiting = [], [node]
    while waiting:
        current = waiting.pop()
        if current.tag == "-text":
            texts.append(current.text_content or "")
        elif current.tag != "s":
            waiting.extend(reversed(list(current.iter(include_text=True))))
    return "".join(texts)


def _company_spelling(text: str) -> str:
    """The text without the page's own line ends around it; spaces alone are the company's."""
    core = text.strip(_INDENTATION)
    start = text.find(core)
    before, after = text[:start], text[start + len(core) :]
    if any(end in before for end in _LINE_ENDS):
        before = ""
    if any(end in after for end in _LINE_ENDS):
        after = ""
    return f"{before}{core}{after}"


def _state(row: LexborNode, history: str, previous_titles: tuple[str, ...]) -> RowState:
    marks = _classes(row)
    if "hyodaiDel" in marks or "削除" in history:
        return "deleted"
    if "hyodaiUpd" in marks or "表題変更" in history or previous_titles:
        return "retitled"
    return "active"


def _time(text: str) -> dt.time:
    match = _TIME.fullmatch(text)
    if match is None:
        raise _UnreadableRowError(f"the time is {shown(text)}, not HH:MM")
    return dt.time(int(match[1]), int(match[2]))


def _changed_at(history: str) -> dt.datetime | None:
    moments = []
    for match in _CHANGED_AT.finditer(history):
        try:
            moments.append(dt.datetime.strptime(match[0], "%Y/%m/%d %H:%M").replace(tzinfo=TOKYO))
        except ValueError as error:
            raise _UnreadableRowError(
                f"the history {shown(history)} names no real moment: {error}"
            ) from None
    return max(moments, default=None)
