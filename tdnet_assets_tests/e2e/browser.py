"""A headless Chromium with an empty profile, driven over the DevTools protocol."""

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

from tdnet_assets_tests.e2e.dagster_ui import eventually

_NAMES = ("chromium", "chromium-browser")
# The browser is to open our pages and do nothing else.
_SWITCHES = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1600,1200",
)
_ANSWER_SECONDS = 60
_CLICK = """text => {
  const found = [...document.querySelectorAll("button, a, [role=button]")].find(
    one => one.innerText.trim() === text && one.offsetParent && !one.disabled);
  if (found) found.click();
  return Boolean(found);
}"""


def chromium() -> str | None:
    """The browser's executable; None where there is none."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


class Page:
    """One page of the browser, as a person sees it."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._sent = 0
        self._events: list[Any] = []

    def open(self, address: str) -> None:
        answer = self._call("Page.navigate", url=address)
        assert "errorText" not in answer, f"{address}: {answer['errorText']}"

    def text(self) -> str:
        """What the page shows now; empty while it has no body."""
        return str(self.evaluate("document.body ? document.body.innerText : ''") or "")

    def evaluate(self, expression: str) -> Any:
        """The value of an expression of JavaScript in the page, awaited if it is a promise."""
        answer = self._call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def load(self, address: str) -> None:
        """Open a page, and wait until all that belongs to it is there."""
        self._events.clear()
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")
        self.open(address)
        eventually(lambda: self._is_loaded() or None, seconds=60)

    def _is_loaded(self) -> bool:
        state = self.evaluate("location.href !== 'about:blank' && document.readyState")
        return state == "complete" and self._has("Page.loadEventFired")

    def _has(self, method: str) -> bool:
        return any(event["method"] == method for event in self._events)

    def complaints(self) -> list[str]:
        """What the console has said of errors and warnings since the page was loaded."""
        self.evaluate("1")  # whatever was said before this answer has arrived with it
        said = []
        for event in self._events:
            parameters = event["params"]
            if event["method"] == "Runtime.exceptionThrown":
                said.append(str(parameters["exceptionDetails"]))
            elif event["method"] == "Runtime.consoleAPICalled":
                if parameters["type"] in ("error", "warning", "assert"):
                    said.append(str(parameters["args"]))
            elif event["method"] == "Log.entryAdded":
                entry = parameters["entry"]
                if entry["level"] in ("error", "warning"):
                    said.append(f"{entry['text']} {entry.get('url', '')}")
        return said

    def size(self, width: int, height: int, *, dark: bool = False) -> None:
        """Show pages in a window of this size, on a phone if it is narrow."""
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[scheme])
        self._call("Emulation.setFocusEmulationEnabled", enabled=True)

    def zone(self, name: str) -> None:
        """Let the browser's clock be of this time zone, e.g. Asia/Tokyo."""
        self._call("Emulation.setTimezoneOverride", timezoneId=name)

    def click(self, text: str) -> None:
        """Click the button or the link with just this text, once it is there."""
        eventually(
            lambda: self.evaluate(f"({_CLICK})({json.dumps(text)})") or None,
            seconds=_ANSWER_SECONDS,
        )

    def headers(self, **headers: str) -> None:
        """Send these with every request."""
        self._call("Network.enable")
        self._call("Network.setExtraHTTPHeaders", headers=headers)

    def press(self, key: str) -> None:
        """Press a key of the keyboard."""
        codes = {"Tab": 9, "Enter": 13, "ArrowRight": 39, "ArrowLeft": 37}
        text = {"Enter": "\r", "/": "/"}.get(key)
        known = {"key": key, "code": key, "windowsVirtualKeyCode": codes.get(key, 0)}
        typed = {"text": text} if text else {}
        self._call("Input.dispatchKeyEvent", type="keyDown", **known, **typed)
        self._call("Input.dispatchKeyEvent", type="keyUp", **known)

    def picture(self, *, whole: bool = False) -> bytes:
        """The page as a PNG: what is seen of it, or all."""
        answer = self._call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        return base64.b64decode(answer["data"])

    def wait_for(self, *texts: str, seconds: float = 90) -> str:
        """The page's text once it shows all of these."""
        missing: tuple[str, ...] = texts

        def shown() -> str | None:
            nonlocal missing
            text = self.text()
            missing = tuple(one for one in texts if one not in text)
            return None if missing else text

        try:
            return eventually(shown, seconds=seconds)
        except AssertionError as error:
            raise AssertionError(f"not shown: {missing}; shown: {self.text()!r}") from error

    def _call(self, method: str, **parameters: object) -> Any:
        self._sent += 1
        order = {"id": self._sent, "method": method, "params": parameters}
        self._connection.send(json.dumps(order))
        while True:
            answer = json.loads(self._connection.recv(timeout=_ANSWER_SECONDS))
            if "method" in answer:
                self._events.append(answer)
            if answer.get("id") == self._sent:
                assert "error" not in answer, answer["error"]
                return answer["result"]


@contextmanager
def opened_browser(executable: str, profile: Path) -> Iterator[Page]:
    """A browser with one blank page, until the block ends.

    Args:
        executable: of :func:`chromium`.
        profile: a folder of its own, empty or not there yet.
    """
    process = subprocess.Popen(
        [executable, *_SWITCHES, f"--user-data-dir={profile}", "--remote-debugging-port=0"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        port = eventually(lambda: _port(process, profile), seconds=60)
        with connect(_first_page(port), max_size=None, proxy=None) as connection:
            yield Page(connection)
    finally:
        process.terminate()
        process.wait(30)


def _port(process: subprocess.Popen[bytes], profile: Path) -> int | None:
    assert process.poll() is None, f"the browser ended with code {process.returncode}"
    written = profile / "DevToolsActivePort"
    lines = written.read_text().splitlines() if written.exists() else []
    return int(lines[0]) if lines else None


def _first_page(port: int) -> str:
    targets = httpx.get(f"http://127.0.0.1:{port}/json/list", timeout=_ANSWER_SECONDS).json()
    return next(str(one["webSocketDebuggerUrl"]) for one in targets if one["type"] == "page")
