"""Inline XBRL documents, from bytes to facts, exactly.

What belongs here: a set of inline documents that share contexts and units, of inline XBRL 1.0 and
1.1; names are bound by namespace, never by prefix. What is damaged or contradicts itself is refused
as a whole (:class:`FilingError`), never read in part. What does not: the archive around the
documents (``archive.py``), contexts and units (``contexts.py``), formats (``transforms.py``), and
any taxonomy: a fact is reported as filed.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Context as DecimalContext
from decimal import Decimal, DivisionByZero, Inexact, InvalidOperation
from functools import lru_cache
from typing import NoReturn, TypeVar, cast

from lxml import etree

from tdnet_assets.tdnet.errors import FilingError, shown
from tdnet_assets.tdnet.xbrl.contexts import (
    CONTEXT,
    UNIT,
    Context,
    place,
    read_context,
    read_unit,
    required,
)
from tdnet_assets.tdnet.xbrl.facts import Fact
from tdnet_assets.tdnet.xbrl.markup import parsed
from tdnet_assets.tdnet.xbrl.transforms import Transform, TransformError, transform

_INLINE = ("http://www.xbrl.org/2008/inlineXBRL", "http://www.xbrl.org/2013/inlineXBRL")
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_SPACE = " \t\r\n"

_NON_FRACTIONS = frozenset(f"{{{namespace}}}nonFraction" for namespace in _INLINE)
_NON_NUMERICS = frozenset(f"{{{namespace}}}nonNumeric" for namespace in _INLINE)
_FRACTIONS = frozenset(f"{{{namespace}}}fraction" for namespace in _INLINE)
_CONTINUATIONS = frozenset(f"{{{namespace}}}continuation" for namespace in _INLINE)
_EXCLUDES = frozenset(f"{{{namespace}}}exclude" for namespace in _INLINE)
_FACTS = (*_NON_FRACTIONS, *_NON_NUMERICS, *_FRACTIONS)
_WANTED = (*_FACTS, *_CONTINUATIONS, *_EXCLUDES, CONTEXT, UNIT)

_ALL_TEXT = etree.XPath("string()", smart_strings=False)

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
# Without a format a number is canonical; filers group it all the same.
_UNFORMATTED = re.compile(r"-?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?")
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,3}")
_MAXIMUM_SCALE = 30
_MAXIMUM_DIGITS = 60
_EXACT_DIVISION = DecimalContext(prec=60, traps=[DivisionByZero, Inexact, InvalidOperation])

_Declared = TypeVar("_Declared")


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


@dataclass(slots=True)
class _Parsed:
    """One parsed document: the elements that are wanted of it, and how its prefixes resolve."""

    source: InlineDocument
    root: etree._Element
    elements: list[tuple[str, etree._Element]]
    has_excludes: bool
    prefixes: dict[str | None, str] | None
    """The root's, where no other element declares any; else None."""
    names: dict[str, tuple[str, str]] = field(default_factory=dict)
    formats: dict[str, Transform] = field(default_factory=dict)


def read_inline(documents: Sequence[InlineDocument], *, first_order: int = 1) -> list[Fact]:
    """Every fact of documents that belong together, in document order.

    Numbers come with scale and sign applied; text without outer white space, markup inside it
    dropped, also where the fact is a whole block of the page (``escape``). Facts in tuples come as
    facts; the tuple itself is none. A number whose tag is empty has neither value nor nil, and an
    empty ``text``.

    Args:
        documents: all documents of the set: facts of one may use contexts of another.
        first_order: ``order`` of the first fact.

    Raises:
        FilingError: a document is no whole inline XBRL document, uses what no document declares, or
            states what cannot be read.
    """
    trees = [_parse(document) for document in documents]
    declared = _Declarations()
    for document in trees:
        declared.collect(document)
    facts: list[Fact] = []
    for document in trees:
        for tag, element in document.elements:
            if tag in _NON_FRACTIONS:
                facts.append(_number(document, element, declared, first_order + len(facts)))
            elif tag in _NON_NUMERICS:
                facts.append(_text(document, element, declared, first_order + len(facts)))
            elif tag in _FRACTIONS:
                facts.append(_fraction(document, element, declared, first_order + len(facts)))
    return facts


def _parse(document: InlineDocument) -> _Parsed:
    content = document.content
    root = parsed(document.name, content)
    _check_namespace(document, root)
    prefixes = root.nsmap
    is_flat = content.count(b"xmlns") == len(prefixes)
    elements = [(element.tag, element) for element in root.iter(*_WANTED)]
    return _Parsed(
        source=document,
        root=root,
        elements=elements,
        has_excludes=any(tag in _EXCLUDES for tag, _ in elements),
        prefixes=prefixes if is_flat else None,
    )


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


class _Declarations:
    """What the documents of a set declare for one another."""

    def __init__(self) -> None:
        self.contexts: dict[str, Context] = {}
        self.units: dict[str, str] = {}
        self.continuations: dict[str, tuple[_Parsed, etree._Element]] = {}

    def collect(self, document: _Parsed) -> None:
        """Add what one document declares; the same declaration twice is no contradiction."""
        name = document.source.name
        for tag, element in document.elements:
            if tag == CONTEXT:
                context = read_context(name, element)
                _declare(self.contexts, context.context_id, context, name, element)
            elif tag == UNIT:
                unit_id, unit = read_unit(name, element)
                _declare(self.units, unit_id, unit, name, element)
            elif tag in _CONTINUATIONS:
                identifier = required(name, element, "id")
                _declare(self.continuations, identifier, (document, element), name, element)

    def context_of(self, document: _Parsed, element: etree._Element) -> Context:
        """The context that a fact refers to."""
        reference = element.get("contextRef")
        found = self.contexts.get(reference or "")
        if found is None:
            _undeclared(document, element, "contextRef", reference)
        return found

    def unit_of(self, document: _Parsed, element: etree._Element) -> str:
        """The unit that a number refers to."""
        reference = element.get("unitRef")
        found = self.units.get(reference or "")
        if found is None:
            _undeclared(document, element, "unitRef", reference)
        return found


def _declare(
    declared: dict[str, _Declared],
    identifier: str,
    value: _Declared,
    document: str,
    element: etree._Element,
) -> None:
    if declared.setdefault(identifier, value) != value:
        raise FilingError(
            f"{place(document, element)}: the id {shown(identifier)} is declared twice, with two "
            "meanings; look at the documents"
        )


def _number(
    document: _Parsed, element: etree._Element, declared: _Declarations, order: int
) -> Fact:
    unit = declared.unit_of(document, element)
    scale = _whole_number(document, element, "scale", _MAXIMUM_SCALE)
    value, text = None, None
    is_nil = _is_nil(element)
    if not is_nil:
        printed = _printed(document, element, declared)
        value = _value(document, element, printed, scale or 0)
        # Neither a value nor nil: the tag is empty, and that is all there is to report.
        text = "" if value is None else None
    return _fact(
        document, element, declared, order, unit, scale=scale, value=value, text=text, is_nil=is_nil
    )


def _text(document: _Parsed, element: etree._Element, declared: _Declarations, order: int) -> Fact:
    is_nil = _is_nil(element)
    text = None
    if not is_nil:
        text = _printed(document, element, declared)
        name = element.get("format")
        text = text.strip(_SPACE) if name is None else _transformed(document, element, name, text)
    return _fact(document, element, declared, order, None, text=text, is_nil=is_nil)


def _fraction(
    document: _Parsed, element: etree._Element, declared: _Declarations, order: int
) -> Fact:
    """A fraction: its exact quotient, or its two parts as text where the quotient has no end."""
    unit = declared.unit_of(document, element)
    if _is_nil(element):
        return _fact(document, element, declared, order, unit, is_nil=True)
    numerator, denominator = (
        _part_of_fraction(document, element, declared, name)
        for name in ("numerator", "denominator")
    )
    value, text = None, None
    try:
        value = _EXACT_DIVISION.divide(numerator, denominator)
    except Inexact:
        text = f"{numerator}/{denominator}"
    except (DivisionByZero, InvalidOperation):
        _refuse(document, element, f"the fraction {numerator}/{denominator} divides by zero")
    return _fact(document, element, declared, order, unit, value=value, text=text)


def _part_of_fraction(
    document: _Parsed, element: etree._Element, declared: _Declarations, name: str
) -> Decimal:
    found = [part for part in element.iter("{*}" + name) if etree.QName(part).namespace in _INLINE]
    if len(found) != 1:
        _refuse(document, element, f"the fraction has {len(found)} elements {name}, not one")
    scale = _whole_number(document, found[0], "scale", _MAXIMUM_SCALE)
    printed = _printed(document, found[0], declared)
    value = _value(document, found[0], printed, scale or 0)
    if value is None:
        _refuse(document, element, f"the {name} of the fraction is empty")
    return value


def _fact(
    document: _Parsed,
    element: etree._Element,
    declared: _Declarations,
    order: int,
    unit: str | None,
    *,
    scale: int | None = None,
    value: Decimal | None = None,
    text: str | None = None,
    is_nil: bool = False,
) -> Fact:
    context = declared.context_of(document, element)
    namespace, name = _qualified(document, element)
    # By position, in the order of the class: a filing has hundreds of these calls.
    return Fact(
        document.source.name,
        document.source.part,
        order,
        name,
        namespace,
        context.context_id,
        context.period_type,
        context.period_start,
        context.period_end,
        context.period_label,
        context.consolidation,
        context.result_forecast,
        context.previous_current,
        context.dividend_schedule,
        context.members,
        unit,
        None if unit is None else _decimals(document, element),
        scale,
        value,
        text,
        is_nil,
    )


def _qualified(document: _Parsed, element: etree._Element) -> tuple[str, str]:
    """Namespace and local name of the fact's element."""
    qualified = element.get("name") or required(document.source.name, element, "name")
    known = document.names.get(qualified)
    if known is None:
        known = _resolved(document, element, qualified)
        if document.prefixes is not None:
            document.names[qualified] = known
    return known


def _resolved(document: _Parsed, element: etree._Element, qualified: str) -> tuple[str, str]:
    prefix, separator, local = qualified.strip(_SPACE).partition(":")
    prefixes = element.nsmap if document.prefixes is None else document.prefixes
    namespace = prefixes.get(prefix) if separator else None
    if not namespace or not local:
        _refuse(document, element, f"{shown(qualified)} has no prefix that the document declares")
    return namespace, local


def _is_nil(element: etree._Element) -> bool:
    return element.get(_NIL) in {"true", "1"}


def _decimals(document: _Parsed, element: etree._Element) -> int | None:
    return (
        None
        if element.get("decimals") == "INF"
        else _whole_number(document, element, "decimals", 999)
    )


def _whole_number(
    document: _Parsed, element: etree._Element, attribute: str, maximum: int
) -> int | None:
    text = element.get(attribute)
    if text is None:
        return None
    number = _integer(text)
    if number is None or abs(number) > maximum:
        _refuse(
            document,
            element,
            f"{attribute} is {shown(text)}, no whole number between -{maximum} and {maximum}",
        )
    return number


@lru_cache(maxsize=256)
def _integer(text: str) -> int | None:
    return int(text) if _WHOLE_NUMBER.fullmatch(text) else None


def _printed(document: _Parsed, element: etree._Element, declared: _Declarations) -> str:
    """The text inside the fact, of all its continuations too, without what is excluded."""
    text = _content(document, element)
    following = element.get("continuedAt")
    if following is None:
        return text
    pieces, seen = [text], set()
    while following is not None:
        found = declared.continuations.get(following)
        if found is None or following in seen:
            _refuse(
                document,
                element,
                f"the continuation {shown(following)} is {'a circle' if found else 'nowhere'}",
            )
        seen.add(following)
        pieces.append(_content(*found))
        following = found[1].get("continuedAt")
    return "".join(pieces)


def _content(document: _Parsed, element: etree._Element) -> str:
    if not len(element):
        return element.text or ""
    if document.has_excludes:
        return "".join(_included(element))
    return cast("str", _ALL_TEXT(element))


def _included(element: etree._Element) -> Iterator[str]:
    """The text below an element but for excluded parts, without recursion."""
    excluded = 0
    for event, node in etree.iterwalk(element, events=("start", "end")):
        excluded += (node.tag in _EXCLUDES) * (1 if event == "start" else -1)
        text = node.text if event == "start" else node.tail
        if text and not excluded and not (event == "end" and node is element):
            yield text


def _value(document: _Parsed, element: etree._Element, printed: str, scale: int) -> Decimal | None:
    """The exact value of a printed number; None where the tag is empty."""
    name = element.get("format")
    if name is not None:
        if not printed.strip(_SPACE) and "zero" not in name:
            # Filers leave tags empty and print the number beside them.
            _transform_of(document, element, name)
            return None
        digits = _transformed(document, element, name, printed).strip(_SPACE)
        if not digits:
            return None
        if not _NUMBER.fullmatch(digits):
            _refuse(document, element, f"as {shown(name)}, {shown(printed)} is no number")
    else:
        digits = printed.strip(_SPACE)
        if not digits:
            return None
        if not _UNFORMATTED.fullmatch(digits):
            _refuse(document, element, f"{shown(printed)} is no number, and no format is given")
        digits = digits.replace(",", "")
    if len(digits) > _MAXIMUM_DIGITS:
        _refuse(document, element, f"{shown(printed)} has more than {_MAXIMUM_DIGITS} digits")
    return _scaled(_signed(document, element, digits), scale)


def _signed(document: _Parsed, element: etree._Element, digits: str) -> str:
    sign = element.get("sign")
    if sign is None:
        return digits
    if sign != "-" or digits.startswith("-"):
        _refuse(document, element, f"the sign is {shown(sign)} on {shown(digits)}, not '-' once")
    return f"-{digits}"


def _scaled(digits: str, scale: int) -> Decimal:
    """Constructed from text, because that rounds nothing whatever the caller's precision is."""
    if scale <= 0:
        return Decimal(f"{digits}e{scale}") if scale else Decimal(digits)
    whole, _, fraction = digits.partition(".")
    moved = fraction[:scale].ljust(scale, "0")
    rest = fraction[scale:]
    return Decimal(f"{whole}{moved}.{rest}" if rest else f"{whole}{moved}")


def _transformed(document: _Parsed, element: etree._Element, name: str, printed: str) -> str:
    try:
        return _transform_of(document, element, name)(printed)
    except TransformError as error:
        _refuse(document, element, f"as {shown(name)}, {error}")


def _transform_of(document: _Parsed, element: etree._Element, name: str) -> Transform:
    known = document.formats.get(name)
    if known is None:
        try:
            known = transform(*_resolved(document, element, name))
        except TransformError as error:
            _refuse(document, element, str(error))
        if document.prefixes is not None:
            document.formats[name] = known
    return known


def _undeclared(
    document: _Parsed, element: etree._Element, attribute: str, reference: str | None
) -> NoReturn:
    _refuse(
        document,
        element,
        f"{attribute} is {shown(reference) if reference else 'missing'}, which no document of the "
        "set declares",
    )


def _refuse(document: _Parsed, element: etree._Element, why: str) -> NoReturn:
    raise FilingError(
        f"{place(document.source.name, element, element.get('name'))}: {why}; the filing is "
        "refused as a whole, look at the document"
    )
