"""A template and what it shows, as a page in its reader's language."""

from typing import Any

from tdnet_assets.reader.responses import HTML, Answer, Asking


def page(asking: Asking, template: str, *, status: int = 200, **values: Any) -> Answer:
    """A page of HTML.

    Args:
        asking: who asks for it, and where.
        template: the name of its file.
        status: of the answer.
        values: what the template shows.
    """
    query = [
        (name, value) for name, value in asking.request.query_params.multi_items() if name != "lang"
    ]
    text = asking.reader.templates.get_template(template).render(
        t=asking.words,
        language=asking.language,
        here=asking.request.url.path,
        query=query,
        **values,
    )
    return Answer(text.encode(), HTML, status=status)
