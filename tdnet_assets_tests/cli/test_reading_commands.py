"""What the commands that only read cost before they read anything."""

import json
import resource
import subprocess
import sys
from datetime import date

import pytest

from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets_tests.commands import variables
from tdnet_assets_tests.lake_days import disclosure as listed
from tdnet_assets_tests.lake_days import put_day

DAY = date(2026, 6, 10)
QUESTIONS = (
    ("query", "--code", "72030"),
    ("facts", "--code", "72030"),
    ("earnings", "--code", "72030"),
    ("revisions", "--code", "72030"),
    ("company", "72030"),
    ("open", "20260610000001"),
    ("status",),
    ("index", "show", "72030"),
)
# One after the other in one process: the first that imports what it should not is named.
INVOKED = """
import json, sys
from contextlib import suppress
from tdnet_assets.cli.main import main
imported = {}
for question in json.loads(sys.argv[1]):
    with suppress(SystemExit):
        main(question)
    imported[question[0]] = sorted({name.partition('.')[0] for name in sys.modules})
sys.stderr.write(json.dumps(imported))
"""


@pytest.mark.slow
def test_a_command_that_only_reads_imports_neither_dagster_nor_what_asks_tdnet(platform):
    put_day(LakeResource(config=platform), DAY, [listed(DAY, 1, code="72030")])

    done = subprocess.run(
        [sys.executable, "-c", INVOKED, json.dumps(QUESTIONS)],
        env=variables(platform),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    imported = json.loads(done.stderr.splitlines()[-1])
    assert imported.keys() == {question[0] for question in QUESTIONS}
    for question, modules in imported.items():
        assert "tdnet_assets" in modules
        assert not {"dagster", "httpx", "rich.console"} & set(modules), question


def test_the_catalogue_of_notebooks_is_imported_without_dagster():
    code = "import sys, tdnet_assets.catalog; print('dagster' in sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stdout == "False\n"


def test_help_takes_less_than_half_a_second_of_processor_time_on_any_machine():
    before = resource.getrusage(resource.RUSAGE_CHILDREN)

    code = "from tdnet_assets.cli.main import main; main(['--help'])"
    subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=True)

    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert took < 0.5, took
