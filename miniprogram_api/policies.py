"""Official documents and their clauses, in our own words."""

from sanic import HTTPResponse, Request

from miniprogram_api.auth import Access
from miniprogram_api.reading import Day, Paged
from miniprogram_api.representation import Representation
from miniprogram_api.shelf import ListView, Shelf, listed, shelf_of
from miniprogram_api.web import Face, allow, answers, query
from server.guide import service as guide_service
from server.guide.editions import ArticleHead
from server.guide.service import Guide
from server.policy import service
from server.policy.answers import ClauseAnswer
from server.policy.documents import Clause, Jurisdiction, Policy, PolicyHead
from server.policy.service import PolicyBook

policies = Face("policies", url_prefix="/policies")


class PolicyQuery(Paged):
    """Whose documents, and on which day in force."""

    jurisdiction: Jurisdiction | None = None
    on: Day | None = None


class PolicyView(PolicyHead):
    """An official document with its clauses; `complete` is false while only some are told here."""

    complete: bool
    notes: tuple[str, ...]
    clauses: tuple[Clause, ...]


class ClauseView(ClauseAnswer):
    """A clause with its document, the programmes that follow from it and the articles that cite it."""

    cited_by: tuple[ArticleHead, ...]


@policies.get("/")
@allow(Access.PUBLIC)
@query(PolicyQuery)
@answers(200, ListView[PolicyHead])
async def index(request: Request, query: PolicyQuery) -> HTTPResponse:
    """List the official documents."""
    found = service.policies(request.app.ctx.book, jurisdiction=query.jurisdiction, on=query.on)
    heads = [PolicyHead(**{name: getattr(policy, name) for name in PolicyHead.model_fields}) for policy in found]
    return listed(request, ("policies",), query, heads, lambda head: head.id)


@policies.get("/<policy_id>")
@allow(Access.PUBLIC)
@answers(200, PolicyView)
async def policy(request: Request, policy_id: str) -> HTTPResponse:
    """Show one document with its clauses."""
    return _policy(shelf_of(request), service.policy(request.app.ctx.book, policy_id)).respond(request)


@policies.get("/<policy_id>/clauses/<number>")
@allow(Access.PUBLIC)
@answers(200, ClauseView)
async def clause(request: Request, policy_id: str, number: str) -> HTTPResponse:
    """Show one clause, and which articles explain it."""
    ctx = request.app.ctx
    return _clause(ctx.shelf, ctx.book, ctx.guide, policy_id, number).respond(request)


def prepare(shelf: Shelf, book: PolicyBook, guide: Guide) -> None:
    """Make the answers for every document and clause."""
    for policy in book.policies.values():
        _policy(shelf, policy)
        for part in policy.clauses:
            _clause(shelf, book, guide, policy.id, part.number)


def _policy(shelf: Shelf, policy: Policy) -> Representation:
    fields = {name: getattr(policy, name) for name in PolicyView.model_fields}
    return shelf.json(("policy", policy.id), lambda: PolicyView(**fields))


def _clause(shelf: Shelf, book: PolicyBook, guide: Guide, policy_id: str, number: str) -> Representation:
    def view() -> ClauseView:
        found = service.clause(book, policy_id, number)
        return ClauseView(**dict(found), cited_by=guide_service.cited_by(guide, found.id))

    return shelf.json(("clause", policy_id, number), view)
