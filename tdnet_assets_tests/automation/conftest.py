"""Parts of the tests of what runs by itself."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import dagster as dg
import pytest
from dagster._core.definitions.sensor_definition import SensorExecutionData
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)

from tdnet_assets.config import PlatformConfig
from tdnet_assets.definitions import DAILY_ASSETS, build_definitions
from tdnet_assets.resources.source.session import TdnetResource
from tdnet_assets_tests.pipeline import AT_ONCE, Pipeline

Tick = Callable[..., SensorExecutionData]
Do = Callable[..., dg.ExecuteInProcessResult]
MakeRun = Callable[..., dg.DagsterRun]


@pytest.fixture(scope="session")
def lasting_instance() -> Iterator[dg.DagsterInstance]:
    """One for all tests of sensors of a process: making one costs 50 ms, emptying one 2."""
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def instance(lasting_instance: dg.DagsterInstance) -> dg.DagsterInstance:
    """One that is empty: sensors look at every run and event there is."""
    lasting_instance.wipe()
    return lasting_instance


@pytest.fixture
def repository(platform: PlatformConfig) -> dg.RepositoryDefinition:
    """What the daemon loads of the code location, less patient with TDnet."""
    definitions = build_definitions(platform)
    definitions.resources["tdnet"] = TdnetResource(config=platform, **AT_ONCE)
    return definitions.get_repository_def()


@pytest.fixture
def tick(repository: dg.RepositoryDefinition, instance: dg.DagsterInstance) -> Tick:
    """Evaluates a sensor of the code location by its name, with the resources that it has there."""

    def evaluate(name: str, cursor: str | None = None) -> SensorExecutionData:
        with dg.build_sensor_context(
            instance=instance,
            cursor=cursor,
            repository_def=repository,
            resources=repository.get_top_level_resources(),
        ) as context:
            return repository.get_sensor_def(name).evaluate_tick(context)

    return evaluate


@pytest.fixture
def do(repository: dg.RepositoryDefinition, instance: dg.DagsterInstance) -> Do:
    """Does what a sensor or schedule asks for, as the daemon would start it."""

    def execute(request: dg.RunRequest, job: str | None = None) -> dg.ExecuteInProcessResult:
        return repository.get_job(job or str(request.job_name)).execute_in_process(
            instance=instance,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            asset_selection=request.asset_selection,
            tags=dict(request.tags),
            raise_on_error=False,
        )

    return execute


@pytest.fixture
def make_run(instance: dg.DagsterInstance, pipeline: Pipeline) -> MakeRun:
    """Makes a run that has got this far, with these tags."""
    job = pipeline.job()

    def make(
        status: dg.DagsterRunStatus,
        tags: Mapping[str, str],
        location: str | None = None,
        *,
        select: Sequence[str] = (),
    ) -> dg.DagsterRun:
        # A queued run must say which code location is to execute it.
        if location is None and status == dg.DagsterRunStatus.QUEUED:
            location = "tdnet_assets"
        return instance.create_run_for_job(
            job,
            status=status,
            tags=dict(tags),
            asset_selection=frozenset(map(dg.AssetKey, select)) or frozenset(DAILY_ASSETS),
            remote_job_origin=location and job_origin(location, job.name),
        )

    return make


def job_origin(location: str, job: str) -> RemoteJobOrigin:
    """Where a run's job is, as a daemon that serves several code locations notes it."""
    code = RegisteredCodeLocationOrigin(location)
    return RemoteJobOrigin(RemoteRepositoryOrigin(code, "__repository__"), job)
