"""The declaration on each handler: who may call it, with what, and what it answers.

    @face.post("/things/<thing_id:uuid>/parts")
    @allow(own(Role.MANAGER), Role.ADMIN, owner=owners.thing)
    @idempotent(rebuild)
    @body(NewPart)
    @answers(201, PartView)
    async def make(request: Request, thing_id: UUID, body: NewPart) -> HTTPResponse: ...

`allow` stands outermost and turns the statement into the handler that Sanic runs: permission first, then the
query and the body with every fault listed, then the handler. The OpenAPI document is made from the same statement.
A route without one keeps the server from starting.
"""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar

from pydantic import BaseModel
from sanic import Blueprint, HTTPResponse, Request, Sanic
from sanic.models.handler_types import RouteHandler

from miniprogram_api.auth import Access, OwnerOf, Permission, authorise
from miniprogram_api.idempotent import Rebuild, once
from miniprogram_api.multipart import AROUND_BYTES, read_form
from miniprogram_api.protocol import BODY_LIMIT_BYTES
from miniprogram_api.reading import Body, Form, Query, read_body, read_if_match, read_query, refuse_query
from miniprogram_api.representation import FixedResponse, fresh
from server.access.rules import Right
from server.organisations.roles import Kind, Role

Handler = Callable[..., Coroutine[Any, Any, HTTPResponse]]
H = TypeVar("H", bound=Handler)
First = Callable[..., Awaitable[None]]
"""What is awaited before the work, with the handler's arguments; raises DomainError where that is not to be."""
Then = Callable[[Request, FixedResponse], Awaitable[HTTPResponse]]
"""What makes of the work's answer, once the work is committed, the one that is given."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A body that is a file, or has one: at most so many bytes, of one of these media types as its sender has it."""

    limit_bytes: int
    media: tuple[str, ...]
    required: bool = True


@dataclass(slots=True)
class Declaration:
    """What one handler states about itself; `answers` maps a status to its view, None for no JSON."""

    permission: Permission | None = None
    query: type[Query] | None = None
    body: type[BaseModel] | None = None
    body_optional: bool = False
    first: First | None = None
    then: Then | None = None
    answers: dict[int, Any] = field(default_factory=dict)
    media: tuple[str, ...] = ("application/json",)
    rebuild: Rebuild | None = None
    key_required: bool = False
    upload: Upload | None = None
    if_match: bool | None = None
    """Whether If-Match is required; None where it is not looked at."""
    summary: str = ""

    @property
    def takes_input(self) -> bool:
        """Whether anything of the request is to be read."""
        return bool(self.query or self.body or self.upload) or self.if_match is not None

    @property
    def is_form(self) -> bool:
        """Whether the body is a form with a file."""
        return bool(self.body and self.upload)


class Face(Blueprint):
    """A blueprint whose GET routes answer HEAD as well, as HTTP asks."""

    def route(self, uri: str, *arguments: Any, **options: Any) -> Any:
        """Register a handler; every error has one format, so Sanic need not guess it from the handler's source."""
        return super().route(uri, *arguments, **{**options, "error_format": "json"})

    def get(self, uri: str, **options: Any) -> Callable[[RouteHandler], RouteHandler]:  # type: ignore[override]
        """Register a handler for GET and HEAD."""
        return self.route(uri, methods=["GET", "HEAD"], **options)  # type: ignore[no-any-return]


def query(model: type[Query]) -> Callable[[H], H]:
    """State what the query string holds; the handler gets it as `query`."""
    return _stating(query=model)


def body(model: type[Body], *, optional: bool = False) -> Callable[[H], H]:
    """State what the JSON body holds; the handler gets it as `body`, of an optional one left out `model()`."""
    return _stating(body=model, body_optional=optional)


def upload(limit_bytes: int, *media: str) -> Callable[[H], H]:
    """State that the body is a file; the handler's route has `stream=True`, and it calls `request.receive_body()`."""
    return _stating(upload=Upload(limit_bytes, media))


def form(model: type[Form], limit_bytes: int, *media: str, required: bool = True) -> Callable[[H], H]:
    """State that the body is a form of `model` and one `file`; the handler's route has `stream=True`.

    It gets `body` and `file`, bytes or None, and so does what comes `first`.
    """
    return _stating(body=model, upload=Upload(limit_bytes, media, required))


def if_match(*, required: bool) -> Callable[[H], H]:
    """State that If-Match is honoured; the handler gets the version as `version`, None for any."""
    return _stating(if_match=required)


def answers(status: int, view: Any = None, *media: str) -> Callable[[H], H]:
    """State one answer; `media` names media types other than JSON alone."""

    def state(handler: H) -> H:
        declaration = _declaration(handler)
        declaration.answers[status] = view
        declaration.media = media or declaration.media
        return handler

    return state


def idempotent(rebuild: Rebuild, *, required: bool = False) -> Callable[[H], H]:
    """State that `Idempotency-Key` is honoured or `required`; `rebuild` makes the first answer from what was made."""
    return _stating(rebuild=rebuild, key_required=required)


def first(step: First) -> Callable[[H], H]:
    """State what comes before the work and its transaction, such as counting tries."""
    return _stating(first=step)


def then(step: Then) -> Callable[[H], H]:
    """State what comes after the work and its transaction, such as waiting for what a worker makes of it."""
    return _stating(then=step)


def allow(*who: Access | Role | Right, of: Kind | None = None, owner: OwnerOf | None = None) -> Callable[[H], H]:
    """State who may call, and make the handler.

    `who` is one Access, or roles (`of` a kind of organisation) and `own(...)` rights of which one is enough; `owner`
    takes path arguments by name, tells to whom the thing belongs, and raises the 404 where there is none.
    """
    permission = Permission.of(who, of, owner)

    def make(handler: H) -> H:
        declaration = _declaration(handler)
        declaration.permission = permission
        declaration.summary = (handler.__doc__ or "").strip().split("\n")[0].rstrip(".")
        public, takes_input = permission.access is Access.PUBLIC, declaration.takes_input
        if declaration.rebuild and public:
            raise TypeError(f"{handler.__name__}: an idempotency key belongs to a caller, and a public route has none")

        @wraps(handler)
        async def declared(request: Request, **arguments: Any) -> HTTPResponse:
            caller = "" if public else await authorise(request, permission, arguments)
            stream = request.stream
            if takes_input or b"?" in request.raw_url or (stream and stream.request_body):
                _read(request, declaration, arguments)
            if declaration.is_form:
                arguments |= await _form(request, declaration)
            if declaration.first:
                await declaration.first(request, **arguments)
            if declaration.rebuild and (declaration.key_required or "idempotency-key" in request.headers):
                done = await once(caller, request, handler, declaration.rebuild, arguments)
            else:
                done = await handler(request, **arguments)
            return await declaration.then(request, done) if declaration.then else done  # type: ignore[arg-type]

        return declared  # type: ignore[return-value]

    return make


def declaration_of(handler: Any) -> Declaration | None:
    """Return what a route's handler states, None where it does not say who may call it."""
    declaration: Declaration | None = getattr(handler, "declaration", None)
    return declaration if declaration and declaration.permission else None


def require_declarations(app: Sanic[Any, Any]) -> None:
    """Raise RuntimeError naming every route that does not say who may call it, or whose things it shows."""
    silent, ownerless = [], []
    for route in app.router.routes:
        declaration = declaration_of(route.handler)
        if declaration is None or declaration.permission is None:
            silent.append(route.path)
        elif not declaration.permission.tells_owner({one.name: one.label for one in route.defined_params.values()}):
            ownerless.append(route.path)
    if silent:
        raise RuntimeError(f"routes without a declaration: {', '.join(sorted(silent))}")
    if ownerless:
        raise RuntimeError(f"routes that take an id without a fitting owner=: {', '.join(sorted(ownerless))}")


def answer(view: BaseModel, status: int = 200, version: int | None = None) -> FixedResponse:
    """Return a view as JSON that nobody keeps; `version` of a shared thing becomes its ETag."""
    return fresh(view.model_dump_json(by_alias=True).encode(), status, version)


def _read(request: Request, declaration: Declaration, arguments: dict[str, Any]) -> None:
    """Put what the declaration asks for into `arguments`, and keep a streamed body within its limit."""
    if declaration.query:
        arguments["query"] = read_query(request.query_string, declaration.query)
    elif request.query_string:
        refuse_query(request.query_string)
    if declaration.if_match is not None:
        arguments["version"] = read_if_match(request.headers.get("if-match"), required=declaration.if_match)
    if declaration.body and not declaration.upload:
        left_out = declaration.body_optional and not request.body
        arguments["body"] = declaration.body() if left_out else read_body(request, declaration.body)
    elif request.stream:
        limit = declaration.upload.limit_bytes if declaration.upload else BODY_LIMIT_BYTES
        limit += AROUND_BYTES if declaration.is_form else 0
        request.stream.request_max_size = min(request.stream.request_max_size, limit)  # Sanic lifts it for streams


async def _form(request: Request, declaration: Declaration) -> dict[str, Any]:
    if declaration.body is None or declaration.upload is None:
        raise TypeError("no form")
    found, data = await read_form(request, declaration.body, file_required=declaration.upload.required)
    return {"body": found, "file": data}


def _declaration(handler: Any) -> Declaration:
    if not hasattr(handler, "declaration"):
        handler.declaration = Declaration()
    return handler.declaration  # type: ignore[no-any-return]


def _stating(**statements: Any) -> Callable[[H], H]:
    def state(handler: H) -> H:
        declaration = _declaration(handler)
        for name, value in statements.items():
            setattr(declaration, name, value)
        return handler

    return state
