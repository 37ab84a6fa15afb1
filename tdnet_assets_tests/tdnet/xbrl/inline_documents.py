"""Inline documents and archives written by hand, for what neither sample nor capture holds."""

import io
import zipfile

INLINE = "http://www.xbrl.org/2008/inlineXBRL"
INLINE_11 = "http://www.xbrl.org/2013/inlineXBRL"
REGISTRIES = "http://www.xbrl.org/inlineXBRL/transformation"
TAXONOMY = "http://www.xbrl.tdnet.info/taxonomy/jp/tse/tdnet/ed/t/2014-01-12"

DURATION = "<x:startDate>2025-04-01</x:startDate><x:endDate>2026-03-31</x:endDate>"
JPY = "<x:measure>c:JPY</x:measure>"


def context(identifier="Y", period=DURATION, scenario=""):
    return (
        f'<x:context id="{identifier}"><x:entity><x:identifier scheme="s">72030</x:identifier>'
        f"</x:entity><x:period>{period}</x:period>{scenario}</x:context>"
    )


def unit(identifier="JPY", content=JPY):
    return f'<x:unit id="{identifier}">{content}</x:unit>'


def document(body, resources=None, *, inline=INLINE, registry="2011-07-31", head=""):
    """A document; prefixes are unlike the usual ones on purpose."""
    if resources is None:
        resources = context() + unit()
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{head}<html xmlns="http://www.w3.org/1999/xhtml"'
        f' xmlns:i="{inline}" xmlns:f="{REGISTRIES}/{registry}" xmlns:t="{TAXONOMY}"'
        ' xmlns:x="http://www.xbrl.org/2003/instance" xmlns:d="http://xbrl.org/2006/xbrldi"'
        ' xmlns:c="http://www.xbrl.org/2003/iso4217" xmlns:n="http://www.w3.org/2001/XMLSchema-instance">'
        f"<body><i:header><i:resources>{resources}</i:resources></i:header>{body}</body></html>"
    ).encode()


def number(content="1,234", name="t:NetSales", **attributes):
    given = {"contextRef": "Y", "unitRef": "JPY", "format": "f:numdotdecimal"} | attributes
    return f'<i:nonFraction name="{name}"{_written(given)}>{content}</i:nonFraction>'


def text(content, name="t:Title", **attributes):
    given = {"contextRef": "Y"} | attributes
    return f'<i:nonNumeric name="{name}"{_written(given)}>{content}</i:nonNumeric>'


def _written(attributes):
    return "".join(f' {name}="{value}"' for name, value in attributes.items() if value is not None)


def packed(members):
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return body.getvalue()
