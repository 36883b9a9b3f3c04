"""Official documents and their clauses, in our own words."""

from typing import Annotated

from pydantic import Field
from sanic import HTTPResponse, Request

from miniprogram_api.auth import Access
from miniprogram_api.reading import Day, Paged, Query
from miniprogram_api.representation import Representation
from miniprogram_api.shelf import BOTH, ListView, Shelf, listed, shelf_of, wants_page
from miniprogram_api.web import Face, allow, answers, query
from server.guide import service as guide_service
from server.guide.editions import ArticleHead
from server.guide.rendering import clause_page
from server.guide.service import Guide
from server.policy import compare, service
from server.policy.answers import ClauseAnswer
from server.policy.compare import Compared, Comparison
from server.policy.documents import Clause, Jurisdiction, Policy, PolicyHead, Preamble
from server.policy.service import PolicyBook

policies = Face("policies", url_prefix="/policies")


class PolicyQuery(Paged):
    """Whose documents, and on which day in force."""

    jurisdiction: Jurisdiction | None = None
    on: Day | None = None


class CompareQuery(Query):
    """Which two documents, the earlier one first; `GET /policies` has their ids."""

    earlier: Annotated[str, Field(alias="from")]
    later: Annotated[str, Field(alias="to")]


class PolicyView(PolicyHead):
    """An official document with its clauses; `complete` is false while only some are told here."""

    complete: bool
    preamble: Preamble | None
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


@policies.get("/compare")
@allow(Access.PUBLIC)
@query(CompareQuery)
@answers(200, Compared)
async def compared(request: Request, query: CompareQuery) -> HTTPResponse:
    """Lay two documents side by side, subject by subject: kept, changed, narrowed, silent or new."""
    ctx = request.app.ctx
    return _compared(ctx.shelf, ctx.book, ctx.comparison, query.earlier, query.later).respond(request)


@policies.get("/<policy_id>")
@allow(Access.PUBLIC)
@answers(200, PolicyView)
async def policy(request: Request, policy_id: str) -> HTTPResponse:
    """Show one document with its clauses."""
    return _policy(shelf_of(request), service.policy(request.app.ctx.book, policy_id)).respond(request)


@policies.get("/<policy_id>/clauses/<number>")
@allow(Access.PUBLIC)
@answers(200, ClauseView, *BOTH)
async def clause(request: Request, policy_id: str, number: str) -> HTTPResponse:
    """Show one clause, and which articles explain it, as JSON or as a page."""
    ctx = request.app.ctx
    return _clause(ctx.shelf, ctx.book, ctx.guide, f"{policy_id}/{number}", page=wants_page(request)).respond(request)


def prepare(shelf: Shelf, book: PolicyBook, guide: Guide, comparison: Comparison) -> None:
    """Make the answers for every document, clause and comparison."""
    for policy in book.policies.values():
        _policy(shelf, policy)
        for part in policy.clauses:
            for page in (False, True):
                _clause(shelf, book, guide, part.id, page=page)
    for earlier, later in compare.pairs(book, comparison):
        _compared(shelf, book, comparison, earlier, later)


def _policy(shelf: Shelf, policy: Policy) -> Representation:
    fields = {name: getattr(policy, name) for name in PolicyView.model_fields}
    return shelf.json(("policy", policy.id), lambda: PolicyView(**fields))


def _compared(shelf: Shelf, book: PolicyBook, comparison: Comparison, earlier: str, later: str) -> Representation:
    return shelf.json(("compared", earlier, later), lambda: compare.compare(book, comparison, earlier, later))


def _clause(shelf: Shelf, book: PolicyBook, guide: Guide, clause_id: str, *, page: bool) -> Representation:
    policy_id, _, number = clause_id.partition("/")
    cited_by = guide_service.cited_by(guide, clause_id)

    def answer() -> ClauseAnswer:
        return service.clause(book, policy_id, number)

    return shelf.either(
        ("clause", clause_id),
        lambda: ClauseView(**dict(answer()), cited_by=cited_by),
        lambda: clause_page(answer(), cited_by, book=book),
        page=page,
    )
