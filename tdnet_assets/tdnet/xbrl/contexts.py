"""Contexts and units: what a fact is about, and in what it is counted.

What belongs here: the ``xbrli:context`` and ``xbrli:unit`` elements of an inline document, read
from their content. Nothing but the label is taken from a context's id. What does not: the facts.
"""

import datetime as dt
import re
from collections.abc import Iterator
from typing import NamedTuple, cast

from lxml import etree

from tdnet_assets.tdnet.errors import FilingError, shown
from tdnet_assets.tdnet.xbrl.facts import Member

XBRLI = "http://www.xbrl.org/2003/instance"
CONTEXT, UNIT = f"{{{XBRLI}}}context", f"{{{XBRLI}}}unit"

# The axes with a column of their own, by local name in any version of any taxonomy.
_COLUMNS = {
    "ConsolidatedNonconsolidatedAxis": "consolidation",
    "ConsolidatedOrNonConsolidatedAxis": "consolidation",
    "ResultForecastAxis": "result_forecast",
    "PreviousCurrentAxis": "previous_current",
    "AnnualDividendPaymentScheduleAxis": "dividend_schedule",
}
_MEMBER_SUFFIX = "Member"

# Every fact repeats the names of what it refers to: short ones in real filings, up to 130
# characters and 4 dimensions, but a table of facts a thousand times longer is not to be had so.
MAXIMUM_NAME = 500
MAXIMUM_MEMBERS_OF_CONTEXT = 20

_PERIOD, _MEASURE, _DIVIDE = f"{{{XBRLI}}}period", f"{{{XBRLI}}}measure", f"{{{XBRLI}}}divide"
_NUMERATOR, _DENOMINATOR = f"{{{XBRLI}}}unitNumerator", f"{{{XBRLI}}}unitDenominator"
_SEGMENT, _SCENARIO = f"{{{XBRLI}}}segment", f"{{{XBRLI}}}scenario"
_INSTANT, _FOREVER = f"{{{XBRLI}}}instant", f"{{{XBRLI}}}forever"
_START, _END = f"{{{XBRLI}}}startDate", f"{{{XBRLI}}}endDate"
_EXPLICIT = "{http://xbrl.org/2006/xbrldi}explicitMember"
_TYPED = "{http://xbrl.org/2006/xbrldi}typedMember"
_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(T00:00:00(?:\.0+)?)?")


class Context(NamedTuple):
    """What facts are about; the attributes are those of :class:`Fact`, in its order."""

    context_id: str
    period_type: str
    period_start: dt.date | None
    period_end: dt.date | None
    period_label: str
    consolidation: str | None
    result_forecast: str | None
    previous_current: str | None
    dividend_schedule: str | None
    members: tuple[Member, ...]


def place(document: str, element: etree._Element, name: str | None = None) -> str:
    """Where in a filing something was seen, for the start of a message."""
    shown_name = etree.QName(element).localname if name is None else name
    return f"{shown(document)}, line {element.sourceline}, {shown(shown_name)}"


def read_context(document: str, element: etree._Element) -> Context:
    """A context from its ``xbrli:context``.

    Raises:
        FilingError: it has no period, a date that is none, a dimension without a name, or more of
            names and dimensions than any filing has.
    """
    context_id = element.get("id") or ""
    period_type, start, end = _read_period(document, element)
    columns: dict[str, str] = {}
    members: list[Member] = []
    for axis, member, is_typed in _read_members(document, element):
        _check_names(document, element, axis, member)
        column = None if is_typed else _COLUMNS.get(axis)
        if column is None or column in columns:
            members.append(Member(axis=axis, member=member, is_typed=is_typed))
        else:
            columns[column] = member.removesuffix(_MEMBER_SUFFIX)
    _check_names(document, element, context_id)
    if len(members) > MAXIMUM_MEMBERS_OF_CONTEXT:
        raise FilingError(
            f"{place(document, element)} has {len(members):,} dimensions, more than "
            f"{MAXIMUM_MEMBERS_OF_CONTEXT}"
        )
    return Context(
        context_id=context_id,
        period_type=period_type,
        period_start=start,
        period_end=end,
        period_label=context_id.partition("_")[0],
        consolidation=columns.get("consolidation"),
        result_forecast=columns.get("result_forecast"),
        previous_current=columns.get("previous_current"),
        dividend_schedule=columns.get("dividend_schedule"),
        members=tuple(sorted(members, key=lambda member: (member.axis, member.member))),
    )


def read_unit(document: str, element: etree._Element) -> str:
    """Spelling of an ``xbrli:unit``: ``JPY``, ``JPY/shares``, or ``JPY*shares``.

    Raises:
        FilingError: it has no measure, or a longer one than any filing has.
    """
    divide = element.find(_DIVIDE)
    if divide is None:
        unit = _product(document, element, element)
    else:
        numerator, denominator = (divide.find(part) for part in (_NUMERATOR, _DENOMINATOR))
        unit = (
            f"{_product(document, element, numerator)}/{_product(document, element, denominator)}"
        )
    _check_names(document, element, unit)
    return unit


def _read_period(
    document: str, context: etree._Element
) -> tuple[str, dt.date | None, dt.date | None]:
    # By hand, because a path costs ten times as much and a filing has hundreds of these.
    parts = {part.tag: part for child in context if child.tag == _PERIOD for part in child}
    if _INSTANT in parts:
        return "instant", None, _read_day(document, context, parts[_INSTANT], ends=True)
    if _START in parts and _END in parts:
        return (
            "duration",
            _read_day(document, context, parts[_START], ends=False),
            _read_day(document, context, parts[_END], ends=True),
        )
    if _FOREVER in parts:
        return "forever", None, None
    raise FilingError(f"{place(document, context, context.get('id'))}: the context has no period")


def _read_day(
    document: str, context: etree._Element, element: etree._Element, *, ends: bool
) -> dt.date:
    text = (element.text or "").strip()
    found = _DATE.fullmatch(text)
    try:
        if not found:
            raise ValueError(text)  # noqa: TRY301 - one refusal for both ways of being no date
        day = dt.date.fromisoformat(found[1])
        # Midnight is the end of the day before it where something ends.
        return day - dt.timedelta(days=1) if ends and found[2] else day
    except (ValueError, OverflowError):
        raise FilingError(
            f"{place(document, element)} of the context {shown(context.get('id') or '')}: "
            f"{shown(text)} is no date like 2025-03-31"
        ) from None


def _read_members(document: str, context: etree._Element) -> Iterator[tuple[str, str, bool]]:
    """Axis, member, and whether it is typed, of each dimension."""
    for container in context.iter(_SEGMENT, _SCENARIO):
        for child in container:
            tag = child.tag
            if tag == _EXPLICIT:
                yield _axis(document, child), _local_name((child.text or "").strip()), False
            elif tag == _TYPED:
                yield _axis(document, child), _whole_text(child), True
            else:  # not of the dimensional kind, but it tells this context from others
                yield etree.QName(child).localname, _whole_text(child), True


def _whole_text(element: etree._Element) -> str:
    return "".join(cast("Iterator[str]", element.itertext())).strip()


def _axis(document: str, element: etree._Element) -> str:
    dimension = element.get("dimension")
    if not dimension:
        raise FilingError(f"{place(document, element)} has no dimension")
    return _local_name(dimension.strip())


def _check_names(document: str, element: etree._Element, *names: str) -> None:
    for name in names:
        if len(name) > MAXIMUM_NAME:
            raise FilingError(
                f"{place(document, element)} has a name of {len(name):,} characters, "
                f"{shown(name)}, more than {MAXIMUM_NAME}"
            )


def _local_name(qualified: str) -> str:
    return qualified.rpartition(":")[2]


def _product(document: str, unit: etree._Element, part: etree._Element | None) -> str:
    measures = [] if part is None else [measure.text or "" for measure in part.iterfind(_MEASURE)]
    names = [_local_name(measure.strip()) for measure in measures]
    if not names or not all(names):
        raise FilingError(f"{place(document, unit, unit.get('id'))}: the unit has no measure")
    return "*".join(names)
