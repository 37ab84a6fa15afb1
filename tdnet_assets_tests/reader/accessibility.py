"""axe-core, the independent judge of accessibility: fetched from npm once, run in the page."""

import os
import shutil
import subprocess
import warnings
from pathlib import Path
from typing import Any

import pytest

from tdnet_assets_tests.e2e.browser import Page

NAME, VERSION = "axe-core", "4.14.1"
_QUIETLY = ("--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts")
_SERIOUS = ("serious", "critical")
_RUN = """axe.run(document, {resultTypes: ["violations"]}).then((found) => found.violations.map(
  (one) => ({id: one.id, impact: one.impact, help: one.help,
             nodes: one.nodes.slice(0, 3).map((node) => node.html.slice(0, 200))})))"""


def axe_source(kept: Path, fresh: Path) -> str:
    """The script, from where it is kept or from the registry; skips loudly where neither has it.

    Args:
        kept: a folder that outlives the tests.
        fresh: an empty one.
    """
    script = kept / VERSION / "axe.min.js"
    if not script.exists():
        npm = shutil.which("npm")
        if npm is None:
            _skip("npm is not on the PATH")
        done = subprocess.run(
            [npm, "install", "--prefix", fresh, *_QUIETLY, f"{NAME}@{VERSION}"],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode:
            _skip(f"npm could not install {NAME}: {done.stderr[-300:]}")
        script.parent.mkdir(parents=True, exist_ok=True)
        # Beside its place first: a rename is never seen half done.
        beside = script.with_name(f"{os.getpid()}.js")
        shutil.copyfile(fresh / "node_modules" / NAME / "axe.min.js", beside)
        beside.replace(script)
    return script.read_text()


def serious_faults(page: Page, source: str) -> list[dict[str, Any]]:
    """What axe-core finds in the open page that is serious or worse."""
    page.evaluate(f"{source}; 1")
    found: list[dict[str, Any]] = page.evaluate(_RUN)
    return [one for one in found if one["impact"] in _SERIOUS]


def _skip(reason: str) -> None:
    text = f"accessibility is NOT judged by axe-core: {reason}"
    warnings.warn(text, stacklevel=2)
    pytest.skip(text)
