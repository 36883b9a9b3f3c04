"""`/openapi.json`, and `/docs`, which shows it as a page of our own without a line of script."""

from functools import cached_property
from pathlib import Path
from typing import Any

import orjson
from jinja2 import Environment, FileSystemLoader, select_autoescape
from sanic import HTTPResponse, Request, Sanic

from miniprogram_api import openapi
from miniprogram_api.auth import Access
from miniprogram_api.problem import Problems
from miniprogram_api.representation import HTML, Representation
from miniprogram_api.web import Face, allow, answers

docs = Face("docs")
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(),
    trim_blocks=True,
)


class Docs:
    """The two answers, each made when it is first asked for: that takes longer than all else of a start."""

    def __init__(self, app: Sanic[Any, Any], problems: Problems) -> None:
        """Keep what they are made of."""
        self._app = app
        self._problems = problems

    @cached_property
    def json(self) -> Representation:
        """The document."""
        return Representation(orjson.dumps(openapi.document(self._app)))

    @cached_property
    def html(self) -> Representation:
        """The page."""
        page = _TEMPLATES.get_template("docs.html").render(
            document=openapi.document(self._app),
            problems=self._problems.problems,
            pretty=lambda value: orjson.dumps(value, option=2).decode(),
        )
        return Representation(page.encode(), HTML)


@docs.get("/openapi.json")
@allow(Access.PUBLIC)
@answers(200, None, "application/json")
async def document(request: Request) -> HTTPResponse:
    """Give the OpenAPI 3.1 document."""
    return request.app.ctx.docs.json.respond(request)  # type: ignore[no-any-return]


@docs.get("/docs")
@allow(Access.PUBLIC)
@answers(200, None, "text/html")
async def page(request: Request) -> HTTPResponse:
    """Show the document as a page."""
    return request.app.ctx.docs.html.respond(request)  # type: ignore[no-any-return]
