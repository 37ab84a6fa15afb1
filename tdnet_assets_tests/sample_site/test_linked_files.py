import csv
import dataclasses
import datetime as dt
import io
import re
import xml.etree.ElementTree as ET
import zipfile
import zlib
from collections import Counter
from decimal import Decimal
from functools import cached_property
from pathlib import Path

import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tdnet_assets.sample_site.companies import Company, company_of
from tdnet_assets.sample_site.day import SampleRow, planned_day
from tdnet_assets.sample_site.figures import change_rate, dividends, figures
from tdnet_assets.sample_site.linked_files import filing
from tdnet_assets.sample_site.pdf import blank_pdf, pdf
from tdnet_assets.sample_site.periods import Period
from tdnet_assets.sample_site.summary import PARENT_RESULTS

SHARED = Path(__file__).parents[3] / "shared"
IX = "{http://www.xbrl.org/2008/inlineXBRL}"
XBRLI = "{http://www.xbrl.org/2003/instance}"
XBRLDI = "{http://xbrl.org/2006/xbrldi}"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
DAYS = (dt.date(2026, 2, 13), dt.date(2026, 5, 14), dt.date(2026, 11, 10))


@dataclasses.dataclass
class Fact:
    """One inline fact, read independently of the code that wrote it."""

    name: str
    context: str
    period: tuple[str, ...]
    members: frozenset[str]
    unit: str | None
    value: Decimal | str | None
    is_number: bool
    scale: int


@dataclasses.dataclass
class Archive:
    row: SampleRow
    day: dt.date
    files: dict[str, bytes]

    @property
    def company(self) -> Company:
        return company_of(self.row.code)

    @cached_property
    def summary(self) -> list[Fact]:
        return facts_of(self.inline("XBRLData/Summary/"))

    @cached_property
    def group(self) -> list[Fact]:
        """The summary without the parent's own figures, which stand beside the group's."""
        if not self.company.consolidated:
            return self.summary
        parents = {*PARENT_RESULTS, *(f"ChangeIn{name}" for name in PARENT_RESULTS)}
        parents |= {"TotalAssets", "NetAssets", "OwnersEquity", "CapitalAdequacyRatio"}
        return [
            fact
            for fact in self.summary
            if fact.name not in parents or "NonConsolidatedMember" not in fact.members
        ]

    @cached_property
    def attachment(self) -> list[Fact]:
        return facts_of(self.inline("XBRLData/Attachment/"))

    @cached_property
    def flat(self) -> list[Fact]:
        return facts_of(self.inline(""))

    def inline(self, folder: str) -> dict[str, bytes]:
        return {
            name: data
            for name, data in self.files.items()
            if name.startswith(folder) and name.endswith("-ixbrl.htm")
        }


def archives(day: dt.date, prefix: str) -> list[Archive]:
    rows = [plan.row for plan in planned_day(day, 200, 0, changes=False).values()]
    found = []
    for row in rows:
        if row.xbrl_name and row.xbrl_name.startswith(prefix):
            data = filing(row, day, row.xbrl_name, pdf_bytes=None)
            with zipfile.ZipFile(io.BytesIO(data)) as packed:
                found.append(
                    Archive(row, day, {name: packed.read(name) for name in packed.namelist()})
                )
    return found


@pytest.fixture(scope="module")
def earnings() -> list[Archive]:
    return [archive for day in DAYS for archive in archives(day, "0812")]


@pytest.fixture(scope="module")
def revisions() -> list[Archive]:
    return [archive for day in DAYS for archive in archives(day, "0912")]


def facts_of(files: dict[str, bytes]) -> list[Fact]:
    trees = [ET.fromstring(data) for data in files.values()]  # noqa: S314 - our own files
    contexts = {node.get("id"): node for tree in trees for node in tree.iter(f"{XBRLI}context")}
    units = {node.get("id") for tree in trees for node in tree.iter(f"{XBRLI}unit")}
    facts = []
    for tree in trees:
        for node in tree.iter():
            if node.tag not in (f"{IX}nonFraction", f"{IX}nonNumeric"):
                continue
            context = contexts[node.attrib["contextRef"]]
            period = context.find(f"{XBRLI}period")
            assert period is not None
            is_number = node.tag == f"{IX}nonFraction"
            if is_number:
                assert node.get("unitRef") in units
            facts.append(
                Fact(
                    name=node.attrib["name"].partition(":")[2],
                    context=node.attrib["contextRef"],
                    period=tuple(part.text or "" for part in period),
                    members=frozenset(
                        (member.text or "").partition(":")[2]
                        for member in context.iter(f"{XBRLDI}explicitMember")
                    ),
                    unit=node.get("unitRef"),
                    value=value_of(node, is_number=is_number),
                    is_number=is_number,
                    scale=int(node.get("scale", "0")),
                )
            )
    return facts


def value_of(node: ET.Element, *, is_number: bool) -> Decimal | str | None:
    if node.get(NIL) == "true":
        assert not node.get("format")
        assert not "".join(node.itertext())
        return None
    text = "".join(node.itertext())
    if not is_number:
        return text
    value = Decimal(text.replace(",", "")).scaleb(int(node.get("scale", "0")))
    return -value if node.get("sign") == "-" else value


def numbers(facts: list[Fact]) -> dict[tuple[str, str], Decimal]:
    return {
        (fact.name, fact.context): fact.value for fact in facts if isinstance(fact.value, Decimal)
    }


def rate(now: Decimal, before: Decimal) -> Decimal | None:
    if before <= 0 or now < 0:
        return None
    share = ((now - before) / before).quantize(Decimal("0.001"), "ROUND_HALF_UP")
    return share if abs(share) < 10 else None


@pytest.mark.parametrize("size", [None, 4096, 50_000, 200_000])
def test_a_pdf_opens_and_its_text_can_be_read(size: int | None):
    row = SampleRow(
        disclosure_id="20260213500001",
        time="15:30",
        code="141A0",
        company_name="Ｇ－霧笛ラボ",
        title="別の表題",
        previous_title=None,
        state="active",
        pdf_name="140120260213500001.pdf",
        xbrl_name=None,
        place="東",
        history="",
        first_title="2026年３月期　決算短信〔日本基準〕(連結) R&D ～",
    )
    data = filing(row, DAYS[0], row.pdf_name, pdf_bytes=size)
    document = pypdfium2.PdfDocument(data)
    text = document[0].get_textpage().get_text_bounded()
    assert len(document) == 1
    assert row.first_title in text
    assert company_of("141A0").name in text
    assert "2026年02月13日 15:30" in text
    assert len(data) == size if size else 1_000 < len(data) < 3_000


def test_padding_is_each_files_own_and_does_not_compress():
    one, other = pdf(["表題"], key="1", size=200_000), pdf(["表題"], key="2", size=200_000)
    assert one != other
    assert len(zlib.compress(one)) > 190_000


@given(size=st.integers(1_600, 120_000))
@settings(max_examples=settings().max_examples * 6 // 10)
def test_a_padded_pdf_has_any_exact_size_and_still_opens(size: int):
    data = pdf(["架空の会社"], key=str(size), size=size)
    assert len(data) == size
    assert len(pypdfium2.PdfDocument(data)) == 1


@pytest.mark.parametrize("data", [pdf(["表題"], key="1"), pdf(["表題"], key="1", size=9_999)])
def test_the_cross_reference_table_of_a_pdf_points_at_its_objects(data: bytes):
    # Readers mend a wrong table in silence, so that opening the file does not show it.
    start = int(re.findall(rb"startxref\n(\d+)\n", data)[0])
    table = re.match(rb"xref\n0 (\d+)\n0000000000 65535 f \n((?:\d{10} 00000 n \n)+)", data[start:])
    assert table is not None
    offsets = [int(line[:10]) for line in table[2].splitlines()]
    assert int(table[1]) == len(offsets) + 1
    assert b"/Size %d /Root" % (len(offsets) + 1) in data
    for number, offset in enumerate(offsets, start=1):
        assert data[offset:].startswith(b"%d 0 obj\n" % number)


def test_a_pdf_smaller_than_its_text_is_refused():
    with pytest.raises(ValueError, match="takes at least"):
        pdf(["架空の会社"], key="1", size=800)


def test_a_blank_pdf_of_six_hundred_bytes_opens():
    assert len(blank_pdf(600)) == 600
    assert len(pypdfium2.PdfDocument(blank_pdf(600))) == 1


def test_a_name_that_the_disclosure_does_not_have_is_refused():
    row = next(iter(planned_day(DAYS[0], 1, 0, changes=False).values())).row
    with pytest.raises(ValueError, match=r"has no file other\.pdf"):
        filing(row, DAYS[0], "other.pdf", pdf_bytes=None)


def test_every_file_of_every_archive_is_well_formed(
    earnings: list[Archive], revisions: list[Archive]
):
    for archive in earnings + revisions:
        for name, data in archive.files.items():
            if name.endswith(".txt"):
                assert archive.company.name in data.decode("cp932")
            else:
                ET.fromstring(data)  # noqa: S314 - our own files


def test_the_text_of_every_inline_document_stands_in_paragraphs_and_tables(
    earnings: list[Archive], revisions: list[Archive]
):
    for archive in earnings + revisions:
        for data in archive.inline("").values():
            body = ET.fromstring(data).find("{http://www.w3.org/1999/xhtml}body")  # noqa: S314
            assert body is not None
            assert "".join([body.text or "", *(part.tail or "" for part in body)]).split() == []


def test_an_earnings_archive_has_the_real_folders_and_file_names(earnings: list[Archive]):
    for archive in earnings:
        code = archive.row.code
        summary = [name for name in archive.files if name.startswith("XBRLData/Summary/")]
        patterns = [
            rf"tse-[aqs][cn]ed(jp|if)s[my]-{code}-20\d{{6}}\w{{6}}{part}"
            for part in (r"-ixbrl\.htm", r"\.xsd", r"-def\.xml")
        ]
        assert all(
            re.fullmatch(pattern, name.removeprefix("XBRLData/Summary/"))
            for pattern, name in zip(patterns, summary, strict=True)
        )
        attached = [
            name.removeprefix("XBRLData/Attachment/")
            for name in archive.files
            if name.startswith("XBRLData/Attachment/")
        ]
        assert {"manifest.xml", "index.txt", "qualitative.htm"} <= set(attached)
        statements = [name for name in attached if name.endswith("-ixbrl.htm")]
        assert len(statements) == 2
        for name, kind in zip(statements, ("bs01", "pl11"), strict=True):
            assert re.fullmatch(
                rf"0\d00000-[aqs][cn]{kind}-tse-[aqs][cn]ed(jp|if)fr-{code}-"
                rf"\d{{4}}-\d\d-\d\d-01-{archive.day}-ixbrl\.htm",
                name,
            )
        assert len(archive.files) == 3 + 11


def test_the_manifest_lists_the_inline_files_of_the_attachment(earnings: list[Archive]):
    for archive in earnings:
        manifest = ET.fromstring(archive.files["XBRLData/Attachment/manifest.xml"])  # noqa: S314
        listed = [
            f"XBRLData/Attachment/{node.text}"
            for node in manifest.iter("{http://disclosure.edinet-fsa.go.jp/2013/manifest}ixbrl")
        ]
        assert listed == list(archive.inline("XBRLData/Attachment/"))


def test_a_revision_archive_is_flat(revisions: list[Archive]):
    kinds = Counter()
    for archive in revisions:
        kind = "rvdf" if "配当" in archive.row.title and "業績" not in archive.row.title else "rvfc"
        kinds[kind] += 1
        base = f"tse-{kind}-{archive.row.code}-{archive.row.disclosure_id}"
        assert list(archive.files) == [f"{base}.xsd", f"{base}-def.xml", f"{base}-ixbrl.htm"]
    assert kinds["rvfc"] >= 10
    assert kinds["rvdf"] >= 3


def test_all_variants_of_reports_occur(earnings: list[Archive]):
    names = [next(iter(archive.inline("XBRLData/Summary/"))) for archive in earnings]
    kinds = {re.search(r"tse-(\w)(\w)ed(\w\w)(\w\w)-", name).groups() for name in names}  # type: ignore[union-attr]
    assert {kind[0] for kind in kinds} == {"a", "q", "s"}
    assert {kind[1] for kind in kinds} == {"c", "n"}
    assert {kind[2] for kind in kinds} == {"jp", "if"}
    assert {kind[3] for kind in kinds if kind[0] == "s"} == {"sy"}
    summaries = [
        data for archive in earnings for data in archive.inline("XBRLData/Summary/").values()
    ]
    assert {data.startswith(b"\xef\xbb\xbf") for data in summaries} == {True, False}
    assert {b"\r\n" in data for data in summaries} == {True, False}
    assert {b'xsi:nil="true"/>' in data for data in summaries} == {True, False}
    assert {b'xsi:nil="true"></ix:nonFraction>' in data for data in summaries} == {True, False}
    assert {b'scale="3"' in data for data in summaries} == {True, False}


def test_every_element_is_a_concrete_one_of_the_taxonomy_with_the_right_period_and_unit(
    earnings: list[Archive], revisions: list[Archive]
):
    path = SHARED / "tse-ed-t-2014-01-12-elements.csv"
    if not path.exists():
        pytest.skip(f"the list of elements {path} is not on this machine")
    with path.open(encoding="utf-8-sig", newline="") as file:
        taxonomy = {row["name"]: row for row in csv.DictReader(file)}
    units = {
        "monetaryItemType": "JPY",
        "percentage1ItemType": "Pure",
        "perShareItemType": "JPYPerShares",
        "sharesItemType": "Shares",
        "nonNegativeIntegerItemType": "Pure",
    }
    documents = [archive.summary for archive in earnings]
    documents += [archive.flat for archive in revisions]
    for document in documents:
        for fact in document:
            element = taxonomy[fact.name]
            assert element["abstract"] == "false", fact
            assert (element["period_type"] == "instant") == (len(fact.period) == 1), fact
            assert fact.unit == units.get(element["type"]), fact


def test_no_fact_is_given_twice(earnings: list[Archive], revisions: list[Archive]):
    documents = [archive.summary for archive in earnings]
    documents += [archive.attachment for archive in earnings]
    documents += [archive.flat for archive in revisions]
    for document in documents:
        counts = Counter((fact.name, fact.context) for fact in document)
        assert [key for key, count in counts.items() if count > 1] == []


def test_contexts_are_named_after_their_period_and_members_in_the_order_of_the_axes(
    earnings: list[Archive], revisions: list[Archive]
):
    documents = [archive.summary for archive in earnings]
    documents += [archive.flat for archive in revisions]
    pattern = (
        r"(Current|Prior|Next)(Year|AccumulatedQ[123])(Duration|Instant)"
        r"(_(First|Second|Third)QuarterMember|_YearEndMember|_AnnualMember)?"
        r"(_(Non)?ConsolidatedMember)?(_(Previous|Current)Member)?"
        r"(_(Result|Forecast|Upper|Lower)Member)?"
    )
    for document in documents:
        for fact in document:
            assert re.fullmatch(pattern, fact.context), fact.context
            assert fact.members == set(fact.context.split("_")[1:])


def test_a_summary_has_the_facts_of_a_real_one(earnings: list[Archive]):
    for archive in earnings:
        facts = archive.summary
        assert len(facts) >= 100
        assert sum(fact.is_number for fact in facts) >= 59
        assert sum(fact.value is None for fact in facts) >= 30
        by_name = {fact.name: fact.value for fact in facts}
        assert by_name["SecuritiesCode"] == archive.row.code
        assert by_name["CompanyName"] == archive.company.name
        assert str(by_name["DocumentName"]).replace(" ", "") in archive.row.title.replace(" ", "")


def test_change_rates_agree_with_the_amounts(earnings: list[Archive]):
    checked = 0
    for archive in earnings:
        facts = numbers(archive.summary)
        for (name, context), change in facts.items():
            if not name.startswith("ChangeIn") or "Current" not in context.split("_")[0]:
                continue
            if "ResultMember" not in context:
                continue
            element = name.removeprefix("ChangeIn")
            before = facts[element, context.replace("Current", "Prior", 1)]
            assert change == rate(facts[element, context], before), (archive.row, name)
            checked += 1
    assert checked > 200


def test_forecast_changes_agree_with_the_figures_of_the_year_before(earnings: list[Archive]):
    checked = 0
    for archive in earnings:
        facts = numbers(archive.summary)
        for (name, context), change in facts.items():
            if name.startswith("ChangeIn") and context.startswith("NextYearDuration"):
                element = name.removeprefix("ChangeIn")
                result = context.replace("Next", "Current").replace("Forecast", "Result")
                assert change == rate(facts[element, context], facts[element, result])
                checked += 1
    assert checked > 50


def test_balance_ratios_and_per_share_figures_agree(earnings: list[Archive]):
    for archive in earnings:
        facts = numbers(archive.group)
        names = (
            (
                "TotalAssetsIFRS",
                "TotalEquityIFRS",
                "EquityAttributableToOwnersOfParentIFRS",
                "EquityAttributableToOwnersOfParentToTotalAssetsRatioIFRS",
            )
            if archive.company.standard == "if"
            else ("TotalAssets", "NetAssets", "OwnersEquity", "CapitalAdequacyRatio")
        )
        at_end = [
            context for name, context in facts if name == names[0] and context.startswith("Current")
        ]
        assert len(at_end) == 1
        assets, net, owners, ratio = (facts[name, at_end[0]] for name in names)
        assert ratio == (owners / assets).quantize(Decimal("0.001"), "ROUND_HALF_UP")
        assert owners <= net < assets
        per_share = (
            "BasicEarningsPerShareIFRS" if archive.company.standard == "if" else "NetIncomePerShare"
        )
        profits = [
            (name, context)
            for name, context in facts
            if name
            in {
                "ProfitAttributableToOwnersOfParent",
                "NetIncome",
                "ProfitAttributableToOwnersOfParentIFRS",
            }
            and context.startswith("Current")
            and "ResultMember" in context
        ]
        (profit,) = profits
        shares = next(
            value
            for (name, context), value in facts.items()
            if name == "AverageNumberOfShares" and context.startswith("Current")
        )
        expected = (facts[profit] / shares).quantize(Decimal("0.01"), "ROUND_HALF_UP")
        assert facts[per_share, profit[1]] == expected


def test_dividends_add_up_and_belong_to_the_company_alone(earnings: list[Archive]):
    for archive in earnings:
        facts = [fact for fact in archive.summary if fact.name == "DividendPerShare"]
        assert all("NonConsolidatedMember" in fact.members for fact in facts)
        prior = {
            fact.context.split("_")[1]: fact.value
            for fact in facts
            if fact.context.startswith("PriorYear") and fact.value is not None
        }
        assert prior["AnnualMember"] == prior["SecondQuarterMember"] + prior["YearEndMember"]  # type: ignore[operator]
        assert set(prior) == {"AnnualMember", "SecondQuarterMember", "YearEndMember"}


def test_cash_flows_explain_the_change_of_cash(earnings: list[Archive]):
    checked = 0
    for archive in earnings:
        facts = numbers(archive.summary)
        flows = sum(
            value
            for (name, context), value in facts.items()
            if name.startswith("CashFlowsFrom") and context.startswith("CurrentYear")
        )
        cash = {
            context.split("Year")[0]: value
            for (name, context), value in facts.items()
            if name in {"CashAndEquivalentsEndOfPeriod", "CashAndCashEquivalentsAtEndOfPeriodIFRS"}
        }
        if cash:
            assert cash["Current"] - cash["Prior"] == flows
            checked += 1
    assert checked > 10


def test_the_attached_statements_have_the_summarys_figures(earnings: list[Archive]):
    pairs = {
        "jp": {
            "Assets": "TotalAssets",
            "NetAssets": "NetAssets",
            "OperatingIncome": "OperatingIncome",
            "OrdinaryIncome": "OrdinaryIncome",
        },
        "if": {
            "AssetsIFRS": "TotalAssetsIFRS",
            "EquityIFRS": "TotalEquityIFRS",
            "OperatingProfitLossIFRS": "OperatingIncomeIFRS",
            "ProfitLossBeforeTaxIFRS": "ProfitBeforeTaxIFRS",
        },
    }
    for archive in earnings:
        attached = archive.attachment
        ours = {(fact.name, fact.period): fact.value for fact in attached if fact.is_number}
        summary = {
            (fact.name, fact.period): fact.value
            for fact in archive.group
            if "ResultMember" in fact.members
        }
        for name, other in pairs[archive.company.standard].items():
            shared = [period for element, period in ours if element == name]
            assert len(shared) == 2
            for period in shared:
                assert ours[name, period] == summary[other, period]


def test_the_attached_statements_add_up(earnings: list[Archive]):
    for archive in earnings:
        if archive.company.standard == "if":
            continue
        books = numbers(archive.attachment)
        for name, context in list(books):
            if name == "Assets":
                get = {key: value for (key, where), value in books.items() if where == context}
                assert get["CurrentAssets"] + get["NoncurrentAssets"] == get["Assets"]
                assert get["Liabilities"] + get["NetAssets"] == get["LiabilitiesAndNetAssets"]
                assert get["LiabilitiesAndNetAssets"] == get["Assets"]
                assert (
                    get["ShareholdersEquity"]
                    + get["ValuationAndTranslationAdjustments"]
                    + get.get("NonControllingInterests", 0)
                    == get["NetAssets"]
                )
            if name == "GrossProfit":
                get = {key: value for (key, where), value in books.items() if where == context}
                overheads = get["SellingGeneralAndAdministrativeExpenses"]
                assert get["GrossProfit"] - overheads == get["OperatingIncome"]
                assert get["IncomeBeforeIncomeTaxes"] - get["IncomeTaxes"] == get["ProfitLoss"]


def test_only_the_first_attached_statement_declares_contexts(earnings: list[Archive]):
    for archive in earnings:
        first, second = archive.inline("XBRLData/Attachment/").values()
        assert b"<ix:header>" in first
        assert b"<ix:header>" not in second
        assert b"<xbrli:context" not in second


def test_a_revision_holds_old_new_and_their_difference(revisions: list[Archive]):
    checked, ranges, halves = 0, 0, 0
    for archive in revisions:
        facts = numbers(archive.flat)
        halves += any("AccumulatedQ2" in context for _, context in facts)
        for (name, context), change in facts.items():
            if not name.startswith("AmountChange"):
                continue
            element = name.removeprefix("AmountChange")
            old_context = re.sub("(Forecast|Lower|Upper)Member$", "ForecastMember", context)
            old_context = old_context.replace("_CurrentMember", "_PreviousMember")
            old, new = facts[element, old_context], facts[element, context]
            assert change == new - old
            assert facts.get((f"ChangeIn{element}", context)) == rate(new, old)
            ranges += context.endswith("UpperMember")
            checked += 1
    assert checked > 50
    assert ranges > 0
    assert halves > 0


def test_a_range_has_its_ends_and_no_middle(revisions: list[Archive]):
    for archive in revisions:
        facts = numbers(archive.flat)
        for name, context in facts:
            if context.endswith("UpperMember"):
                lower = context.replace("UpperMember", "LowerMember")
                middle = context.replace("UpperMember", "ForecastMember")
                assert (name, middle) not in facts
                if not name.startswith(("Change", "Amount")):
                    assert facts[name, lower] < facts[name, context]


def test_a_dividend_revision_tells_old_new_and_last_years_dividends(revisions: list[Archive]):
    dividend_revisions = [
        archive for archive in revisions if "tse-rvdf" in next(iter(archive.files))
    ]
    for archive in dividend_revisions:
        facts = archive.flat
        by_context = {fact.context: fact.value for fact in facts if fact.name == "DividendPerShare"}
        annual = "CurrentYearDuration_AnnualMember_NonConsolidatedMember"
        assert isinstance(by_context[f"{annual}_PreviousMember_ForecastMember"], Decimal)
        assert isinstance(by_context[f"{annual}_CurrentMember_ForecastMember"], Decimal)
        told = {
            when: by_context[
                f"PriorYearDuration_{when}Member_NonConsolidatedMember_CurrentMember_ResultMember"
            ]
            for when in ("SecondQuarter", "YearEnd", "Annual")
        }
        year = max(int(fact.period[1][:4]) for fact in facts if len(fact.period) == 2)
        paid = dividends(archive.company, year - 1)
        assert told == {
            "SecondQuarter": paid.second_quarter,
            "YearEnd": paid.year_end,
            "Annual": paid.annual,
        }
        dates = [fact for fact in facts if fact.name == "ReportingDateOfDividendForecastCorrection"]
        assert len(dates) == 1


@given(
    code=st.sampled_from(["141A0", "17000", "25550", "49800", "72030", "99990"]),
    year=st.integers(2018, 2032),
    quarter=st.integers(1, 4),
)
@settings(max_examples=settings().max_examples * 6 // 10)
def test_the_books_of_any_company_and_period_balance(code: str, year: int, quarter: int):
    books = figures(company_of(code), Period(dt.date(year, 3, 31), quarter))
    assert books.net_sales > 0
    assert books.total_assets == books.liabilities + books.net_assets
    assert (
        books.capital_stock
        + books.capital_surplus
        + books.retained_earnings
        + books.treasury_stock
        + books.valuation_differences
        + books.minority_interests
        == books.net_assets
    )
    assets = (
        books.cash,
        books.receivables,
        books.inventories,
        books.other_current_assets,
        books.tangible_assets,
        books.intangible_assets,
        books.investments,
    )
    debts = (
        books.payables,
        books.short_loans,
        books.other_current_liabilities,
        books.long_loans,
        books.other_long_liabilities,
    )
    assert 0 < min(assets) < max(assets) < books.total_assets / 2
    assert 0 < min(debts) < max(debts) < books.liabilities / 2


@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [
        (110, 100, Decimal("10.0")),
        (100, 110, Decimal("-9.1")),
        (100, 0, None),
        (100, -5, None),
        (-1, 100, None),
        (1100, 100, None),
        (1099, 100, Decimal("999.0")),
        (2001, 2000, Decimal("0.1")),
    ],
)
def test_change_rates_are_left_out_where_reports_print_a_dash(
    now: int, before: int, expected: Decimal | None
):
    assert change_rate(now, before) == expected
