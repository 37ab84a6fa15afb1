"""``tdnet open``: a stored file, to a viewer, a file or a pipe."""

import shutil
import subprocess
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

import click
import polars as pl

from tdnet_assets import catalog
from tdnet_assets.catalog import QueryError
from tdnet_assets.cli.exit_codes import FAILED
from tdnet_assets.cli.platform import running_lake
from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.store import LakeResource, sha256
from tdnet_assets.tdnet.identifiers import as_printed, is_disclosure_id

_VIEWERS = ("xdg-open", "open")
# A number names the day of its registration; nearly all are listed within days of it.
_LISTED_WITHIN = timedelta(days=7)


class FileNotStoredError(QueryError):
    """The lake does not have the file, or not as it was stored; the message says why."""


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
            key, content = _stored(config, as_printed(disclosure_id), kind)
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


def _stored(config: PlatformConfig, disclosure_id: str, kind: str) -> tuple[str, bytes]:
    """The key and the bytes of a stored file, which are those that were fetched."""
    if not is_disclosure_id(disclosure_id):
        raise QueryError(f"{disclosure_id!r} is not a disclosure number: it has 14 digits")
    rows = _documents(config, disclosure_id)
    wanted = rows.filter(pl.col("kind") == kind)
    if wanted.is_empty():
        kinds = ", ".join(rows["kind"]) or "no file at all"
        raise FileNotStoredError(f"the lake knows of {kinds} of {disclosure_id}, not of its {kind}")
    row = wanted.row(0, named=True)
    if row["status"] != "stored":
        why = f": {row['error']}" if row["error"] else ""
        raise FileNotStoredError(f"the {kind} of {disclosure_id} is {row['status']}{why}")
    lake = LakeResource(config=config)
    key = layout.document_key(row["date"], disclosure_id, kind)
    content = lake.read(key)
    if content is None or sha256(content) != row["sha256"]:
        seen = "is not there" if content is None else "is damaged: its sha256 is another"
        raise FileNotStoredError(
            f"{lake.object_key(key)} {seen}; `tdnet verify --from {row['date']} "
            f"--until {row['date']} --repair` asks for it again while TDnet has it"
        )
    return key, content


def _documents(config: PlatformConfig, disclosure_id: str) -> pl.DataFrame:
    """The expected files of a disclosure: looked for about the day in its number, then in all."""
    spans: list[tuple[date | None, date | None]] = [(None, None)]
    try:
        registered = date.fromisoformat(disclosure_id[:8])
        spans.insert(0, (registered - _LISTED_WITHIN, registered + _LISTED_WITHIN))
    except ValueError:
        pass  # the number begins with no date: all days are looked at
    found = pl.DataFrame()
    for first, last in spans:
        listed = catalog.scan_documents(config=config, first=first, last=last)
        found = listed.filter(pl.col("disclosure_id") == disclosure_id).collect()
        if found.height:
            break
    return found


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
