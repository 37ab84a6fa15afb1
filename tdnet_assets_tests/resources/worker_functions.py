"""What tests ask worker processes to do; imports little, because each process does it anew."""

import ctypes
import os
import time
from pathlib import Path

from tdnet_assets.tdnet.files import DocumentError


def process_of(content: bytes) -> tuple[int, int]:
    return os.getpid(), len(content)


def talkative(content: bytes) -> int:
    print("to standard output")  # noqa: T201 - as a library might
    os.write(1, b"from below Python")
    return len(content)


def refuse(content: bytes) -> None:
    raise DocumentError(f"refused: {content.decode()}")


def crash(_: bytes) -> None:
    ctypes.string_at(0)


def grow(_: bytes) -> int:
    return len(b"x" * 3_000_000_000)


def turn(content: bytes) -> None:
    if content:
        Path(content.decode()).write_text(str(os.getpid()))
    while True:
        pass


def spin_for_half_a_second(_: bytes) -> None:
    end = time.process_time() + 0.5
    while time.process_time() < end:
        pass


def has_keys(_: bytes) -> bool:
    return any("AWS" in name or "SECRET" in name for name in os.environ)
