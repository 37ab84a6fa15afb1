"""Who is let in: names of the host, the token, methods, how much at once, and what is logged."""

import logging
from contextlib import contextmanager

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from tdnet_assets.config import ConfigurationError, ReaderSettings
from tdnet_assets.reader.access import COOKIE, Door, Gate
from tdnet_assets.reader.server import require_token

TOKEN = "correct-horse-battery"


@contextmanager
def gate(settings=None, bound="127.0.0.1", base_url="http://127.0.0.1", **limits):
    """A page behind a door, as a client meets it."""

    async def page(_):
        return PlainTextResponse("inside")

    routes = [
        Route(path, page) for path in ("/", "/health", "/login", "/static/x/y.css", "/api/v1/days")
    ]
    door = Door(settings or ReaderSettings(), bound)
    with TestClient(
        Gate(Starlette(routes=routes), door, **limits), base_url=base_url, follow_redirects=False
    ) as client:
        yield client


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("127.0.0.1:3100", 200),
        ("localhost:3100", 200),
        ("LOCALHOST", 200),
        ("[::1]:3100", 200),
        ("desk.example", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("evil.example:3100", 421),
        ("", 421),
    ],
)
def test_only_the_names_of_this_host_are_answered(host, status):
    with gate(ReaderSettings(hosts=("desk.example",))) as client:
        answer = client.get("/", headers={"Host": host})

    assert answer.status_code == status


def test_a_load_balancer_asks_for_the_health_by_the_address_of_a_task():
    with gate(ReaderSettings(token=TOKEN, hosts=("desk.example",)), "0.0.0.0") as client:  # noqa: S104 - as a task binds
        health = client.get("/health", headers={"Host": "10.0.12.7:3100"})
        page = client.get("/", headers={"Host": "10.0.12.7:3100"})

    assert (health.status_code, page.status_code) == (200, 421)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": f"Bearer {TOKEN}"}, 200),
        ({"Authorization": f"bearer {TOKEN}"}, 200),
        ({"Authorization": f"Basic {TOKEN}"}, 401),
        ({"Authorization": f"Bearer {TOKEN}x"}, 401),
        ({"Authorization": "Bearer é"}, 401),
        ({"Cookie": f"{COOKIE}={Door(ReaderSettings(TOKEN)).cookie}"}, 200),
        ({"Cookie": f"{COOKIE}={TOKEN}"}, 401),
        ({"Cookie": "a=b; \x01"}, 401),
    ],
)
def test_with_a_token_only_who_brings_it_is_let_in(headers, status):
    with gate(ReaderSettings(TOKEN)) as client:
        raw = {name: value.encode() for name, value in headers.items()}
        answer = client.get("/api/v1/days", headers=raw)
        in_address = client.get(f"/api/v1/days?token={TOKEN}")

    assert answer.status_code == status
    assert in_address.status_code == 401
    if status == 401:
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_browser_without_the_token_is_led_to_the_form():
    with gate(ReaderSettings(TOKEN)) as client:
        page = client.get("/", headers={"Accept": "text/html,*/*"})
        free = [client.get(path).status_code for path in ("/login", "/health", "/static/x/y.css")]

    assert (page.status_code, page.headers["location"]) == (303, "/login")
    assert free == [200, 200, 200]


def test_nothing_is_sent_in_but_the_token():
    with gate() as client:
        statuses = {
            method: client.request(method, "/").status_code
            for method in ("POST", "PUT", "DELETE", "PATCH", "TRACE")
        }
        allowed = client.options("/")

    assert set(statuses.values()) == {405}
    assert (allowed.status_code, allowed.headers["allow"]) == (204, "GET, HEAD, OPTIONS")


def test_an_address_that_is_too_long_is_refused():
    with gate() as client:
        assert client.get("/?q=" + "a" * 5_000).status_code == 414


def test_who_comes_when_all_places_are_taken_is_asked_to_come_again():
    with gate(requests_at_once=0) as client:
        answer = client.get("/")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


def test_every_answer_forbids_scripts_of_others_frames_and_referrers():
    with gate() as client:
        for answer in (client.get("/"), client.get("/nothing"), client.post("/")):
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "server" not in answer.headers


def test_pages_of_other_sites_may_ask_only_where_the_operator_says_so():
    mine = {"Origin": "https://desk.example"}
    with gate(ReaderSettings(origins=("https://desk.example",))) as client:
        named = client.get("/api/v1/days", headers=mine)
        other = client.get("/api/v1/days", headers={"Origin": "https://evil.example"})
    with gate() as client:
        unnamed = client.get("/api/v1/days", headers=mine)

    assert named.headers["access-control-allow-origin"] == "https://desk.example"
    assert "access-control-allow-credentials" not in named.headers
    for answer in (other, unnamed):
        assert "access-control-allow-origin" not in answer.headers


def test_the_log_has_no_query_no_token_and_one_line_a_request(caplog):
    with (
        caplog.at_level(logging.INFO, "tdnet_assets.reader"),
        gate(ReaderSettings(TOKEN)) as client,
    ):
        client.get(f"/?q=secret-words&token={TOKEN}", headers={"Authorization": f"Bearer {TOKEN}"})
        client.get("/%0d%0aforged")

    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2
    assert said[0].startswith("GET / 200 ")
    assert TOKEN not in caplog.text
    assert "secret-words" not in caplog.text
    assert "\r" not in said[1]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "desk.example"])  # noqa: S104 - refused
def test_an_address_that_others_reach_needs_a_token(host):
    with pytest.raises(ConfigurationError, match="set TDNET_READER_TOKEN"):
        require_token(host, ReaderSettings())
    require_token(host, ReaderSettings(TOKEN))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_this_machine_s_own_addresses_need_none(host):
    require_token(host, ReaderSettings())


def test_settings_are_read_from_the_environment_and_never_show_the_token():
    read = ReaderSettings.from_environment(
        {
            "TDNET_READER_TOKEN": TOKEN,
            "TDNET_READER_HOSTS": "Desk.example, other.example",
            "TDNET_READER_ORIGINS": "https://desk.example",
        }
    )

    assert read.token == TOKEN
    assert read.hosts == ("desk.example", "other.example")
    assert read.origins == ("https://desk.example",)
    assert TOKEN not in repr(read)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TDNET_READER_TOKEN", "short"),
        ("TDNET_READER_TOKEN", "with blanks in it, all sixteen"),
        ("TDNET_READER_HOSTS", "https://desk.example"),
        ("TDNET_READER_ORIGINS", "*"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name_without_showing_a_token(name, value):
    with pytest.raises(ConfigurationError, match=name) as refused:
        ReaderSettings.from_environment({name: value})

    assert name != "TDNET_READER_TOKEN" or value not in str(refused.value)
