"""Inline XBRL documents, from bytes to facts, exactly.

What belongs here: a set of inline documents that share contexts and units, of inline XBRL 1.0 and
1.1; names are bound by namespace, never by prefix. A document that is damaged is refused as a whole
(:class:`FilingError`); a cell that cannot be read costs that cell, and is named. What does not: the
archive around the documents (``archive.py``), contexts and units (``contexts.py``), formats
(``transforms.py``), and taxonomies: a fact is reported as filed.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Context as DecimalContext
from decimal import Decimal, DivisionByZero, Inexact, InvalidOperation
from functools import partial
from typing import Any, Generic, NamedTuple, NoReturn, TypeVar, cast

from lxml import etree

from tdnet_assets.tdnet.errors import FilingError, TdnetAssetsError, shown
from tdnet_assets.tdnet.xbrl.contexts import (
    CONTEXT,
    MAXIMUM_NAME,
    UNIT,
    Context,
    place,
    read_context,
    read_unit,
)
from tdnet_assets.tdnet.xbrl.elements import type_of
from tdnet_assets.tdnet.xbrl.facts import (
    FRACTION_DIGITS,
    UNREAD_FACT,
    WHOLE_DIGITS,
    Fact,
    Unread,
)
from tdnet_assets.tdnet.xbrl.markup import parsed
from tdnet_assets.tdnet.xbrl.transforms import (
    Transform,
    TransformError,
    is_canonical,
    transform,
)

# Of a set of documents: text is repeated by the facts that are nested in it, at most 256 deep. The
# largest of a season's archives has 80,210 characters.
MAXIMUM_TEXT_CHARACTERS = 5_000_000
SHOWN_TEXT_CHARACTERS = 1_000

_INLINE = ("http://www.xbrl.org/2008/inlineXBRL", "http://www.xbrl.org/2013/inlineXBRL")
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_TRUE = frozenset(("true", "1"))
_SPACE = " \t\r\n"

_NON_FRACTIONS = tuple(f"{{{namespace}}}nonFraction" for namespace in _INLINE)
_NON_NUMERICS = tuple(f"{{{namespace}}}nonNumeric" for namespace in _INLINE)
_FRACTIONS = tuple(f"{{{namespace}}}fraction" for namespace in _INLINE)
_CONTINUATIONS = tuple(f"{{{namespace}}}continuation" for namespace in _INLINE)
_EXCLUDES = frozenset(f"{{{namespace}}}exclude" for namespace in _INLINE)
_ALL_TEXT = etree.XPath("string()", smart_strings=False)
# Bounded, because it is tried at every place of a document.
_DECLARED_PREFIX = re.compile(rb'xmlns(?::([^\s="<]{1,100}))?="([^"&<]{0,500})"')

# Without a format a number is canonical; filers group it all the same.
_UNFORMATTED = re.compile(r"-?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?")
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,3}")
_MAXIMUM_SCALE, _MAXIMUM_DECIMALS = 30, 999
_MAXIMUM_DIGITS = 60
_EXACT_DIVISION = DecimalContext(prec=60, traps=[DivisionByZero, Inexact, InvalidOperation])

_Declared = TypeVar("_Declared")
# Columns of a fact: unit, decimals and scale; value, text and whether it is nil.
_Measure = tuple[str | None, int | None, int | None]
_Content = tuple[Decimal | None, str | None, bool]
_FACT_OF = partial(cast("Callable[[type[Fact], Iterable[object]], Fact]", tuple.__new__), Fact)
_NO_MEASURE: _Measure = (None, None, None)
_IS_NIL: _Content = (None, None, True)


@dataclass(frozen=True, slots=True)
class InlineDocument:
    """One document of a set.

    Attributes:
        name: file name, without a folder.
        part: ``summary`` or ``attachment``.
        content: its bytes, UTF-8 with or without byte order mark.
    """

    name: str
    part: str
    content: bytes


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """One document as a tree, and the elements that are wanted of it, in document order."""

    name: str
    part: str
    root: etree._Element
    facts: list[etree._Element]
    contexts: list[etree._Element]
    units: list[etree._Element]
    continuations: list[etree._Element]
    has_excludes: bool
    prefixes: dict[str | None, str] | None
    """What each prefix means wherever it stands; None where one of them means two things."""


class _Piece(NamedTuple):
    """A continuation, and the document that it stands in."""

    document: ParsedDocument
    element: etree._Element


class _UnreadableError(TdnetAssetsError):
    """A cell cannot be read; the message says what was seen."""


def parse_inline(document: InlineDocument) -> ParsedDocument:
    """An inline document as a tree.

    Raises:
        FilingError: it is no whole inline XBRL document of a known version.
    """
    root = parsed(document.name, document.content)
    _check_namespace(document, root)
    facts: list[etree._Element] = []
    contexts: list[etree._Element] = []
    units: list[etree._Element] = []
    continuations: list[etree._Element] = []
    excludes: list[etree._Element] = []
    wanted: dict[Any, list[etree._Element]] = {
        **dict.fromkeys((*_NON_FRACTIONS, *_NON_NUMERICS, *_FRACTIONS), facts),
        **dict.fromkeys(_CONTINUATIONS, continuations),
        **dict.fromkeys(_EXCLUDES, excludes),
        CONTEXT: contexts,
        UNIT: units,
    }
    for element in root.iter(*wanted):  # once, for every walk through a document costs the same
        wanted[element.tag].append(element)
    return ParsedDocument(
        name=document.name,
        part=document.part,
        root=root,
        facts=facts,
        contexts=contexts,
        units=units,
        continuations=continuations,
        has_excludes=bool(excludes),
        prefixes=_prefixes(root, document.content),
    )


def _prefixes(root: etree._Element, content: bytes) -> dict[str | None, str] | None:
    declarations = content.count(b"xmlns")
    if declarations == len(root.nsmap):
        return root.nsmap
    # Some software declares the same again and again. What is spelt otherwise is not understood.
    found = _DECLARED_PREFIX.findall(content)
    meanings = {(prefix, uri) for prefix, uri in found if prefix}
    understood: dict[str | None, str] = {prefix.decode(): uri.decode() for prefix, uri in meanings}
    return understood if len(found) == declarations and len(understood) == len(meanings) else None


def _check_namespace(document: InlineDocument, root: etree._Element) -> None:
    found = [uri for uri in root.nsmap.values() if uri.endswith("/inlineXBRL")]
    if not found and next(root.iter(*(f"{{{namespace}}}*" for namespace in _INLINE)), None) is None:
        raise FilingError(
            f"{shown(document.name)} is no inline XBRL document: its root {shown(str(root.tag))} "
            "declares no inline namespace; look at the document"
        )
    for uri in found:
        if uri not in _INLINE:
            raise FilingError(
                f"{shown(document.name)} is written in {shown(uri)}; only inline XBRL 1.0 and 1.1 "
                "are known, so its facts would be overlooked: add the version to inline.py"
            )


def read_inline(
    documents: Sequence[ParsedDocument], *, first_order: int = 1
) -> tuple[list[Fact], list[Unread]]:
    """Every fact of documents that belong together, in document order, and what is none of them.

    Numbers come with scale and sign applied; text without outer white space, markup inside it
    dropped, also where the fact is a whole block of the page (``escape``). Facts in tuples come as
    facts; the tuple itself is none. A number whose tag is empty has neither value nor nil, and an
    empty ``text``. What a format does not allow is not guessed at: a dash, or full-width digits,
    under ``numdotdecimal`` are no number.

    Args:
        documents: all documents of the set: facts of one may use contexts of another.
        first_order: ``order`` of the first fact.

    Raises:
        FilingError: the facts repeat one another's text beyond any filing's length.
    """
    declared = _Declarations(documents)
    facts: list[Fact] = []
    unread: list[Unread] = []
    for document in documents:
        cells = _Cells(document, declared)
        readers: dict[Any, Callable[[etree._Element, int], Fact]] = {
            **dict.fromkeys(_NON_FRACTIONS, cells.number),
            **dict.fromkeys(_NON_NUMERICS, cells.text),
            **dict.fromkeys(_FRACTIONS, cells.fraction),
        }
        for element in document.facts:
            order = first_order + len(facts)
            try:
                facts.append(readers[element.tag](element, order))
            except _UnreadableError as error:
                unread.append(_unread(document, element, str(error)))
    return facts, unread


def _unread(document: ParsedDocument, element: etree._Element, reason: str) -> Unread:
    name, context = element.get("name"), element.get("contextRef")
    text, pieces = "", cast("Iterator[str]", element.itertext())
    while len(text) < SHOWN_TEXT_CHARACTERS and (piece := next(pieces, None)) is not None:
        text += piece[:SHOWN_TEXT_CHARACTERS]
    return Unread(
        kind=UNREAD_FACT,
        document=document.name,
        part=document.part,
        line=cast("int | None", element.sourceline),
        element=name and name[:MAXIMUM_NAME],
        context_id=context and context[:MAXIMUM_NAME],
        text=text[:SHOWN_TEXT_CHARACTERS],
        reason=f"{reason}; look at the document",
    )


class _Register(Generic[_Declared]):
    """What is declared under ids, of one kind.

    What cannot be read, or is declared twice with two meanings, is kept as the reason why the facts
    that refer to it are refused; the others are not touched by it.
    """

    def __init__(self, attribute: str) -> None:
        self.usable: dict[str, _Declared] = {}
        self._attribute = attribute
        self._reasons: dict[str, str] = {}

    def declare(
        self, document: str, element: etree._Element, read: Callable[[], _Declared]
    ) -> None:
        identifier = element.get("id")
        if not identifier:  # nothing can refer to it
            return
        reason = self._reasons.get(identifier)
        if reason is None:
            try:
                value = read()
            except FilingError as error:
                reason = str(error)
            else:
                if self.usable.setdefault(identifier, value) != value:
                    reason = (
                        f"{place(document, element)}: the id {shown(identifier)} is declared twice,"
                        " with two meanings"
                    )
        if reason is not None:
            self._reasons[identifier] = reason
            self.usable.pop(identifier, None)

    def refuse(self, reference: str | None) -> NoReturn:
        """Say why what is referred to cannot be used."""
        seen = shown(reference) if reference else "missing"
        reason = self._reasons.get(reference or "", "which no document of the set declares")
        raise _UnreadableError(f"{self._attribute} is {seen}, {reason}")


class _Declarations:
    """What the documents of a set declare for one another."""

    def __init__(self, documents: Sequence[ParsedDocument]) -> None:
        self.contexts = _Register[Context]("contextRef")
        self.units = _Register[str]("unitRef")
        self.continuations = _Register[_Piece]("continuedAt")
        self._characters = 0
        for document in documents:
            name = document.name
            for element in document.contexts:
                self.contexts.declare(name, element, partial(read_context, name, element))
            for element in document.units:
                self.units.declare(name, element, partial(read_unit, name, element))
            for element in document.continuations:
                self.continuations.declare(name, element, partial(_Piece, document, element))
        self._continued = _times_continued(documents) if self.continuations.usable else Counter()

    def continued(self, text: str, first: str) -> str:
        """A text with all that continues it."""
        pieces, following = [text], cast("str | None", first)
        while following is not None:
            found = self.continuations.usable.get(following)
            if found is None:
                self.continuations.refuse(following)
            # A circle is entered from outside, so one of it is continued at by two as well.
            if self._continued[following] > 1:
                raise _UnreadableError(
                    f"{self._continued[following]:,} elements are continued at {shown(following)}: "
                    "it is a circle, or belongs to several facts"
                )
            pieces.append(self.content(*found))
            following = found.element.get("continuedAt")
        return "".join(pieces)

    def content(self, document: ParsedDocument, element: etree._Element) -> str:
        """The text inside an element, without what is excluded.

        Raises:
            FilingError: with this, more has been read than the set may hold.
        """
        if not len(element):
            return element.text or ""
        text = (
            "".join(_included(element))
            if document.has_excludes
            else cast("str", _ALL_TEXT(element))
        )
        self._characters += len(text)
        if self._characters > MAXIMUM_TEXT_CHARACTERS:
            raise FilingError(
                f"{place(document.name, element, element.get('name'))}: the facts up to here have "
                f"more than {MAXIMUM_TEXT_CHARACTERS:,} characters, because they repeat one "
                "another's; look at the document before raising the limit"
            )
        return text


def _times_continued(documents: Sequence[ParsedDocument]) -> Counter[str]:
    """How many elements continue at each id; more than one may not."""
    return Counter(
        following
        for document in documents
        for element in (*document.facts, *document.continuations)
        if (following := element.get("continuedAt")) is not None
    )


def _included(element: etree._Element) -> Iterator[str]:
    """The text below an element but for excluded parts, without recursion."""
    excluded = 0
    for event, node in etree.iterwalk(element, events=("start", "end")):
        excluded += (node.tag in _EXCLUDES) * (1 if event == "start" else -1)
        text = node.text if event == "start" else node.tail
        if text and not excluded and not (event == "end" and node is element):
            yield text


class _Cells:
    """Reads the cells of one document; what its names and formats mean is looked up once.

    A filing has hundreds of cells and a day hundreds of filings: each method is written for that.
    """

    def __init__(self, document: ParsedDocument, declared: _Declarations) -> None:
        self._document, self._declared = document, declared
        self._name, self._part = document.name, document.part
        self._contexts = declared.contexts.usable
        self._elements: dict[str, tuple[str, str]] = {}
        self._formats: dict[str, Transform] = {}
        self._measures: dict[tuple[str | None, str | None, str | None], _Measure] = {}

    def number(self, element: etree._Element, order: int) -> Fact:
        """The fact of a ``nonFraction``."""
        get = element.get
        stated = get("unitRef"), get("decimals"), get("scale")
        measure = self._measures.get(stated) or self._measure(*stated)
        if get(_NIL) in _TRUE:
            return self._fact(element, order, measure, _IS_NIL)
        value = self._value(element, measure[2] or 0)
        # Neither a value nor nil: the tag is empty, and that is all there is to report.
        content = (value, "" if value is None else None, False)
        return self._fact(element, order, measure, content)

    def text(self, element: etree._Element, order: int) -> Fact:
        """The fact of a ``nonNumeric``."""
        if element.get(_NIL) in _TRUE:
            return self._fact(element, order, _NO_MEASURE, _IS_NIL)
        text, name = self._declared.content(self._document, element), element.get("format")
        following = element.get("continuedAt")
        if following is not None:
            text = self._declared.continued(text, following)
        if name is None:
            text = text.strip(_SPACE)
            self._check_type(element, text)
        else:
            read = self._formats.get(name) or self._transform(element, name)
            try:
                text = read(text)
            except TransformError as error:
                raise _UnreadableError(f"as {shown(name)}, {error}") from None
        return self._fact(element, order, _NO_MEASURE, (None, text, False))

    def fraction(self, element: etree._Element, order: int) -> Fact:
        """A fraction: its exact quotient, or its parts as text where the quotient has no end."""
        measure = self._measure(element.get("unitRef"), element.get("decimals"), None)
        if element.get(_NIL) in _TRUE:
            return self._fact(element, order, measure, _IS_NIL)
        numerator, denominator = (
            self._part_of_fraction(element, name) for name in ("numerator", "denominator")
        )
        content: _Content
        try:
            content = (_storable(_EXACT_DIVISION.divide(numerator, denominator)), None, False)
        except Inexact:
            content = (None, f"{numerator}/{denominator}", False)
        except (DivisionByZero, InvalidOperation):
            raise _UnreadableError(
                f"the fraction {numerator}/{denominator} divides by zero"
            ) from None
        return self._fact(element, order, measure, content)

    def _fact(
        self, element: etree._Element, order: int, measure: _Measure, content: _Content
    ) -> Fact:
        reference, name = element.get("contextRef"), element.get("name")
        context = self._contexts.get(reference or "")
        if context is None:
            self._declared.contexts.refuse(reference)
        named = self._elements.get(name or "") or self._named(element, name)
        # By position: the columns of a fact in their order, of which a context has its own.
        return _FACT_OF((self._name, self._part, order, *named, *context, *measure, *content))

    def _named(self, element: etree._Element, qualified: str | None) -> tuple[str, str]:
        """Local name and namespace of the fact's element."""
        namespace, name = self._resolved(element, qualified)
        if self._document.prefixes is not None:
            self._elements[qualified or ""] = name, namespace
        return name, namespace

    def _check_type(self, element: etree._Element, text: str) -> None:
        """Refuse, say, a Japanese date without the format that says that it is one."""
        name = element.get("name")
        element_type = type_of(*(self._elements.get(name or "") or self._named(element, name)))
        if text and element_type is not None and not is_canonical(element_type, text):
            raise _UnreadableError(f"{shown(text)} is no {element_type}, and no format is given")

    def _resolved(self, element: etree._Element, qualified: str | None) -> tuple[str, str]:
        """Namespace and local name."""
        if not qualified:
            raise _UnreadableError("it has no name")
        prefix, separator, local = qualified.strip(_SPACE).partition(":")
        prefixes = self._document.prefixes
        if prefixes is None:
            prefixes = element.nsmap
        namespace = prefixes.get(prefix) if separator else None
        if not namespace or not local:
            raise _UnreadableError(f"{shown(qualified)} has no prefix that the document declares")
        if len(namespace) > MAXIMUM_NAME or len(local) > MAXIMUM_NAME:
            raise _UnreadableError(f"{shown(local)} or its namespace is longer than {MAXIMUM_NAME}")
        return namespace, local

    def _measure(self, unit: str | None, decimals: str | None, scale: str | None) -> _Measure:
        """Unit, accuracy and power of ten of a number."""
        spelled = self._declared.units.usable.get(unit or "")
        if spelled is None:
            self._declared.units.refuse(unit)
        measure = (
            spelled,
            None if decimals == "INF" else _whole_number("decimals", decimals, _MAXIMUM_DECIMALS),
            _whole_number("scale", scale, _MAXIMUM_SCALE),
        )
        self._measures[unit, decimals, scale] = measure
        return measure

    def _part_of_fraction(self, element: etree._Element, name: str) -> Decimal:
        found = list(element.iter(*(f"{{{namespace}}}{name}" for namespace in _INLINE)))
        if len(found) != 1:
            raise _UnreadableError(f"the fraction has {len(found)} elements {name}, not one")
        scale = _whole_number("scale", found[0].get("scale"), _MAXIMUM_SCALE)
        value = self._value(found[0], scale or 0)
        if value is None:
            raise _UnreadableError(f"the {name} of the fraction is empty")
        return value

    def _value(self, element: etree._Element, scale: int) -> Decimal | None:
        """The exact value of a printed number; None where the tag is empty."""
        printed = self._declared.content(self._document, element)
        name = element.get("format")
        if name is None:
            digits = printed.strip(_SPACE)
            if digits and not _UNFORMATTED.fullmatch(digits):
                raise _UnreadableError(f"{shown(printed)} is no number, and no format is given")
            digits = digits.replace(",", "")
        else:
            read = self._formats.get(name) or self._transform(element, name)
            try:
                digits = read(printed)
            except TransformError as error:
                # Filers leave tags empty and print the number beside them.
                if not printed.strip(_SPACE):
                    return None
                raise _UnreadableError(f"as {shown(name)}, {error}") from None
        if not digits:
            return None
        sign = element.get("sign")
        if sign is not None:
            if sign != "-" or digits.startswith("-"):
                raise _UnreadableError(
                    f"the sign is {shown(sign)} on {shown(digits)}, not '-' once"
                )
            digits = f"-{digits}"
        try:
            return _scaled(digits, scale)
        except InvalidOperation:
            raise _UnreadableError(
                f"as {shown(name or '')}, {shown(printed)} is no number"
            ) from None

    def _transform(self, element: etree._Element, name: str) -> Transform:
        try:
            known = transform(*self._resolved(element, name))
        except TransformError as error:
            raise _UnreadableError(str(error)) from None
        if self._document.prefixes is not None:
            self._formats[name] = known
        return known


def _whole_number(attribute: str, text: str | None, maximum: int) -> int | None:
    if text is None:
        return None
    number = int(text) if _WHOLE_NUMBER.fullmatch(text) else None
    if number is None or abs(number) > maximum:
        raise _UnreadableError(
            f"{attribute} is {shown(text)}, no whole number between -{maximum} and {maximum}"
        )
    return number


def _scaled(digits: str, scale: int) -> Decimal:
    """Constructed from text, because that rounds nothing whatever the caller's precision is.

    Raises:
        InvalidOperation: the text is no number.
    """
    if len(digits) > _MAXIMUM_DIGITS:
        raise _UnreadableError(f"{shown(digits)} has more than {_MAXIMUM_DIGITS} digits")
    if scale >= 0 and "." not in digits:
        # By far the most; those whose length says that they fit need no closer look.
        value = Decimal(digits + "0" * scale)
        return value if len(digits) + scale <= WHOLE_DIGITS else _storable(value)
    if scale <= 0:
        return _storable(Decimal(f"{digits}e{scale}"))
    whole, _, fraction = digits.partition(".")
    moved = fraction[:scale].ljust(scale, "0")
    return _storable(Decimal(f"{whole}{moved}.{fraction[scale:]}".rstrip(".")))


def _storable(value: Decimal) -> Decimal:
    """The value, once it fits the table; cutting it would change it."""
    _, digits, exponent = value.as_tuple()
    if -int(exponent) > FRACTION_DIGITS or len(digits) + int(exponent) > WHOLE_DIGITS:
        raise _UnreadableError(
            f"{value} does not fit {WHOLE_DIGITS} digits before and {FRACTION_DIGITS} behind the "
            "point: the scale or the number is wrong"
        )
    return value
