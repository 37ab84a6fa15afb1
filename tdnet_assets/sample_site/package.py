"""XBRL archives of the sample TDnet site, in the real ones' shape.

What belongs here: which files an archive holds, their names, and the linkbases around the reports.
What does not: the facts (``summary.py``, ``statements.py``,
``revision.py``).
"""

import datetime as dt
import io
import re
import zipfile
from html import escape

from tdnet_assets.sample_site.companies import Company
from tdnet_assets.sample_site.cover import DISCLAIMER
from tdnet_assets.sample_site.ixbrl import (
    REPORTS,
    STATEMENT_AXES,
    SUMMARY_AXES,
    TAXONOMY,
    InlineDocument,
    Vendor,
    paragraph,
    written,
)
from tdnet_assets.sample_site.periods import Period, reported_period
from tdnet_assets.sample_site.report import Report, vendor_of
from tdnet_assets.sample_site.revision import Revision, revision_kind
from tdnet_assets.sample_site.statements import (
    STATEMENT_PREFIXES,
    balance_sheet,
    hide_entity,
    profit_and_loss,
)
from tdnet_assets.sample_site.summary import summary_body
from tdnet_assets.sample_site.titles import earnings_title

_PERIOD_LETTER = {1: "q", 2: "s", 3: "q", 4: "a"}
# Since 2024 half-year reports have an entry point of their own.
_SUMMARY_SUFFIX = {1: "sm", 2: "sy", 3: "sm", 4: "sm"}
_STATEMENT_NUMBERS = {1: ("05", "06"), 2: ("05", "06"), 3: ("05", "06"), 4: ("04", "05")}
_MADE_BY_HAND = "<!-- XBRL document of an invented company -->"
_LINKBASE = (
    'xmlns="http://www.xbrl.org/2003/linkbase" xmlns:xbrldt="http://xbrl.org/2005/xbrldt" '
    'xmlns:xlink="http://www.w3.org/1999/xlink"'
)
_ARCROLES = "http://xbrl.org/int/dim/arcrole"
_ELEMENT = re.compile(rb'name="(\w[\w-]*):(\w+)"')


def earnings_archive(company: Company, day: dt.date, disclosure_id: str) -> bytes:
    """The archive of a 決算短信: the summary and its attachments in two folders."""
    period = reported_period(company.fiscal_month, day)
    vendor = vendor_of(company)
    family = f"{_PERIOD_LETTER[period.quarter]}{'c' if company.consolidated else 'n'}"
    kind = f"ed{company.standard}"
    number = _number(company, day, disclosure_id)
    name = f"tse-{family}{kind}{_SUMMARY_SUFFIX[period.quarter]}"
    base = f"{name}-{company.code}-{number}"
    namespace = (
        f"{REPORTS}/{family}/{kind}/{_SUMMARY_SUFFIX[period.quarter]}/{company.code}/{number}"
    )
    summary = _summary_document(
        company, vendor, f"{base}.xsd", {f"{name}-{company.code}": namespace}
    )
    report = Report(summary, company, period, day)
    document_name = re.sub(r"^.*?期[ 　]?(?=第|決)", "", earnings_title(company, period))
    inline = summary.rendered(document_name, summary_body(report, document_name))
    members = {
        f"XBRLData/Summary/{base}-ixbrl.htm": inline,
        f"XBRLData/Summary/{base}.xsd": _schema(namespace, [f"{base}-def.xml"], vendor),
        f"XBRLData/Summary/{base}-def.xml": _definitions(inline, vendor),
    }
    for file, data in _attachments(report, vendor, family, kind).items():
        members[f"XBRLData/Attachment/{file}"] = data
    return _packed(members, day)


def revision_archive(company: Company, day: dt.date, disclosure_id: str, title: str) -> bytes:
    """The archive of a revised forecast or dividend: three files and no folder."""
    kind, vendor = revision_kind(title), vendor_of(company)
    base = f"tse-{kind}-{company.code}-{disclosure_id}"
    namespace = f"{REPORTS}/{kind}/{company.code}/{disclosure_id}"
    prefixes = {f"tse-{kind}-{company.code}": namespace}
    document = _summary_document(company, vendor, f"{base}.xsd", prefixes)
    revision = Revision(document, company, filed_on=day, disclosure_id=disclosure_id, title=title)
    inline = document.rendered(title, revision.body())
    members = {
        f"{base}.xsd": _schema(namespace, [f"{base}-def.xml"], vendor),
        f"{base}-def.xml": _definitions(inline, vendor),
        f"{base}-ixbrl.htm": inline,
    }
    return _packed(members, day)


def _attachments(report: Report, vendor: Vendor, family: str, kind: str) -> dict[str, bytes]:
    company, period, filed_on = report.company, report.period, report.filed_on
    prefix = f"tse-{family}{kind}fr-{company.code}"
    base = f"{prefix}-{period.end}-01-{filed_on}"
    namespace = f"{REPORTS}/{family}/{kind}/fr/{company.code}/{period.end}/01/{filed_on}"
    first, second = _STATEMENT_NUMBERS[period.quarter]
    sheet_file = f"{first}00000-{family}bs01-{base}-ixbrl.htm"
    profit_file = f"{second}00000-{family}pl11-{base}-ixbrl.htm"
    document = InlineDocument(
        code=company.code,
        schema=f"{base}.xsd",
        prefixes={**STATEMENT_PREFIXES, prefix: namespace},
        axes=STATEMENT_AXES,
        vendor=vendor,
        money_scale=_money_scale(company),
        pure="pure",
    )
    hide_entity(report, document)
    profit = profit_and_loss(report, document)
    sheet = balance_sheet(report, document)
    # As in the real ones, one file of the set declares the contexts and units of all.
    linkbases = [f"{base}-{part}.xml" for part in ("cal", "def", "lab", "lab-en", "pre")]
    return {
        sheet_file: document.rendered("貸借対照表", sheet),
        profit_file: document.rendered("損益計算書", profit, declares=False),
        f"{base}.xsd": _schema(namespace, linkbases, vendor),
        **{file: _linkbase("", vendor) for file in linkbases},
        "manifest.xml": _manifest(base, f"{family}{kind}fr", [sheet_file, profit_file]),
        "index.txt": _index(company, [sheet_file, profit_file]),
        "qualitative.htm": _qualitative(company, period, vendor),
    }


def _summary_document(
    company: Company, vendor: Vendor, schema: str, prefixes: dict[str, str]
) -> InlineDocument:
    return InlineDocument(
        code=company.code,
        schema=schema,
        prefixes={"tse-ed-t": TAXONOMY, **prefixes},
        axes=SUMMARY_AXES,
        vendor=vendor,
        money_scale=_money_scale(company),
    )


def _number(company: Company, day: dt.date, disclosure_id: str) -> str:
    # Some software numbers by date and code, some by the disclosure.
    if vendor_of(company).full_width_dates:
        return f"{day:%Y%m%d}3{company.code}"
    return disclosure_id


def _money_scale(company: Company) -> int:
    return 3 if company.thousands else 6


def _schema(namespace: str, linkbases: list[str], vendor: Vendor) -> bytes:
    references = "".join(
        f'<link:linkbaseRef xlink:type="simple" xlink:href="{file}" '
        'xlink:arcrole="http://www.w3.org/1999/xlink/properties/linkbase"/>\n'
        for file in linkbases
    )
    return written(
        f'<?xml version="1.0" encoding="UTF-8"?>\n{_MADE_BY_HAND}\n'
        '<schema xmlns="http://www.w3.org/2001/XMLSchema" '
        'xmlns:link="http://www.xbrl.org/2003/linkbase" '
        'xmlns:xlink="http://www.w3.org/1999/xlink" attributeFormDefault="unqualified" '
        f'elementFormDefault="qualified" targetNamespace="{namespace}">\n'
        f"<annotation><appinfo>\n{references}</appinfo></annotation>\n"
        f'<import namespace="{TAXONOMY}" schemaLocation="{TAXONOMY}/tse-ed-t-2014-01-12.xsd"/>\n'
        "</schema>\n",
        vendor,
    )


def _definitions(inline: bytes, vendor: Vendor) -> bytes:
    """A definition linkbase that hangs every element of the report under one table."""
    elements = dict.fromkeys(
        name.decode() for prefix, name in _ELEMENT.findall(inline) if prefix == b"tse-ed-t"
    )
    heading, table, items = (
        f"DocumentEntityInformation{part}" for part in ("Heading", "Table", "LineItems")
    )
    located = "".join(_located(name) for name in (heading, table, items, *elements))
    arcs = _arc("all", heading, table, 1) + _arc("domain-member", heading, items, 2)
    arcs += "".join(
        _arc("domain-member", items, name, order) for order, name in enumerate(elements, start=1)
    )
    role = "http://www.xbrl.tdnet.info/jp/tse/tdnet/role/RoleDocumentEntityInformation"
    return _linkbase(
        f'<definitionLink xlink:type="extended" xlink:role="{role}">\n{located}{arcs}'
        "</definitionLink>\n",
        vendor,
    )


def _located(name: str) -> str:
    href = f"{TAXONOMY}/tse-ed-t-2014-01-12.xsd#tse-ed-t_{name}"
    return f'<loc xlink:type="locator" xlink:href="{href}" xlink:label="{name}"/>\n'


def _arc(arcrole: str, parent: str, child: str, order: int) -> str:
    dimensional = (
        ' xbrldt:closed="true" xbrldt:contextElement="scenario"' if arcrole == "all" else ""
    )
    return (
        f'<definitionArc xlink:type="arc" xlink:arcrole="{_ARCROLES}/{arcrole}" '
        f'xlink:from="{parent}" xlink:to="{child}" order="{order}.0"{dimensional}/>\n'
    )


def _linkbase(links: str, vendor: Vendor) -> bytes:
    return written(
        f'<?xml version="1.0" encoding="UTF-8"?>\n{_MADE_BY_HAND}\n'
        f"<linkbase {_LINKBASE}>\n{links}</linkbase>\n",
        vendor,
    )


def _manifest(base: str, identifier: str, files: list[str]) -> bytes:
    inline = "".join(f"      <ixbrl>{file}</ixbrl>\n" for file in files)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<manifest xmlns="http://disclosure.edinet-fsa.go.jp/2013/manifest">\n'
        '  <tocComposition>\n    <title xml:lang="ja">決算短信添付資料</title>\n'
        f'    <item ref="{identifier}" in="presentation"/>\n  </tocComposition>\n  <list>\n'
        f'    <instance id="{identifier}" type="Attachment" preferredFilename="{base}.xbrl">\n'
        f"{inline}    </instance>\n  </list>\n</manifest>\n"
    ).encode()


def _index(company: Company, files: list[str]) -> bytes:
    lines = [
        f"{name}　{file}" for name, file in zip(("貸借対照表", "損益計算書"), files, strict=True)
    ]
    text = "\n".join(
        ["【TDnet財務諸表本表】", "", "【提出書類】", *lines, "", f"【会社名】{company.name}", ""]
    )
    return text.replace("\n", "\r\n").encode("cp932")


def _qualitative(company: Company, period: Period, vendor: Vendor) -> bytes:
    text = f"{company.name}の{period.start}から{period.end}までの経営成績について。{DISCLAIMER}"
    return written(
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<html xmlns="http://www.w3.org/1999/xhtml">\n<head>\n<title>qualitative.htm</title>\n'
        f"</head>\n<body>\n{paragraph(escape(text))}</body>\n</html>\n",
        vendor,
    )


def _packed(members: dict[str, bytes], day: dt.date) -> bytes:
    """The files as a zip, stored and not deflated: zlib's output differs between machines."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, (day.year, day.month, day.day, 9, 0, 0)), data)
    return packed.getvalue()
