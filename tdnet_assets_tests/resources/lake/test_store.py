import asyncio
import functools
import os
import subprocess
import sys
import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tdnet_assets.config import ConfigurationError, PlatformConfig
from tdnet_assets.local.embedded_aws import free_port
from tdnet_assets.resources.aws import clients
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.store import DamagedObjectError, LakeError, LakeResource, sha256
from tdnet_assets_tests.resources.source.test_session import http, raw_server

DAY, NEXT_DAY = date(2026, 6, 10), date(2026, 6, 11)
PDF = "documents/date=2026-06-10/20260610500001.pdf"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


@functools.cache
def _s3(endpoint: str) -> Any:
    config = _config(environment="local", aws_endpoint_url=endpoint, embedded_aws=True)
    return clients.client(config, "s3")


def new_bucket(endpoint: str) -> PlatformConfig:
    """The configuration of a new bucket on its own: no tables, which take most of the time."""
    config = _config(
        environment="local",
        bucket=f"lake-{uuid.uuid4().hex}",
        aws_endpoint_url=endpoint,
        embedded_aws=True,
    )
    _s3(endpoint).create_bucket(
        Bucket=config.bucket,
        CreateBucketConfiguration={"LocationConstraint": config.aws_region},
    )
    return config


@pytest.fixture
def bucket(aws_endpoint: str) -> PlatformConfig:
    return new_bucket(aws_endpoint)


@pytest.fixture(params=["", "team/tdnet=1/"], ids=["no prefix", "prefix"])
def lake(bucket, request) -> LakeResource:
    return LakeResource(config=bucket.changed(prefix=request.param))


def bucket_keys(lake: LakeResource) -> list[str]:
    """Every key of the bucket as another S3 client sees it."""
    found = _s3(lake.config.aws_endpoint_url).list_objects_v2(Bucket=lake.config.bucket)
    return [stored["Key"] for stored in found.get("Contents", [])]


def frame(count: int = 3) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "title": [f"第{number}号のお知らせ" for number in range(count)],
            "at": [datetime(2026, 6, 10, 6, 30, tzinfo=UTC)] * count,
            "previous": [[f"旧{number}"] * (number % 3) for number in range(count)],
            "value": [None if number % 7 else number for number in range(count)],
        },
        schema={
            "title": pl.String,
            "at": pl.Datetime("ms", "Asia/Tokyo"),
            "previous": pl.List(pl.String),
            "value": pl.Int64,
        },
    )


def test_a_new_object_is_stored_with_its_type_digest_and_metadata(lake):
    assert lake.put_new(PDF, b"%PDF-1.7", content_type="application/pdf", metadata={"pages": "3"})

    assert lake.read(PDF) == b"%PDF-1.7"
    assert lake.metadata(PDF) == {
        "Content-Type": "application/pdf",
        "sha256": sha256(b"%PDF-1.7"),
        "pages": "3",
    }
    head = _s3(lake.config.aws_endpoint_url).head_object(
        Bucket=lake.config.bucket, Key=f"{lake.config.prefix}{PDF}"
    )
    assert head["ContentType"] == "application/pdf"
    assert head["Metadata"] == {"sha256": sha256(b"%PDF-1.7"), "pages": "3"}


@pytest.mark.parametrize("way", ["put_new", "put_new_async"])
def test_an_object_that_exists_is_never_replaced(lake, way):
    def put(content: bytes) -> bool:
        stored = getattr(lake, way)(PDF, content, content_type="application/pdf", metadata={})
        return stored if way == "put_new" else asyncio.run(_awaited(stored))

    assert put(b"first")
    assert not put(b"second")
    assert lake.read(PDF) == b"first"
    assert lake.metadata(PDF)["sha256"] == sha256(b"first")


async def _awaited(awaitable):
    return await awaitable


def test_of_writers_that_race_for_one_key_just_one_wins(lake):
    async def race() -> list[bool]:
        return await asyncio.gather(
            *(
                lake.put_new_async(PDF, str(number).encode(), content_type="t/p", metadata={})
                for number in range(20)
            )
        )

    won = asyncio.run(race())

    assert sum(won) == 1
    assert lake.read(PDF) == str(won.index(True)).encode()


def test_what_is_not_there_is_none(lake):
    assert lake.read(PDF) is None
    assert lake.metadata(PDF) is None
    assert lake.read_table("disclosures", DAY) is None
    assert list(lake.list("documents/")) == []


def test_every_key_is_below_the_prefix_and_given_back_without_it(lake):
    prefix = lake.config.prefix
    lake.put_new(PDF, b"12345", content_type="application/pdf", metadata={})
    lake.write_table("disclosures", DAY, frame(), {})
    table = layout.table_key("disclosures", DAY)

    assert bucket_keys(lake) == [f"{prefix}{PDF}", f"{prefix}{table}"]
    assert [(found.key, found.bytes) for found in lake.list("documents/")] == [(PDF, 5)]
    assert [found.key for found in lake.list("")] == [PDF, table]
    assert lake.uri(PDF) == f"s3://{lake.config.bucket}/{prefix}{PDF}"
    assert lake.object_key(PDF) == f"{prefix}{PDF}"
    (found,) = lake.list("documents/")
    assert abs(found.last_modified - datetime.now(UTC)) < timedelta(minutes=1)


def test_two_prefixes_of_one_bucket_do_not_see_each_other(bucket):
    one, other = (LakeResource(config=bucket.changed(prefix=name)) for name in ("a", "ab"))
    one.put_new(PDF, b"one", content_type="t/p", metadata={})

    assert other.read(PDF) is None
    assert list(other.list("")) == []
    assert other.put_new(PDF, b"other", content_type="t/p", metadata={})
    assert (one.read(PDF), other.read(PDF)) == (b"one", b"other")


def test_a_put_whose_task_is_cancelled_twice_has_ended_when_the_loop_closes(lake):
    content = bytes(20_000_000)

    async def interrupted() -> None:
        put = asyncio.create_task(
            lake.put_new_async("raw/large", content, content_type="t/p", metadata={})
        )
        await asyncio.sleep(0.01)
        put.cancel()
        await asyncio.sleep(0)
        put.cancel()
        with pytest.raises(asyncio.CancelledError):
            await put

    asyncio.run(interrupted())

    assert lake.read("raw/large") == content


@pytest.mark.slow
def test_a_listing_goes_on_behind_a_key(lake):
    keys = [f"raw/{number:04d}" for number in range(1_005)]  # more than one page of a listing

    async def fill() -> None:
        few_at_once = asyncio.Semaphore(32)  # each in flight has a connection of its own

        async def put(key: str) -> None:
            async with few_at_once:
                await lake.put_new_async(key, b"", content_type="t/p", metadata={})

        await asyncio.gather(*map(put, keys))

    asyncio.run(fill())

    assert [found.key for found in lake.list("raw/")] == keys
    assert [found.key for found in lake.list("raw/", after="raw/1001")] == keys[1002:]
    assert [found.key for found in lake.list("raw/", after="raw/1001~")] == keys[1002:]


def test_a_table_is_read_back_as_it_was_written(lake):
    write = lake.write_table("disclosures", DAY, frame(), {"capture": "c1", "reader": "1"})

    stored = lake.read_table("disclosures", DAY)
    assert stored is not None
    assert stored.frame.equals(frame(), null_equal=True)
    assert stored.frame.schema == frame().schema
    assert stored.metadata == {
        "Content-Type": "application/vnd.apache.parquet",
        "sha256": write.sha256,
        "bytes": str(lake.table_head("disclosures", DAY).bytes),
        "capture": "c1",
        "reader": "1",
    }
    assert write.sha256 == sha256(lake.read(layout.table_key("disclosures", DAY)))


def test_an_unchanged_table_is_not_written_again_and_a_changed_one_is(lake):
    key = layout.table_key("disclosures", DAY)
    first = lake.write_table("disclosures", DAY, frame(), {"capture": "c1"})
    (stored,) = lake.list("tables/")

    same = lake.write_table("disclosures", DAY, frame(), {"capture": "c1"})
    assert (same.changed, same.sha256) == (False, first.sha256)
    assert list(lake.list("tables/")) == [stored]

    other_metadata = lake.write_table("disclosures", DAY, frame(), {"capture": "c2"})
    assert (other_metadata.changed, other_metadata.sha256) == (True, first.sha256)
    assert lake.metadata(key)["capture"] == "c2"

    other_rows = lake.write_table("disclosures", DAY, frame(2), {"capture": "c2"})
    assert other_rows.changed
    assert lake.read_table("disclosures", DAY).frame.height == 2


def test_a_table_without_rows_keeps_its_columns(lake):
    lake.write_table("rejects", DAY, frame(0), {})

    assert lake.read_table("rejects", DAY).frame.schema == frame().schema


@pytest.mark.parametrize(
    "damaged",
    [
        lambda good: good[:500],
        lambda good: good[: len(good) // 2] + b"\xff" + good[len(good) // 2 + 1 :],
        lambda _: b"",
        lambda _: b"<html>said</html>",
        lambda good: good[:-8] + b"\xff\xff\xff\x7fPAR1",
    ],
    ids=["cut", "one byte", "empty", "HTML", "no footer"],
)
def test_a_damaged_table_is_refused_by_name_and_can_be_replaced_by_its_etag(bucket, damaged):
    lake = LakeResource(config=bucket)
    key = layout.table_key("t", DAY)
    good = lake.write_table("t", DAY, frame(), {"reader": "1"})
    content = damaged(lake.read(key))
    lake.store.put(key, content, attributes=lake.metadata(key))

    with pytest.raises(DamagedObjectError) as caught:
        lake.read_table("t", DAY)

    message = str(caught.value)
    assert message.startswith(f"{lake.uri(key)}: no whole Parquet file: ")
    assert "; materialize t of 2026-06-10 again; if that ends here too, move the object" in message
    assert "\n" not in message
    mended = lake.put_table(
        "t", DAY, frame(), {"reader": "1"}, expected=caught.value.etag, damaged=True
    )
    assert mended.changed
    assert lake.read_table("t", DAY).frame.equals(frame(), null_equal=True)
    assert mended.sha256 == good.sha256


def test_a_table_that_something_else_put_there_is_read_if_it_can_be(bucket):
    lake = LakeResource(config=bucket)
    key = layout.table_key("t", DAY)
    lake.write_table("t", DAY, frame(), {})
    lake.store.put(key, lake.read(key))
    assert lake.read_table("t", DAY).frame.equals(frame(), null_equal=True)

    lake.store.put(key, lake.read(key)[:500])
    with pytest.raises(DamagedObjectError, match="no whole Parquet file"):
        lake.read_table("t", DAY)


def test_a_cut_file_under_its_whole_metadata_is_not_taken_for_an_unchanged_one(bucket):
    lake = LakeResource(config=bucket)
    key = layout.table_key("t", DAY)
    lake.write_table("t", DAY, frame(), {})
    lake.store.put(key, lake.read(key)[:500], attributes=lake.metadata(key))

    assert lake.write_table("t", DAY, frame(), {}).changed
    assert lake.read_table("t", DAY).frame.equals(frame(), null_equal=True)


def test_the_same_rows_are_the_same_bytes_however_they_came_together(lake):
    whole = frame(5_000)
    pieces = pl.concat([whole[:1], whole[1:3_000], whole[3_000:]], rechunk=False)
    assert pieces.n_chunks() == 3

    first = lake.write_table("t", DAY, whole, {})

    assert lake.write_table("t", DAY, pieces, {}) == replace(first, changed=False)
    assert lake.write_table("t", DAY, whole[1:], {}).changed


# Writes the rows of frame() once more and says whether that changed anything.
_ANOTHER_WRITER = """
import sys
from tdnet_assets.config import PlatformConfig
from tdnet_assets_tests.resources.lake.test_store import DAY, LakeResource, frame

config = PlatformConfig.model_validate_json(sys.argv[1])
print(LakeResource(config=config).write_table("t", DAY, frame(5_000), {}).changed)
"""


@pytest.mark.slow
def test_the_same_rows_are_the_same_bytes_in_another_process(bucket):
    LakeResource(config=bucket).write_table("t", DAY, frame(5_000), {})

    other = subprocess.run(
        [sys.executable, "-c", _ANOTHER_WRITER, bucket.model_dump_json()],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )

    assert other.stdout == "False\n"


def test_days_are_read_together_as_a_hive_with_their_date(lake):
    lake.write_table("disclosures", DAY, frame(3), {})
    lake.write_table("disclosures", NEXT_DAY, frame(2), {})

    scanned = pl.scan_parquet(
        f"{lake.uri('tables/disclosures')}/**/*.parquet",
        hive_partitioning=True,
        storage_options={
            "aws_endpoint_url": lake.config.aws_endpoint_url,
            "aws_access_key_id": "embedded",
            "aws_secret_access_key": "embedded",
            "aws_region": lake.config.aws_region,
            "aws_allow_http": "true",
        },
    )

    assert scanned.collect().group_by("date").len().sort("date").rows() == [(DAY, 3), (NEXT_DAY, 2)]
    one_day = scanned.filter(pl.col("date") == NEXT_DAY).collect()
    assert one_day["title"].to_list() == frame(2)["title"].to_list()


def test_a_missing_bucket_is_one_line_that_names_the_object(bucket):
    lake = LakeResource(config=bucket.changed(bucket="nobodys-bucket"))
    address = "s3://nobodys-bucket/"

    _assert_one_line(lambda: lake.read(PDF), f"{address}{PDF}: ", "NoSuchBucket")
    _assert_one_line(
        lambda: lake.put_new(PDF, b"", content_type="t/p", metadata={}),
        f"{address}{PDF}: ",
        "NoSuchBucket",
    )
    _assert_one_line(lambda: list(lake.list("raw/")), f"{address}raw/: ", "NoSuchBucket")
    _assert_one_line(
        lambda: lake.read_table("disclosures", DAY),
        f"{address}tables/disclosures/date=2026-06-10/data.parquet: ",
        "NoSuchBucket",
    )
    _assert_one_line(
        lambda: lake.write_table("disclosures", DAY, frame(), {}),
        f"{address}tables/disclosures/date=2026-06-10/data.parquet: ",
        "NoSuchBucket",
    )


def test_an_endpoint_that_is_not_there_is_one_line_that_names_the_object():
    lake = LakeResource(
        config=_config(aws_endpoint_url=f"http://127.0.0.1:{free_port()}", embedded_aws=True)
    )

    _assert_one_line(lambda: lake.read(PDF), f"s3://tdnet-prod-1/{PDF}: ", "error sending request")


_UNKNOWN_KEY = """<Error><Code>InvalidAccessKeyId</Code><Message>The AWS Access Key Id you provided
does not exist in our records.</Message><AWSAccessKeyId>AKIASECRETKEYID</AWSAccessKeyId></Error>"""
_EXPIRED_TOKEN = """<Error><Code>ExpiredToken</Code>
<Message>The provided token has expired.</Message><Token-0>SECRETTOKEN</Token-0></Error>"""
_WRONG_SIGNATURE = """<Error><Message>The request signature we calculated does not match.</Message>
<StringToSign>SECRETSTRING</StringToSign><Code>SignatureDoesNotMatch</Code></Error>"""


@pytest.mark.parametrize(
    ("status", "answer", "said"),
    [
        (403, _UNKNOWN_KEY, "InvalidAccessKeyId: The AWS Access Key Id you provided"),
        (400, _EXPIRED_TOKEN, "ExpiredToken: The provided token has expired."),
        (403, _WRONG_SIGNATURE, "SignatureDoesNotMatch: The request signature"),
        (403, "<html>\n<body>SECRET proxy page</body></html>", "403"),
    ],
)
def test_an_error_never_repeats_a_key_a_token_or_a_signature(monkeypatch, status, answer, said):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASECRETKEYID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "SECRETTOKEN")
    xml = b'<?xml version="1.0" encoding="UTF-8"?>\n' + answer.encode()
    with raw_server(http(xml, status=status)) as server:
        lake = LakeResource(config=_config(aws_endpoint_url=server.base_url[:-5]))
        messages = [
            _assert_one_line(lambda: lake.read(PDF), f"s3://tdnet-prod-1/{PDF}: ", said),
            _assert_one_line(lambda: list(lake.list("raw/")), "s3://tdnet-prod-1/raw/: ", said),
            _assert_one_line(
                lambda: lake.put_new(PDF, b"", content_type="t/p", metadata={}),
                f"s3://tdnet-prod-1/{PDF}: ",
                said,
            ),
        ]

    assert len(server.heads) == 3
    for message in messages:
        assert "SECRET" not in message
        assert SECRET not in message


def _assert_one_line(act, start: str, part: str) -> str:
    """The whole of what a traceback would print of the failure."""
    with pytest.raises(LakeError) as caught:
        act()
    message = str(caught.value)
    assert message.startswith(start)
    assert part in message
    assert "\n" not in message
    assert len(message) < 700
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    return message


def _config(**values: object) -> PlatformConfig:
    return PlatformConfig(
        **{
            "environment": "prod",
            "bucket": "tdnet-prod-1",
            "executions_table": "no-table",
            "disclosures_table": "no-table",
            "tdnet_base_url": "http://127.0.0.1:1/inbs",
            **values,
        }
    )


def test_without_credentials_the_message_says_where_to_get_them():
    with pytest.raises(ConfigurationError, match="no AWS credentials found: set a profile, a role"):
        LakeResource(config=_config()).read(PDF)


@pytest.fixture
def operator(monkeypatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOPERATOR")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)


@pytest.mark.usefixtures("operator")
@pytest.mark.parametrize(
    ("values", "virtual_hosted", "endpoint"),
    [
        ({}, "true", "https://tdnet-prod-1.s3.ap-northeast-3.amazonaws.com"),
        # No certificate has a name of that depth.
        ({"bucket": "dotted.bucket.jp"}, "false", "https://s3.ap-northeast-3.amazonaws.com"),
        ({"aws_endpoint_url": "https://s3.example"}, "false", "https://s3.example"),
        ({"aws_endpoint_url": "https://s3.example/a"}, "false", "https://s3.example/a"),
    ],
)
def test_aws_itself_is_asked_at_the_buckets_own_host(values, virtual_hosted, endpoint):
    config = _config(aws_region="ap-northeast-3", prefix="a/b", **values)

    store = LakeResource(config=config).store

    assert store.config["virtual_hosted_style_request"] == virtual_hosted
    assert store.config["bucket"] == config.bucket
    assert store.config["region"] == "ap-northeast-3"
    assert store.config["endpoint_url_s3"] == endpoint
    assert store.prefix == "a/b"
    assert store.client_options["allow_http"] == "false"
    assert SECRET not in repr(store)


@pytest.mark.usefixtures("operator")
@pytest.mark.parametrize("embedded", [True, False])
def test_the_operators_keys_are_sent_to_a_named_endpoint_and_never_to_the_embedded_aws(embedded):
    with raw_server(http(b"stored")) as server:
        config = _config(
            environment="local", aws_endpoint_url=server.base_url[:-5], embedded_aws=embedded
        )
        assert LakeResource(config=config).read(PDF) == b"stored"

    (head,) = server.heads
    assert f"GET /tdnet-prod-1/{PDF.replace('=', '%3D')} " in head
    assert f"Credential={'embedded' if embedded else 'AKIAOPERATOR'}/" in head
    assert ("AKIAOPERATOR" in head) is not embedded


def test_console_addresses_lead_to_the_object(bucket):
    key = "tables/x/date=2026-06-10/data.parquet"

    local = LakeResource(config=bucket.changed(prefix="p")).console_url(key)
    real = LakeResource(config=_config(prefix="p")).console_url(key)

    assert local == (
        f"{bucket.aws_endpoint_url}/{bucket.bucket}/p/tables/x/date%3D2026-06-10/data.parquet"
    )
    assert real == (
        "https://ap-northeast-1.console.aws.amazon.com/s3/object/tdnet-prod-1"
        "?prefix=p/tables/x/date%3D2026-06-10/data.parquet"
    )


def test_keys_are_made_of_dates_and_identifiers():
    capture = layout.capture_id(datetime(2026, 6, 10, 15, 30, 0, 123456, tzinfo=UTC))

    assert capture == "20260610T153000.123456Z"
    assert layout.capture_time(capture) == datetime(2026, 6, 10, 15, 30, 0, 123456, tzinfo=UTC)
    page = layout.page_key(DAY, capture, 7)
    assert page == f"raw/listing/date=2026-06-10/captured_at={capture}/page=007.html.gz"
    assert layout.capture_of_key(page) == capture
    assert layout.document_key(DAY, "20260610500001", "pdf") == PDF
    assert layout.document_key(DAY, "20260610500001", "xbrl") == PDF.replace(".pdf", ".zip")
    assert layout.table_key("t", DAY) == "tables/t/date=2026-06-10/data.parquet"


def test_ids_of_captures_sort_by_time():
    moments = [
        datetime(2026, 6, 10, 15, 30, tzinfo=UTC) + timedelta(microseconds=step)
        for step in (0, 1, 999_999, 1_000_000, 3_600_000_000)
    ]
    captures = [layout.capture_id(moment) for moment in moments]

    assert sorted(captures) == captures


def test_the_border_before_a_day_is_inside_its_folder_which_no_server_skips():
    border = layout.table_before("t", NEXT_DAY)

    assert layout.table_key("t", DAY) < border < layout.table_key("t", NEXT_DAY)
    assert border.startswith(f"tables/t/date={NEXT_DAY}/")
    # The client sends no "/" at a key's end.
    assert not border.endswith("/")
