import subprocess
import sys


def test_the_shared_fixtures_bring_dagster_only_to_the_tests_that_ask_for_it():
    code = (
        "import sys; import tdnet_assets_tests.conftest; "
        "print({'dagster', 'polars', 'botocore', 'lxml'} & sys.modules.keys())"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stdout == "set()\n"
