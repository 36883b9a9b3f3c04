"""Postings: written, changed, submitted, and what else their posters do with them."""

from collections.abc import Callable
from uuid import UUID

from sanic import HTTPResponse, Request

from miniprogram_api.auth import Access, visitor
from miniprogram_api.posting_bodies import Change, NewPosting, Renewal
from miniprogram_api.posting_views import PostingView, again, made_again, shown, view_of, visible
from miniprogram_api.web import Face, Handler, allow, answer, answers, body, first, idempotent, if_match
from server.access import owners
from server.access.rules import Caller, holders, own
from server.kernel.errors import FieldFault, invalid, not_found
from server.labour import checks, life, posters, service
from server.labour.checks import Rules
from server.labour.drafts import Draft
from server.labour.service import Poster
from server.organisations.roles import Role

postings = Face("postings", url_prefix="/postings")
OWN = (own(Role.CLERK), own())


def rules_of(request: Request) -> Rules:
    """Return the rules of fair postings."""
    rules: Rules = request.app.ctx.fairness
    return rules


@postings.post("/")
@allow(Access.SIGNED_IN)
@idempotent(made_again)
@body(NewPosting)
@answers(201, PostingView)
async def create(request: Request, body: NewPosting) -> HTTPResponse:
    """Keep a draft of a posting, however incomplete, with what the rules find in it so far."""
    poster, given = _poster(request.ctx.caller, body), body.given()
    made = await service.create(body.draft(), given.contact, poster, rules_of(request))
    return shown(request, await service.posting(made.id), 201)


@postings.get("/<posting_id:uuid>")
@allow(Access.PUBLIC)
@answers(200, PostingView)
async def posting(request: Request, posting_id: UUID) -> HTTPResponse:
    """Show a posting: a published one to anyone, any other to its own people and the secretariat."""
    caller, found = await visitor(request), await service.posting(posting_id)
    if not await visible(found, caller):
        raise not_found("posting")
    return answer(view_of(found, caller, request.app.ctx), 200, found.version)


@postings.patch("/<posting_id:uuid>")
@allow(*OWN, owner=owners.posting)
@if_match(required=True)
@body(Change)
@answers(200, PostingView)
async def change(request: Request, posting_id: UUID, body: Change, version: int | None) -> HTTPResponse:
    """Change a posting; of a published one a change waits for a reviewer, but for head-count, validity and contact."""
    by, texts = request.ctx.caller.person_id, request.app.ctx.wechat
    given, rules = body.given(), rules_of(request)
    return shown(request, await service.edit(posting_id, given, by=by, version=version, rules=rules, texts=texts))


async def _read(request: Request, posting_id: UUID, **_arguments: object) -> None:
    """Let WeChat read what is about to be submitted, before the work's transaction."""
    seen = await service.posting(posting_id)
    texts = request.app.ctx.wechat if seen.state in life.SUBMITTABLE else None
    by = request.ctx.caller.person_id
    unread = checks.Read(seen.version)
    request.ctx.read = await checks.read(Draft.of(seen), seen.version, by, texts) if texts else unread


@postings.post("/<posting_id:uuid>/submit")
@allow(*OWN, owner=owners.posting)
@idempotent(again)
@first(_read)
@if_match(required=False)
@answers(200, PostingView)
async def submit(request: Request, posting_id: UUID, version: int | None) -> HTTPResponse:
    """Put a posting before a reviewer; whatever is missing or not fair is listed, field by field."""
    by, rules = request.ctx.caller.person_id, rules_of(request)
    return shown(request, await life.submit(posting_id, request.ctx.read, by=by, version=version, rules=rules))


def _deed(verb: str) -> Callable[[Handler], Handler]:
    """State what its poster does, by `verb`, with a posting."""

    def state(handler: Handler) -> Handler:
        declared = allow(*OWN, owner=owners.posting)(answers(200, PostingView)(idempotent(again)(handler)))
        postings.add_route(declared, f"/<posting_id:uuid>/{verb}", methods=["POST"])
        return declared

    return state


@_deed("pause")
async def pause(request: Request, posting_id: UUID) -> HTTPResponse:
    """Take a posting off the board for a while."""
    return shown(request, await life.pause(posting_id, by=request.ctx.caller.person_id))


@_deed("resume")
async def resume(request: Request, posting_id: UUID) -> HTTPResponse:
    """Put a paused posting back on the board."""
    return shown(request, await life.resume(posting_id, by=request.ctx.caller.person_id))


@postings.post("/<posting_id:uuid>/renew")
@allow(*OWN, owner=owners.posting)
@idempotent(again)
@if_match(required=False)
@body(Renewal, optional=True)
@answers(200, PostingView)
async def renew(request: Request, posting_id: UUID, body: Renewal, version: int | None) -> HTTPResponse:
    """Make a posting valid for longer, also an expired one; the rules of today look at it again."""
    by, rules = request.ctx.caller.person_id, rules_of(request)
    return shown(request, await life.renew(posting_id, body.valid_until, by=by, version=version, rules=rules))


@_deed("close")
async def close(request: Request, posting_id: UUID) -> HTTPResponse:
    """End a posting for good."""
    return shown(request, await life.close(posting_id, by=request.ctx.caller.person_id))


@postings.post("/<posting_id:uuid>/copy")
@allow(*OWN, owner=owners.posting)
@idempotent(made_again)
@answers(201, PostingView)
async def copy(request: Request, posting_id: UUID) -> HTTPResponse:
    """Make a draft that says the same."""
    by, rules = request.ctx.caller.person_id, rules_of(request)
    return shown(request, await life.copy(posting_id, by=by, rules=rules), 201)


def _poster(caller: Caller, body: NewPosting) -> Poster:
    """Return who posts; raises DomainError 422 where it must be said for which organisation, or it is not theirs."""
    kinds, roles = posters.kinds(body.side, body.supplier), holders(Role.CLERK)
    if not kinds:
        return Poster(caller.person_id)
    fitting = {post.organisation_id: post.kind for post in caller.posts if post.kind in kinds and post.role in roles}
    if body.organisation is None and len(fitting) != 1:
        raise invalid(FieldFault("/organisation", "organisation_unsaid"))
    named = body.organisation or next(iter(fitting))
    if named not in fitting:
        raise invalid(FieldFault("/organisation", "organisation_not_yours"))
    return Poster(caller.person_id, named, fitting[named])
