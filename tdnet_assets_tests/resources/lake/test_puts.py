"""Puts over a broken wire and between writers: what is said of them is what is stored."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date

import polars as pl
import pytest

from benchmarks.aws_proxy import Answer, Request, Send, proxy
from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.captures import Capture, CaptureStore
from tdnet_assets.resources.lake.store import (
    ConflictError,
    LakeError,
    LakeResource,
    TableWrite,
    sha256,
)
from tdnet_assets_tests.resources.lake.test_store import new_bucket

DAY = date(2026, 6, 10)
KEY = "raw/listing/object"
TABLE = layout.table_key("t", DAY)

Fault = Callable[[Send], Answer | None]


def reset(_: Send) -> None:
    """The connection breaks before the server has done anything."""


def lost_answer(send: Send) -> None:
    """The server does it, and the connection breaks before its answer."""
    send()


def lost_with_500(send: Send) -> Answer:
    """The server does it and then says that it failed."""
    send()
    return refusal(500, "InternalError")


def refusal(status: int, code: str) -> Answer:
    body = f"<Error><Code>{code}</Code><Message>said</Message></Error>".encode()
    return Answer(status, [("Content-Type", "application/xml")], body)


def refused(status: int, code: str) -> Fault:
    return lambda _: refusal(status, code)


request_timeout = refused(400, "RequestTimeout")
conflict = refused(409, "ConditionalRequestConflict")


@dataclass
class Wire:
    """A lake whose next puts meet these faults, one each; ``direct`` is the same without."""

    lake: LakeResource
    direct: LakeResource
    faults: list[Fault] = field(default_factory=list)
    puts: int = 0

    def put(self, content: bytes = b"ours") -> bool:
        return self.lake.put_new(KEY, content, content_type="t/p", metadata={"pages": "3"})

    def elsewhere(self, content: bytes) -> bool:
        return self.direct.put_new(KEY, content, content_type="t/p", metadata={"pages": "3"})


@pytest.fixture
def bucket(aws_endpoint: str) -> PlatformConfig:
    return new_bucket(aws_endpoint)


@contextmanager
def wire_to(bucket: PlatformConfig) -> Iterator[Wire]:
    def pass_on(request: Request, send: Send) -> Answer | None:
        if request.method != "PUT":
            return send()
        wire.puts += 1
        return wire.faults.pop(0)(send) if wire.faults else send()

    with proxy(bucket.aws_endpoint_url, pass_on) as address:
        config = bucket.changed(aws_endpoint_url=address)
        wire = Wire(LakeResource(config=config), LakeResource(config=bucket))
        yield wire


@pytest.fixture
def wire(bucket) -> Iterator[Wire]:
    with wire_to(bucket) as found:
        yield found


def rows(*values: int) -> pl.DataFrame:
    return pl.DataFrame({"value": list(values)}, schema={"value": pl.Int64})


@pytest.mark.parametrize(
    ("fault", "puts"),
    [(reset, 2), (lost_answer, 2), (lost_with_500, 2), (request_timeout, 2), (conflict, 2)],
)
def test_a_new_object_whose_put_breaks_once_is_stored_and_said_to_be(wire, fault, puts):
    wire.faults = [fault]

    assert wire.put()
    assert wire.puts == puts
    assert wire.direct.read(KEY) == b"ours"
    assert wire.direct.metadata(KEY) == {
        "Content-Type": "t/p",
        "pages": "3",
        "sha256": sha256(b"ours"),
    }


@pytest.mark.parametrize("fault", [conflict, reset, request_timeout])
def test_a_key_that_somebody_else_has_taken_is_theirs_whatever_the_wire_did(wire, fault):
    assert wire.elsewhere(b"theirs")
    wire.faults = [fault]

    assert not wire.put()
    assert wire.direct.read(KEY) == b"theirs"


def test_the_same_object_again_is_stored_without_another_write(wire):
    assert wire.put()
    (before,) = wire.direct.list("raw/")

    assert wire.put()
    assert list(wire.direct.list("raw/")) == [before]


@pytest.mark.parametrize(("fault", "said"), [(conflict, "Conflict"), (request_timeout, "Timeout")])
def test_a_put_that_breaks_again_and_again_is_an_error_and_never_passes_for_stored(
    wire, fault, said
):
    wire.faults = [fault] * 99

    with pytest.raises(LakeError, match=f"{KEY}: .*{said}") as caught:
        wire.put()

    assert not isinstance(caught.value, ConflictError)
    assert wire.puts == 5
    assert wire.direct.read(KEY) is None


def test_what_the_client_has_tried_often_already_is_not_tried_as_often_again(wire):
    wire.faults = [refused(503, "SlowDown")] * 99

    with pytest.raises(LakeError, match=r"after 5 retries.*SlowDown"):
        wire.put()

    assert wire.puts == 6


@pytest.mark.parametrize("then", [reset, lost_answer, request_timeout])
def test_a_put_that_breaks_in_one_way_and_then_in_another_is_stored(wire, then):
    wire.faults = [refused(503, "SlowDown"), then]

    assert wire.put()
    assert wire.puts == 3
    assert wire.direct.read(KEY) == b"ours"


def test_a_refusal_that_nothing_mends_is_asked_once(wire):
    wire.faults = [refused(403, "AccessDenied")] * 9

    with pytest.raises(LakeError, match="AccessDenied: said"):
        wire.put()

    assert wire.puts == 1


@pytest.mark.parametrize("fault", [conflict, request_timeout, reset, lost_answer])
@pytest.mark.parametrize("target", ["page", "manifest"])
def test_a_capture_is_stored_whole_over_a_broken_wire(wire, fault, target):
    store, capture_id = CaptureStore(wire.lake), "20260610T063000.000000Z"
    capture = Capture(capture_id, DAY, "http://127.0.0.1/inbs", True, 0, None, ())
    wire.faults = [fault]

    if target == "page":
        key = store.put_page(DAY, capture_id, 1, b"page")
    else:
        store.put_manifest(capture)
        key = layout.manifest_key(DAY, capture_id)

    assert [found.key for found in wire.direct.list("")] == [key]


def test_another_captures_manifest_under_the_same_key_is_an_error_that_names_it(wire):
    capture_id = "20260610T063000.000000Z"
    capture = Capture(capture_id, DAY, "http://127.0.0.1/inbs", True, 0, None, ())
    CaptureStore(wire.direct).put_manifest(capture)

    other = Capture(capture_id, DAY, "http://127.0.0.1/inbs", False, 0, "cut", ())
    with pytest.raises(LakeError, match=r"manifest\.json is there with other content"):
        CaptureStore(wire.lake).put_manifest(other)

    assert CaptureStore(wire.direct).latest(DAY) == capture


def test_a_table_is_created_replaced_and_left_alone_by_the_etag_that_was_read(wire):
    first = wire.lake.put_table("t", DAY, rows(1), {"reader": "1"}, expected=None)
    read = wire.lake.read_table("t", DAY)
    head = wire.lake.table_head("t", DAY)
    assert first.changed
    assert first.etag == read.etag == head.etag == next(wire.direct.list("tables/")).etag
    assert head.metadata == read.metadata
    assert head.metadata["reader"] == "1"
    assert head.bytes == len(wire.direct.read(TABLE))

    same = wire.lake.put_table("t", DAY, rows(1), {"reader": "1"}, expected=read.etag)
    assert same == TableWrite(changed=False, sha256=first.sha256, etag=first.etag)
    assert wire.puts == 1

    second = wire.lake.put_table("t", DAY, rows(1, 2), {"reader": "1"}, expected=read.etag)
    assert second.changed
    assert second.etag != first.etag
    assert wire.lake.table_head("t", DAY).etag == second.etag
    assert wire.lake.table_head("t", date(2026, 6, 11)) is None


@pytest.mark.parametrize("fault", [reset, lost_answer, lost_with_500, request_timeout, conflict])
@pytest.mark.parametrize("earlier", [True, False], ids=["If-Match", "If-None-Match"])
def test_a_table_whose_put_breaks_once_is_ours(wire, fault, earlier):
    expected = wire.direct.write_table("t", DAY, rows(0), {}).etag if earlier else None
    wire.faults = [fault]

    write = wire.lake.put_table("t", DAY, rows(1), {"reader": "1"}, expected=expected)

    stored = wire.direct.read_table("t", DAY)
    assert write == TableWrite(changed=True, sha256=stored.metadata["sha256"], etag=stored.etag)
    assert stored.frame["value"].to_list() == [1]


@pytest.mark.parametrize("fault", [None, conflict, reset, request_timeout])
def test_a_table_that_somebody_else_has_written_since_is_a_conflict_and_stays(wire, fault):
    expected = wire.direct.write_table("t", DAY, rows(0), {}).etag
    theirs = wire.direct.write_table("t", DAY, rows(7), {})
    wire.faults = [fault] if fault else []

    with pytest.raises(ConflictError, match=rf"{TABLE} is {theirs.etag} now: somebody else"):
        wire.lake.put_table("t", DAY, rows(1), {}, expected=expected)
    with pytest.raises(ConflictError, match=rf"{TABLE} is {theirs.etag} now: somebody else"):
        wire.lake.put_table("t", DAY, rows(1), {}, expected=None)

    assert wire.direct.read_table("t", DAY).frame["value"].to_list() == [7]


def test_a_table_that_is_gone_since_it_was_read_is_a_conflict(wire):
    with pytest.raises(ConflictError, match=r"data\.parquet is not there any more"):
        wire.lake.put_table("t", DAY, rows(1), {}, expected='"0123456789abcdef"')

    assert wire.direct.read_table("t", DAY) is None


def test_what_another_writer_has_made_just_the_same_is_neither_put_nor_a_conflict(wire):
    theirs = wire.direct.write_table("t", DAY, rows(1), {"reader": "1"})

    write = wire.lake.put_table("t", DAY, rows(1), {"reader": "1"}, expected=None)

    assert write == TableWrite(changed=False, sha256=theirs.sha256, etag=theirs.etag)
    assert wire.puts == 0


def test_twelve_writers_that_fold_and_put_again_lose_nothing(wire):
    # Each writer's first put meets another fault.
    wire.faults = [reset, lost_answer, conflict, request_timeout, lost_with_500] * 2

    def add(value: int) -> int:
        conflicts = 0
        while True:
            stored = wire.lake.read_table("t", DAY)
            known = set(stored.frame["value"]) if stored else set()
            try:
                wire.lake.put_table(
                    "t",
                    DAY,
                    rows(*sorted(known | {value})),
                    {"writer": str(value)},
                    expected=stored.etag if stored else None,
                )
            except ConflictError:
                conflicts += 1
                continue
            return conflicts

    with ThreadPoolExecutor(12) as pool:
        conflicts = list(pool.map(add, range(12)))

    assert wire.direct.read_table("t", DAY).frame["value"].to_list() == list(range(12))
    assert sum(conflicts) > 0


@pytest.mark.parametrize("fault", [reset, lost_answer, request_timeout, conflict])
def test_the_last_writer_wins_over_a_broken_wire_too(wire, fault):
    wire.direct.write_table("t", DAY, rows(0), {})
    wire.faults = [fault]

    assert wire.lake.write_table("t", DAY, rows(1), {}).changed
    assert wire.direct.read_table("t", DAY).frame["value"].to_list() == [1]


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"problem": "全N件"}, "metadata 'problem' cannot be '全N件'"),
        ({"problem": "a\nb"}, "metadata 'problem' cannot be"),
        ({"problem": "ends in a space "}, "metadata 'problem' cannot be"),
        ({"problem": ""}, "metadata 'problem' cannot be ''"),
        ({"made_from": "x"}, "metadata 'made_from' cannot be 'x'"),
        ({"Reader": "1"}, "metadata 'Reader' cannot be '1'"),
        ({"made-from": "x" * 2000}, r"2120 bytes of metadata, S3 holds 2048"),
    ],
)
def test_metadata_that_s3_would_not_give_back_is_refused_before_the_put(wire, metadata, said):
    with pytest.raises(LakeError, match=said) as caught:
        wire.lake.put_table("t", DAY, rows(1), metadata, expected=None)

    assert str(caught.value).startswith(wire.lake.uri(TABLE))
    assert wire.puts == 0


def test_metadata_up_to_the_limit_comes_back_as_it_was_given(wire):
    metadata = {"made-from": 'a;b="c" d', "long": "x" * 1850}

    wire.lake.put_table("t", DAY, rows(1), metadata, expected=None)

    stored = wire.direct.read_table("t", DAY).metadata
    assert metadata.items() <= stored.items()
    assert not wire.lake.put_table("t", DAY, rows(1), metadata, expected=None).changed
