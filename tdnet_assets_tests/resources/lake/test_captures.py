import gzip
import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from tdnet_assets.resources.aws import clients
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.captures import Capture, CapturedPage, CaptureStore, CaptureWriter
from tdnet_assets.resources.lake.store import DamagedObjectError, LakeError, LakeResource, sha256
from tdnet_assets_tests.resources.lake.test_store import new_bucket

DAY, NEXT_DAY = date(2026, 6, 10), date(2026, 6, 11)
BASE = "http://127.0.0.1:8080/inbs"
FIRST, SECOND, THIRD = (f"20260610T0630{second:02d}.000000Z" for second in (0, 1, 2))


@pytest.fixture(params=["", "team/tdnet/"], ids=["no prefix", "prefix"])
def store(aws_endpoint, request) -> CaptureStore:
    return CaptureStore(LakeResource(config=new_bucket(aws_endpoint).changed(prefix=request.param)))


def captured(
    store: CaptureStore,
    capture_id: str,
    contents: list[bytes],
    *,
    known: Capture | None = None,
    complete: bool = True,
    problem: str | None = None,
    day: date = DAY,
) -> tuple[Capture, bool]:
    """A capture of pages with these contents, taken as the paging takes one."""
    writer = CaptureWriter(store, day, BASE, capture_id, known)
    pages = tuple(
        CapturedPage(
            number=number,
            key=writer.keep(number, content),
            status=200,
            sha256=sha256(content),
            bytes=len(content),
            total=7,
            last_modified="Wed, 10 Jun 2026 06:30:00 GMT",
            received_at="2026-06-10T06:30:02.000+00:00",
            headers={"server": "Apache"},
        )
        for number, content in enumerate(contents, start=1)
    )
    return writer.finish(pages, complete=complete, problem=problem)


def overwrite(store: CaptureStore, key: str, content: bytes) -> None:
    """Change an object behind the back of the code, which itself never replaces one."""
    clients.client(store.lake.config, "s3").put_object(
        Bucket=store.lake.config.bucket, Key=store.lake.object_key(key), Body=content
    )


def captures(store: CaptureStore) -> list[Capture | None]:
    return [store.get(DAY, one) for one in store.ids(DAY)]


def keys(store: CaptureStore) -> list[str]:
    return [found.key for found in store.lake.list("")]


def test_a_capture_is_read_back_as_it_was_stored(store):
    capture, new = captured(
        store, FIRST, [b"one", "適時".encode()], complete=False, problem="全2件 went to 全3件"
    )

    assert new
    assert store.latest(DAY) == capture
    assert capture.begun_at == datetime(2026, 6, 10, 6, 30, tzinfo=UTC)
    assert (capture.total, capture.complete, capture.problem) == (7, False, "全2件 went to 全3件")
    assert [store.read(page) for page in capture.pages] == [b"one", "適時".encode()]
    assert capture.page(2) == capture.pages[1]
    assert capture.page(3) is None


def test_a_page_is_in_the_lake_as_soon_as_it_is_kept(store):
    writer = CaptureWriter(store, DAY, BASE, FIRST, None)

    key = writer.keep(1, b"one")

    assert keys(store) == [key] == [layout.page_key(DAY, FIRST, 1)]
    assert gzip.decompress(store.lake.read(key)) == b"one"
    assert store.lake.metadata(key)["content-sha256"] == sha256(b"one")
    assert store.lake.metadata(key)["Content-Type"] == "application/gzip"


def test_the_same_page_is_the_same_object_whenever_it_is_stored(store):
    first = store.lake.read(store.put_page(DAY, FIRST, 1, b"page" * 1000))
    second = store.lake.read(store.put_page(DAY, SECOND, 2, b"page" * 1000))

    assert first == second
    assert first[4:8] == bytes(4)  # the time in a gzip header


def test_a_capture_without_its_manifest_is_not_a_capture(store):
    CaptureWriter(store, DAY, BASE, FIRST, None).keep(1, b"killed before its manifest")

    assert store.latest(DAY) is None
    assert captures(store) == []

    finished, _ = captured(store, SECOND, [b"one"])
    CaptureWriter(store, DAY, BASE, THIRD, finished).keep(1, b"killed again")

    assert store.latest(DAY) == finished
    assert captures(store) == [finished]


def test_captures_come_in_their_order_and_of_their_day_only(store):
    second, _ = captured(store, SECOND, [b"two"])
    first, _ = captured(store, FIRST, [b"one"])
    other, _ = captured(store, THIRD, [b"three"], day=NEXT_DAY)

    assert captures(store) == [first, second]
    assert [one for one in captures(store) if one.id > FIRST] == [second]
    assert store.latest(DAY) == second
    assert store.latest(NEXT_DAY) == other


def test_the_pages_of_the_latest_capture_seen_again_are_not_stored(store):
    known, _ = captured(store, FIRST, [b"one", b"two"])
    before = keys(store)

    again, new = captured(store, SECOND, [b"one", b"two"], known=known)

    assert (again, new) == (known, False)
    assert keys(store) == before


@pytest.mark.parametrize(
    "contents", [[b"one", b"new"], [b"new", b"two"], [b"one"], [b"one", b"two", b"three"]]
)
def test_a_capture_that_differs_in_one_page_is_stored_whole(store, contents):
    known, _ = captured(store, FIRST, [b"one", b"two"])

    capture, new = captured(store, SECOND, contents, known=known)

    assert new
    assert [page.key for page in capture.pages] == [
        layout.page_key(DAY, SECOND, number) for number in range(1, len(contents) + 1)
    ]
    assert [store.read(page) for page in capture.pages] == contents
    assert [store.read(page) for page in known.pages] == [b"one", b"two"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((False, "page 2 is missing"), (True, None)),
        ((True, None), (False, "it never settled")),
        ((False, "page 2 is missing"), (False, "it never settled")),
    ],
)
def test_the_same_pages_with_another_verdict_are_a_new_capture(store, before, after):
    known, _ = captured(store, FIRST, [b"one"], complete=before[0], problem=before[1])

    capture, new = captured(
        store, SECOND, [b"one"], known=known, complete=after[0], problem=after[1]
    )

    assert new
    assert (capture.complete, capture.problem) == after
    assert store.latest(DAY) == capture
    assert store.read(capture.pages[0]) == b"one"


@pytest.mark.parametrize(
    ("tampered", "seen"),
    [
        (gzip.compress(b"other"), "its sha256 is not the manifest's"),
        (gzip.compress(b"one" * 100)[:-6], "not a whole gzip file"),
        (b"<html>not gzip</html>", "not a whole gzip file"),
        (gzip.compress(b"one" * 100)[:12] + b"\xff" * 30, "not a whole gzip file"),
        (b"", "its sha256 is not the manifest's"),
    ],
    ids=["another page", "cut", "no gzip", "damaged", "empty"],
)
def test_bytes_that_are_not_the_manifests_are_refused_by_name(store, tampered, seen):
    capture, _ = captured(store, FIRST, [b"one"])
    page = capture.pages[0]
    overwrite(store, page.key, tampered)

    with pytest.raises(DamagedObjectError, match=seen) as caught:
        store.read(page)

    assert str(caught.value).startswith(store.lake.uri(page.key))
    assert caught.value.etag == store.lake.head(page.key).etag


def test_a_page_that_is_gone_is_refused_by_name(store):
    capture, _ = captured(store, FIRST, [b"one"])
    missing = replace(capture.pages[0], key=layout.page_key(DAY, FIRST, 9))

    with pytest.raises(DamagedObjectError, match="named by a manifest, but not there") as caught:
        store.read(missing)

    assert str(caught.value).startswith(store.lake.uri(missing.key))
    assert caught.value.etag is None


@pytest.mark.parametrize(
    ("content", "seen"),
    [
        (lambda good: good[:-200], "not a capture's manifest: the whole: Invalid JSON: EOF"),
        (lambda _: b"", "not a capture's manifest: the whole: Invalid JSON"),
        (lambda _: b"<html>said</html>", "not a capture's manifest: the whole: Invalid JSON"),
        (lambda _: b"[]", "not a capture's manifest: the whole: Input should be"),
        (lambda _: b'{"files": []}', "not a capture's manifest: id: Field required"),
        (
            lambda good: good.replace(b'"total": 7', b'"total": "many"'),
            "not a capture's manifest: total: Input should be a valid integer",
        ),
        (
            lambda good: good.replace(b'"number": 1,', b""),
            "not a capture's manifest: pages.0.number: Field required",
        ),
        (
            lambda good: good.replace(FIRST.encode(), SECOND.encode()),
            f"the manifest of {DAY}, {SECOND}",
        ),
    ],
)
def test_a_damaged_or_alien_manifest_is_refused_by_name_with_its_etag(store, content, seen):
    captured(store, FIRST, [b"one"])
    key = layout.manifest_key(DAY, FIRST)
    overwrite(store, key, content(store.lake.read(key)))

    with pytest.raises(DamagedObjectError, match=re.escape(seen)) as caught:
        store.get(DAY, FIRST)
    assert str(caught.value).startswith(f"{store.lake.uri(key)}: ")
    assert "`tdnet verify --repair`" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.etag == store.lake.head(key).etag
    # The newest one that can be read is what there is to go on with.
    assert store.latest(DAY) is None


def test_a_capture_once_finished_is_never_replaced(store):
    first, _ = captured(store, FIRST, [b"one"])

    with pytest.raises(LakeError, match=r"page=001\.html\.gz is there with other content"):
        captured(store, FIRST, [b"other"])

    assert store.latest(DAY) == first
    assert store.read(first.pages[0]) == b"one"


def test_a_manifest_is_the_same_bytes_for_the_same_capture(store):
    capture, _ = captured(store, FIRST, [b"one", b"two"])

    manifest = store.lake.read(layout.manifest_key(DAY, FIRST))
    assert manifest == capture.to_json()
    assert Capture.from_json(manifest) == capture
    assert Capture.from_json(manifest).to_json() == manifest


def test_the_manifest_of_a_source_that_this_version_cannot_read_is_named_and_not_guessed(store):
    capture, _ = captured(store, FIRST, [b"one"])
    other = replace(capture, source="another", id=SECOND)
    store.put_manifest(other)

    with pytest.raises(DamagedObjectError, match="of the source 'another', which this version"):
        store.get(DAY, SECOND)
    assert store.latest(DAY) == capture


def test_a_manifest_of_an_earlier_version_is_of_tdnet_and_of_all_pages(store):
    capture, _ = captured(store, FIRST, [b"one"])
    content = json.loads(capture.to_json())
    del content["source"], content["continues"]

    assert Capture.from_json(json.dumps(content).encode()) == capture
