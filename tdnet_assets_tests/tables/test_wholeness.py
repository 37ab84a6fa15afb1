"""Whether a table is whole, judged from what the stored objects say of themselves."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tdnet_assets.tables.recipes import COLLECTION, DERIVATION, RECIPES, names
from tdnet_assets.tables.wholeness import (
    CHECK_FAILED,
    INPUT_NOT_WHOLE,
    OLD_READER,
    OUTDATED,
    PASSED,
    DayState,
    Origin,
    days_in_words,
    origin_metadata,
    version_of,
)
from tdnet_assets_tests.automation.days import stored

DAY = date(2026, 6, 10)
DERIVED = {
    "disclosure_index",
    "financial_facts",
    "forecast_revisions",
    "earnings",
    "report_figures",
    "report_links",
    "document_texts",
    "watch_notices",
}


def kinds(state, table):
    return [lack.kind for lack in state.lacks(table)]


def test_every_table_follows_what_it_is_made_from_and_is_of_one_kind_of_work():
    seen = set()
    for recipe in RECIPES.values():
        assert seen.issuperset(recipe.inputs), recipe.name
        seen.add(recipe.name)
    assert set(names(COLLECTION)) == {"listing_pages", "disclosures", "documents"}
    assert set(names(DERIVATION)) == DERIVED


def test_a_day_whose_tables_are_made_from_each_other_and_passed_is_whole():
    state = stored(DAY)

    assert state.not_whole() == {}
    assert state.why() == ""
    assert all(state.is_current(name) for name in RECIPES)


def test_of_a_day_of_which_nothing_is_there_only_the_list_is_told():
    state = DayState(DAY)

    assert set(state.not_whole()) == set(RECIPES)
    assert state.why() == "listing_pages: not there"


def test_what_is_made_from_a_table_that_failed_its_check_is_not_whole_whoever_made_it():
    state = stored(DAY, failed={"disclosures": ("rows_complete",)})

    assert kinds(state, "disclosures") == [CHECK_FAILED]
    for name in ("documents", *DERIVED):
        assert kinds(state, name) == [INPUT_NOT_WHOLE], name
        assert state.is_current(name)
    assert state.why() == "disclosures: check rows_complete failed"
    inputs = ", ".join(RECIPES["earnings"].inputs)
    assert state.lacks("earnings")[0].reason == f"made from {inputs}, which are not complete"


def test_a_table_that_becomes_right_with_the_same_bytes_makes_what_follows_outdated():
    state = stored(DAY, failed={"documents": ("files_complete",)})
    before = state.version("documents")
    fresh = stored(DAY).origins["documents"]
    state.origins["documents"] = fresh

    assert fresh.version != before
    assert kinds(state, "financial_facts") == [OUTDATED]
    assert state.lacks("financial_facts")[0].reason == "not made from the documents stored now"
    assert not state.is_current("financial_facts")


def test_a_table_of_another_reader_or_of_none_is_made_again():
    state = stored(DAY)
    whole = state.origins["earnings"]
    state.origins["earnings"] = Origin("v", "0", (), whole.made_from)
    assert kinds(state, "earnings") == [OLD_READER]
    state.origins["earnings"] = Origin.from_metadata({"sha256": "ab", "reader": "7"})

    assert [lack.reason for lack in state.lacks("earnings")] == [
        f"made by an earlier version, now it is {RECIPES['earnings'].reader}"
    ]


def test_a_table_that_is_both_outdated_and_failed_says_first_what_mends_it():
    state = stored(DAY, failed={"earnings": ("reports_understood",)})
    listed = state.origins["disclosures"]
    state.origins["disclosures"] = Origin("other", listed.reader, (), listed.made_from)

    assert kinds(state, "earnings") == [OUTDATED, CHECK_FAILED]


_NAMES = st.sampled_from(sorted(RECIPES))


@given(
    st.text("0123456789abcdef", min_size=1),
    st.lists(st.from_regex(r"[a-z_]{1,20}", fullmatch=True), unique=True, max_size=5),
    st.dictionaries(_NAMES, st.text("0123456789abcdef", min_size=16, max_size=16)),
)
def test_an_origin_is_read_back_from_the_metadata_that_it_was_stored_with(digest, failed, versions):
    for recipe in RECIPES.values():
        made_from = {name: versions.get(name, "") for name in recipe.inputs}
        metadata = origin_metadata(recipe, made_from, failed)

        read = Origin.from_metadata({**metadata, "sha256": digest})

        assert read.reader == recipe.reader
        assert read.result == tuple(sorted(failed))
        assert read.made_from == made_from
        assert read.version == version_of(digest, ",".join(sorted(failed)) or PASSED)
        assert sum(map(len, [*metadata, *metadata.values()])) < 2_000
        # S3-compatible stores lose an empty value.
        assert all(value.isascii() for value in metadata.values())
        assert metadata["result"]


@given(st.dictionaries(_NAMES, st.sampled_from(["absent", "failed", "old", "other"])))
def test_a_table_is_whole_only_if_all_that_it_stands_on_is(changes):
    state = stored(DAY)
    for name, change in changes.items():
        origin = state.origins[name]
        state.origins[name] = {
            "absent": None,
            "failed": Origin(f"{name} failed", origin.reader, ("check",), origin.made_from),
            "old": Origin(origin.version, "0", (), origin.made_from),
            "other": Origin(f"{name} other", origin.reader, (), origin.made_from),
        }[change]

    for name, recipe in RECIPES.items():
        if state.is_whole(name):
            assert all(state.is_whole(one) for one in recipe.inputs), name
        assert state.is_whole(name) == (name not in state.not_whole())
    assert bool(state.why()) == bool(state.not_whole())
    if any(change != "other" for change in changes.values()):
        assert state.not_whole()


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (1, "2026-06-10: gone"),
        (3, "2026-06-12, 2026-06-11, 2026-06-10: gone"),
        (9, "9 days from 2026-06-10 to 2026-06-18: gone"),
    ],
)
def test_what_is_said_of_many_days_is_said_once(days, words):
    said = {DAY + timedelta(days=number): "gone" for number in range(days)}

    assert days_in_words(said) == words


def test_the_newest_days_are_told_first():
    said = {DAY: "one", DAY + timedelta(days=1): "two", DAY + timedelta(days=2): "one"}

    assert days_in_words(said) == "2026-06-12, 2026-06-10: one; 2026-06-11: two"


def test_when_a_table_was_stored_and_what_damaged_it_is_known_only_where_s3_said_so():
    moment = datetime(2026, 6, 10, 12, tzinfo=UTC)

    assert Origin.from_metadata({}).stored_at is None
    assert Origin.from_metadata({}).damage == ""
    assert Origin.from_metadata({}, damage="5 of 7 bytes").damage == "5 of 7 bytes"
    assert Origin.from_metadata({}, moment).stored_at == moment
