"""The ``tdnet`` command: convenience around the code location, never a second way of working.

What belongs here: which commands there are. What does not: any of them. Each is in a module of its
own that is imported when it is used, so that ``tdnet --help`` answers at once.
"""

import os
import select
import sys
from importlib import import_module

import click

from tdnet_assets.cli.exit_codes import INTERRUPTED, PIPE_CLOSED
from tdnet_assets.cli.interrupts import LINE, heeded_interrupts

# Where each command is, and the first sentence of its own help: a test compares both.
COMMANDS = {
    "collect": (
        "tdnet_assets.cli.collect:collect",
        "Materialize a day (JST), or the days from DATE until another, in this process.",
    ),
    "company": (
        "tdnet_assets.cli.company:company",
        "A company's name, latest report, forecast against result, and newest disclosures.",
    ),
    "demo": (
        "tdnet_assets.cli.demo:demo",
        "Collect a sample day end to end and show what was stored, recorded and measured.",
    ),
    "doctor": (
        "tdnet_assets.cli.doctor:doctor",
        "Say whether the account, the data, TDnet and Dagster are as the configuration says.",
    ),
    "earnings": (
        "tdnet_assets.cli.earnings:earnings",
        "Reports of results (決算短信) of the lake, oldest first, on standard output.",
    ),
    "facts": (
        "tdnet_assets.cli.facts:facts",
        "XBRL facts of the lake, oldest filing first, on standard output.",
    ),
    "index": (
        "tdnet_assets.cli.index:index",
        "The lookup index of disclosures in DynamoDB.",
    ),
    "infra": (
        "tdnet_assets.cli.infra:infra",
        "What the AWS account must have: template, policies, deployment.",
    ),
    "mcp": (
        "tdnet_assets.cli.mcp:mcp",
        "Answer an assistant's questions about disclosures: MCP on standard input and output.",
    ),
    "open": (
        "tdnet_assets.cli.open:open_",
        "Open the stored file of a disclosure, by its 14-digit number.",
    ),
    "prune": (
        "tdnet_assets.cli.prune:prune",
        "Delete old runs from Dagster's store; which partitions are made stays known.",
    ),
    "query": (
        "tdnet_assets.cli.query:query",
        "Disclosures of the lake, oldest first, on standard output.",
    ),
    "revisions": (
        "tdnet_assets.cli.revisions:revisions",
        "Revised forecasts of the lake, one row a figure, oldest first, on standard output.",
    ),
    "search": (
        "tdnet_assets.cli.search:search_",
        "Disclosures whose titles or documents have all the words, newest first.",
    ),
    "serve": (
        "tdnet_assets.cli.serve:serve",
        "Read disclosures in a browser, and over an API: nothing is written.",
    ),
    "status": (
        "tdnet_assets.cli.status:status",
        "Show one execution record, or the newest ones and the days that are not whole.",
    ),
    "up": (
        "tdnet_assets.cli.up:up",
        "Start the Dagster UI and daemon, with all that they need; Ctrl-C stops everything.",
    ),
    "verify": (
        "tdnet_assets.cli.verify:verify",
        "Read everything that is stored of the days again, and compare it with its digests.",
    ),
    "watch": (
        "tdnet_assets.cli.watch:watch",
        "What the watch-lists (TDNET_WATCHES) tell: check them, try one, explain a silence.",
    ),
}


class LazyCommand(click.Command):
    """The name and the help of a command whose module is not imported yet.

    Args:
        name: what is typed.
        place: where the command itself is, as ``module:attribute``.
        text: what the list of commands says of it.
    """

    def __init__(self, name: str, place: str, text: str) -> None:
        super().__init__(name, help=text)
        self._place = place

    def load(self) -> click.Command:
        """The command itself."""
        module, _, attribute = self._place.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command


class LazyGroup(click.Group):
    """A group that lists its commands without importing them.

    It ends in order on Ctrl-C, and when the reader of its output has gone away.
    """

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As any group does, with the command itself in the place of its entry in the list."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, LazyCommand) else command, rest

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; an interrupt is one line and an exit code, wherever it comes."""
        try:
            with heeded_interrupts():
                return super().invoke(ctx)
        except (KeyboardInterrupt, click.Abort):
            click.echo(LINE, err=True)
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:
            if not _reader_is_gone():
                raise
            # The interpreter flushes once more at its end and would complain then.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(PIPE_CLOSED)


def _reader_is_gone() -> bool:
    """Whether standard output is a pipe that nobody reads any more."""
    poll = select.poll()
    poll.register(sys.stdout, select.POLLERR)
    return bool(poll.poll(0))


@click.group(
    cls=LazyGroup,
    commands=[LazyCommand(name, *entry) for name, entry in COMMANDS.items()],
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="tdnet-assets")
def main() -> None:
    """Every timely disclosure of the Tokyo Stock Exchange's TDnet, as Dagster assets in S3."""


if __name__ == "__main__":
    main()
