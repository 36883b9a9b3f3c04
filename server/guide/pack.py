"""An edition in one piece, for a phone to keep and read without a network."""

import hashlib
from collections.abc import Iterator

import orjson

from server.guide import service
from server.guide.editions import Article, Edition, Leaflet
from server.guide.service import Guide
from server.kernel.content import Content
from server.policy import service as policy_service
from server.policy.answers import ProgrammeAnswer
from server.policy.book import PolicyBook
from server.policy.documents import Clause, PolicyHead


class PackedClause(Clause):
    """A clause and how it is cited in Chinese; its document is the part of `id` before the slash."""

    label: str


class PackContent(Content):
    """Everything in a pack, which refers to nothing outside it.

    `policies` and `clauses` are those that the articles, the leaflets and the programmes cite.
    """

    edition: Edition
    articles: tuple[Article, ...]
    leaflets: tuple[Leaflet, ...]
    policies: tuple[PolicyHead, ...]
    clauses: tuple[PackedClause, ...]
    programmes: tuple[ProgrammeAnswer, ...]


class Pack(PackContent):
    """A pack with its hash: the same content has the same one, other content another.

    `content_hash` is SHA-256 in hex over the pack without it, as UTF-8 JSON with sorted keys and no blanks.
    """

    content_hash: str


def pack(guide: Guide, book: PolicyBook, edition: str | None = None) -> Pack:
    """Return the pack of `edition`, or of the newest; raises DomainError 404 where there is none."""
    found = service.edition(guide, edition) if edition else service.newest(guide)
    articles = [page for page in guide.articles.values() if page.edition == found.edition]
    leaflets = [page for page in guide.leaflets.values() if page.edition == found.edition]
    programmes = policy_service.programmes(book)
    cited = {clause for page in (*articles, *leaflets) for clause in page.clauses}
    cited |= {clause for programme in programmes for clause in _cited_by(programme)}
    cited |= {other for clause in cited for other in (*book.clauses[clause].governed_by, *book.clauses[clause].narrows)}
    clauses = [clause for clause in book.clauses.values() if clause.id in cited]
    policies = {book.policy_of(clause.id).id: book.policy_of(clause.id) for clause in clauses}
    return _sealed(
        PackContent(
            edition=found,
            articles=tuple(articles),
            leaflets=tuple(leaflets),
            policies=tuple(policies.values()),
            clauses=tuple(PackedClause(**dict(clause), label=book.label(clause.id)) for clause in clauses),
            programmes=programmes,
        )
    )


def content_hash(content: PackContent) -> str:
    """Return the hash of a pack's content."""
    values = content.model_dump(mode="json", exclude={"content_hash"})
    return hashlib.sha256(orjson.dumps(values, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _sealed(content: PackContent) -> Pack:
    return Pack(**dict(content), content_hash=content_hash(content))


def _cited_by(programme: ProgrammeAnswer) -> Iterator[str]:
    yield from (amount.clause for amount in programme.amounts)
    yield from (condition.clause for condition in programme.conditions)
    yield from (decision.clause for decision in programme.decisions)
    yield from (warning.clause for warning in programme.warnings if warning.clause)
