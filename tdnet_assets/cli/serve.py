"""``tdnet serve``: the reader, until Ctrl-C."""

import sys

import click

from tdnet_assets.cli.exit_codes import REFUSED
from tdnet_assets.cli.platform import running_lake
from tdnet_assets.config import ReaderSettings


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to bind.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=3100,
    show_default=True,
    help="Port; 0 for any that is free.",
)
def serve(host: str, port: int) -> None:
    """Read disclosures in a browser, and over an API: nothing is written.

    Any other address than this machine's own needs a token: TDNET_READER_TOKEN.
    """
    try:
        from tdnet_assets.reader import server  # noqa: PLC0415 - an extra, and only this command's
    except ModuleNotFoundError as error:
        click.echo(f"tdnet: the reader needs {error.name}: install tdnet-assets[reader]", err=True)
        sys.exit(REFUSED)
    with running_lake() as config:
        settings = ReaderSettings.from_environment()
        server.require_token(host, settings)

        def ready(address: str) -> None:
            click.echo(f"reader       {address}\nCtrl-C stops it.")

        server.serve(config, settings, host=host, port=port, ready=ready)
