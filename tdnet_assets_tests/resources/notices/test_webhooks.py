"""One request to a webhook: bounded, to the host that was meant, and nowhere else."""

import socket
import ssl
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tdnet_assets.resources.notices.webhooks import DeliveryError, post, refused_address
from tdnet_assets_tests.resources.notices import receivers
from tdnet_assets_tests.resources.notices.receivers import answer


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


@pytest.mark.parametrize(
    "said",
    [
        "Cannot POST /services/T000/geheim-token-1",
        "no such path: %2Fservices%2FT000%2Fgeheim-token-1",
        '{"path": "\\/services\\/T000\\/geheim-token-1"}',
        "bad token: geheim-token-",
    ],
)
def test_an_answer_that_repeats_the_address_is_not_shown(hook, said):
    hook.behave = partial(answer, status=404, body=said.encode())

    refusal = _refusal(f"{hook.address}/services/T000/geheim-token-1?key=another-secret")

    assert str(refusal) == "127.0.0.1 answered 404: (it repeats the address, which is not shown)"


def test_however_many_addresses_a_name_has_there_is_one_deadline(monkeypatch):
    places = []
    with ExitStack() as stack:
        for number in range(1, 5):
            # Whose queue of connections is full: a further one is not even refused.
            full = stack.enter_context(socket.socket())
            full.bind((f"127.0.0.{number}", 0 if not places else places[0][1]))
            full.listen(0)
            places.append(full.getsockname())
            for _ in range(2):
                caller = stack.enter_context(socket.socket())
                caller.setblocking(False)
                caller.connect_ex(places[-1])
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place) for place in places]
        look_up = socket.getaddrinfo
        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda name, *more, **named: (
                found if name == "localhost" else look_up(name, *more, **named)
            ),
        )
        begun = time.monotonic()

        refusal = _refusal(f"http://localhost:{places[0][1]}/", deadline_seconds=1)

    assert time.monotonic() - begun < 2
    assert "no answer in time" in str(refusal)
    assert not refusal.unconfirmed


def _certificate(folder, *, host):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{host}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.parametrize(
    ("host", "trusted", "arrives"),
    [("localhost", True, True), ("localhost", False, False), ("other.example", True, False)],
)
def test_over_https_only_a_host_that_proves_its_name_is_told(
    hook, tmp_path, monkeypatch, host, trusted, arrives
):
    path = _certificate(tmp_path, host=host)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    hook.server.socket = context.wrap_socket(hook.server.socket, server_side=True)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
    address = f"https://localhost:{hook.server.server_port}/"

    if arrives:
        post(address, b"{}", {}, loopback=True)
    else:
        refusal = _refusal(address, deadline_seconds=5)
        assert "SSLCertVerificationError" in str(refusal)
        assert not refusal.unconfirmed

    assert hook.bodies == ([b"{}"] if arrives else [])


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
