"""Labels of elements: TDnet's own, and those that a filing brings."""

import pytest

from tdnet_assets.tdnet.errors import FilingError
from tdnet_assets.tdnet.xbrl.archive import read_archive
from tdnet_assets.tdnet.xbrl.elements import known_elements, type_of
from tdnet_assets.tdnet.xbrl.labels import Label, label_of, labels
from tdnet_assets_tests.tdnet.xbrl.filings import CAPTURES, archive_of_each_kind
from tdnet_assets_tests.tdnet.xbrl.inline_documents import TAXONOMY, packed

BASE = "XBRLData/Attachment/tse-acedjpfr-581A0-2026-03-31-01-2026-05-14"
REAL = CAPTURES.with_name("xbrl-2022") / "081220221025549150.zip"


def linkbase(*links):
    located = "".join(
        f'<l:loc x:href="a.xsd#tse-acedjpfr-581A0_{name}" x:label="{name}"/>' for name, *_ in links
    )
    found = "".join(
        f'<l:label xml:lang="{language}" x:label="{name}_label" x:role="{role}">{text}</l:label>'
        f'<l:labelArc x:from="{name}" x:to="{name}_label" use="{use}"/>'
        for name, language, text, role, use in links
    )
    return (
        '<l:linkbase xmlns:l="http://www.xbrl.org/2003/linkbase"'
        f' xmlns:x="http://www.w3.org/1999/xlink"><l:labelLink>{located}{found}</l:labelLink>'
        "</l:linkbase>"
    ).encode()


def standard(name, language, text, role="label", use="optional"):
    return name, language, text, f"http://www.xbrl.org/2003/role/{role}", use


def test_the_labels_of_a_filing_are_those_of_its_own_linkbases():
    members = {
        f"{BASE}-lab.xml": linkbase(
            standard("ShipsNet", "ja", " 船舶 "),
            standard("ShipsNet2", "ja", "船舶、正味", role="verboseLabel"),
            standard("Planes", "ja", "航空機", use="prohibited"),
            standard("Trucks", "ja", "車両"),
        ),
        f"{BASE}-lab-en.xml": linkbase(standard("ShipsNet", "en", "Ships")),
        f"{BASE}-pre.xml": b"<not even",
    }
    assert labels(packed(members)) == {
        "ShipsNet": Label("船舶", "Ships"),
        "Trucks": Label("車両", None),
    }


def test_of_two_linkbases_the_latest_has_the_last_word():
    stale = BASE.replace("2026-03-31-01-2026-05-14", "2025-12-31-01-2026-02-13")
    members = {
        f"{BASE}-lab.xml": linkbase(standard("ShipsNet", "ja", "新")),
        f"{stale}-lab.xml": linkbase(standard("ShipsNet", "ja", "旧")),
    }
    assert labels(packed(members)) == {"ShipsNet": Label("新", None)}


def test_a_linkbase_that_cannot_be_read_is_refused():
    with pytest.raises(FilingError, match=r"lab\.xml.*no whole XML"):
        labels(packed({f"{BASE}-lab.xml": b"<cut"}))
    with pytest.raises(FilingError, match="no whole zip"):
        labels(b"")


@pytest.mark.skipif(not REAL.is_file(), reason=f"REAL LABELS NOT TESTED: {REAL} is not there")
def test_the_labels_of_a_real_filing():
    found = labels(REAL.read_bytes())
    assert found["CustomerRelationshipIA"] == Label("顧客関連資産", "Customer relationship")


def test_every_element_of_the_sample_summaries_has_both_labels():
    names = {
        fact.element
        for content in archive_of_each_kind().values()
        for fact in read_archive(content).facts
        if fact.namespace == TAXONOMY
    }
    assert len(names) > 100
    assert {name for name in names if not all(label_of(name) or (None,))} == set()


def test_a_label_fits_every_form_and_other_taxonomies_have_none():
    assert label_of("NetSales") == Label("売上高", "Net sales")
    assert label_of("NetIncome") == Label("純利益", "Profit")
    assert label_of("CashAndDeposits") is None
    assert len(known_elements()) == 390
    assert type_of("FilingDate", TAXONOMY) == "date"
    assert type_of("FilingDate", TAXONOMY.replace("2014-01-12", "2031-01-01")) == "date"
    assert type_of("FilingDate", "http://disclosure.edinet-fsa.go.jp/taxonomy/jpdei") is None
