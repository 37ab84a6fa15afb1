"""Disclosures as they were seen: a day's table is the fold of its captures, in their order.

What belongs here: how a newly seen list changes what is known of a day. Nothing is ever dropped:
a retitled row keeps its old titles, a deleted row (which loses its id and links on the page) keeps
those of its earlier sighting, and a row that vanished without a mark stays as it was last seen.

What does not: reading pages (``listing``) and writing tables.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time

from tdnet_assets.tdnet.listing import TOKYO, ListedDisclosure, normalize_title


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What is known of one disclosure of a day.

    ``disclosure_id`` and the links are None only for a row that was never seen before its deletion.
    ``disclosed_at`` is in Asia/Tokyo; ``first_seen_at`` and ``last_seen_at`` are the beginnings of
    the captures (UTC), of which ``capture`` is the last one's id and ``source`` says whose they
    are.
    """

    disclosure_id: str | None
    disclosed_at: datetime
    code: str
    company_name: str
    title: str
    previous_titles: tuple[str, ...]
    exchanges: tuple[str, ...]
    pdf_url: str | None
    xbrl_url: str | None
    xbrl_kind: str | None
    status: str
    history: str
    changed_at: datetime | None
    first_seen_at: datetime
    last_seen_at: datetime
    capture: str
    source: str = "tdnet"

    @property
    def clock(self) -> time:
        """The time of day that the list shows (Asia/Tokyo)."""
        return self.disclosed_at.timetz().replace(tzinfo=None)

    @property
    def titles(self) -> frozenset[str]:
        """The title and all earlier ones, as they are compared: normalized."""
        return _comparable(self.title, self.previous_titles)


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where and when rows were seen: the capture, its beginning, and the address of its links.

    ``complete`` says that the capture shows every row of the day, and each only once.
    """

    day: date
    capture: str
    seen_at: datetime
    base_url: str
    complete: bool = True
    source: str = "tdnet"


def fold(
    known: Sequence[Disclosure], rows: Iterable[ListedDisclosure], sighting: Sighting
) -> list[Disclosure]:
    """What is known after these rows were seen, ordered by time, code and id.

    Args:
        known: what was known of the day before; may be empty.
        rows: the rows of one capture.
        sighting: the capture they come from.
    """
    linked: dict[str, ListedDisclosure] = {}
    unlinked: list[ListedDisclosure] = []
    for row in rows:
        if row.disclosure_id is None:
            unlinked.append(row)
        else:
            linked[row.disclosure_id] = row
    before = {seen.disclosure_id: seen for seen in known if seen.disclosure_id}
    result = [_seen(before.get(number), row, sighting) for number, row in linked.items()]
    if not sighting.complete:
        unlinked = _without_repeats(unlinked)
    absent = [seen for seen in known if seen.disclosure_id not in linked]
    result += _deletions(absent, unlinked, sighting)
    return in_order(result)


def in_order(disclosures: Iterable[Disclosure]) -> list[Disclosure]:
    """In the order of the table: by time, code and id."""
    return sorted(
        disclosures,
        key=lambda seen: (
            seen.disclosed_at,
            seen.code,
            seen.disclosure_id or "~",
            seen.title,
            seen.history,
        ),
    )


def _without_repeats(rows: list[ListedDisclosure]) -> list[ListedDisclosure]:
    """The rows without those that an insertion pushed onto the next page, to be seen again."""
    first_page: dict[ListedDisclosure, int] = {}
    return [
        row
        for row in rows
        if first_page.setdefault(replace(row, page=0, position=0), row.page) == row.page
    ]


def _deletions(
    absent: list[Disclosure], rows: list[ListedDisclosure], sighting: Sighting
) -> list[Disclosure]:
    """Join rows without an id to what was known of them; the surest matches go first."""
    result = []
    for matches in (_same_deletion, _same_name_and_title, _same_name_any_title, _any_title):
        unmatched = []
        for row in rows:
            found = next((seen for seen in absent if matches(seen, row)), None)
            if found is None:
                unmatched.append(row)
            else:
                absent.remove(found)
                result.append(_seen(found, row, sighting))
        rows = unmatched
    for row in rows:
        # Retitled and deleted between two looks: sure only if nothing else could be meant.
        candidates = [seen for seen in absent if _same_moment(seen, row)]
        rivals = [other for other in rows if (other.time, other.code) == (row.time, row.code)]
        sure = sighting.complete and len(candidates) == len(rivals) == 1
        only = candidates[0] if sure else None
        if only is not None:
            absent.remove(only)
        result.append(_seen(only, row, sighting))
    return result + absent


def _same_moment(seen: Disclosure, row: ListedDisclosure) -> bool:
    return (seen.clock, seen.code) == (row.time, row.code)


def _same_deletion(seen: Disclosure, row: ListedDisclosure) -> bool:
    return _same_name_and_title(seen, row) and (seen.status, seen.history) == (
        row.state,
        row.history,
    )


def _same_name_and_title(seen: Disclosure, row: ListedDisclosure) -> bool:
    return (
        _same_moment(seen, row)
        and seen.company_name == row.company_name
        and seen.title == row.title
    )


def _same_name_any_title(seen: Disclosure, row: ListedDisclosure) -> bool:
    return _any_title(seen, row) and seen.company_name == row.company_name


def _any_title(seen: Disclosure, row: ListedDisclosure) -> bool:
    return _same_moment(seen, row) and not seen.titles.isdisjoint(
        _comparable(row.title, row.previous_titles)
    )


def _seen(before: Disclosure | None, row: ListedDisclosure, sighting: Sighting) -> Disclosure:
    def url(name: str | None) -> str | None:
        return f"{sighting.base_url}/{name}" if name else None

    now = Disclosure(
        disclosure_id=row.disclosure_id,
        disclosed_at=datetime.combine(sighting.day, row.time, TOKYO),
        code=row.code,
        company_name=row.company_name,
        title=row.title,
        previous_titles=row.previous_titles,
        exchanges=row.exchanges,
        pdf_url=url(row.pdf_name),
        xbrl_url=url(row.xbrl_name),
        xbrl_kind=row.xbrl_kind,
        status=row.state,
        history=row.history,
        changed_at=row.changed_at,
        first_seen_at=sighting.seen_at,
        last_seen_at=sighting.seen_at,
        capture=sighting.capture,
        source=sighting.source,
    )
    if before is None:
        return now
    earlier = (*before.previous_titles, *((before.title,) if before.title != now.title else ()))
    previous_titles = _distinct((*earlier, *now.previous_titles))
    return replace(
        now,
        disclosure_id=now.disclosure_id or before.disclosure_id,
        # Links of the first sighting stay, so that an address that moved changes nothing.
        pdf_url=before.pdf_url or now.pdf_url,
        xbrl_url=before.xbrl_url or now.xbrl_url,
        xbrl_kind=before.xbrl_kind or now.xbrl_kind,
        previous_titles=previous_titles,
        status="retitled" if now.status == "active" and previous_titles else now.status,
        history=now.history or before.history,
        changed_at=now.changed_at or before.changed_at,
        first_seen_at=before.first_seen_at,
    )


def _comparable(title: str, previous: tuple[str, ...]) -> frozenset[str]:
    return frozenset(normalize_title(one) for one in (title, *previous))


def _distinct(titles: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(titles))
