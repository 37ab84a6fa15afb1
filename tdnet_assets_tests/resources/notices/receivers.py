"""A webhook on loopback that answers as it is told to, and remembers what it was sent."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """``behave`` is called with each request's handler, after its body was noted."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.at: list[float] = []
        self.behave: Callable[[BaseHTTPRequestHandler], None] = ok
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.headers.append(dict(self.headers))
                receiver.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.at.append(time.monotonic())
                with suppress(OSError):
                    receiver.behave(self)

            def log_message(self, *arguments: object) -> None:
                """Not on the console."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_port}/hook"

    @property
    def told(self) -> list[dict]:
        """The notices that came, in the order in which they came, each with ``repeated``."""
        return [notice for body in self.bodies for notice in json.loads(body)["notices"]]

    @property
    def ids(self) -> list[str]:
        return [notice["id"] for notice in self.told]


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    threading.Thread(target=receiver.server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield receiver
    finally:
        receiver.server.shutdown()
        receiver.server.server_close()


def ok(handler: BaseHTTPRequestHandler) -> None:
    answer(handler, 200)


def answer(
    handler: BaseHTTPRequestHandler, status: int, *, body: bytes = b"ok", **headers: str
) -> None:
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def closes(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def babbles(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"220 mail.example.com ESMTP\r\n\r\n")
    closes(handler)


def drips(handler: BaseHTTPRequestHandler) -> None:
    """An answer that never ends, a byte at a time: no read of it is ever late."""
    for _ in range(600):
        handler.wfile.write(b"H")
        handler.wfile.flush()
        time.sleep(0.05)


def lies(handler: BaseHTTPRequestHandler) -> None:
    """Accepts, promises a long body, and breaks off."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    handler.wfile.write(b"half")
    closes(handler)


def floods(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(2000):
        handler.wfile.write(b"x" * 100_000)
