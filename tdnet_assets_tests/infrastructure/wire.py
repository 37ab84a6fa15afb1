"""AWS calls as they are on the wire: a recording proxy, and what IAM calls each request.

Whichever client sends a request, boto3 or obstore, it passes here. A request that this module
cannot name raises :class:`UnknownCallError`: a new kind of call is never overlooked.
"""

import gzip
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

# The account that the embedded AWS plays.
ACCOUNT = "000000000000"
# Hop by hop: they concern one connection, not the request.
_NOT_PASSED_ON = frozenset(("connection", "keep-alive", "transfer-encoding", "content-length"))
_JSON_SERVICES = {"DynamoDB_20120810": "dynamodb", "GraniteServiceVersion20100801": "cloudwatch"}
_QUERY_SERVICES = {"Publish": "sns"}
# Headers that make a request need more than its own action.
_COSTLY_S3_HEADERS = ("x-amz-copy-source", "x-amz-tagging", "x-amz-acl", "x-amz-object-lock-mode")


class UnknownCallError(AssertionError):
    """A request that this module has no IAM action for: teach it, and look at the policy."""


@dataclass(frozen=True)
class Request:
    """One HTTP request as the proxy saw it."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Call:
    """One request in IAM's terms; ``context`` are the condition keys that it brings."""

    action: str
    resource: str
    context: tuple[tuple[str, str], ...] = ()

    def elsewhere(self, **changes: Any) -> "Call":
        return replace(self, **changes)


@contextmanager
def recording_proxy(endpoint_url: str) -> Iterator[tuple[str, list[Request]]]:
    """The address of a proxy in front of an endpoint, and the requests that came so far."""
    requests: list[Request] = []
    upstream = urlsplit(endpoint_url).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = dict(self.headers.items())
            lower = {name.lower(): value for name, value in headers.items()}
            requests.append(Request(self.command, self.path, lower, body))
            connection = HTTPConnection(upstream, timeout=30)
            try:
                passed = {k: v for k, v in headers.items() if k.lower() not in _NOT_PASSED_ON}
                connection.request(self.command, self.path, body, passed)
                answer = connection.getresponse()
                content = answer.read()
            finally:
                connection.close()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in _NOT_PASSED_ON:
                    self.send_header(name, value)
            # The answer to HEAD has the length of what it does not send.
            length = answer.getheader("Content-Length") if self.command == "HEAD" else None
            self.send_header("Content-Length", length or str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass_on  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def calls(requests: Sequence[Request], region: str) -> list[Call]:
    """What IAM is asked for these requests, each different question once, in order."""
    return list(dict.fromkeys(call for request in requests for call in _calls(request, region)))


def metric_data(requests: Sequence[Request]) -> list[tuple[str, dict[str, Any]]]:
    """Namespace and datum of everything that was sent with PutMetricData."""
    return [
        (sent["Namespace"], datum)
        for request in requests
        if _operation(request) == ("cloudwatch", "PutMetricData")
        for sent in (_arguments(request),)
        for datum in sent["MetricData"]
    ]


def _calls(request: Request, region: str) -> Iterator[Call]:
    service, operation = _operation(request)
    match service:
        case "s3":
            yield _s3_call(request)
        case "dynamodb":
            for table in _tables(_arguments(request)):
                arn = f"arn:aws:dynamodb:{region}:{ACCOUNT}:table/{table}"
                yield Call(f"dynamodb:{operation}", arn)
        case "cloudwatch":
            namespace = _arguments(request).get("Namespace")
            context = (("cloudwatch:namespace", namespace),) if namespace else ()
            yield Call(f"cloudwatch:{operation}", "*", context)
        case "sns":
            form = parse_qs(request.body.decode())
            yield Call(f"sns:{operation}", form["TopicArn"][0])
        case _:
            raise UnknownCallError(f"{request}: {service} {operation}")


def _operation(request: Request) -> tuple[str, str]:
    target = request.headers.get("x-amz-target")
    if target:
        name, _, operation = target.partition(".")
        return _known(_JSON_SERVICES, name, request), operation
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        operation = parse_qs(request.body.decode())["Action"][0]
        return _known(_QUERY_SERVICES, operation, request), operation
    return "s3", request.method


def _known(services: Mapping[str, str], name: str, request: Request) -> str:
    if name not in services:
        raise UnknownCallError(f"{request}: no service is known for {name}")
    return services[name]


def _tables(arguments: Mapping[str, Any]) -> list[str]:
    """Tables of a request as their ARNs end, with the index where it asks one."""
    if "RequestItems" in arguments:
        return sorted(arguments["RequestItems"])
    if "TableName" not in arguments:
        raise UnknownCallError(f"DynamoDB arguments without a table: {sorted(arguments)}")
    index = arguments.get("IndexName")
    return [arguments["TableName"] + (f"/index/{index}" if index else "")]


def _s3_call(request: Request) -> Call:
    parts = urlsplit(request.target)
    query = {name: values[0] for name, values in parse_qs(parts.query, True).items()}
    bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
    costly = [name for name in _COSTLY_S3_HEADERS if name in request.headers]
    if costly:
        raise UnknownCallError(f"{request}: S3 with {', '.join(costly)}")
    if not key and request.method == "GET" and query.pop("list-type", None) == "2":
        context = tuple(
            (f"s3:{name}", query[name])
            for name in ("prefix", "delimiter", "max-keys")
            if name in query
        )
        return Call("s3:ListBucket", f"arn:aws:s3:::{bucket}", context)
    actions = {"GET": "s3:GetObject", "HEAD": "s3:GetObject", "PUT": "s3:PutObject"}
    if not key or query or request.method not in actions:
        raise UnknownCallError(f"{request}: S3")
    return Call(actions[request.method], f"arn:aws:s3:::{bucket}/{key}")


def _arguments(request: Request) -> dict[str, Any]:
    body = request.body
    if request.headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    read: dict[str, Any] = json.loads(body)
    return read
