"""``tdnet open``: a stored file, to a viewer, a file or a pipe."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from tdnet_assets.catalog import QueryError
from tdnet_assets.cli.exit_codes import FAILED
from tdnet_assets.cli.platform import running_lake
from tdnet_assets.lookups import FileNotStoredError, stored_file
from tdnet_assets.tdnet.identifiers import as_printed

_VIEWERS = ("xdg-open", "open")


@click.command(name="open")
@click.argument("disclosure_id", metavar="ID")
@click.option(
    "--kind",
    type=click.Choice(("pdf", "xbrl")),
    default="pdf",
    show_default=True,
    help="The document itself, or its XBRL archive.",
)
@click.option("--to", type=click.Path(path_type=Path), help="A file, or a folder for it.")
def open_(disclosure_id: str, kind: str, to: Path | None) -> None:
    """Open the stored file of a disclosure, by its 14-digit number.

    Without --to it goes to the viewer of this desktop, or to standard output if that is a pipe.
    """
    with running_lake() as config:
        try:
            key, content = stored_file(config, as_printed(disclosure_id), kind)
        except FileNotStoredError as error:
            click.echo(f"tdnet: {error}", err=True)
            sys.exit(FAILED)
        name = key.rpartition("/")[2]
        if to is not None:
            click.echo(_written(to / name if to.is_dir() else to, content))
        elif sys.stdout.isatty():
            _view(name, content)
        else:
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()


def _written(path: Path, content: bytes) -> Path:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise QueryError(f"{path} cannot be written: {error.strerror}") from error
    return path


def _view(name: str, content: bytes) -> None:
    viewer = next((found for name in _VIEWERS if (found := shutil.which(name))), None)
    if viewer is None:
        raise QueryError(f"there is no {' or '.join(_VIEWERS)} here: use --to FILE, or a pipe")
    # It stays: the viewer reads it when it likes.
    path = _written(Path(tempfile.mkdtemp(prefix="tdnet-")) / name, content)
    subprocess.run([viewer, str(path)], check=False)  # noqa: S603 - a name of digits
    click.echo(path)
