import socket
from collections import Counter
from decimal import Decimal

import pytest

from benchmarks.xbrl_reference import Arelle, in_common_form, unpack
from tdnet_assets.tdnet.xbrl.archive import read_archive
from tdnet_assets_tests.tdnet.xbrl.filings import (
    CAPTURES,
    archive_of_each_kind,
    needs_captures,
)

pytestmark = pytest.mark.slow
STALE = CAPTURES.with_name("xbrl-2022") / "081220221025549150.zip"


@pytest.fixture(scope="module")
def arelle(tmp_path_factory):
    arelle = Arelle(tmp_path_factory.mktemp("arelle"))
    yield arelle
    arelle.close()


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise AssertionError("Arelle tried to open a network connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def ours(content):
    return in_common_form(read_archive(content).facts)


def assert_agreement(arelle, content, folder):
    """Both readers see the same facts; returns how many."""
    expected, found = Counter(arelle.read(unpack(content, folder))), Counter(ours(content))
    assert found - expected == Counter()
    assert expected - found == Counter()
    return found.total()


@needs_captures
@pytest.mark.parametrize(("name", "count"), [("edjp.zip", 356), ("rvfc.zip", 101)])
def test_every_fact_of_a_real_archive_is_the_one_that_arelle_reads(arelle, tmp_path, name, count):
    assert assert_agreement(arelle, (CAPTURES / name).read_bytes(), tmp_path) == count


@pytest.mark.parametrize(
    "kind",
    [
        *("acedjpsm", "acedifsm", "anedjpsm", "qcedjpsm", "qcedifsm", "scedjpsy"),
        *("rvfc", "rvfc with ranges", "rvdf"),
    ],
)
def test_every_fact_of_a_sample_archive_is_the_one_that_arelle_reads(arelle, tmp_path, kind):
    assert assert_agreement(arelle, archive_of_each_kind()[kind], tmp_path) > 20


@pytest.mark.skipif(not STALE.is_file(), reason=f"REAL ARCHIVE NOT TESTED: {STALE} is not there")
def test_what_a_manifest_lists_is_what_arelle_reads_too(arelle, tmp_path):
    assert assert_agreement(arelle, STALE.read_bytes(), tmp_path) == 421


def test_the_comparison_notices_one_changed_fact(arelle, tmp_path):
    content = archive_of_each_kind()["rvfc"]
    found = ours(content)
    position = next(index for index, fact in enumerate(found) if isinstance(fact.value, Decimal))
    found[position] = found[position]._replace(value=found[position].value + 1)
    assert (Counter(found) - Counter(arelle.read(unpack(content, tmp_path)))).total() == 1
