from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tdnet_assets.tdnet.errors import FilingError
from tdnet_assets.tdnet.xbrl import archive as archive_module
from tdnet_assets.tdnet.xbrl.archive import inline_documents, read_archive
from tdnet_assets_tests.tdnet.xbrl.filings import (
    CAPTURES,
    archive_of_each_kind,
    needs_captures,
    sample_archives,
)
from tdnet_assets_tests.tdnet.xbrl.inline_documents import context, document, number, packed, unit

SUMMARY = "XBRLData/Summary/tse-acedjpsm-581A0-202607143581A0-ixbrl.htm"
FIRST = "XBRLData/Attachment/0500000-acbs01-tse-acedjpfr-581A0-2026-03-31-01-2026-05-14-ixbrl.htm"
SECOND = FIRST.replace("0500000-acbs01", "0600000-acpl01")
MANIFEST = "XBRLData/Attachment/manifest.xml"
MEMBERS = {
    SECOND: document(number("3") + number("4"), ""),
    FIRST: document(number("2"), context() + unit()),
    "XBRLData/Attachment/index.txt": "【提出書類】".encode("cp932"),
    "XBRLData/Attachment/qualitative.htm": b"<html>not even XML",
    SUMMARY: document(number("1")),
}
WHOLE = packed(MEMBERS)


def test_the_summary_comes_first_then_the_attached_statements_by_name():
    facts = read_archive(WHOLE)
    assert [(fact.order, fact.part, fact.value) for fact in facts] == [
        (1, "summary", 1),
        (2, "attachment", 2),
        (3, "attachment", 3),
        (4, "attachment", 4),
    ]
    assert facts[0].document == SUMMARY.rpartition("/")[2]


def test_a_flat_archive_is_a_summary():
    (fact,) = read_archive(packed({"tse-rvfc-22180-20240514595320-ixbrl.htm": MEMBERS[SUMMARY]}))
    assert (fact.part, fact.document) == ("summary", "tse-rvfc-22180-20240514595320-ixbrl.htm")


def test_the_summary_does_not_lend_its_contexts_to_the_statements():
    with pytest.raises(FilingError, match="no document of the set declares"):
        read_archive(packed({SUMMARY: MEMBERS[SUMMARY], SECOND: MEMBERS[SECOND]}))


def test_one_damaged_document_refuses_the_whole_archive():
    cut = MEMBERS | {SECOND: MEMBERS[SECOND][:-20]}
    with pytest.raises(FilingError, match=r"0600000-acpl01.*no whole XML"):
        read_archive(packed(cut))


def manifest(*names):
    listed = "".join(f"<ixbrl>{name.rpartition('/')[2]}</ixbrl>" for name in names)
    return f'<manifest xmlns="urn:m"><list><instance>{listed}</instance></list></manifest>'.encode()


def test_an_archive_without_a_document_that_its_manifest_lists_is_not_complete():
    whole = MEMBERS | {MANIFEST: manifest(FIRST, SECOND)}
    assert len(read_archive(packed(whole))) == 4
    del whole[SECOND]
    with pytest.raises(FilingError, match=r"not complete: its manifest\.xml lists '0600000-acpl01"):
        read_archive(packed(whole))


@pytest.mark.parametrize(
    ("content", "seen"),
    [
        (b"", "no whole zip archive"),
        (b"<html>404</html>", "no whole zip archive"),
        (WHOLE[: len(WHOLE) // 2], "no whole zip archive"),
        (packed({"index.txt": b"x"}), "no inline document"),
        (packed({"elsewhere/a-ixbrl.htm": MEMBERS[SUMMARY]}), "unknown folder"),
        (packed({"../../a-ixbrl.htm": MEMBERS[SUMMARY]}), "unknown folder"),
        (packed({SUMMARY: document("")}), "hold no fact"),
        (
            packed({SUMMARY: MEMBERS[SUMMARY], MANIFEST: b"<cut"}),
            "manifest.xml of the attachment.*no whole XML",
        ),
        (packed(MEMBERS | {MANIFEST: b"<m/>", MANIFEST.upper(): b"<m/>"}), "two of manifest.xml"),
        (packed({f"{number}.txt": b"" for number in range(1_001)}), "more than 1,000 members"),
        (packed({f"{n}-ixbrl.htm": MEMBERS[SUMMARY] for n in range(101)}), "101 inline documents"),
    ],
)
def test_what_is_no_filing_is_refused(content, seen):
    with pytest.raises(FilingError, match=seen):
        read_archive(content)


def test_a_bomb_is_refused_without_being_unpacked_whole(monkeypatch):
    monkeypatch.setattr(archive_module, "MAXIMUM_DOCUMENT_BYTES", 1_000_000)
    with pytest.raises(FilingError, match="expands to more than 1,000,000"):
        read_archive(packed({SUMMARY: b"<a>" + b" " * 3_000_000 + b"</a>"}))


def test_a_changed_byte_in_a_document_is_noticed():
    position = WHOLE.index(SUMMARY.encode()) + len(SUMMARY) + 100
    changed = WHOLE[:position] + bytes([WHOLE[position] ^ 1]) + WHOLE[position + 1 :]
    with pytest.raises(FilingError):
        read_archive(changed)


@settings(max_examples=2 * settings().max_examples)
@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=5))
def test_a_changed_archive_is_read_or_refused_and_nothing_else(changes):
    changed = bytearray(WHOLE)
    for position, value in changes:
        changed[position] = value
    try:
        facts = read_archive(bytes(changed))
    except FilingError:
        return
    assert {fact.value for fact in facts} <= {Decimal(number) for number in range(1, 5)}


@given(st.binary(max_size=300), st.binary(max_size=100))
def test_any_bytes_are_refused(content, tail):
    for seen in (content, b"PK\x05\x06" + content, WHOLE[:60] + content + WHOLE[-200:] + tail):
        with pytest.raises(FilingError):
            read_archive(seen)


def test_every_sample_archive_is_read():
    archives = list(sample_archives().values())
    assert len(archives) > 200
    for content in archives[::8]:
        facts = read_archive(content)
        assert [fact.order for fact in facts] == list(range(1, len(facts) + 1))
        assert all(fact.is_nil or (fact.value is None) == (fact.unit is None) for fact in facts)


def test_a_revision_tells_old_from_new_and_has_its_ranges():
    facts = read_archive(archive_of_each_kind()["rvfc with ranges"])
    sides = Counter((fact.previous_current, fact.result_forecast) for fact in facts if fact.value)
    assert sides["Current", "Upper"] > 0
    assert sides["Current", "Upper"] == sides["Current", "Lower"]


@needs_captures
def test_a_real_quarterly_report_has_its_figures_of_both_parts():
    facts = read_archive((CAPTURES / "edjp.zip").read_bytes())
    assert Counter(fact.part for fact in facts) == {"attachment": 214, "summary": 142}
    assert Counter(fact.is_nil for fact in facts)[True] == 56
    units = Counter(fact.unit for fact in facts)
    assert units == {"JPY": 212, None: 87, "pure": 26, "JPY/shares": 25, "shares": 6}
    prior = next(fact for fact in facts if fact.element == "NetSales" and fact.order > 31)
    assert (prior.period_label, prior.value) == ("PriorAccumulatedQ1Duration", Decimal(6059000000))
    documents = inline_documents((CAPTURES / "edjp.zip").read_bytes())
    assert [document.part for document in documents] == ["attachment"] * 3 + ["summary"]


@needs_captures
def test_a_real_revision_keeps_the_old_forecast_beside_the_new_one():
    facts = read_archive((CAPTURES / "rvfc.zip").read_bytes())
    assert {fact.part for fact in facts} == {"summary"}
    operating = {
        fact.previous_current: fact.value
        for fact in facts
        if fact.element == "OperatingIncome"
        and (fact.result_forecast, fact.period_label) == ("Forecast", "CurrentYearDuration")
        and fact.value is not None
    }
    assert set(operating) == {"Previous", "Current"}
    assert operating["Current"] == Decimal(274000000) != operating["Previous"]
