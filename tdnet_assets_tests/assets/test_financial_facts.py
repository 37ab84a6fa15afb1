"""The facts of a day's archives as a table, and what becomes of an archive that cannot be read."""

import io
import re
import zipfile
from dataclasses import replace
from datetime import date
from decimal import Decimal

import dagster as dg
import polars as pl
import pytest

from tdnet_assets.assets.filings import understand
from tdnet_assets.assets.financial_facts import facts_by_filing
from tdnet_assets.assets.progress import RunProgress
from tdnet_assets.assets.steps import Day
from tdnet_assets.resources.aws.index_table import DisclosureIndexResource
from tdnet_assets.resources.day_states import read_day_state
from tdnet_assets.resources.lake.store import sha256
from tdnet_assets.tables.financial_facts import FACTS_TABLE, UNREAD_FACTS_TABLE
from tdnet_assets.tables.recipes import RECIPES
from tdnet_assets.tdnet.xbrl.archive import read_archive

DAY = date(2026, 6, 10)
STEPS = ("listing_pages", "disclosures", "documents", "financial_facts")


@pytest.fixture
def archives(site):
    """The day's XBRL archives as the site serves them, by disclosure."""
    site.set_day(DAY, 40)
    found = {row.disclosure_id: row.xbrl_name for row in site.rows(DAY) if row.xbrl_name}
    assert len(found) > 5
    return {number: site.document(name) for number, name in found.items()}


def _zip(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.slow
def test_every_fact_of_every_archive_is_a_row_in_the_filings_own_order(site, pipeline, archives):
    result = pipeline.materialize(DAY, select=STEPS)

    assert result.success
    table = pipeline.table("financial_facts", DAY)
    assert table.schema == FACTS_TABLE.schema
    read = {number: list(read_archive(content).facts) for number, content in archives.items()}
    assert dict(facts_by_filing(table)) == read
    assert table.height == sum(map(len, read.values()))
    codes = {row.disclosure_id: row.code for row in site.rows(DAY)}
    assert set(table.select("disclosure_id", "code").unique().iter_rows()) == {
        (number, codes[number]) for number in archives
    }
    assert pipeline.checks(result, "filings_read") == {str(DAY): True}


@pytest.mark.slow
def test_amounts_are_exact_and_nil_is_not_zero(pipeline, archives):
    pipeline.materialize(DAY, select=STEPS)

    table = pipeline.table("financial_facts", DAY)
    ratios = table.filter(pl.col("element") == "CapitalAdequacyRatio")["value"].drop_nulls()
    assert ratios.len() > 0
    assert all(isinstance(ratio, Decimal) and ratio % Decimal("0.001") == 0 for ratio in ratios)
    nil = table.filter("is_nil")
    assert nil.height > 0
    assert nil["value"].null_count() == nil.height


@pytest.mark.slow
def test_an_archive_that_cannot_be_read_is_kept_with_its_reason_and_hurts_no_other(
    site, pipeline, archives
):
    bad = min(archives)
    broken = _zip(**{"tse-rvfc-10000-20260610500000-ixbrl.htm": "<html><p>cut"})
    site.faults.send_instead(rf"{bad}\.zip$", broken)

    result = pipeline.materialize(DAY, select=STEPS)

    assert not result.success
    (row,) = pipeline.table("unread_filings", DAY).to_dicts()
    assert row["disclosure_id"] == bad
    assert row["s3_key"] == f"documents/date={DAY}/{bad}.zip"
    assert "ixbrl.htm" in row["reason"]
    assert set(pipeline.table("financial_facts", DAY)["disclosure_id"]) == set(archives) - {bad}
    assert pipeline.checks(result, "filings_read") == {str(DAY): False}
    assert f"1 of {len(archives)} archives could not be read, first {bad}" in pipeline.failure(
        result
    )
    assert pipeline.materialized(result).keys() == {"listing_pages", "disclosures", "documents"}


@pytest.mark.slow
def test_a_mended_reader_reads_the_unread_archive_and_takes_it_off_the_table(
    site, pipeline, archives, monkeypatch
):
    bad = min(archives)
    site.faults.send_instead(rf"{bad}\.zip$", _zip(**{"a-ixbrl.htm": "<html><p>cut"}))
    pipeline.materialize(DAY, select=STEPS)
    keys = pipeline.objects().keys()
    stored = f"documents/date={DAY}/{bad}.zip"
    # As if the reader could read it now: what was refused is exchanged for what is read.
    good = {**pipeline.lake.metadata(stored), "sha256": sha256(archives[bad])}
    good["bytes"] = str(len(archives[bad]))
    pipeline.lake.store.put(stored, archives[bad], attributes=good)
    raised = replace(RECIPES["financial_facts"], reader="next")
    monkeypatch.setitem(RECIPES, "financial_facts", raised)

    result = pipeline.materialize(DAY, select=STEPS)

    assert result.success
    assert pipeline.table("unread_filings", DAY).height == 0
    assert set(pipeline.table("financial_facts", DAY)["disclosure_id"]) == set(archives)
    assert pipeline.objects().keys() == keys


def _changed(content, change):
    """The archive with its summary changed."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    (name,) = [one for one in members if one.endswith("-ixbrl.htm") and "Attach" not in one]
    members[name] = change(members[name].decode("utf-8-sig")).encode()
    return _zip(**members)


def _with_a_dash(summary):
    """One number of it replaced by a dash, which its format does not allow."""
    changed, count = re.subn(r'("ixt:numdotdecimal"[^>]*>)[0-9,.]+<', r"\1―<", summary, count=1)
    assert count == 1
    return changed


@pytest.mark.slow
def test_a_cell_that_cannot_be_read_is_a_row_with_its_place_and_the_filing_stands_but_is_not_whole(
    site, pipeline, archives
):
    bad = min(archives)
    site.faults.send_instead(rf"{bad}\.zip$", _changed(archives[bad], _with_a_dash))

    result = pipeline.materialize(DAY, select=STEPS)

    (row,) = pipeline.table("unread_facts", DAY).to_dicts()
    assert pipeline.table("unread_facts", DAY).schema == UNREAD_FACTS_TABLE.schema
    assert (row["disclosure_id"], row["kind"], row["text"]) == (bad, "fact", "―")
    assert row["document"].endswith("-ixbrl.htm")
    assert (row["part"], row["order"]) == ("summary", 1)
    assert row["line"] > 1
    assert row["element"].startswith("tse-ed-t:")
    assert "'―' is printed where a number like 1,234.5 should be" in row["reason"]
    stored = dict(facts_by_filing(pipeline.table("financial_facts", DAY)))
    assert stored.keys() == archives.keys()
    assert len(stored[bad]) == len(read_archive(archives[bad]).facts) - 1
    assert not any(fact.value == 0 for fact in stored[bad] if fact.element in row["element"])
    assert pipeline.checks(result, "filings_read") == {str(DAY): False}
    assert f"1 cells or attachments of 1 filings could not be read, first {bad}" in (
        pipeline.failure(result)
    )
    assert row["element"] in pipeline.failure(result)


@pytest.mark.slow
def test_what_could_not_be_read_of_a_filing_is_still_said_when_nothing_is_read_again(
    site, pipeline, archives
):
    bad = min(archives)
    site.faults.send_instead(rf"{bad}\.zip$", _changed(archives[bad], _with_a_dash))
    pipeline.materialize(DAY, select=STEPS)
    before = pipeline.objects()

    result = pipeline.materialize(DAY, select=("financial_facts",))

    assert pipeline.checks(result, "filings_read") == {str(DAY): False}
    assert pipeline.objects() == before


@pytest.mark.slow
def test_facts_that_were_never_stored_are_read_again_with_what_is_unread_of_them(
    site, pipeline, archives
):
    bad = min(archives)
    site.faults.send_instead(rf"{bad}\.zip$", _changed(archives[bad], _with_a_dash))
    pipeline.materialize(DAY, select=STEPS)
    before = pipeline.objects()
    pipeline.lake.store.delete(f"tables/financial_facts/date={DAY}/data.parquet")

    pipeline.materialize(DAY, select=("financial_facts",))

    assert pipeline.table("unread_facts", DAY).height == 1
    assert pipeline.objects().keys() == before.keys()


@pytest.mark.slow
def test_a_number_with_more_digits_than_the_column_is_one_unread_fact(site, pipeline, archives):
    bad = min(archives)
    long = _changed(
        archives[bad],
        lambda summary: re.sub(
            r'("ixt:numdotdecimal"[^>]*>)[0-9,.]+<', rf"\g<1>{'9' * 27}<", summary, count=1
        ),
    )
    site.faults.send_instead(rf"{bad}\.zip$", long)

    pipeline.materialize(DAY, select=STEPS)

    (row,) = pipeline.table("unread_facts", DAY).to_dicts()
    assert "does not fit 26 digits before and 12 behind the point" in row["reason"]
    assert set(pipeline.table("financial_facts", DAY)["disclosure_id"]) == set(archives)


@pytest.mark.slow
def test_a_stale_document_of_an_archive_is_named_and_the_day_is_whole(site, pipeline, archives):
    number, content = next(
        (number, content) for number, content in archives.items() if b"manifest.xml" in content
    )
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    (attached, *_) = [one for one in members if "Attachment" in one and "ixbrl" in one]
    stale = attached.replace("-ixbrl.htm", "-stale-ixbrl.htm")
    members[stale] = members[attached].replace(b"<xbrli:instant>2", b"<xbrli:instant>1")
    site.faults.send_instead(rf"{number}\.zip$", _zip(**members))

    result = pipeline.materialize(DAY, select=STEPS)

    assert result.success
    (row,) = pipeline.table("unread_facts", DAY).to_dicts()
    assert (row["kind"], row["document"]) == ("unlisted", stale.rpartition("/")[2])
    stored = dict(facts_by_filing(pipeline.table("financial_facts", DAY)))
    assert stored[number] == list(read_archive(content).facts)


def _read_now(pipeline, result):
    (event,) = [
        event
        for event in pipeline.logged(result, dg.DagsterEventType.ASSET_MATERIALIZATION)
        if event.asset_key == dg.AssetKey("financial_facts")
    ]
    return event.materialization.metadata["read_now"].value


@pytest.mark.slow
def test_an_unchanged_day_is_not_read_again_and_nothing_is_written(pipeline, archives):
    first = pipeline.materialize(DAY, select=STEPS)
    before = pipeline.objects()

    second = pipeline.materialize(DAY, select=STEPS)

    assert (_read_now(pipeline, first), _read_now(pipeline, second)) == (len(archives), 0)
    assert pipeline.objects() == before


@pytest.mark.slow
def test_only_new_archives_are_read_when_a_day_grows(site, pipeline, archives):
    pipeline.materialize(DAY, select=STEPS)
    new = {row.disclosure_id for row in site.publish(DAY, 40) if row.xbrl_name}

    result = pipeline.materialize(DAY, select=STEPS)

    assert _read_now(pipeline, result) == len(new) > 0
    numbers = set(pipeline.table("financial_facts", DAY)["disclosure_id"])
    assert numbers == new | archives.keys()


@pytest.mark.slow
def test_an_archive_that_comes_later_stands_in_its_place_and_the_bytes_are_those_of_one_reading(
    site, pipeline, archives
):
    late = sorted(archives)[len(archives) // 2]
    site.faults.answer(rf"{late}\.zip$", status=404)
    assert not pipeline.materialize(DAY, select=STEPS).success
    before = set(pipeline.table("financial_facts", DAY)["disclosure_id"])
    site.faults.clear()

    assert pipeline.materialize(DAY, select=STEPS).success

    key = f"tables/financial_facts/date={DAY}/data.parquet"
    numbers = pipeline.table("financial_facts", DAY)["disclosure_id"]
    assert set(numbers) - before == {late}
    assert numbers.is_sorted()
    content = pipeline.lake.read(key)
    pipeline.lake.store.delete(key)
    assert pipeline.materialize(DAY, select=STEPS).success
    assert pipeline.lake.read(key) == content


@pytest.mark.slow
def test_of_a_day_that_grows_only_the_new_archives_are_understood_again(site, pipeline, archives):
    understood = []

    def read(facts):
        understood.append(len(facts))
        return len(facts) or None

    def look():
        assert pipeline.materialize(DAY, select=STEPS).success
        index = DisclosureIndexResource(config=pipeline.config)
        progress = RunProgress(pipeline.executions, "nobody", days=1)
        state = read_day_state(pipeline.lake, index, DAY)
        day = Day(DAY, pipeline.lake, index, progress, state, say=print)
        found = understand(day, ("earnings", "revision", None), pl.lit(True), read)
        return {filing.disclosure_id: content for filing, content in found.rows}

    first = look()
    assert first.keys() == archives.keys()
    assert look() == first
    assert sorted(understood) == sorted(first.values())
    new = {row.disclosure_id for row in site.publish(DAY, 40) if row.xbrl_name}

    grown = look()

    assert grown.keys() == archives.keys() | new
    assert grown.items() > first.items()
    assert len(understood) == len(archives) + len(new)


def test_a_day_without_archives_has_an_empty_table(site, pipeline):
    site.set_day(DAY, 0)

    result = pipeline.materialize(DAY, select=STEPS)

    assert result.success
    assert pipeline.table("financial_facts", DAY).schema == FACTS_TABLE.schema
    assert pipeline.table("financial_facts", DAY).height == 0


def test_facts_before_documents_say_what_to_do_first(pipeline):
    result = pipeline.materialize(DAY, select=("financial_facts",))

    assert not result.success
    assert "no documents of 2026-06-10 yet: materialize them first" in pipeline.failure(result)
