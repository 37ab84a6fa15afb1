"""An installation without the sample site, as the production image is one."""

import ast
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import tdnet_assets

PACKAGE = Path(tdnet_assets.__file__).parent
SAID = (
    "tdnet: this installation has no sample TDnet site (tdnet_assets/sample_site): the production "
    "image leaves it out. Install tdnet-assets[local] for a demonstration or a local environment; "
    "otherwise set TDNET_ENVIRONMENT to dev or prod, and TDNET_BASE_URL\n"
)


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    """A folder with the package, less the folder that the image's ignore file names."""
    folder = tmp_path_factory.mktemp("installation")
    shutil.copytree(
        PACKAGE,
        folder / PACKAGE.name,
        ignore=shutil.ignore_patterns("sample_site", "__pycache__"),
    )
    return folder


def _run(installation, home, code, **environment):
    # Without site: what makes a checkout importable would bring the folder back.
    return subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={
            **os.environ,
            "PYTHONPATH": f"{installation}{os.pathsep}{sysconfig.get_path('purelib')}",
            "TDNET_HOME": str(home),
            **environment,
        },
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["demo"], ["up"], ["collect", "2026-06-10"]])
def test_what_needs_the_sample_site_says_that_it_is_missing_and_what_to_do(
    installation, tmp_path, arguments
):
    code = f"from tdnet_assets.cli.main import main; main({arguments!r})"

    done = _run(installation, tmp_path, code)

    assert (done.returncode, done.stdout, done.stderr) == (2, "", SAID)


def test_a_demonstration_needs_it_whatever_the_environment_names(installation, tmp_path):
    code = (
        "import datetime\n"
        "from tdnet_assets.cli.platform import refusals\n"
        "from tdnet_assets.local.sample_day import latest_whole_business_day\n"
        "with refusals():\n"
        "    latest_whole_business_day(datetime.date(2026, 6, 10))"
    )

    done = _run(installation, tmp_path, code)

    assert (done.returncode, done.stderr) == (2, SAID)


@pytest.mark.slow
def test_the_code_location_of_a_production_environment_loads_without_it(installation, tmp_path):
    code = (
        "from tdnet_assets.code_location import defs\n"
        "graph = defs().resolve_asset_graph()\n"
        "print(*(key.to_user_string() for key in graph.get_all_asset_keys()))"
    )

    done = _run(
        installation,
        tmp_path,
        code,
        TDNET_ENVIRONMENT="dev",
        TDNET_BASE_URL="http://127.0.0.1:9/inbs",
        TDNET_BUCKET="lake",
    )

    assert done.returncode == 0, done.stderr
    assert {"listing_pages", "disclosures", "documents"} <= set(done.stdout.split())


def test_nothing_but_the_local_environment_imports_the_sample_site():
    importing = {
        path.relative_to(PACKAGE).parts[0]
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom | ast.Import)
        and "tdnet_assets.sample_site" in ast.unparse(node)
    }

    assert importing == {"local", "sample_site"}
