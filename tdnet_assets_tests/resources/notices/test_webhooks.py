"""One request to a webhook: bounded, to the host that was meant, and nowhere else."""

import socket
import time
from functools import partial

import pytest

from tdnet_assets.resources.notices.webhooks import DeliveryError, post, refused_address
from tdnet_assets_tests.resources.notices import receivers
from tdnet_assets_tests.resources.notices.receivers import answer, receiving


@pytest.fixture
def hook():
    with receiving() as receiver:
        yield receiver


def _refusal(address, **settings):
    with pytest.raises(DeliveryError) as refused:
        post(address, b"{}", {}, **{"loopback": True, "deadline_seconds": 0.5, **settings})
    return refused.value


def test_a_body_arrives_as_it_is_with_its_headers(hook):
    post(f"{hook.address}?token=1", '{"a": "日"}'.encode(), {"X-A": "b"}, loopback=True)

    assert hook.bodies == ['{"a": "日"}'.encode()]
    assert hook.headers[0]["X-A"] == "b"
    assert hook.headers[0]["Host"] == f"127.0.0.1:{hook.server.server_port}"


@pytest.mark.parametrize(
    ("behaviour", "unconfirmed", "words"),
    [
        (partial(answer, status=500), True, "answered 500"),
        (partial(answer, status=400, body=b"no_text"), False, "answered 400: 'no_text'"),
        (partial(answer, status=302, Location="http://127.0.0.1:1/"), False, "answered 302"),
        (receivers.closes, True, "RemoteDisconnected"),
        (receivers.babbles, True, "BadStatusLine"),
        (receivers.drips, True, "no answer in time"),
        (lambda handler: time.sleep(3), True, "no answer in time"),
    ],
    ids=["500", "400", "302", "closes", "babbles", "drips", "slow"],
)
def test_whatever_a_server_does_it_is_an_error_within_the_deadline(
    hook, behaviour, unconfirmed, words
):
    hook.behave = behaviour
    begun = time.monotonic()

    refusal = _refusal(hook.address)

    assert time.monotonic() - begun < 2
    assert words in str(refusal)
    assert refusal.unconfirmed is unconfirmed
    assert len(hook.bodies) == 1  # no redirect was followed, and nothing tried again


@pytest.mark.parametrize("behaviour", [receivers.lies, receivers.floods])
def test_a_status_counts_whatever_comes_behind_it(hook, behaviour):
    hook.behave = behaviour

    post(hook.address, b"{}", {}, loopback=True, deadline_seconds=5)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("-3", 0),
        ("1e9", 86_400),
        ("nan", None),
        ("soon", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
    ],
)
def test_retry_after_is_understood_within_a_day(hook, header, seconds):
    hook.behave = partial(answer, status=429, Retry_After=header)

    assert _refusal(hook.address).retry_after == seconds


def test_nobody_there_is_no_repetition():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        refusal = _refusal(f"http://127.0.0.1:{taken.getsockname()[1]}/")

    assert not refusal.unconfirmed
    assert "ConnectionRefusedError" in str(refusal)


def test_a_proxy_of_the_environment_is_not_asked(hook, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    post(hook.address, b"{}", {}, loopback=True)

    assert len(hook.bodies) == 1


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "100.100.100.200",
        "0.0.0.0",  # noqa: S104 - nothing is bound to it
        "0.1.2.3",
        "::",
        "224.0.0.1",
    ],
)
def test_what_belongs_to_the_machine_or_to_its_cloud_is_refused(address):
    assert refused_address(address, loopback=False)


@pytest.mark.parametrize("address", ["10.1.2.3", "192.168.1.9", "203.0.113.5", "2001:db8::1"])
def test_other_networks_may_be_talked_to(address):
    assert not refused_address(address, loopback=False)


def test_loopback_is_for_the_local_environment_and_a_secret_address_for_its_host_alone(hook):
    assert "this machine itself" in str(_refusal(hook.address, loopback=False))
    assert "is not one of hooks.slack.com" in str(_refusal(hook.address, host="hooks.slack.com"))
    assert hook.bodies == []


@pytest.mark.parametrize(
    "address", ["http://example.com/geheim", "ftp://h/geheim", "https://u:geheim@h/", "geheim"]
)
def test_an_address_that_may_not_be_is_refused_without_being_shown(address):
    refusal = _refusal(address)

    assert "geheim" not in str(refusal)
    assert not refusal.unconfirmed


def test_a_name_that_leads_to_the_machine_is_refused():
    assert "leads to this machine itself" in str(_refusal("https://localhost/", loopback=False))
