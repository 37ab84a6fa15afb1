"""An example environment, and the independent evaluator of IAM policies."""

import json
import os
import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from tdnet_assets.config import PlatformConfig
from tdnet_assets_tests.infrastructure.recorded import Recording, recorded
from tdnet_assets_tests.infrastructure.wire import Call

EVALUATOR = "@cloud-copilot/iam-simulate"
EVALUATOR_VERSION = "0.1.173"
_QUIETLY = ("--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts")
_SCRIPT = Path(__file__).with_name("simulate.cjs")

Allowed = Callable[[Iterable[tuple[dict[str, Any], Call]]], list[bool]]


@pytest.fixture
def example() -> PlatformConfig:
    """An environment as an operator would have it, with a prefix and without a topic."""
    return PlatformConfig(
        environment="dev",
        bucket="example-lake",
        prefix="tdnet/",
        executions_table="example_executions",
        disclosures_table="example_disclosures",
        notices_table="example_notices",
        metrics_namespace="Example/TDnet",
        tdnet_base_url="http://127.0.0.1:8080/inbs",
    )


@pytest.fixture(scope="session")
def recording(aws_endpoint: str) -> Iterator[Recording]:
    """One recorded run for all tests of a process, with a Dagster instance of its own."""
    with dg.DagsterInstance.ephemeral() as instance, recorded(aws_endpoint, instance) as made:
        yield made


@pytest.fixture(scope="session")
def evaluator_folder(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the evaluator is installed: fetched from the registry once, kept in pytest's cache."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        _skip("Node.js and npm are not on the PATH")
    kept = pytestconfig.cache.mkdir("iam-simulate") / EVALUATOR_VERSION
    if not kept.exists():
        fresh = tmp_path_factory.mktemp("npm")
        done = subprocess.run(
            [npm, "install", "--prefix", fresh, *_QUIETLY, f"{EVALUATOR}@{EVALUATOR_VERSION}"],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode:
            _skip(f"npm could not install {EVALUATOR}: {done.stderr[-500:]}")
        # Beside its place first: a rename within one file system is never seen half done.
        beside = kept.with_name(f"{EVALUATOR_VERSION}-{os.getpid()}")
        shutil.copytree(fresh, beside)
        try:
            beside.rename(kept)
        except OSError:  # another test process was faster
            shutil.rmtree(beside)
    return kept


@pytest.fixture(scope="session")
def allowed(evaluator_folder: Path) -> Allowed:
    """Whether a policy allows a call, for many pairs of both, as the evaluator sees it."""

    node = shutil.which("node")
    assert node  # it has just installed the evaluator

    def evaluate(questions: Iterable[tuple[dict[str, Any], Call]]) -> list[bool]:
        asked = list(questions)
        done = subprocess.run(
            [node, _SCRIPT, evaluator_folder],
            input=json.dumps(
                [
                    {
                        "policy": policy,
                        "action": call.action,
                        "resource": call.resource,
                        "context": dict(call.context),
                    }
                    for policy, call in asked
                ]
            ),
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        verdicts = json.loads(done.stdout)
        assert len(verdicts) == len(asked)
        for (_, call), verdict in zip(asked, verdicts, strict=True):
            assert verdict in ("Allowed", "ImplicitlyDenied"), f"{call}: {verdict}"
        return [verdict == "Allowed" for verdict in verdicts]

    return evaluate


def _skip(reason: str) -> None:
    text = f"IAM policies are NOT evaluated: {reason}"
    warnings.warn(text, stacklevel=2)
    pytest.skip(text)
