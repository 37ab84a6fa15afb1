"""A reading that stops above known ground, against every order in which a list may change."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tdnet_assets.resources.source.paging import KnownGround
from tdnet_assets.tdnet.listing import ListedDisclosure, ListPage
from tdnet_assets.tdnet.sightings import Disclosure, Sighting, fold

DAY = date(2026, 6, 10)
PAGE_SIZE = 4


def row(number: int, minute: int) -> ListedDisclosure:
    return ListedDisclosure(
        page=0,
        position=0,
        time=time(9 + minute // 60, minute % 60),
        code="13010",
        company_name="極洋",
        title=f"表題{number}",
        previous_titles=(),
        pdf_name=f"1401{number:014d}.pdf",
        xbrl_name=None,
        disclosure_id=f"{number:014d}",
        xbrl_kind=None,
        exchanges=("東",),
        exchanges_text="東",
        history="",
        state="active",
        changed_at=None,
    )


@dataclass
class Site:
    """A list with the newest row first; numbers are given in the order of publication."""

    rows: list[ListedDisclosure] = field(default_factory=list)
    titles: dict[str, set[str]] = field(default_factory=dict)
    drawn: int = 0

    def publish(self, minute: int) -> None:
        self.drawn += 1
        new = row(self.drawn, minute)
        self.titles[new.title] = {new.title}
        self.rows.append(new)
        self.rows.sort(key=lambda one: (one.time, one.code, one.title), reverse=True)

    def delete(self, at: int) -> None:
        if self.rows:
            at %= len(self.rows)
            self.rows[at] = replace(
                self.rows[at], disclosure_id=None, pdf_name=None, state="deleted", history="削除"
            )

    def retitle(self, at: int) -> None:
        if self.rows and self.rows[at % len(self.rows)].state == "active":
            at %= len(self.rows)
            before = self.rows[at]
            self.rows[at] = replace(
                before,
                title=before.title + "改",
                previous_titles=(before.title,),
                state="retitled",
                history="表題変更",
            )

    def vanish(self, at: int) -> None:
        if self.rows:
            del self.rows[at % len(self.rows)]

    def pages(self) -> list[ListPage]:
        total = len(self.rows)
        return [
            ListPage(
                DAY,
                first // PAGE_SIZE + 1,
                total,
                first + 1,
                min(first + PAGE_SIZE, total),
                tuple(self.rows[first : first + PAGE_SIZE]),
                (),
            )
            for first in range(0, total, PAGE_SIZE)
        ]


@dataclass
class Table:
    """What a session knows, look by look; ``asked`` counts pages."""

    site: Site
    known: Sequence[Disclosure] = ()
    ground: KnownGround | None = None
    sightings: int = 0
    asked: int = 0

    def look(self, *, whole: bool = False) -> bool:
        """Read what is new, or all pages; whether known ground was reached."""
        self.sightings += 1
        seen_at = datetime(2026, 6, 10, tzinfo=UTC) + timedelta(minutes=self.sightings)
        pages: list[ListPage] = []
        reached = False
        for page in self.site.pages():
            pages.append(page)
            self.asked += 1
            if not whole and self.ground and len(pages) < len(self.site.pages()):
                reached = self.ground.is_reached(pages)
            if reached:
                break
        rows = [one for page in pages for one in page.rows]
        capture = f"{self.sightings:05d}"
        sighting = Sighting(DAY, capture, seen_at, "http://site", complete=not reached)
        self.known = fold(self.known, rows, sighting)
        if reached and self.ground:
            self.ground = self.ground.below(pages)
        else:
            self.ground = KnownGround(capture, tuple(rows)) if rows else None
        return reached


CHANGES = st.one_of(
    st.tuples(st.just("publish"), st.integers(0, 600)),
    st.tuples(st.just("publish"), st.integers(590, 600)),
    st.tuples(st.just("delete"), st.integers(0, 40)),
    st.tuples(st.just("retitle"), st.integers(0, 40)),
)


@given(st.integers(0, 20), st.lists(st.lists(CHANGES, max_size=6), max_size=8))
def test_whatever_changes_between_looks_no_row_is_ever_wrong_and_the_end_is_the_site(begun, looks):
    site = Site()
    for minute in range(begun):
        site.publish(minute)
    table = Table(site)
    table.look(whole=True)
    for changes in looks:
        for name, value in changes:
            getattr(site, name)(value)
        reached = table.look()
        numbers = [seen.disclosure_id for seen in table.known if seen.disclosure_id]
        assert len(numbers) == len(set(numbers))
        for seen in table.known:
            assert seen.title.removesuffix("改") in site.titles or "改" in seen.title
        if reached:
            # As many as 全N件 says, and every row that is on the site by its number is known.
            assert len(table.known) == len(site.rows)
            assert {one.disclosure_id for one in site.rows if one.disclosure_id} <= set(numbers)
    table.look(whole=True)
    shown = sorted((one.time, one.title, one.state) for one in site.rows)
    assert sorted((seen.clock, seen.title, seen.status) for seen in table.known) == shown
    assert {seen.capture for seen in table.known} <= {f"{table.sightings:05d}"}


def test_new_rows_on_top_cost_the_pages_that_they_fill_and_one_known_row():
    site = Site()
    for minute in range(20):
        site.publish(minute)
    table = Table(site)
    table.look(whole=True)
    pages = []
    for count in (1, 3, 4, 9):
        for _ in range(count):
            site.publish(100 + site.drawn)
        before = table.asked
        assert table.look()
        pages.append(table.asked - before)

    assert pages == [1, 1, 2, 3]
    assert len(table.known) == len(site.rows) == 37


def test_a_late_row_with_an_older_minute_is_searched_for_as_deep_as_it_is():
    site = Site()
    for minute in range(20):
        site.publish(minute * 10)
    table = Table(site)
    table.look(whole=True)
    site.publish(105)
    before = table.asked

    assert table.look()

    assert table.asked - before == 3
    assert len(table.known) == 21


def test_a_row_that_vanished_or_is_newly_deleted_is_for_a_reading_of_all_pages():
    for change in ("vanish", "delete"):
        site = Site()
        for minute in range(20):
            site.publish(minute)
        table = Table(site)
        table.look(whole=True)
        getattr(site, change)(1)
        site.publish(300)
        before = table.asked

        assert not table.look()
        assert table.asked - before == len(site.pages())
