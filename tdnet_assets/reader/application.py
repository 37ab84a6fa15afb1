"""The reader as an ASGI application: addresses, and how each is answered.

What belongs here: which address is answered by what, threads and time. What does not: the answers.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs

import anyio
from polars.exceptions import PolarsError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from tdnet_assets.config import PlatformConfig
from tdnet_assets.reader import (
    api,
    company_pages,
    day_pages,
    disclosure_pages,
    notice_pages,
    search_pages,
    status_pages,
)
from tdnet_assets.reader.access import COOKIE, HEALTH, LOGIN, LONGEST_FORM, Door, Gate
from tdnet_assets.reader.html_pages import page as html_page
from tdnet_assets.reader.languages import LANGUAGES, preferred
from tdnet_assets.reader.page_images import PageImageError, order_of, page_image
from tdnet_assets.reader.problems import PROBLEM_JSON, ProblemError, problem_of
from tdnet_assets.reader.reading_room import STATIC_TYPES, ReadingRoom
from tdnet_assets.reader.responses import Asking, Prepared, respond
from tdnet_assets.resources.file_workers import FileWorkerError, FileWorkers
from tdnet_assets.tdnet.errors import TdnetAssetsError
from tdnet_assets.tdnet.listing import TOKYO

THREADS: Final = 16
SECONDS: Final = 30.0
PICTURE_SECONDS: Final = 10.0
PICTURE_BYTES: Final = 800_000_000
LANGUAGE_COOKIE: Final = "tdnet_language"
_YEAR_SECONDS: Final = 31_536_000
_LOGGER = logging.getLogger(__name__)

Handler = Callable[[Asking], Prepared]
_PAGES: Final[dict[str, Handler]] = {
    "/": day_pages.today,
    "/days/{day}": day_pages.one_day,
    "/companies": company_pages.find,
    "/companies/{code}": company_pages.company,
    "/disclosures/{disclosure_id}": disclosure_pages.disclosure,
    "/search": search_pages.results,
    "/notices": notice_pages.notices,
    "/status": status_pages.status,
    "/feed.atom": day_pages.feed,
    "/api": api.description,
    f"{api.BASE}/disclosures/{{disclosure_id}}": api.disclosure,
    f"{api.BASE}/documents/{{file}}": api.document,
    f"{api.BASE}/{{name}}": api.rows,
}


def application(
    config: PlatformConfig, door: Door | None = None, *, seconds: float = SECONDS
) -> ASGIApp:
    """The reader of a lake.

    Args:
        config: where everything is; connected.
        door: who may come; everybody on this machine when None.
        seconds: how long an answer may take.
    """
    entrance = door or Door()
    return Gate(_Reader(ReadingRoom(config), entrance, seconds).routes(), entrance)


class _Reader:
    """Answers requests from a reading room, each in a thread, within its time."""

    def __init__(self, room: ReadingRoom, door: Door, seconds: float) -> None:
        self._room = room
        self._door = door
        self._seconds = seconds
        self._threads = anyio.CapacityLimiter(THREADS)
        self._workers = FileWorkers(seconds=PICTURE_SECONDS, memory_bytes=PICTURE_BYTES)

    def routes(self) -> Starlette:
        """The application itself."""
        return Starlette(
            routes=[
                Route(HEALTH, _health),
                Route("/static/{edition}/{name}", self._static),
                Route(LOGIN, self._login, methods=["GET", "POST"]),
                Route("/disclosures/{disclosure_id}/pages/{page:int}.png", self._picture),
                *(Route(path, self._answering(handler)) for path, handler in _PAGES.items()),
            ],
            exception_handlers={HTTPException: self._no_route, Exception: self._failed},
            lifespan=self._life,
        )

    @asynccontextmanager
    async def _life(self, _: Starlette) -> AsyncIterator[None]:
        async with self._workers:
            # The first page shall wait neither for the first look at every day nor for templates.
            prepared = asyncio.create_task(asyncio.to_thread(self._prepare))
            yield
            await prepared
            self._room.close()

    def _prepare(self) -> None:
        """Begin the look at the days, and have ready what everybody opens first."""
        self._room.window.now()
        for name in self._room.templates.list_templates():
            self._room.templates.get_template(name)
        try:
            day_pages.rows_of_day(self._room.library, datetime.now(TOKYO).date())
        except (TdnetAssetsError, PolarsError):
            _LOGGER.exception("today cannot be read")  # whoever opens it is told

    def _answering(self, handler: Handler) -> Callable[[Request], object]:
        async def answer(request: Request) -> Response:
            asking = self._asking(request)
            try:
                found = await self._in_thread(lambda: respond(asking, handler(asking)))
            except TdnetAssetsError as error:
                return await self._problem(asking, problem_of(error))
            except PolarsError as error:
                _LOGGER.exception("a file of the lake cannot be read")
                reason = " ".join(str(error).split())[:300]
                return await self._problem(
                    asking, ProblemError(503, f"a file of the lake cannot be read: {reason}")
                )
            return _remembering(request, found)

        return answer

    async def _in_thread(self, make: Callable[[], Response]) -> Response:
        try:
            with anyio.fail_after(self._seconds):
                return await anyio.to_thread.run_sync(
                    make, limiter=self._threads, abandon_on_cancel=True
                )
        except TimeoutError:
            raise ProblemError(
                503, f"the answer took longer than {self._seconds:g} s: ask for less"
            ) from None

    async def _problem(self, asking: Asking, problem: ProblemError) -> Response:
        path = asking.request.url.path
        headers = {"cache-control": "no-store"}
        if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
            headers["retry-after"] = "2"
        if path.startswith("/api") or path.endswith((".atom", ".png")):
            return Response(problem.to_json(), problem.status, headers, PROBLEM_JSON)
        page = html_page(asking, "problem.html", status=problem.status, problem=problem)
        return Response(page.content, problem.status, headers, page.media_type)

    async def _no_route(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        problem = ProblemError(status, "there is nothing at this address")
        return await self._problem(self._asking(request), problem)

    async def _failed(self, request: Request, _: Exception) -> Response:
        """What is no refusal is a fault of ours: Starlette logs it, and a reader is told so."""
        problem = ProblemError(500, "this is a fault of the reader: its log says more")
        return await self._problem(self._asking(request), problem)

    def _asking(self, request: Request) -> Asking:
        language = preferred(
            request.query_params.get("lang"),
            request.cookies.get(LANGUAGE_COOKIE),
            request.headers.get("accept-language", ""),
        )
        return Asking(self._room, request, language)

    async def _static(self, request: Request) -> Response:
        name = request.path_params["name"]
        content = self._room.static.get(name)
        if content is None:
            raise HTTPException(404)
        headers = {"cache-control": f"public, max-age={_YEAR_SECONDS}, immutable"}
        return Response(content, 200, headers, STATIC_TYPES[name.rpartition(".")[2]])

    async def _picture(self, request: Request) -> Response:
        """A page of a PDF as a picture, drawn in a process of its own."""
        asking = self._asking(request)
        page = request.path_params["page"]
        try:
            number = disclosure_pages.number_of(request.path_params["disclosure_id"])
            if page > disclosure_pages.LARGEST_PAGE_NUMBER:
                raise ProblemError(404, f"no page {page}")
            picture = await self._drawn(asking, number, page)
        except TimeoutError:
            return await self._problem(asking, ProblemError(503, "the page took too long to draw"))
        except (PageImageError, FileWorkerError) as error:
            return await self._problem(asking, ProblemError(422, str(error)))
        except TdnetAssetsError as error:
            return await self._problem(asking, problem_of(error))
        headers = {"cache-control": "private, max-age=3600"}
        return Response(picture, 200, headers, "image/png")

    async def _drawn(self, asking: Asking, number: str, page: int) -> bytes:
        shelf, key = self._room.library.shelf, ("picture", number, page)
        if (kept := shelf.find(key, "")) is not None:
            return bytes(kept)
        with anyio.fail_after(self._seconds):
            content = await anyio.to_thread.run_sync(
                lambda: api.stored_bytes(asking, number, "pdf"), limiter=self._threads
            )
            image = await self._workers.run(page_image, order_of(page, content))
        return shelf.get(key, "", lambda: image.png, len)

    async def _login(self, request: Request) -> Response:
        asking = self._asking(request)
        if request.method == "POST":
            body = b""
            async for chunk in request.stream():
                body += chunk
                if len(body) > LONGEST_FORM:
                    return await self._problem(asking, ProblemError(413, "the form is too long"))
            given = parse_qs(body.decode("latin1")).get("token", [""])[0]
            if self._door.settings.token and self._door.is_token(given):
                answer = RedirectResponse("/", 303)
                answer.set_cookie(
                    COOKIE,
                    self._door.cookie,
                    max_age=_YEAR_SECONDS // 12,
                    httponly=True,
                    samesite="strict",
                    secure=request.url.scheme == "https",
                )
                return answer
            await asyncio.sleep(0.5)
        is_wrong = request.method == "POST"
        page = html_page(asking, "login.html", is_wrong=is_wrong)
        status = 401 if is_wrong else 200
        return Response(page.content, status, {"cache-control": "no-store"}, page.media_type)


async def _health(_: Request) -> Response:
    return Response("ok\n", 200, {"cache-control": "no-store"}, "text/plain")


def _remembering(request: Request, answer: Response) -> Response:
    """The answer, with the language that was asked for kept for the next pages."""
    asked = request.query_params.get("lang")
    if asked in LANGUAGES:
        answer.set_cookie(
            LANGUAGE_COOKIE, asked, max_age=_YEAR_SECONDS, httponly=True, samesite="lax"
        )
    return answer
