"""`/openapi.json`, and `/docs`, which shows it as a page of our own without a line of script."""

from pathlib import Path
from typing import Any

import orjson
from jinja2 import Environment, FileSystemLoader, select_autoescape
from sanic import HTTPResponse, Request

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


def prepare(document: dict[str, Any], problems: Problems) -> dict[str, Representation]:
    """Return the two answers, made once."""
    page = _TEMPLATES.get_template("docs.html").render(
        document=document,
        problems=problems.problems,
        pretty=lambda value: orjson.dumps(value, option=2).decode(),
    )
    return {"json": Representation(orjson.dumps(document)), "html": Representation(page.encode(), HTML)}


@docs.get("/openapi.json")
@allow(Access.PUBLIC)
@answers(200, None, "application/json")
async def openapi(request: Request) -> HTTPResponse:
    """Give the OpenAPI 3.1 document."""
    return request.app.ctx.docs["json"].respond(request)  # type: ignore[no-any-return]


@docs.get("/docs")
@allow(Access.PUBLIC)
@answers(200, None, "text/html")
async def page(request: Request) -> HTTPResponse:
    """Show the document as a page."""
    return request.app.ctx.docs["html"].respond(request)  # type: ignore[no-any-return]
