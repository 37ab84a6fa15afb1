import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tdnet_assets.tdnet.listing import TOKYO, ListedDisclosure
from tdnet_assets.tdnet.sightings import Disclosure, Sighting, fold

DAY = date(2026, 6, 10)
BASE = "http://127.0.0.1:8080/inbs"
FIRST, SECOND = "20260610500001", "20260609500002"
DELETED_AT = "2026/06/12 16:56 削除"


def listed(disclosure_id: str | None = FIRST, **values: Any) -> ListedDisclosure:
    return ListedDisclosure(
        **{
            "page": 1,
            "position": 1,
            "time": time(15, 30),
            "code": "72030",
            "company_name": "見本製作所",
            "title": "決算短信",
            "previous_titles": (),
            "pdf_name": f"1401{disclosure_id}.pdf",
            "xbrl_name": None,
            "disclosure_id": disclosure_id,
            "xbrl_kind": None,
            "exchanges": ("東",),
            "exchanges_text": "東",
            "history": "",
            "state": "active",
            "changed_at": None,
            **values,
        }
    )


def deleted(history: str = DELETED_AT, **values: Any) -> ListedDisclosure:
    moment = datetime.strptime(history[:16], "%Y/%m/%d %H:%M").replace(tzinfo=TOKYO)
    return listed(
        None,
        **{"pdf_name": None, "history": history, "state": "deleted", **values},
        changed_at=moment,
    )


def sighting(number: int, *, complete: bool = True, base_url: str = BASE) -> Sighting:
    seen_at = datetime(2026, 6, 10, 7, tzinfo=UTC) + timedelta(minutes=number)
    return Sighting(DAY, f"capture-{number:03d}", seen_at, base_url, complete)


def folded(*captures: Sequence[ListedDisclosure]) -> list[Disclosure]:
    """What is known after these complete captures."""
    known: list[Disclosure] = []
    for number, rows in enumerate(captures):
        known = fold(known, rows, sighting(number))
    return known


def by_id(known: Sequence[Disclosure]) -> dict[str | None, Disclosure]:
    found = {seen.disclosure_id: seen for seen in known}
    assert len(found) == len(known)
    return found


def test_a_first_sighting_is_what_the_row_says():
    row = listed(
        xbrl_name=f"0812{FIRST}.zip",
        xbrl_kind="earnings",
        time=time(0, 5),
        exchanges=("東", "名"),
        previous_titles=("旧表題",),
        state="retitled",
        history="2026/06/10 17:01 表題変更",
        changed_at=datetime(2026, 6, 10, 17, 1, tzinfo=TOKYO),
    )

    (seen,) = folded([row])

    assert seen == Disclosure(
        disclosure_id=FIRST,
        disclosed_at=datetime(2026, 6, 10, 0, 5, tzinfo=TOKYO),
        code="72030",
        company_name="見本製作所",
        title="決算短信",
        previous_titles=("旧表題",),
        exchanges=("東", "名"),
        pdf_url=f"{BASE}/1401{FIRST}.pdf",
        xbrl_url=f"{BASE}/0812{FIRST}.zip",
        xbrl_kind="earnings",
        status="retitled",
        history="2026/06/10 17:01 表題変更",
        changed_at=datetime(2026, 6, 10, 17, 1, tzinfo=TOKYO),
        first_seen_at=sighting(0).seen_at,
        last_seen_at=sighting(0).seen_at,
        capture="capture-000",
    )


def test_a_deleted_row_keeps_the_id_links_and_first_sight_of_its_earlier_sighting():
    row = listed(xbrl_name=f"0812{FIRST}.zip", xbrl_kind="earnings")

    (seen,) = folded([row], [deleted()])

    assert (seen.disclosure_id, seen.status) == (FIRST, "deleted")
    assert seen.pdf_url == f"{BASE}/1401{FIRST}.pdf"
    assert (seen.xbrl_url, seen.xbrl_kind) == (f"{BASE}/0812{FIRST}.zip", "earnings")
    assert seen.changed_at == datetime(2026, 6, 12, 16, 56, tzinfo=TOKYO)
    assert (seen.first_seen_at, seen.last_seen_at) == (sighting(0).seen_at, sighting(1).seen_at)
    assert seen.capture == "capture-001"


def test_a_row_deleted_before_it_was_ever_seen_has_neither_id_nor_links():
    (seen,) = folded([deleted()])

    assert (seen.disclosure_id, seen.pdf_url, seen.xbrl_url) == (None, None, None)
    assert (seen.status, seen.title) == ("deleted", "決算短信")


def test_each_new_title_leaves_the_older_ones_behind_in_their_order():
    (seen,) = folded(
        [listed(title="甲")],
        [listed(title="乙", previous_titles=("甲",), state="retitled")],
        [listed(title="丙", previous_titles=("乙",), state="retitled")],
    )

    assert (seen.title, seen.previous_titles, seen.status) == ("丙", ("甲", "乙"), "retitled")


def test_a_title_that_changed_without_a_mark_is_a_retitling_all_the_same():
    (seen,) = folded([listed(title="甲")], [listed(title="乙")])

    assert (seen.title, seen.previous_titles, seen.status) == ("乙", ("甲",), "retitled")


def test_a_row_that_vanished_without_a_mark_stays_as_it_was_last_seen():
    known = folded([listed(), listed(SECOND, title="配当")], [listed(SECOND, title="配当")])

    vanished = by_id(known)[FIRST]
    assert vanished == by_id(folded([listed(), listed(SECOND, title="配当")]))[FIRST]
    assert vanished.capture == "capture-000"


def test_a_deleted_row_that_is_listed_again_is_active_with_its_history():
    (seen,) = folded([listed()], [deleted()], [listed()])

    assert (seen.disclosure_id, seen.status, seen.history) == (FIRST, "active", DELETED_AT)
    assert seen.first_seen_at == sighting(0).seen_at


def test_when_a_row_changed_is_kept_where_the_list_says_it_no_more_and_a_later_change_counts():
    first, second = (datetime(2026, 6, day, 16, 56, tzinfo=TOKYO) for day in (12, 13))
    retitled, plain = listed(changed_at=first), listed(changed_at=None)
    assert folded([retitled], [plain])[0].changed_at == first
    assert folded([retitled], [listed(changed_at=second)])[0].changed_at == second


def test_links_of_the_first_sighting_stay_when_the_address_moves():
    known = fold(folded([listed()]), [listed()], sighting(1, base_url="http://127.0.0.1:1/new"))

    assert known[0].pdf_url == f"{BASE}/1401{FIRST}.pdf"


def test_an_archive_that_is_linked_later_is_added_and_one_that_goes_away_is_kept():
    archive = {"xbrl_name": f"0912{FIRST}.zip", "xbrl_kind": "revision"}

    (added,) = folded([listed()], [listed(**archive)])
    (kept,) = folded([listed(**archive)], [listed()])

    assert (added.xbrl_url, added.xbrl_kind) == (f"{BASE}/0912{FIRST}.zip", "revision")
    assert (kept.xbrl_url, kept.xbrl_kind) == (f"{BASE}/0912{FIRST}.zip", "revision")


@pytest.mark.parametrize("gone", [FIRST, SECOND])
def test_of_two_twins_a_deletion_joins_the_one_that_is_no_longer_linked(gone):
    left = SECOND if gone == FIRST else FIRST

    known = by_id(folded([listed(FIRST), listed(SECOND)], [listed(left), deleted()]))

    assert known[gone].status == "deleted"
    assert (known[left].status, known[left].history) == ("active", "")


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("first_gone", [FIRST, SECOND])
def test_twins_deleted_one_after_the_other_keep_each_its_own_history(first_gone, order):
    then_gone = SECOND if first_gone == FIRST else FIRST
    later = "2026/06/15 09:10 削除"

    known = by_id(
        folded(
            [listed(FIRST), listed(SECOND)],
            [deleted(), listed(then_gone)],
            [deleted(), deleted(later)][::order],
        )
    )

    assert known[first_gone].history == DELETED_AT
    assert known[then_gone].history == later


@pytest.mark.parametrize("order", [1, -1])
def test_a_deletion_joins_the_row_of_just_that_title_before_one_that_once_had_it(order):
    # The row with the smaller id had the title earlier; both are deleted between two looks.
    once_had_it = listed(SECOND, title="乙", previous_titles=("甲",), state="retitled")
    has_it = listed(FIRST, title="甲")

    known = by_id(
        folded([once_had_it, has_it], [deleted(title="甲"), deleted(title="乙")][::order])
    )

    assert (known[FIRST].title, known[FIRST].previous_titles) == ("甲", ())
    assert (known[SECOND].title, known[SECOND].previous_titles) == ("乙", ("甲",))


def test_of_rows_that_once_had_the_title_a_deletion_joins_that_of_its_own_company_name():
    # The name is cut at ten characters, so one code can be listed under two spellings.
    once = {"previous_titles": ("甲",), "state": "retitled"}
    known = by_id(
        folded(
            [listed(SECOND, company_name="別名", title="乙", **once), listed(title="丙", **once)],
            [deleted(title="甲")],
        )
    )

    assert known[FIRST].status == "deleted"
    assert known[SECOND].status == "retitled"


def test_a_row_retitled_and_deleted_between_two_looks_is_joined_when_only_one_is_meant():
    (seen,) = folded([listed(title="甲")], [deleted(title="乙")])

    assert (seen.disclosure_id, seen.title, seen.previous_titles) == (FIRST, "乙", ("甲",))


def test_a_row_retitled_and_deleted_is_not_joined_when_two_could_be_meant():
    known = folded([listed(FIRST, title="甲"), listed(SECOND, title="丙")], [deleted(title="乙")])

    assert {(seen.disclosure_id, seen.title, seen.status) for seen in known} == {
        (FIRST, "甲", "active"),
        (SECOND, "丙", "active"),
        (None, "乙", "deleted"),
    }


def test_an_unknown_deletion_of_an_incomplete_list_is_not_taken_for_a_row_not_yet_read():
    before = folded([listed(FIRST, title="甲")])

    # The page with that row was not read; the deleted one is another disclosure of the company.
    partial = fold(before, [deleted(title="乙")], sighting(1, complete=False))
    known = fold(partial, [deleted(title="乙"), listed(FIRST, title="甲")], sighting(2))

    linked, unknown = by_id(known)[FIRST], by_id(known)[None]
    assert (linked.status, linked.title, linked.previous_titles) == ("active", "甲", ())
    assert (unknown.title, unknown.last_seen_at) == ("乙", sighting(2).seen_at)


@pytest.mark.parametrize("before", [[], [listed()]])
def test_a_deleted_row_that_an_insertion_shows_on_two_pages_is_one_row(before):
    twice = [deleted(page=1, position=100), deleted(page=2, position=1)]
    known = fold(folded(before), twice, sighting(1, complete=False))

    known = fold(known, [deleted(page=2, position=1)], sighting(2))

    (seen,) = known
    assert seen.last_seen_at == sighting(2).seen_at
    assert seen.disclosure_id == (FIRST if before else None)


def test_deleted_twins_on_one_page_stay_two_even_in_an_incomplete_list():
    twins = [deleted(page=1, position=1), deleted(page=1, position=2)]

    known = fold(folded([listed(FIRST), listed(SECOND)]), twins, sighting(1, complete=False))

    assert {seen.disclosure_id: seen.status for seen in known} == {
        FIRST: "deleted",
        SECOND: "deleted",
    }


def test_what_is_known_is_ordered_by_time_code_and_id_with_unknown_ids_last():
    known = folded(
        [
            deleted(title="不明"),
            listed("20260610500003"),
            listed("20260610500001", title="乙"),
            listed("20260610500009", code="13010"),
            listed("20260610500008", time=time(9, 0), code="99990"),
        ]
    )

    assert [seen.disclosure_id for seen in known] == [
        "20260610500008",
        "20260610500009",
        "20260610500001",
        "20260610500003",
        None,
    ]


@dataclass
class _True:
    """A disclosure as TDnet itself knows it."""

    disclosure_id: str
    time: time
    code: str
    company_name: str
    title: str
    xbrl_name: str | None
    previous: tuple[str, ...] = ()
    history: str = ""
    state: str = "active"
    shown: bool = True

    def row(self) -> ListedDisclosure:
        values = {
            "time": self.time,
            "code": self.code,
            "company_name": self.company_name,
            "title": self.title,
        }
        if self.state == "deleted":
            return deleted(self.history, **values)
        return listed(
            self.disclosure_id,
            previous_titles=self.previous,
            xbrl_name=self.xbrl_name,
            xbrl_kind="earnings" if self.xbrl_name else None,
            history=self.history,
            state=self.state,
            **values,
        )


class _Day(RuleBasedStateMachine):
    """A day on TDnet and a collector that looks at it, now and then at a part of it only."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[_True] = []
        self.minutes = itertools.count()
        self.captures: list[tuple[list[ListedDisclosure], Sighting]] = []
        self.known: list[Disclosure] = []
        self.titles: dict[str, set[str]] = {}
        self.links: dict[str, tuple[str, str | None]] = {}

    @initialize()
    def _something_to_begin_with(self) -> None:
        for number in range(3):
            self.publish(15, "72030", "見本", f"表題{number % 2}", xbrl=number == 0)

    @rule(
        hour=st.sampled_from([9, 15]),
        code=st.sampled_from(["72030", "72034"]),
        name=st.sampled_from(["見本", "別名"]),
        title=st.sampled_from(["表題0", "表題1", "表題2"]),
        xbrl=st.booleans(),
    )
    def publish(self, hour: int, code: str, name: str, title: str, *, xbrl: bool) -> None:
        # Registration dates differ, so that the order of ids is not that of publication.
        number = f"202606{10 - len(self.rows) % 3:02d}{500_000 + len(self.rows)}"
        archive = f"0812{number}.zip" if xbrl else None
        self.rows.append(_True(number, time(hour), code, name, title, archive))

    @precondition(lambda self: self.rows)
    @rule(data=st.data())
    def publish_a_twin(self, data: st.DataObject) -> None:
        other = data.draw(st.sampled_from(self.rows))
        self.publish(other.time.hour, other.code, other.company_name, other.title, xbrl=False)

    @precondition(lambda self: any(row.state != "deleted" for row in self.rows))
    @rule(data=st.data(), title=st.sampled_from(["表題0", "表題1", "表題2", "表題3"]))
    def retitle(self, data: st.DataObject, title: str) -> None:
        row = data.draw(st.sampled_from([row for row in self.rows if row.state != "deleted"]))
        if title != row.title:
            row.previous, row.title, row.state = (row.title,), title, "retitled"
            row.history = f"{self._moment()} 表題変更"

    @precondition(lambda self: any(row.state != "deleted" for row in self.rows))
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        row = data.draw(st.sampled_from([row for row in self.rows if row.state != "deleted"]))
        row.state, row.history = "deleted", f"{self._moment()} 削除"

    @precondition(lambda self: any(row.state == "deleted" for row in self.rows))
    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        row = data.draw(st.sampled_from([row for row in self.rows if row.state == "deleted"]))
        row.state, row.history, row.previous = "active", "", ()

    @precondition(lambda self: self.rows)
    @rule(data=st.data())
    def hide_or_show(self, data: st.DataObject) -> None:
        row = data.draw(st.sampled_from(self.rows))
        row.shown = not row.shown

    @rule(data=st.data())
    def look(self, data: st.DataObject) -> None:
        self._see(data.draw(st.permutations(self._listed())), complete=True)

    @rule(data=st.data())
    def look_at_a_part(self, data: st.DataObject) -> None:
        rows = self._listed()
        until = data.draw(st.integers(0, len(rows)))
        again = data.draw(st.integers(0, until))
        pushed = [replace(row, page=2) for row in rows[again:until]]
        self._see([*rows[:until], *pushed], complete=False)

    def _moment(self) -> str:
        return f"{datetime(2026, 6, 12) + timedelta(minutes=next(self.minutes)):%Y/%m/%d %H:%M}"  # noqa: DTZ001 - as the page prints it

    def _listed(self) -> list[ListedDisclosure]:
        return [row.row() for row in self.rows if row.shown]

    def _see(self, rows: Sequence[ListedDisclosure], *, complete: bool) -> None:
        seen = sighting(len(self.captures), complete=complete)
        before = list(self.known)
        self.known = fold(before, rows, seen)
        self.captures.append((list(rows), seen))
        for row in rows:
            if row.disclosure_id:
                self.titles.setdefault(row.disclosure_id, set()).update(
                    (row.title, *row.previous_titles)
                )
                xbrl = self.links.get(row.disclosure_id, ("", None))[1] or row.xbrl_name
                self.links[row.disclosure_id] = (row.pdf_name or "", xbrl)

        self._loses_nothing(before)
        self._agrees_with(rows, seen)
        self._is_a_fold(rows, seen)

    def _loses_nothing(self, before: Sequence[Disclosure]) -> None:
        numbers = [seen.disclosure_id for seen in self.known if seen.disclosure_id]
        assert len(numbers) == len(set(numbers))
        assert set(numbers) == set(self.titles)
        found = {seen.disclosure_id: seen for seen in self.known if seen.disclosure_id}
        for number, (pdf, xbrl) in self.links.items():
            assert found[number].pdf_url == f"{BASE}/{pdf}"
            assert found[number].xbrl_url == (f"{BASE}/{xbrl}" if xbrl else None)
            assert self.titles[number] <= found[number].titles
        for earlier in before:
            if earlier.disclosure_id:
                assert earlier.titles <= found[earlier.disclosure_id].titles
                assert earlier.first_seen_at == found[earlier.disclosure_id].first_seen_at
        assert len(self.known) >= len(before)

    def _agrees_with(self, rows: Sequence[ListedDisclosure], seen: Sighting) -> None:
        found = {known.disclosure_id: known for known in self.known if known.disclosure_id}
        for row in rows:
            if row.disclosure_id:
                assert found[row.disclosure_id].status != "deleted"
                assert found[row.disclosure_id].title == row.title
        present = [known for known in self.known if known.capture == seen.capture]
        if seen.complete:
            assert sorted((known.title, known.status == "deleted") for known in present) == sorted(
                (row.title, row.state == "deleted") for row in rows
            )
        assert self.known == sorted(
            self.known,
            key=lambda known: (known.disclosed_at, known.code, known.disclosure_id or "~"),
        )

    def _is_a_fold(self, rows: Sequence[ListedDisclosure], seen: Sighting) -> None:
        assert fold(self.known, rows, seen) == self.known
        known: list[Disclosure] = []
        for earlier, moment in self.captures:
            known = fold(known, earlier, moment)
        assert known == self.known


def test_no_sequence_of_captures_loses_an_id_a_link_or_a_title():
    run_state_machine_as_test(
        _Day,
        settings=settings(
            max_examples=settings().max_examples * 15 // 10,
            stateful_step_count=25,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )


@pytest.mark.parametrize("rows", list(itertools.permutations([deleted(), listed(FIRST)])))
def test_what_is_known_does_not_depend_on_the_order_of_the_rows(rows):
    assert folded([listed(FIRST), listed(SECOND)], rows) == folded(
        [listed(FIRST), listed(SECOND)], [listed(FIRST), deleted()]
    )
