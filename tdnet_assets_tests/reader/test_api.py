"""The API: pages of rows in three forms, moments, single disclosures, files, and refusals."""

import csv
import hashlib
import io
from datetime import timedelta

import polars as pl
import pytest

from tdnet_assets.reader.api_resources import RESOURCES
from tdnet_assets_tests.reader.example_lake import CODE

pytestmark = pytest.mark.slow
BASE = "/api/v1"


def items(reader, address):
    answer = reader.get(f"{BASE}/{address}")
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def all_pages(reader, address):
    """Every row, page after page as `next` says."""
    found, cursor = [], ""
    while True:
        page = reader.get(f"{BASE}/{address}{cursor}").json()
        found.extend(page["items"])
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"


@pytest.mark.parametrize("name", RESOURCES)
def test_every_resource_answers_in_all_forms_with_the_same_columns(reader, collected, name):
    span = f"from={collected.days[1]}&to={collected.days[0]}&limit=3"
    if name == "search":
        span += "&words=の"
    rows = items(reader, f"{name}?{span}")
    text = reader.get(f"{BASE}/{name}.csv?{span}")
    parquet = reader.get(f"{BASE}/{name}.parquet?{span}")

    columns = [column.name for column in RESOURCES[name].columns]
    assert text.headers["content-type"] == "text/csv; charset=utf-8"
    assert next(csv.reader(io.StringIO(text.text))) == columns
    frame = pl.read_parquet(io.BytesIO(parquet.content))
    assert frame.schema == {c.name: c.type for c in RESOURCES[name].columns}
    assert 0 < len(rows) <= 3
    assert [list(row) for row in rows] == [columns] * len(rows)
    assert frame.height == len(rows)


def test_pages_follow_each_other_without_a_gap_or_a_repetition(reader, collected):
    day = collected.days[0]
    stored = collected.lake.read_table("disclosures", day).frame

    found = all_pages(reader, f"disclosures?from={day}&to={day}&limit=7")

    assert len(found) == stored.height == 60
    assert {row["disclosure_id"] for row in found} == set(stored["disclosure_id"])
    times = [row["disclosed_at"] for row in found]
    assert times == sorted(times, reverse=True)


def test_csv_and_parquet_say_where_the_next_page_is(reader, collected):
    day = collected.days[0]

    first = reader.get(f"{BASE}/disclosures.csv?from={day}&to={day}&limit=40")
    target = first.headers["link"].split(">")[0].lstrip("<")
    second = reader.get(target)

    assert first.headers["link"].endswith('rel="next"')
    assert [len(list(csv.reader(io.StringIO(one.text)))) - 1 for one in (first, second)] == [40, 20]
    assert "link" not in second.headers


def test_what_was_known_at_a_moment_is_what_is_answered(reader, collected):
    day = collected.days[0]
    stored = collected.lake.read_table("disclosures", day).frame
    before = (stored["first_seen_at"].min() - timedelta(seconds=1)).isoformat()

    then = items(reader, f"disclosures?from={day}&to={day}&as_of={before.replace('+', '%2B')}")
    now = items(reader, f"disclosures?from={day}&to={day}&as_of=2100-01-01T00:00")

    assert then == []
    assert len(now) == 60


def test_filters_narrow_what_is_answered(reader, collected):
    day = collected.days[0]
    stored = collected.lake.read_table("disclosures", day).frame
    span = f"from={day}&to={day}&limit=500"

    earnings = items(reader, f"disclosures?{span}&category=earnings")
    words = items(reader, f"disclosures?{span}&q=決算短信")
    company = items(reader, "disclosures?code=8699&limit=500")
    files = items(reader, f"documents?{span}&kind=xbrl")

    assert len(earnings) == stored.filter(pl.col("category") == "earnings").height > 0
    assert all("短信" in row["title"] for row in words)
    assert {row["code"] for row in company} == {CODE}
    assert len(company) == 29
    assert {row["kind"] for row in files} == {"xbrl"}


def test_a_day_says_whether_it_is_whole_and_why_not(reader, collected):
    days = {row["date"]: row for row in items(reader, "days")}

    whole, bad = days[str(collected.days[0])], days[str(collected.days[2])]
    assert (whole["state"], whole["disclosures"], whole["reason"]) == ("whole", 60, "")
    assert (bad["state"], bad["disclosures"]) == ("not_whole", 23)
    assert "rows_complete" in bad["reason"]


def test_one_disclosure_has_its_files_and_each_file_is_what_was_fetched(reader, collected):
    row = items(reader, f"disclosures?from={collected.days[0]}&category=earnings")[0]

    found = reader.get(f"{BASE}/disclosures/{row['disclosure_id']}").json()
    pdf = reader.get(f"{BASE}/documents/{row['disclosure_id']}.pdf")

    assert found["title"] == row["title"]
    files = {one["kind"]: one for one in found["documents"]}
    assert hashlib.sha256(pdf.content).hexdigest() == files["pdf"]["sha256"]
    assert pdf.headers["content-type"] == "application/pdf"
    assert pdf.headers["content-disposition"].startswith("attachment")
    assert pdf.headers["etag"] == f'"{files["pdf"]["sha256"]}"'


def test_parts_of_a_file_and_conditions_are_answered(reader, collected):
    row = items(reader, f"disclosures?from={collected.days[0]}&category=earnings")[0]
    address = f"{BASE}/documents/{row['disclosure_id']}.pdf"
    whole = reader.get(address)
    size = len(whole.content)

    def part(span, **headers):
        return reader.get(address, headers={"Range": span, **headers})

    assert part("bytes=0-4").content == b"%PDF-"
    assert part("bytes=0-4").headers["content-range"] == f"bytes 0-4/{size}"
    assert (part("bytes=-6").status_code, part("bytes=-6").content) == (206, whole.content[-6:])
    assert part(f"bytes=10-{size * 2}").content == whole.content[10:]
    assert part(f"bytes={size}-").status_code == 416
    assert part("bytes=0-1,3-4").status_code == 200
    assert part("bytes=0-4", **{"If-Range": '"another"'}).status_code == 200
    assert reader.get(address, headers={"If-None-Match": whole.headers["etag"]}).status_code == 304
    assert reader.head(address).headers["content-length"] == str(size)


@pytest.mark.parametrize(
    ("address", "status", "advice"),
    [
        ("nothing", 404, "use days, disclosures"),
        ("disclosures.xlsx", 404, ".csv or .parquet"),
        ("disclosures?from=yesterday", 400, "write a day as 2026-06-10"),
        ("disclosures?from=2026-06-10&to=2026-06-09", 400, "is before from"),
        ("disclosures?from=1990-01-01&to=2026-01-01", 400, "at most 400 days"),
        ("disclosures?from=0001-01-01", 400, "use a year from"),
        ("disclosures?limit=0", 400, "a number from 1 to 1,000"),
        ("disclosures?limit=1001", 400, "a number from 1 to 1,000"),
        ("disclosures?cursor=x", 400, "take it from `next`"),
        ("disclosures?category=nonsense", 400, "use one of"),
        ("disclosures?code=x", 400, "write all 5 characters"),
        ("disclosures?colour=red", 400, "no parameter 'colour'"),
        ("disclosures?code=86990&code=72030", 400, "given twice"),
        ("disclosures?as_of=2026-06-10", 400, "write a moment"),
        ("search", 400, "words is missing"),
        ("search?words=-x", 400, "no word to look for"),
        ("disclosures/20260610000000", 404, "no disclosure"),
        ("disclosures/abc", 404, "14 digits"),
        ("documents/20260610000000.pdf", 404, "not of its pdf"),
        ("documents/20260610000000.exe", 404, ".pdf or .zip"),
    ],
)
def test_a_refusal_says_what_to_do(reader, address, status, advice):
    answer = reader.get(f"{BASE}/{address}")

    assert (answer.status_code, answer.headers["content-type"]) == (
        status,
        "application/problem+json",
    )
    assert answer.json()["status"] == status
    assert advice in answer.json()["detail"]


def test_nothing_is_found_in_an_empty_lake_and_nothing_breaks(empty_reader):
    for name in RESOURCES:
        words = "?words=x" if name == "search" else ""
        found = items(empty_reader, f"{name}{words}")
        assert [row.get("state") for row in found] == (["not_yet"] if name == "days" else [])
    for page in ("/", "/status", "/companies", "/search?q=x", "/feed.atom"):
        assert empty_reader.get(page).status_code == 200, page


def test_texts_are_searched_with_the_page_that_has_them(reader, collected):
    found = items(reader, f"search?words=見本です&in=text&from={collected.days[0]}")

    assert found
    assert {row["kind"] for row in found} == {"pdf"}
    assert all("見本です" in row["line"] for row in found)
    named = items(reader, f"search?words=決算短信&in=title&code={CODE}")
    assert len(named) == 23
