"""A way to the embedded AWS on which every request and its answer can be looked at.

What belongs here: passing requests on. What does not: what they mean (``metering.py``).

Whichever client sends a request, boto3, obstore or polars, it passes here.
"""

import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

# Hop by hop: they concern one connection, not the request.
_NOT_PASSED_ON = frozenset(("connection", "keep-alive", "transfer-encoding", "content-length"))
_TIMEOUT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request as it came; the names of ``headers`` are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered to it."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes = field(repr=False)


Send = Callable[[], Answer]
Pass = Callable[[Request, Send], Answer | None]


@contextmanager
def proxy(endpoint_url: str, pass_on: Pass) -> Iterator[str]:
    """The address of a proxy in front of an endpoint.

    Args:
        endpoint_url: where requests end.
        pass_on: gets each request, in a thread of its own, and what sends it; gives the answer, or
            None to hang up without one.
    """
    upstream = urlsplit(endpoint_url).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body are two writes: the second would wait for the first one's acknowledgement.
        disable_nagle_algorithm = True

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            sent = {k: v for k, v in self.headers.items() if k.lower() not in _NOT_PASSED_ON}
            names = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, self.path, names, body)
            answer = pass_on(request, lambda: _send(upstream, request, sent))
            if answer is None:
                self._reset()
                return
            length = str(len(answer.body))
            self.send_response(answer.status)
            for name, value in answer.headers:
                if name.lower() not in _NOT_PASSED_ON:
                    self.send_header(name, value)
                elif name.lower() == "content-length" and self.command == "HEAD":
                    length = value  # of what the answer to HEAD does not send
            self.send_header("Content-Length", length)
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass_on  # noqa: N815 - http.server's names

        def _reset(self) -> None:
            self.close_connection = True
            at_once = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
            os.close(self.connection.detach())

        def log_message(self, *_: object) -> None:
            """Say nothing: who passes requests on may."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _send(upstream: str, request: Request, headers: Mapping[str, str]) -> Answer:
    connection = HTTPConnection(upstream, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request(request.method, request.target, request.body, dict(headers))
        answer = connection.getresponse()
        return Answer(answer.status, answer.getheaders(), answer.read())
    finally:
        connection.close()
