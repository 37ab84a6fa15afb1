"""No page in a browser can touch the services on loopback: requests as browsers send them."""

import http.client
import json
from datetime import date
from urllib.parse import urlsplit

import polars as pl
import pytest

from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.sample_site.site import SampleSite, serve
from tdnet_assets_tests.local.aws_clients import client

DAY = date(2026, 6, 10)
FORM = "application/x-www-form-urlencoded"
PAGE = {"Origin": "https://evil.example"}
# What a browser adds to what a page makes it send, form by form.
CROSS_SITE = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
LINK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


def sent(address, method, target, headers, body=b""):
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
    try:
        connection.putrequest(method, target, skip_host=True)
        for name, value in {"Host": parts.netloc, **headers}.items():
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


@pytest.fixture
def lake(platform):
    lake = LakeResource(config=platform)
    lake.put_new("raw/page", b"content", content_type="text/plain", metadata={"a": "b"})
    return lake


DELETE_TABLE = {"X-Amz-Target": "DynamoDB_20120810.DeleteTable"}
ATTACKS = {
    "reset by a form": ("POST", "/_ministack/reset", {**PAGE, "Content-Type": FORM}),
    "reset by a script": ("POST", "/_ministack/reset", {**PAGE, "Content-Type": "text/plain"}),
    "reset from a sandbox": ("POST", "/_ministack/reset", {"Origin": "null"}),
    "reset without Origin": ("POST", "/_ministack/reset", {}),
    "reset with more slashes": ("POST", "//_ministack/reset", {}),
    "reset, encoded": ("POST", "/%5Fministack/reset", {}),
    "settings": ("POST", "/_ministack/config", {"Content-Type": "text/plain"}),
    "another name for this machine": ("PUT", "/{bucket}/raw/page", {"Host": "evil.example"}),
    "another name, with the port": ("GET", "/{bucket}/raw/page", {"Host": "evil.example:{port}"}),
    "a virtual bucket": ("DELETE", "/raw/page", {"Host": "{bucket}.s3.amazonaws.com"}),
    "delete, asked for before": ("OPTIONS", "/{bucket}/raw/page", PAGE),
    "delete": ("DELETE", "/{bucket}/raw/page", PAGE),
    "delete in an old browser": ("DELETE", "/{bucket}/raw/page", {}),
    "delete many by a form": ("POST", "/{bucket}?delete", {"Content-Type": "text/plain"}),
    "upload by a form": ("POST", "/{bucket}", {"Content-Type": "multipart/form-data; boundary=x"}),
    "an order in a picture": ("GET", "/?Action=DeleteStack&StackName=tdnet", CROSS_SITE),
    "an order in a link": ("GET", "/?Action=DeleteStack&StackName=tdnet", LINK),
    "an order in a form": ("POST", "/", {"Content-Type": FORM, **LINK}),
    "a table": ("POST", "/", {**DELETE_TABLE, "Content-Type": "text/plain"}),
    "a picture": ("GET", "/{bucket}/raw/page", CROSS_SITE),
    "a frame's own script": (
        "GET",
        "/{bucket}/raw/page",
        {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"},
    ),
    "signed, but by a page": (
        "DELETE",
        "/{bucket}/raw/page",
        {**PAGE, "Authorization": "AWS4-HMAC-SHA256 Credential=x"},
    ),
}


@pytest.mark.parametrize(("method", "target", "headers"), ATTACKS.values(), ids=ATTACKS)
def test_the_embedded_aws_refuses_what_a_page_in_a_browser_could_send(
    platform, lake, method, target, headers
):
    names = {"bucket": platform.bucket, "port": urlsplit(platform.aws_endpoint_url).port}
    filled = {name: value.format(**names) for name, value in headers.items()}
    body = json.dumps({"TableName": platform.executions_table}).encode()

    status, answered, said = sent(
        platform.aws_endpoint_url, method, target.format(**names), filled, body
    )

    assert (status, said[:9]) == (403, b"refused: ")
    assert "access-control-allow-origin" not in {name.lower() for name in answered}
    assert lake.read("raw/page") == b"content"
    table = client(platform, "dynamodb").describe_table(TableName=platform.executions_table)
    assert table["Table"]["TableStatus"] == "ACTIVE"


def test_a_person_may_follow_a_link_to_an_object(platform, lake):
    url = urlsplit(lake.console_url("raw/page"))

    for headers in ({}, LINK, {**LINK, "Sec-Fetch-Site": "none"}):
        for host in ({}, {"Host": f"localhost:{url.port}"}):
            assert sent(platform.aws_endpoint_url, "GET", url.path, {**headers, **host})[::2] == (
                200,
                b"content",
            )


def test_the_clients_of_this_project_are_not_refused(platform, lake):
    frame = pl.DataFrame({"n": [1, 2, 3]})
    lake.write_table("numbers", DAY, frame, {})

    read = lake.read_table("numbers", DAY)
    s3 = client(platform, "s3")
    s3.put_object(Bucket=platform.bucket, Key="other", Body=b"1")
    s3.delete_objects(Bucket=platform.bucket, Delete={"Objects": [{"Key": "other"}]})

    assert read is not None
    assert read.frame.equals(frame)
    assert [found.key for found in lake.list("raw/")] == ["raw/page"]


ORDER = json.dumps({"call": "set_day", "day": str(DAY), "size": 7}).encode()
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("method", "target", "headers"),
    [
        ("POST", "/_control", {"Content-Type": "text/plain"}),
        ("POST", "/_control", {"Content-Type": FORM}),
        ("POST", "/_control", {}),
        ("POST", "/_control", {**JSON, **PAGE}),
        ("POST", "/_control", {**JSON, "Host": "evil.example"}),
        ("GET", "/_control/requests", {"Host": "evil.example"}),
        ("GET", "/inbs/I_main_00.html", CROSS_SITE),
    ],
)
def test_the_sample_site_refuses_what_a_page_in_a_browser_could_send(method, target, headers):
    site = SampleSite()
    with serve(site) as base_url:
        status, _, said = sent(base_url, method, target, headers, ORDER)
        mine, *_ = sent(base_url, "POST", "/_control", JSON, ORDER)

    assert (status, said[:9]) == (403, b"refused: ")
    assert (mine, len(site.rows(DAY)), site.requests) == (200, 7, [])
