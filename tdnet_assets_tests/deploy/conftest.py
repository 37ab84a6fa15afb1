from collections.abc import Iterator

import pytest

from tdnet_assets_tests.deploy.postgres import (
    Postgres,
    PostgresUnavailableError,
    running_postgres,
)


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    try:
        with running_postgres() as server:
            yield server
    except PostgresUnavailableError as error:
        pytest.skip(f"NOT TESTED: nothing of the production deployment runs here: {error}")
