"""The API's description, and what a tester who believes it finds."""

import json

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tdnet_assets.config import ReaderSettings
from tdnet_assets.reader.access import Door
from tdnet_assets.reader.api_resources import RESOURCES
from tdnet_assets.reader.application import application
from tdnet_assets.reader.openapi import openapi

FEW = settings(
    max_examples=5,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def test_the_description_has_every_resource_in_three_forms():
    paths = openapi()["paths"]

    for name in RESOURCES:
        for suffix in ("", ".csv", ".parquet"):
            assert f"/api/v1/{name}{suffix}" in paths
    json.dumps(openapi())


@pytest.mark.slow
@pytest.mark.parametrize(("resource", "name"), [("disclosures", "q"), ("search", "words")])
def test_a_text_may_be_as_long_as_the_description_says(reader, resource, name):
    parameters = openapi()["paths"][f"/api/v1/{resource}"]["get"]["parameters"]
    (longest,) = [one["schema"]["maxLength"] for one in parameters if one["name"] == name]

    statuses = [
        reader.get(f"/api/v1/{resource}?{name}={'x' * length}").status_code
        for length in (longest, longest + 1)
    ]

    assert statuses == [200, 400]


@pytest.mark.slow
def test_what_is_answered_is_what_the_description_says(collected):
    import schemathesis  # noqa: PLC0415 - 0.7 s, which no other test need pay
    from schemathesis.specs.openapi import checks  # noqa: PLC0415 - as above

    wanted = [
        schemathesis.checks.not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_schema_conformance,
    ]
    own_name = Door(ReaderSettings(hosts=("testserver", "localhost")))
    schema = schemathesis.openapi.from_asgi("/api", application(collected.config, own_name))
    tried = []
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path.endswith((".parquet", ".csv")):
            continue  # the same code answers, and only the form is another

        @FEW
        @given(case=operation.as_strategy())
        def ask(case):
            case.call_and_validate(checks=wanted)

        ask()
        tried.append(operation.path)

    assert len(tried) == len(RESOURCES) + 3
