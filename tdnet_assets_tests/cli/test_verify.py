"""``tdnet verify``: what is damaged in the lake is named, and mended where it can be had again."""

from datetime import date

import pytest

from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.captures import CaptureStore
from tdnet_assets_tests.commands import run, variables

DAY = date(2026, 6, 10)


@pytest.fixture
def collected(site, pipeline):
    site.set_day(DAY, 12)
    assert pipeline.materialize(DAY).success
    return pipeline


@pytest.fixture
def verify(collected):
    def call(*arguments):
        return run(
            variables(collected.config),
            "verify",
            "--from",
            str(DAY),
            "--until",
            str(DAY),
            *arguments,
        )

    return call


def flip_a_byte(pipeline, key):
    """One bit of the object turns over; what the object says of itself stays."""
    content, head = pipeline.lake.read_with_head(key)
    middle = len(content) // 2
    changed = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    pipeline.lake.store.put(key, changed, attributes=dict(head.metadata))


def first_pdf(site):
    row = next(row for row in site.rows(DAY) if row.pdf_name)
    return layout.document_key(DAY, row.disclosure_id, "pdf")


@pytest.mark.slow
def test_an_undamaged_day_has_nothing_to_say_and_exits_with_0(verify):
    done = verify()

    assert done.returncode == 0, done.stderr
    assert "0 damaged, 0 days not whole" in done.stdout


@pytest.mark.slow
def test_a_flipped_byte_in_a_pdf_is_named_and_asked_for_again(site, collected, verify):
    key = first_pdf(site)
    good = collected.lake.read(key)
    flip_a_byte(collected, key)

    found = verify()
    assert found.returncode == 1
    assert f"{DAY}  {key}: its sha256 is" in found.stdout
    assert "(ask again)" in found.stdout

    mended = verify("--repair")
    assert mended.returncode == 0, mended.stdout + mended.stderr
    assert collected.lake.read(key) == good


@pytest.mark.slow
@pytest.mark.parametrize("table", ["disclosures", "documents", "financial_facts", "earnings"])
def test_a_table_that_was_cut_is_made_again_from_its_inputs(collected, verify, table):
    key = layout.table_key(table, DAY)
    good, head = collected.lake.read_with_head(key)
    collected.lake.store.put(key, good[:500], attributes=dict(head.metadata))

    assert f"{key}: its sha256 is" in verify().stdout

    mended = verify("--repair")
    assert mended.returncode == 0, mended.stdout + mended.stderr
    assert collected.lake.read_with_head(key)[1].metadata == head.metadata


@pytest.mark.slow
def test_a_damaged_page_gives_up_its_capture_and_the_list_is_read_again(collected, verify):
    (capture,) = CaptureStore(collected.lake).ids(DAY)
    flip_a_byte(collected, layout.page_key(DAY, capture, 1))

    assert "(ask again)" in verify().stdout
    mended = verify("--repair")

    assert mended.returncode == 0, mended.stdout + mended.stderr
    (new,) = CaptureStore(collected.lake).ids(DAY)
    assert new > capture
    assert collected.table("disclosures", DAY).height == 12


def test_an_alien_manifest_is_named_with_its_key(collected, verify):
    (capture,) = CaptureStore(collected.lake).ids(DAY)
    key = layout.manifest_key(DAY, capture)
    collected.lake.store.put(key, b'{"pages": 3}')

    found = verify()

    assert found.returncode == 1
    assert f"{key}: " in found.stdout
    assert "not a capture's manifest" in found.stdout
