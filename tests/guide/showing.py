"""Pages as the routes show them."""

from server.guide import service
from server.guide.rendering import article_page, clause_page, leaflet_page, programme_page
from server.guide.service import Guide
from server.policy import service as policy_service
from server.policy.book import PolicyBook


def documents(guide: Guide) -> list[str]:
    return [*map(article_page, guide.articles.values()), *map(leaflet_page, guide.leaflets.values())]


def clause_of(book: PolicyBook, guide: Guide, clause_id: str) -> str:
    clause = policy_service.clause(book, *clause_id.split("/"))
    return clause_page(clause, service.cited_by(guide, clause_id), book=book)


def programme_of(book: PolicyBook, guide: Guide, programme_id: str) -> str:
    programme = policy_service.programme(book, programme_id)
    return programme_page(programme, service.told_in(guide, programme_id), book=book)
