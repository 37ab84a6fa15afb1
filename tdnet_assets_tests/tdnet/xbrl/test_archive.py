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
    filing = read_archive(WHOLE)
    facts = filing.facts
    assert filing.is_whole
    assert [(fact.order, fact.part, fact.value) for fact in facts] == [
        (1, "summary", 1),
        (2, "attachment", 2),
        (3, "attachment", 3),
        (4, "attachment", 4),
    ]
    assert facts[0].document == SUMMARY.rpartition("/")[2]


def test_a_flat_archive_is_a_summary():
    name = "tse-rvfc-22180-20240514595320-ixbrl.htm"
    (fact,) = read_archive(packed({name: MEMBERS[SUMMARY]})).facts
    assert (fact.part, fact.document) == ("summary", name)


def test_the_summary_does_not_lend_its_contexts_to_the_statements():
    filing = read_archive(packed({SUMMARY: MEMBERS[SUMMARY], SECOND: MEMBERS[SECOND]}))
    assert [fact.value for fact in filing.facts] == [1]
    assert [("no document of the set declares" in one.reason) for one in filing.unread] == [
        True
    ] * 2
    assert not filing.is_whole


def test_one_damaged_attachment_costs_that_attachment_and_is_named():
    filing = read_archive(packed(MEMBERS | {SECOND: MEMBERS[SECOND][:-20]}))
    assert [(fact.part, fact.value) for fact in filing.facts] == [("summary", 1), ("attachment", 2)]
    (unread,) = filing.unread
    assert (unread.kind, unread.part) == ("document", "attachment")
    assert (unread.document, unread.element) == (SECOND.rpartition("/")[2], None)
    assert "no whole XML" in unread.reason
    assert not filing.is_whole


def test_a_damaged_summary_refuses_the_whole_archive():
    cut = MEMBERS | {SUMMARY: MEMBERS[SUMMARY][:-20]}
    with pytest.raises(FilingError, match=r"tse-acedjpsm.*no whole XML"):
        read_archive(packed(cut))


def manifest(*names):
    listed = "".join(f"<ixbrl>{name.rpartition('/')[2]}</ixbrl>" for name in names)
    return f'<manifest xmlns="urn:m"><list><instance>{listed}</instance></list></manifest>'.encode()


def test_an_attachment_that_the_manifest_lists_and_the_archive_lacks_is_named():
    whole = MEMBERS | {MANIFEST: manifest(FIRST, SECOND)}
    assert len(read_archive(packed(whole)).facts) == 4
    del whole[SECOND]
    filing = read_archive(packed(whole))
    assert [fact.value for fact in filing.facts] == [1, 2]
    (unread,) = filing.unread
    assert (unread.kind, unread.document) == ("document", SECOND.rpartition("/")[2])
    assert "not complete: its manifest.xml lists '0600000-acpl01" in unread.reason


def test_a_summary_that_its_manifest_lists_and_the_archive_lacks_refuses_the_archive():
    whole = MEMBERS | {MANIFEST.replace("Attachment", "Summary"): manifest(SUMMARY, "other")}
    with pytest.raises(FilingError, match=r"not complete: its manifest\.xml lists 'other'"):
        read_archive(packed(whole))


def test_a_manifest_that_cannot_be_read_costs_the_attachments_and_never_the_summary():
    filing = read_archive(packed(MEMBERS | {MANIFEST: b"<cut"}))
    assert [fact.part for fact in filing.facts] == ["summary"]
    (unread,) = filing.unread
    assert (unread.kind, unread.document) == ("document", "manifest.xml")
    assert "no whole XML" in unread.reason


def test_stale_documents_that_the_manifest_does_not_list_are_left_alone_and_named():
    stale = SECOND.replace("2026-03-31-01-2026-05-14", "2025-12-31-01-2026-02-13")
    contradiction = context(period="<x:instant>2025-12-31</x:instant>") + unit()
    members = MEMBERS | {
        stale: document(number("99"), contradiction),
        MANIFEST: manifest(FIRST, SECOND),
    }
    filing = read_archive(packed(members))
    assert [fact.value for fact in filing.facts] == [1, 2, 3, 4]
    (unlisted,) = filing.unread
    assert (unlisted.kind, unlisted.document) == ("unlisted", stale.rpartition("/")[2])
    assert filing.is_whole
    assert stale.rpartition("/")[2] not in {one.name for one in inline_documents(packed(members))}


def test_without_a_manifest_the_contexts_that_contradict_each_other_cost_their_facts():
    contradiction = context(period="<x:instant>2025-12-31</x:instant>") + unit()
    filing = read_archive(packed(MEMBERS | {SECOND: document(number("3"), contradiction)}))
    assert [fact.part for fact in filing.facts] == ["summary"]
    assert ["declared twice" in one.reason for one in filing.unread] == [True, True]


def test_an_archive_of_the_time_before_inline_xbrl_is_called_by_its_name():
    old = packed({"tdnet-qcedjpsm-72030-2013-06-30-01-2013-08-02.xbrl": b"<xbrl/>", "a.xsd": b""})
    with pytest.raises(FilingError, match=r"old format: 'tdnet-qcedjpsm.*\.xbrl'.*before 2014"):
        read_archive(old)


def test_an_archive_of_nothing_but_bad_cells_says_so():
    with pytest.raises(FilingError, match=r"hold no fact; first of 2 that cannot be read: .*'－'"):
        read_archive(packed({SUMMARY: document(number("－") * 2)}))


def encrypted(content):
    """The same archive, whose directory and headers say that it is encrypted."""
    changed = bytearray(content)
    for signature, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        position = changed.find(signature)
        while position >= 0:
            changed[position + offset] |= 1
            position = changed.find(signature, position + 4)
    return bytes(changed)


@pytest.mark.parametrize(
    ("content", "seen"),
    [
        (b"", "no whole zip archive"),
        (b"<html>404</html>", "no whole zip archive"),
        (WHOLE[: len(WHOLE) // 2], "no whole zip archive"),
        (packed({"index.txt": b"x"}), "no inline document"),
        (packed({"elsewhere/a-ixbrl.htm": MEMBERS[SUMMARY]}), "unknown folder"),
        (packed({"../../a-ixbrl.htm": MEMBERS[SUMMARY]}), "plain relative path"),
        (packed({"/a-ixbrl.htm": MEMBERS[SUMMARY]}), "plain relative path"),
        (packed({"a\n-ixbrl.htm": MEMBERS[SUMMARY]}), "control characters"),
        (encrypted(WHOLE), "is encrypted"),
        (packed({"a" * 500 + "-ixbrl.htm": MEMBERS[SUMMARY]}), "more than 500 characters"),
        (packed({SUMMARY: document(number() * 20_001)}), "20,001 facts"),
        (packed({SUMMARY: document(number(), context() * 10_001 + unit())}), "10,001 contexts"),
        (
            packed({f"{n}-ixbrl.htm": MEMBERS[SUMMARY] + b" " * 2_000_000 for n in range(6)}),
            "6 inline documents of 12,00",
        ),
        (packed({SUMMARY: document("")}), "hold no fact"),
        (packed(MEMBERS | {MANIFEST: b"<m/>", MANIFEST.upper(): b"<m/>"}), "is there twice"),
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


def test_documents_that_are_too_much_together_are_refused_though_each_is_small(monkeypatch):
    size = sum(len(content) for name, content in MEMBERS.items() if name.endswith("-ixbrl.htm"))
    monkeypatch.setattr(archive_module, "MAXIMUM_INLINE_BYTES", size)
    assert len(read_archive(WHOLE).facts) == 4
    monkeypatch.setattr(archive_module, "MAXIMUM_INLINE_BYTES", size - 1)
    with pytest.raises(FilingError, match=f"3 inline documents of {size:,} bytes"):
        read_archive(WHOLE)


def test_the_bounds_of_an_archive_are_a_hundred_documents_of_10_megabytes():
    bounds = (archive_module.MAXIMUM_INLINE_DOCUMENTS, archive_module.MAXIMUM_INLINE_BYTES)
    assert bounds == (100, 10_000_000)


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
        facts = read_archive(bytes(changed)).facts
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
        filing = read_archive(content)
        assert filing.unread == ()
        facts = filing.facts
        assert [fact.order for fact in facts] == list(range(1, len(facts) + 1))
        assert all(fact.is_nil or (fact.value is None) == (fact.unit is None) for fact in facts)


def test_a_revision_tells_old_from_new_and_has_its_ranges():
    facts = read_archive(archive_of_each_kind()["rvfc with ranges"]).facts
    sides = Counter((fact.previous_current, fact.result_forecast) for fact in facts if fact.value)
    assert sides["Current", "Upper"] > 0
    assert sides["Current", "Upper"] == sides["Current", "Lower"]


@needs_captures
def test_a_real_quarterly_report_has_its_figures_of_both_parts():
    facts = read_archive((CAPTURES / "edjp.zip").read_bytes()).facts
    assert Counter(fact.part for fact in facts) == {"attachment": 214, "summary": 142}
    assert Counter(fact.is_nil for fact in facts)[True] == 56
    units = Counter(fact.unit for fact in facts)
    assert units == {"JPY": 212, None: 87, "pure": 26, "JPY/shares": 25, "shares": 6}
    prior = next(fact for fact in facts if fact.element == "NetSales" and fact.order > 31)
    assert (prior.period_label, prior.value) == ("PriorAccumulatedQ1Duration", Decimal(6059000000))
    documents = inline_documents((CAPTURES / "edjp.zip").read_bytes())
    assert [document.part for document in documents] == ["summary"] + ["attachment"] * 3


@needs_captures
def test_a_real_revision_keeps_the_old_forecast_beside_the_new_one():
    facts = read_archive((CAPTURES / "rvfc.zip").read_bytes()).facts
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
