"""The texts of a day's documents: what is read, what is told of the rest, and what is kept."""

import io
import re
import zipfile
from datetime import date

import dagster as dg
import polars as pl
import pytest

from tdnet_assets.assets import document_texts
from tdnet_assets.tables.document_texts import DOCUMENT_TEXTS_TABLE, TEXT_EXTRACTIONS_TABLE
from tdnet_assets.tdnet.document_text import pdf_text, report_text
from tdnet_assets_tests.risen_reader import raise_reader
from tdnet_assets_tests.tdnet.odd_pdfs import endless, locked, scan
from tdnet_assets_tests.tdnet.pdf_bombs import crashing_pdf

DAY = date(2026, 6, 10)
STEPS = ("listing_pages", "disclosures", "documents", "document_texts")


@pytest.fixture
def rows(site):
    """The rows of a small day as the site has them."""
    site.set_day(DAY, 12)
    return site.rows(DAY)


def _outcomes(pipeline):
    table = pipeline.table("text_extractions", DAY)
    assert table.schema == TEXT_EXTRACTIONS_TABLE.schema
    return {(row["disclosure_id"], row["kind"]): row for row in table.iter_rows(named=True)}


def _expected_pages(site, rows):
    read = {"pdf": pdf_text, "xbrl": report_text}
    for row in rows:
        for kind, name in (("pdf", row.pdf_name), ("xbrl", row.xbrl_name)):
            text = read[kind](site.document(name)) if name else None
            for page, content in enumerate(text.pages if text else (), start=1):
                yield row.code, row.disclosure_id, kind, page, content


def _sent_instead(site, row, content):
    site.faults.send_instead(re.escape(row.pdf_name) + "$", content)


def test_every_page_and_every_section_is_a_row_by_company(site, pipeline):
    site.set_day(DAY, 40)
    rows = site.rows(DAY)
    result = pipeline.materialize(DAY, select=STEPS)

    assert result.success
    table = pipeline.table("document_texts", DAY)
    assert table.schema == DOCUMENT_TEXTS_TABLE.schema
    expected = sorted(_expected_pages(site, rows))
    assert table.select("code", "disclosure_id", "kind", "page", "text").rows() == expected
    assert {kind for _, _, kind, _, _ in expected} == {"pdf", "xbrl"}
    assert table["chars"].to_list() == [len("".join(row[4].split())) for row in expected]
    assert table["has_text"].all()
    outcomes = _outcomes(pipeline)
    files = pipeline.table("documents", DAY).filter(pl.col("status") == "stored")
    assert outcomes.keys() == set(files.select("disclosure_id", "kind").iter_rows())
    assert {row["outcome"] for row in outcomes.values()} == {"read", "absent"}
    assert pipeline.checks(result, "texts_read") == {str(DAY): True}


@pytest.mark.slow
def test_a_second_run_reads_nothing_and_writes_nothing(pipeline, rows):
    pipeline.materialize(DAY, select=STEPS)
    before = pipeline.objects()

    result = pipeline.materialize(DAY, select=("document_texts",))

    assert result.success
    assert pipeline.objects() == before
    (event,) = pipeline.logged(result, dg.DagsterEventType.ASSET_MATERIALIZATION)
    metadata = event.step_materialization_data.materialization.metadata
    assert metadata["read_now"].value == 0
    assert metadata["files"].value == len(_outcomes(pipeline)) > len(rows)


@pytest.mark.slow
def test_only_new_files_are_read_where_the_day_has_grown(site, pipeline):
    site.set_day(DAY, 6)
    pipeline.materialize(DAY, select=STEPS)
    known = _outcomes(pipeline)
    site.set_day(DAY, 9)

    result = pipeline.materialize(DAY, select=STEPS)

    outcomes = _outcomes(pipeline)
    event = next(
        event
        for event in pipeline.logged(result, dg.DagsterEventType.ASSET_MATERIALIZATION)
        if event.asset_key == dg.AssetKey("document_texts")
    )
    metadata = event.step_materialization_data.materialization.metadata
    assert metadata["read_now"].value == len(outcomes) - len(known & outcomes.keys()) > 0
    assert sorted(_expected_pages(site, site.rows(DAY))) == (
        pipeline.table("document_texts", DAY)
        .select("code", "disclosure_id", "kind", "page", "text")
        .rows()
    )


@pytest.mark.slow
def test_a_scan_is_counted_and_the_day_is_whole(site, pipeline, rows):
    _sent_instead(site, rows[0], scan())

    result = pipeline.materialize(DAY, select=STEPS)

    assert result.success
    row = _outcomes(pipeline)[rows[0].disclosure_id, "pdf"]
    assert (row["outcome"], row["pages"], row["pages_without_text"]) == ("scan", 1, 1)
    texts = pipeline.table("document_texts", DAY)
    (page,) = texts.filter(
        pl.col("disclosure_id") == rows[0].disclosure_id, pl.col("kind") == "pdf"
    ).to_dicts()
    assert (page["text"], page["chars"], page["has_text"]) == ("", 0, False)
    assert pipeline.checks(result, "texts_read") == {str(DAY): True}


@pytest.mark.slow
def test_a_file_that_is_locked_crashes_or_never_ends_is_its_own_outcome_and_hurts_no_other(
    site, pipeline, rows, monkeypatch
):
    monkeypatch.setattr(document_texts, "SECONDS_A_FILE", 1)
    bad = dict(zip(("refused", "crashed", "endless"), rows, strict=False))
    for row, content in zip(rows, (locked(), crashing_pdf(), endless()), strict=False):
        _sent_instead(site, row, content)

    result = pipeline.materialize(DAY, select=STEPS)

    assert result.success, pipeline.failure(result)
    outcomes = {name: _outcomes(pipeline)[row.disclosure_id, "pdf"] for name, row in bad.items()}
    assert {name: row["outcome"] for name, row in outcomes.items()} == {
        "refused": "refused",
        "crashed": "stopped",
        "endless": "stopped",
    }
    assert "assword" in outcomes["refused"]["reason"]
    assert "pdf_text" in outcomes["crashed"]["reason"]
    assert "took longer than 1 s" in outcomes["endless"]["reason"]
    others = {row.disclosure_id for row in rows[3:]}
    assert others <= set(pipeline.table("document_texts", DAY)["disclosure_id"])
    assert pipeline.checks(result, "texts_read") == {str(DAY): False}
    assert "document_texts" in pipeline.materialized(result)


@pytest.mark.slow
def test_what_stopped_its_process_is_tried_again_and_what_was_refused_is_not(
    site, pipeline, rows, monkeypatch
):
    monkeypatch.setattr(document_texts, "SECONDS_A_FILE", 1)
    _sent_instead(site, rows[0], endless())
    _sent_instead(site, rows[1], locked())
    pipeline.materialize(DAY, select=STEPS)
    known = _outcomes(pipeline)
    site.publish(DAY, 1)  # the table of a day that has not changed is not made again

    result = pipeline.materialize(DAY, select=STEPS)

    event = next(
        event
        for event in pipeline.logged(result, dg.DagsterEventType.ASSET_MATERIALIZATION)
        if event.asset_key == dg.AssetKey("document_texts")
    )
    metadata = event.step_materialization_data.materialization.metadata
    new = _outcomes(pipeline).keys() - known.keys()
    assert metadata["read_now"].value == 1 + len(new) > 1


@pytest.mark.slow
def test_a_file_that_the_lake_has_damaged_makes_the_day_red_until_it_is_itself_again(
    pipeline, rows
):
    pipeline.materialize(DAY, select=STEPS[:-1])
    key = f"documents/date={DAY}/{rows[0].disclosure_id}.pdf"
    content, head = pipeline.lake.read_with_head(key)
    pipeline.lake.store.put(key, content[:-9] + b"X" + content[-8:], attributes=head.metadata)

    result = pipeline.materialize(DAY, select=("document_texts",))

    assert not result.success
    row = _outcomes(pipeline)[rows[0].disclosure_id, "pdf"]
    assert row["outcome"] == "damaged"
    assert f"{key} is not what was stored" in pipeline.failure(result)
    pipeline.lake.store.put(key, content, attributes=head.metadata)
    assert pipeline.materialize(DAY, select=("document_texts",)).success
    assert _outcomes(pipeline)[rows[0].disclosure_id, "pdf"]["outcome"] == "read"


@pytest.mark.slow
def test_texts_that_were_lost_are_read_again_though_their_extractions_are_there(pipeline, rows):
    pipeline.materialize(DAY, select=STEPS)
    before = pipeline.table("document_texts", DAY)
    pipeline.lake.store.delete(f"tables/document_texts/date={DAY}/data.parquet")

    assert pipeline.materialize(DAY, select=("document_texts",)).success
    assert pipeline.table("document_texts", DAY).equals(before)


@pytest.mark.slow
def test_another_reader_reads_every_file_again(pipeline, rows, monkeypatch):
    pipeline.materialize(DAY, select=STEPS)
    raise_reader(monkeypatch, "document_texts")

    result = pipeline.materialize(DAY, select=("document_texts",))

    (event,) = pipeline.logged(result, dg.DagsterEventType.ASSET_MATERIALIZATION)
    metadata = event.step_materialization_data.materialization.metadata
    assert metadata["read_now"].value == metadata["files"].value > 0


@pytest.mark.slow
def test_an_archive_s_report_that_is_no_markup_costs_only_itself(site, pipeline, rows):
    row = next(row for row in rows if row.xbrl_name and row.xbrl_name.startswith("0812"))
    with zipfile.ZipFile(io.BytesIO(site.document(row.xbrl_name))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["XBRLData/Attachment/qualitative.htm"] = b"\0\xff<<<"
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    site.faults.send_instead(re.escape(row.xbrl_name) + "$", body.getvalue())

    result = pipeline.materialize(DAY, select=STEPS)

    assert result.success
    assert _outcomes(pipeline)[row.disclosure_id, "xbrl"]["outcome"] in ("read", "scan", "refused")
    assert _outcomes(pipeline)[row.disclosure_id, "pdf"]["outcome"] == "read"
