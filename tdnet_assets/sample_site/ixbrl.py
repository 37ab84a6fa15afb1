"""Inline XBRL 1.0 in TDnet's dialect.

What belongs here: facts, contexts and units as markup. What does not: which facts a report holds
(``summary.py``, ``statements.py``, ``revision.py``).
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from typing import Literal

Unit = Literal["money", "percent", "per_share", "shares", "count"]

TAXONOMY = "http://www.xbrl.tdnet.info/taxonomy/jp/tse/tdnet/ed/t/2014-01-12"
REPORTS = "http://www.xbrl.tdnet.info/jp/tse/tdnet"

SUMMARY_AXES = {
    "FirstQuarterMember": "tse-ed-t:AnnualDividendPaymentScheduleAxis",
    "SecondQuarterMember": "tse-ed-t:AnnualDividendPaymentScheduleAxis",
    "ThirdQuarterMember": "tse-ed-t:AnnualDividendPaymentScheduleAxis",
    "YearEndMember": "tse-ed-t:AnnualDividendPaymentScheduleAxis",
    "AnnualMember": "tse-ed-t:AnnualDividendPaymentScheduleAxis",
    "ConsolidatedMember": "tse-ed-t:ConsolidatedNonconsolidatedAxis",
    "NonConsolidatedMember": "tse-ed-t:ConsolidatedNonconsolidatedAxis",
    "PreviousMember": "tse-ed-t:PreviousCurrentAxis",
    "CurrentMember": "tse-ed-t:PreviousCurrentAxis",
    "ResultMember": "tse-ed-t:ResultForecastAxis",
    "ForecastMember": "tse-ed-t:ResultForecastAxis",
    "UpperMember": "tse-ed-t:ResultForecastAxis",
    "LowerMember": "tse-ed-t:ResultForecastAxis",
}
STATEMENT_AXES = {"NonConsolidatedMember": "jppfs_cor:ConsolidatedOrNonConsolidatedAxis"}

_NAMESPACES = {
    "xmlns": "http://www.w3.org/1999/xhtml",
    "xmlns:ix": "http://www.xbrl.org/2008/inlineXBRL",
    "xmlns:ixt": "http://www.xbrl.org/inlineXBRL/transformation/2011-07-31",
    "xmlns:xbrli": "http://www.xbrl.org/2003/instance",
    "xmlns:xbrldi": "http://xbrl.org/2006/xbrldi",
    "xmlns:link": "http://www.xbrl.org/2003/linkbase",
    "xmlns:xlink": "http://www.w3.org/1999/xlink",
    "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "xmlns:iso4217": "http://www.xbrl.org/2003/iso4217",
}
_PER_SHARE = (
    "<xbrli:divide><xbrli:unitNumerator><xbrli:measure>iso4217:JPY</xbrli:measure>"
    "</xbrli:unitNumerator><xbrli:unitDenominator><xbrli:measure>xbrli:shares</xbrli:measure>"
    "</xbrli:unitDenominator></xbrli:divide>"
)
_MEASURES = {
    "JPY": "<xbrli:measure>iso4217:JPY</xbrli:measure>",
    "Pure": "<xbrli:measure>xbrli:pure</xbrli:measure>",
    "pure": "<xbrli:measure>xbrli:pure</xbrli:measure>",
    "JPYPerShares": _PER_SHARE,
    "Shares": "<xbrli:measure>xbrli:shares</xbrli:measure>",
}
_FULL_WIDTH_DIGITS = str.maketrans("0123456789", "０１２３４５６７８９")


@dataclass(frozen=True, slots=True)
class Span:
    """The period of a context, named as TDnet names it; without a start it is an instant."""

    label: str
    """e.g. CurrentYearDuration or PriorYearInstant."""
    end: dt.date
    start: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Vendor:
    """The habits of one maker of XBRL software."""

    byte_order_mark: bool
    crlf: bool
    closes_nil_itself: bool
    """``<ix:nonFraction … />`` instead of an empty pair of tags."""
    full_width_dates: bool


class InlineDocument:
    """One inline XBRL document, filled fact by fact."""

    def __init__(
        self,
        *,
        code: str,
        schema: str,
        prefixes: Mapping[str, str],
        axes: Mapping[str, str],
        vendor: Vendor,
        money_scale: int,
        pure: Literal["Pure", "pure"] = "Pure",
    ) -> None:
        """Begin a document.

        Args:
            code: the entity, five characters.
            schema: file name of the report's schema.
            prefixes: namespaces of its elements by prefix.
            axes: qualified axis of every member it uses.
            vendor: how it is written.
            money_scale: power of ten in which money is shown: 6 or 3.
            pure: how the unit of plain numbers is spelt.
        """
        self._code, self._schema, self._prefixes, self._axes = code, schema, prefixes, axes
        self._vendor = vendor
        self._units: dict[Unit, tuple[str, int, int]] = {
            "money": ("JPY", money_scale, -money_scale),
            "percent": (pure, -2, 3),
            "per_share": ("JPYPerShares", 0, 2),
            "shares": ("Shares", 0, 0),
            "count": (pure, 0, 0),
        }
        self._contexts: dict[str, str] = {}
        self._used_units: dict[str, str] = {}
        self._hidden: list[str] = []

    def number(
        self, element: str, value: Decimal | int | None, unit: Unit, span: Span, *members: str
    ) -> str:
        """A number as shown; None is nil, which is not zero.

        Args:
            element: qualified name.
            value: in the shown unit: money in its scale, percentages as 12.3, the rest as it is.
            unit: what is counted.
            span: the period.
            members: one of each axis that applies.
        """
        name, scale, decimals = self._units[unit]
        self._used_units[name] = _MEASURES[name]
        where = f'contextRef="{self.context(span, *members)}"'
        if value is None:
            return self._empty("nonFraction", f'{where} name="{element}" unitRef="{name}"')
        sign = ' sign="-"' if value < 0 else ""
        form = "" if unit == "count" else ' format="ixt:numdotdecimal"'
        return (
            f'{"△" if value < 0 else ""}<ix:nonFraction {where} decimals="{decimals}"{form} '
            f'name="{element}" scale="{scale}"{sign} unitRef="{name}">{abs(value):,}'
            "</ix:nonFraction>"
        )

    def text(self, element: str, value: str | None, span: Span, *members: str) -> str:
        """A text; None is nil."""
        where = f'contextRef="{self.context(span, *members)}" name="{element}"'
        if value is None:
            return self._empty("nonNumeric", where)
        return f"<ix:nonNumeric {where}>{escape(value, quote=False)}</ix:nonNumeric>"

    def block(self, element: str, markup: str, span: Span, *members: str) -> str:
        """A piece of the page, facts included, that is a fact itself."""
        where = f'contextRef="{self.context(span, *members)}" escape="true" name="{element}"'
        return f"<ix:nonNumeric {where}>{markup}</ix:nonNumeric>"

    def code_with_hidden_digit(self, element: str, span: Span) -> str:
        """The entity's code, whose last character readers do not see."""
        where = f'contextRef="{self.context(span)}" name="{element}"'
        return (
            f"<ix:nonNumeric {where}>{self._code[:4]}"
            f'<span style="display:none;">{self._code[4:]}</span></ix:nonNumeric>'
        )

    def flag(
        self,
        element: str,
        value: bool,
        shown: str,
        span: Span,
        *members: str,
    ) -> str:
        """A truth value behind a shown text, which may be empty."""
        where = f'contextRef="{self.context(span, *members)}"'
        attributes = f'{where} format="ixt:boolean{str(value).lower()}" name="{element}"'
        return f"<ix:nonNumeric {attributes}>{shown}</ix:nonNumeric>"

    def date(self, element: str, value: dt.date | None, span: Span) -> str:
        """A date in Japanese; None is nil, shown as a dash."""
        if value is None:
            return f"{self.text(element, None, span)}－"
        where = f'contextRef="{self.context(span)}" format="ixt:dateyearmonthdaycjk"'
        month, day = str(value.month), str(value.day)
        if self._vendor.full_width_dates:
            month, day = (
                part.translate(_FULL_WIDTH_DIGITS) if len(part) == 1 else part
                for part in (month, day)
            )
        shown = f"{value.year}年{month}月{day}日"
        return f'<ix:nonNumeric {where} name="{element}">{shown}</ix:nonNumeric>'

    def hide(self, fact: str) -> None:
        """Put a fact where readers do not see it."""
        self._hidden.append(fact)

    def context(self, span: Span, *members: str) -> str:
        """Id of the context, which the document then declares."""
        ordered = sorted(members, key=lambda member: self._axes[member])
        name = "_".join([span.label, *ordered])
        if name not in self._contexts:
            self._contexts[name] = self._context_markup(name, span, ordered)
        return name

    def rendered(self, title: str, body: str, *, declares: bool = True) -> bytes:
        """The document as a file.

        Args:
            title: of the page.
            body: markup with the facts.
            declares: whether this file of the report holds contexts, units and hidden facts.
        """
        namespaces = {**_NAMESPACES} | {f"xmlns:{key}": uri for key, uri in self._prefixes.items()}
        attributes = " ".join(f'{key}="{uri}"' for key, uri in namespaces.items())
        header = f'<div style="display:none">\n{self._header()}</div>\n' if declares else ""
        return written(
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<html {attributes}>\n<head>\n<title>{escape(title)}</title>\n"
            '<meta http-equiv="content-type" content="text/html; charset=utf-8"/>\n'
            '<style type="text/css">td{border:1px solid #000000}</style>'
            f"\n</head>\n<body>\n{body}{header}</body>\n</html>\n",
            self._vendor,
        )

    def _header(self) -> str:
        units = "".join(
            f'<xbrli:unit id="{name}">{measure}</xbrli:unit>\n'
            for name, measure in self._used_units.items()
        )
        hidden = "".join(f"{fact}\n" for fact in self._hidden)
        return (
            f"<ix:header>\n<ix:hidden>\n{hidden}</ix:hidden>\n"
            f'<ix:references>\n<link:schemaRef xlink:type="simple" xlink:href="{self._schema}"/>\n'
            f"</ix:references>\n<ix:resources>\n{''.join(self._contexts.values())}{units}"
            "</ix:resources>\n</ix:header>\n"
        )

    def _context_markup(self, name: str, span: Span, members: list[str]) -> str:
        period = (
            f"<xbrli:instant>{span.end}</xbrli:instant>"
            if span.start is None
            else f"<xbrli:startDate>{span.start}</xbrli:startDate>"
            f"<xbrli:endDate>{span.end}</xbrli:endDate>"
        )
        explicit = "".join(
            f'<xbrldi:explicitMember dimension="{self._axes[member]}">'
            f"{self._axes[member].partition(':')[0]}:{member}</xbrldi:explicitMember>"
            for member in members
        )
        scenario = f"<xbrli:scenario>{explicit}</xbrli:scenario>" if explicit else ""
        return (
            f'<xbrli:context id="{name}"><xbrli:entity>'
            f'<xbrli:identifier scheme="http://www.tse.or.jp/sicc">{self._code}</xbrli:identifier>'
            f"</xbrli:entity><xbrli:period>{period}</xbrli:period>{scenario}</xbrli:context>\n"
        )

    def _empty(self, tag: str, attributes: str) -> str:
        if self._vendor.closes_nil_itself:
            return f'<ix:{tag} {attributes} xsi:nil="true"/>'
        return f'<ix:{tag} {attributes} xsi:nil="true"></ix:{tag}>'


def table(rows: list[list[str]]) -> str:
    """A table of cells that are markup already."""
    lines = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>\n" for row in rows)
    return f"<table>\n{lines}</table>\n"


def paragraph(markup: str) -> str:
    """A paragraph of markup."""
    return f"<p>{markup}</p>\n"


def written(text: str, vendor: Vendor) -> bytes:
    """The text as the vendor's software writes files: UTF-8, with its line ends and its mark."""
    if vendor.crlf:
        text = text.replace("\n", "\r\n")
    return text.encode("utf-8-sig" if vendor.byte_order_mark else "utf-8")
