"""One account for the tests of the doctor."""

from collections.abc import Iterator

import pytest

from tdnet_assets_tests.doctor.account import Account, healthy_account


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """One account for the tests of the doctor, who leave it as healthy as they found it."""
    with healthy_account(tmp_path_factory.mktemp("doctor")) as healthy:
        yield healthy
