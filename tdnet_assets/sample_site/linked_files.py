"""The files behind the links of the sample TDnet site.

What belongs here: which file a disclosure has and what is in it. What does not: how a PDF is
written (``pdf.py``), and how an XBRL archive is (``package.py``).
"""

import datetime as dt

from tdnet_assets.sample_site.companies import company_of
from tdnet_assets.sample_site.day import SampleRow
from tdnet_assets.sample_site.package import earnings_archive, revision_archive
from tdnet_assets.sample_site.pdf import pdf
from tdnet_assets.sample_site.titles import EARNINGS_ARCHIVE


def filing(row: SampleRow, day: dt.date, name: str, *, pdf_bytes: int | None) -> bytes:
    """The bytes of one file of the disclosure; the same arguments give the same bytes anywhere.

    Args:
        row: the disclosure.
        day: the day whose list shows it.
        name: the row's ``pdf_name`` or ``xbrl_name``.
        pdf_bytes: exact size of a PDF; 1 to 3 KB when None.

    Raises:
        ValueError: the disclosure has no file of that name.
    """
    if name == row.pdf_name:
        return _disclosure_pdf(row, day, pdf_bytes)
    if name != row.xbrl_name:
        raise ValueError(f"disclosure {row.disclosure_id} has no file {name}")
    if name.startswith(EARNINGS_ARCHIVE):
        return earnings_archive(company_of(row.code), day, row.disclosure_id)
    return revision_archive(company_of(row.code), day, row.disclosure_id, row.first_title)


def _disclosure_pdf(row: SampleRow, day: dt.date, size: int | None) -> bytes:
    company = company_of(row.code)
    lines = [
        f"{day:%Y年%m月%d日} {row.time}",
        "各　位",
        f"会社名　{company.name}",
        f"コード番号　{row.code}",
        f"代表者名　代表取締役社長　{company.representative}",
        "",
        row.first_title,
        "",
        f"当社は、本日開催の取締役会において、「{row.first_title.strip()}」の件を決議いたしました。",
        "なお、本件が当社グループの当連結会計年度の業績に与える影響は軽微であると見込んでおります。",
        "",
        "この文書は見本です。会社、表題、数値はすべて架空のものです。",
        f"開示番号　{row.disclosure_id}",
    ]
    return pdf(lines, key=row.disclosure_id, size=size)
