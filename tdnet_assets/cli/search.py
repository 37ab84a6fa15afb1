"""``tdnet search``: disclosures by what their titles and documents say, on standard output."""

from datetime import date, datetime

import click

from tdnet_assets.catalog import QueryError
from tdnet_assets.cli import questions
from tdnet_assets.cli.output import write
from tdnet_assets.document_search import Within, search
from tdnet_assets.lookups import require_category, whole_code
from tdnet_assets.tdnet.search_query import Query, SearchQueryError

_SHOWN = (
    "disclosed_at",
    "code",
    "company_name",
    "title",
    "kind",
    "page",
    "line",
    "disclosure_id",
)


# Words may begin with a minus: no option but those that are named, and no -h, is one.
@click.command(
    "search", context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]}
)
@click.argument("words", nargs=-1, required=True, metavar="TEXT...")
@questions.options
@click.option(
    "--in",
    "within",
    type=click.Choice(["title", "text", "all"]),
    default="all",
    show_default=True,
    help="Look in titles, in the pages of the documents, or in both.",
)
@click.option(
    "--category", type=str.lower, help="Kind of disclosure, e.g. earnings or share_buyback."
)
def search_(
    *,
    words: tuple[str, ...],
    code: str | None,
    first: date | None,
    last: date | None,
    as_of: datetime | None,
    limit: int | None,
    format_: str,
    within: Within,
    category: str | None,
) -> None:
    """Disclosures whose titles or documents have all the words, newest first.

    Width, case and line breaks do not count. "Exact phrases" stand in quotation marks (of which the
    shell wants its own around them), -without before what must not be there. Shown is a line with
    the page that it is on. No match is an empty answer, not an error.
    """
    with questions.answering(format_) as config:
        require_category(category)
        whole = whole_code(config, code, first, last)
        try:
            query = Query.parse(" ".join(words))
        except SearchQueryError as error:
            raise QueryError(str(error)) from None
        found = search(
            query,
            within=within,
            config=config,
            first=first,
            last=last,
            code=whole,
            category=category,
            as_of=as_of,
            limit=limit,
        )
        note = questions.code_note(config, whole, first, last)(found)
        if note:
            click.echo(f"tdnet: {note}", err=True)
        if found.height or not note or format_ != "table":
            write(found, format_, _SHOWN)
