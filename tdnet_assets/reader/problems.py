"""What cannot be answered, as a status and a sentence that says what to do (RFC 9457)."""

import json
from http import HTTPStatus
from typing import Any, Final

from tdnet_assets.catalog import QueryError
from tdnet_assets.lookups import FileNotStoredError
from tdnet_assets.resources.lake.store import LakeError
from tdnet_assets.tdnet.errors import TdnetAssetsError
from tdnet_assets.tdnet.foreign_text import visible
from tdnet_assets.tdnet.search_query import SearchQueryError

PROBLEM_JSON: Final = "application/problem+json"


class ProblemError(TdnetAssetsError):
    """A request that gets no answer, with the HTTP status that says so.

    Args:
        status: of the answer.
        detail: what was seen, and what to do.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail

    @property
    def title(self) -> str:
        """The status in words."""
        return HTTPStatus(self.status).phrase

    def to_json(self) -> bytes:
        """The body of an answer of the type :data:`PROBLEM_JSON`."""
        said: dict[str, Any] = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        return visible(json.dumps(said, ensure_ascii=False)).encode()


def problem_of(error: TdnetAssetsError) -> ProblemError:
    """The problem that an error of ours is to whoever asked."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, FileNotStoredError):
        return ProblemError(404, str(error))
    if isinstance(error, (QueryError, SearchQueryError)):
        return ProblemError(400, str(error))
    if isinstance(error, LakeError):
        return ProblemError(503, f"the lake does not answer as it should: {error}")
    return ProblemError(500, str(error))
