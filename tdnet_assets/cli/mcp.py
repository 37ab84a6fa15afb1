"""``tdnet mcp``: the tools for assistants, until standard input ends."""

import os
import signal
import sys
from types import FrameType

import click

from tdnet_assets.cli.exit_codes import INTERRUPTED, REFUSED
from tdnet_assets.cli.interrupts import LINE
from tdnet_assets.cli.platform import running_lake


@click.command()
def mcp() -> None:
    """Answer an assistant's questions about disclosures: MCP on standard input and output.

    An assistant's program starts it, with what docs/assistants.md says. Nothing is written.
    """
    try:
        # An extra, and only this command's.
        from tdnet_assets.reader import assistant_server  # noqa: PLC0415
    except ModuleNotFoundError as error:
        click.echo(
            f"tdnet: tools for assistants need {error.name}: install tdnet-assets[mcp]", err=True
        )
        sys.exit(REFUSED)
    if sys.stdin.isatty():
        click.echo(
            "tdnet: this speaks the Model Context Protocol, not to people: let an assistant's "
            "program start it (docs/assistants.md). Ctrl-D ends it.",
            err=True,
        )
    with running_lake() as config:
        signal.signal(signal.SIGINT, _end_at_once)
        assistant_server.serve(config)


def _end_at_once(number: int, frame: FrameType | None) -> None:
    """The SDK waits for a line of standard input where no exception reaches; nothing is lost."""
    os.write(2, f"{LINE}\n".encode())
    os._exit(INTERRUPTED)
