"""Dagster's home of the local environment."""

from pathlib import Path

from tdnet_assets.config import PlatformConfig
from tdnet_assets.local import dagster_home


def test_a_new_home_gets_our_settings_and_one_with_settings_keeps_them(tmp_path):
    config = PlatformConfig.from_environment({"DAGSTER_HOME": str(tmp_path / "dagster")})

    settings = dagster_home.prepare(config) / "dagster.yaml"
    assert settings.read_text() == Path(dagster_home.__file__).with_name("dagster.yaml").read_text()

    settings.write_text("telemetry: {enabled: false}\n")
    assert dagster_home.prepare(config) == tmp_path / "dagster"
    assert settings.read_text() == "telemetry: {enabled: false}\n"
