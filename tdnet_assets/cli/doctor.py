"""``tdnet doctor``: lines, machine form and exit code; the checks are in ``doctor/``."""

import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict

import click

from tdnet_assets.cli.exit_codes import FAILED
from tdnet_assets.cli.platform import refusals
from tdnet_assets.config import ConfigurationError, PlatformConfig, values_from_environment
from tdnet_assets.definitions import build_definitions
from tdnet_assets.doctor.examination import Examination
from tdnet_assets.doctor.findings import Finding
from tdnet_assets.doctor.runner import examine
from tdnet_assets.local.services import running_services

LONGEST_WAIT_SECONDS = 120

# Never asked: it stands in for a TDnet that may not be, so that all else can be looked at.
_NOWHERE = "http://127.0.0.1:9/none"
_LOUD_LOGGERS = ("dagster", "tdnet_assets", "alembic", "botocore")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object instead of lines.")
@click.option(
    "--wait",
    "wait_seconds",
    type=click.FloatRange(0, 600),
    default=LONGEST_WAIT_SECONDS,
    show_default=True,
    help="Seconds to wait until the probe metric can be read.",
)
def doctor(as_json: bool, wait_seconds: float) -> None:
    """Say whether the account, the data, TDnet and Dagster are as the configuration says.

    Exit code 0 when no line is failed (warnings are allowed), 1 when one is, 2 when there is
    nothing to look at: the configuration is wrong, or the local services do not start.
    """
    findings: list[Finding] = []
    with refusals(), _examination(os.environ, wait_seconds) as examination:
        with _quiet():
            for finding in examine(examination):
                findings.append(finding)
                if not as_json:
                    _show(finding)
        environment = examination.config.environment
    if as_json:
        click.echo(json.dumps(_document(environment, findings), indent=2, ensure_ascii=False))
    else:
        click.echo(_summary(findings))
    if any(finding.status == "failed" for finding in findings):
        sys.exit(FAILED)


@contextmanager
def _examination(environ: Mapping[str, str], wait_seconds: float) -> Iterator[Examination]:
    configured, refusal = configuration(environ)
    with (
        running_services(configured) as config,
        Examination(
            config, build_definitions(config), refusal=refusal, wait_seconds=wait_seconds
        ) as examination,
    ):
        yield examination


def configuration(environ: Mapping[str, str]) -> tuple[PlatformConfig, str | None]:
    """The configuration, and why its TDnet may not be asked, or None when it may.

    An account can be looked at before the terms of TDnet are accepted.

    Raises:
        tdnet_assets.config.ConfigurationError: something else is wrong too.
    """
    values = values_from_environment(environ)
    try:
        return PlatformConfig.validated(values), None
    except ConfigurationError as error:
        return PlatformConfig.validated({**values, "tdnet_base_url": _NOWHERE}), str(error)


@contextmanager
def _quiet() -> Iterator[None]:
    """What is logged meanwhile is in the findings already."""
    loggers = [logging.getLogger(name) for name in _LOUD_LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


_COLOURS = {"ok": "green", "warning": "yellow", "failed": "red"}


def _show(finding: Finding) -> None:
    status = click.style(f"{finding.status:<8}", fg=_COLOURS[finding.status])
    click.echo(f"{status} {finding.check:<30} {finding.seen}")
    if finding.advice:
        click.echo(f"{'':<39} -> {finding.advice}")


def _counted(findings: list[Finding]) -> dict[str, int]:
    return {status: sum(finding.status == status for finding in findings) for status in _COLOURS}


def _summary(findings: list[Finding]) -> str:
    return ", ".join(f"{count} {status}" for status, count in _counted(findings).items())


def _document(environment: str, findings: list[Finding]) -> dict[str, object]:
    return {
        "environment": environment,
        "counts": _counted(findings),
        "findings": [asdict(finding) for finding in findings],
    }
