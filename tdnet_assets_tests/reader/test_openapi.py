"""The API's description, and what a tester who believes it finds."""

import json

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tdnet_assets.config import ReaderSettings
from tdnet_assets.reader.access import Door
from tdnet_assets.reader.api_resources import RESOURCES
from tdnet_assets.reader.application import application
from tdnet_assets.reader.openapi import openapi

CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


def test_the_description_has_every_resource_in_three_forms():
    paths = openapi()["paths"]

    for name in RESOURCES:
        for suffix in ("", ".csv", ".parquet"):
            assert f"/api/v1/{name}{suffix}" in paths
    json.dumps(openapi())


@pytest.fixture
def api_schema(collected):
    own_name = Door(ReaderSettings(hosts=("testserver", "localhost")))
    return schemathesis.openapi.from_asgi("/api", application(collected.config, own_name))


described = schemathesis.pytest.from_fixture("api_schema")


@pytest.mark.slow
@described.exclude(path_regex=r"\.(parquet|csv)$").parametrize()
@settings(
    max_examples=5,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_what_is_answered_is_what_the_description_says(case):
    case.call_and_validate(checks=CHECKS)
