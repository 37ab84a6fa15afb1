"""The index fed from lakes that the real code location has filled."""

from datetime import date

import pytest
from click.testing import CliRunner

from tdnet_assets.cli.index import index as index_command
from tdnet_assets.local.bootstrap import bootstrap
from tdnet_assets.resources.aws.index_table import DisclosureIndexResource, IndexWrite
from tdnet_assets.resources.index_feed import Rebuild, catch_up, rebuild
from tdnet_assets.resources.lake import layout
from tdnet_assets_tests.commands import variables
from tdnet_assets_tests.local.aws_clients import client

FIRST, SECOND, EMPTY = (date(2026, 6, day) for day in (10, 11, 12))
LISTED = ("listing_pages", "disclosures")
NOTHING = Rebuild(0, IndexWrite(0, 0, 0))


@pytest.fixture
def index(platform):
    return DisclosureIndexResource(config=platform)


@pytest.fixture
def collected(site, pipeline):
    """Two days with disclosures and one without, in the lake; the index has nothing of them."""
    site.set_day(FIRST, 30)
    site.set_day(SECOND, 20)
    site.set_day(EMPTY, 0)
    assert pipeline.materialize(FIRST, EMPTY, select=LISTED).success
    return site


@pytest.fixture
def tdnet(platform):
    def invoke(*arguments):
        return CliRunner().invoke(
            index_command, arguments, env=variables(platform), catch_exceptions=False
        )

    return invoke


def _ids(site, day):
    return {row.disclosure_id for row in site.rows(day)}


def _indexed(index, day):
    return {row.disclosure_id for row in index.by_day(day)}


@pytest.mark.slow
def test_a_rebuild_feeds_every_day_of_the_lake_and_asks_tdnet_for_nothing(
    collected, platform, index
):
    requests = len(collected.requests)
    lines = []

    rebuilt = rebuild(platform, show=lines.append)

    assert rebuilt == Rebuild(3, IndexWrite(put=50, deleted=0, unchanged=0))
    assert lines == [
        "2026-06-10: 30 put, 0 deleted, 0 unchanged",
        "2026-06-11: 20 put, 0 deleted, 0 unchanged",
        "2026-06-12: 0 put, 0 deleted, 0 unchanged",
    ]
    assert _indexed(index, FIRST) == _ids(collected, FIRST)
    assert _indexed(index, SECOND) == _ids(collected, SECOND)
    assert len(collected.requests) == requests
    assert rebuild(platform) == Rebuild(3, IndexWrite(0, 0, 50))


def test_a_rebuild_of_a_range_includes_both_ends_and_no_other_day(collected, platform, index):
    assert rebuild(platform, SECOND, EMPTY).days == 2
    assert _indexed(index, FIRST) == set()
    assert rebuild(platform, FIRST, FIRST).days == 1
    assert _indexed(index, FIRST) == _ids(collected, FIRST)
    assert rebuild(platform, date(2026, 6, 13)) == NOTHING


@pytest.mark.slow
def test_only_the_days_that_the_index_is_behind_with_are_caught_up(
    collected, pipeline, platform, index
):
    assert catch_up(platform).days == 3
    assert catch_up(platform) == NOTHING
    collected.publish(SECOND, 2)
    pipeline.materialize(SECOND, select=LISTED)

    assert catch_up(platform) == Rebuild(1, IndexWrite(put=2, deleted=0, unchanged=20))
    assert catch_up(platform) == NOTHING
    assert _indexed(index, SECOND) == _ids(collected, SECOND)


@pytest.mark.slow
def test_a_day_whose_files_were_stored_since_is_caught_up(collected, pipeline, platform, index):
    catch_up(platform)
    pipeline.materialize(SECOND, select=["documents"])

    assert catch_up(platform) == Rebuild(1, IndexWrite(put=20, deleted=0, unchanged=0))
    assert all(row.pdf_stored for row in index.by_day(SECOND))


def test_a_day_whose_file_goes_away_once_it_is_listed_is_passed_over(
    collected, pipeline, platform, index
):
    lake = pipeline.lake

    def take_away(line):
        """When the first day has been fed, the second one's file goes away."""
        if line.startswith(str(FIRST)):
            lake.store.delete(layout.table_key("disclosures", SECOND))

    assert rebuild(platform, show=take_away).days == 2
    assert _indexed(index, FIRST) == _ids(collected, FIRST)
    assert _indexed(index, SECOND) == set()


@pytest.mark.slow
def test_the_bootstrap_brings_a_lost_table_back(collected, platform, index):
    catch_up(platform)
    client(platform, "dynamodb").delete_table(TableName=platform.disclosures_table)

    bootstrap(platform)

    assert _indexed(index, FIRST) == _ids(collected, FIRST)
    assert catch_up(platform) == NOTHING


def test_a_lake_that_cannot_be_read_does_not_keep_the_bootstrap_from_its_work(
    collected, platform, pipeline, index, caplog
):
    client(platform, "s3").put_object(
        Bucket=platform.bucket,
        Key=f"tables/disclosures/date={FIRST}/data.parquet",
        Body=b"no Parquet",
    )

    bootstrap(platform)

    assert "mend it with `tdnet index rebuild`" in caplog.text
    assert _indexed(index, FIRST) == set()


@pytest.mark.slow
def test_the_prefix_of_the_lake_is_kept_to(collected, platform):
    other = platform.changed(prefix="elsewhere")

    assert rebuild(other) == NOTHING
    assert catch_up(other) == NOTHING


def test_the_command_rebuilds_a_range_and_says_what_it_did(collected, platform, tdnet, index):
    done = tdnet("rebuild", "--from", str(FIRST), "--to", str(SECOND))

    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1] == (
        f"{platform.disclosures_table}: 2 days, 50 items put, 0 deleted, 0 unchanged"
    )
    assert _indexed(index, SECOND) == _ids(collected, SECOND)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--from", "2026-06-12", "--to", "2026-06-11"), 2, "2026-06-11 is before --from"),
        (("--from", "June"), 2, "'June' is not a day: write YYYY-MM-DD"),
        (("--from", "2026-06-20"), 1, "the lake has no disclosures of these days"),
    ],
)
def test_a_rebuild_of_no_days_is_refused(tdnet, arguments, code, said):
    done = tdnet("rebuild", *arguments)

    assert done.exit_code == code
    assert said in done.output


@pytest.mark.slow
def test_the_command_shows_one_disclosure_or_the_newest_of_a_code(collected, platform, tdnet):
    rebuild(platform)
    row = collected.rows(SECOND)[0]

    one = tdnet("show", row.disclosure_id)
    listed = tdnet("show", row.code, "--limit", "1")

    assert one.exit_code == listed.exit_code == 0
    assert f"title            {row.title}" in one.output
    assert f"code             {row.code}" in one.output
    assert listed.output.startswith(f"{SECOND}T{row.time}:00/")
    assert f" {row.company_name}  {row.title}" in listed.output
    wide = row.code[:4].translate({ord(digit): 0xFF10 + int(digit) for digit in "0123456789"})
    assert tdnet("show", wide.lower(), "--limit", "1").output == listed.output
    assert tdnet("show", row.code, "--before", "2026-06-01").exit_code == 1


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("20260601999999", 1, "nothing of 20260601999999 in"),
        ("99990", 1, "nothing of 99990 in"),
        ("7203", 1, "nothing of 7203 in"),
        ("720", 2, "'720' is not a security code: use its 5 characters"),
        ("1234567890123x", 2, "'1234567890123X' is not a disclosure id: use its 14 digits"),
    ],
)
def test_what_is_not_there_is_said_so(tdnet, name, code, said):
    done = tdnet("show", name)

    assert done.exit_code == code
    assert said in done.output
