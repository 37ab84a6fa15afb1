"""What a yearly copy takes for the same daily file, and what a file costs that went away."""

from datetime import UTC, date, datetime

import pytest

from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.store import LakeResource, StoredObject
from tdnet_assets.resources.lake.yearly_copies import ContainedDay, yearly_copy
from tdnet_assets_tests.lake_days import write_day

DAY, NEXT_DAY = date(2026, 6, 10), date(2026, 6, 11)


@pytest.mark.parametrize(
    ("then", "now", "same"),
    [('"a"', '"a"', True), ('"a"', '"b"', False), ("", "", False), ("", '"a"', False)],
)
def test_a_day_stands_while_its_file_has_the_e_tag_that_was_read_and_none_is_no_e_tag(
    then, now, same
):
    found = StoredObject("key", 1, datetime(2026, 6, 10, tzinfo=UTC), now)

    assert ContainedDay(then, 3).is_of(found) is same


class Vanishing(LakeResource):
    """A lake whose file of the day goes away between the listing and the reading."""

    def read_table(self, table, day):
        if day == DAY:
            self.store.delete(layout.table_key(table, day))
        return super().read_table(table, day)


def test_a_daily_file_that_goes_away_once_it_is_listed_is_as_good_as_never_listed(platform):
    lake = Vanishing(config=platform)
    for day in (DAY, NEXT_DAY):
        write_day(lake, day, 5)

    yearly_copy(lake).bring_up_to_date(2026)

    copy = yearly_copy(lake).read(2026)
    assert set(copy.contents) == set(copy.frame["date"]) == {NEXT_DAY}
