"""Today, end to end: collected by the real daemon while the site publishes, through a kill."""

from datetime import datetime

import pytest
from dagster import RunsFilter
from dagster._core.storage.tags import PARENT_RUN_ID_TAG

from tdnet_assets.automation.new_disclosures import OPENS
from tdnet_assets.tables.recipes import RECIPES
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets_tests.e2e.agreement import assert_everything_agrees
from tdnet_assets_tests.e2e.dagster_ui import eventually
from tdnet_assets_tests.e2e.installation import Installation, installed, kill, soon

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

LISTED, MORE = 60, 5
SLOW_SECONDS = 5.0


@pytest.fixture
def installation(aws_endpoint, instance, tmp_path_factory):
    # Slow enough for something to happen while the files are fetched.
    with installed(
        aws_endpoint,
        instance,
        tmp_path_factory.mktemp("session"),
        requests_per_second=10,
        looks_for_the_dead_every=3,
    ) as made:
        yield made


def test_a_session_that_is_killed_while_the_site_publishes_ends_whole(installation):
    now = datetime.now(TOKYO)
    today, site = now.date(), installation.site
    site.set_day(today, 0)
    site.publish(today, LISTED)
    run_id = installation.ui.launch_run(today, [*RECIPES])
    process = eventually(lambda: installation.run_process(run_id), seconds=240)
    eventually(lambda: len(stored(installation, today)) >= 5 or None, seconds=240)
    slow = site.publish(today, MORE)[0].pdf_name
    site.faults.wait(slow, seconds=SLOW_SECONDS, times=1)

    kill(process)

    # At once: the daemon asks for the run again without anybody's help.
    kept = stored(installation, today)
    asked = len(site.requests)
    assert 5 <= len(kept) < len(installation.files(today))
    assert f"/inbs/{slow}" not in {seen.path for seen in site.requests[:asked]}
    eventually(
        lambda: any(seen.path.endswith(slow) for seen in site.requests[asked:]) or None, seconds=240
    )
    # What comes now is not in the list that this run began with: it looks once more at its end.
    # At night no session looks, nor does anything come.
    later = MORE if now.time() >= OPENS and datetime.now(TOKYO).date() == today else 0
    site.publish(today, later)

    # The killed run's own end is noted by a sweep, which may come after the end of this one.
    assert soon(installation, run_id).status == "failed"
    again = RunsFilter(tags={PARENT_RUN_ID_TAG: run_id})
    retry = eventually(lambda: installation.dagster.get_runs(again) or None, seconds=240)[0]
    last = soon(installation, retry.run_id)
    assert last.status == "completed"

    published = {row.disclosure_id for row in site.rows(today)}
    assert len(published) == LISTED + MORE + later == last.total_count
    assert set(installation.stores.table("disclosures", today)["disclosure_id"]) == published
    assert stored(installation, today) == set(installation.files(today).values())
    fetched = [
        seen.path
        for seen in site.requests[asked:]
        if seen.status == 200 and "I_list" not in seen.path
    ]
    assert len(fetched) == len(set(fetched))
    files = installation.files(today)
    assert kept.isdisjoint(files[path.rsplit("/", 1)[1]] for path in fetched)
    for asset in RECIPES:
        shown = installation.ui.partitions(asset)
        assert ("MATERIALIZED", str(today), str(today)) in shown, asset
    assert_everything_agrees(installation)


def stored(installation: Installation, day) -> set[str]:
    return {found.key for found in installation.stores.lake.list(f"documents/date={day}/")}
