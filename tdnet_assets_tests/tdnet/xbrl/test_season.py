"""The benchmark over a folder of archives, on a small folder and on the real one where it is."""

import json
from dataclasses import asdict

import pytest

from benchmarks.xbrl_season import Finding, read_season
from tdnet_assets_tests.tdnet.xbrl.filings import CAPTURES, archive_of_each_kind
from tdnet_assets_tests.tdnet.xbrl.inline_documents import document, number, packed

SEASON = CAPTURES.with_name("xbrl-2022")
NAME = "tse-rvfc-22180-20240514595320-ixbrl.htm"


@pytest.mark.slow  # Arelle starts
def test_a_folder_is_read_and_what_is_wrong_is_counted_by_its_kind(tmp_path):
    kinds = archive_of_each_kind()
    for kind in ("rvfc", "acedjpsm"):
        (tmp_path / f"{kind}.zip").write_bytes(kinds[kind])
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "dash.zip").write_bytes(
        packed({NAME: document(number("－") + number("―") + number("5"))})
    )
    (tmp_path / "cut.zip").write_bytes(kinds["rvfc"][:1_000])

    def many_facts(_content, filing):
        if len(filing.facts) > 100:
            yield Finding("many facts", f"{len(filing.facts)}")

    plain = read_season(tmp_path)
    season = read_season(tmp_path, probes=[many_facts], with_arelle=True)

    assert (plain.archives, plain.whole, plain.refused.keys()) == (4, 2, {"cut.zip"})
    assert plain.findings == {"unread fact": 2}
    assert plain.first_findings["unread fact"].startswith(f"dash.zip: {NAME}, t:NetSales, '－': ")
    assert plain.milliseconds.keys() == {"rvfc.zip", "acedjpsm.zip", "dash.zip"}
    assert min(plain.milliseconds.values()) > 0
    assert plain.peak_memory_mib > 10
    assert season.findings["many facts"] >= 1
    assert season.arelle_facts > 100
    assert season.arelle_differences == {}
    assert json.loads(json.dumps(asdict(season)))["archives"] == 4
    assert ("archives", "4") in season.rows()


@pytest.mark.skipif(
    not SEASON.is_dir(), reason=f"REAL SEASON NOT TESTED: there are no archives in {SEASON}"
)
def test_a_real_season_is_read_whole_and_its_facts_are_counted():
    season = read_season(SEASON)
    assert season.refused == {}
    assert season.whole == season.archives == 93
    assert season.facts == 33_632
    assert season.findings == {"unread unlisted": 3}
