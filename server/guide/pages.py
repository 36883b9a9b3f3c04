"""One Markdown file of an edition made into an article or leaflet, figures and links in place."""

from pathlib import Path
from typing import Any

from server.guide.editions import Article, EditionText, FrontMatter, Leaflet
from server.guide.references import Resolver
from server.guide.rendering import body, link
from server.guide.sheets import citation
from server.kernel.content import ContentError, load_markdown, parse
from server.policy.book import PolicyBook

_LEAFLET = "leaflet-"


def read(path: Path, edition: EditionText, book: PolicyBook) -> Article | Leaflet:
    """Return the page in `path`: a leaflet if named `leaflet-<audience>.md`, else an article by its name.

    Raises ContentError, also for a reference to nothing.
    """
    front, markdown = load_markdown(path)
    head = parse(FrontMatter, front, path)
    resolver = Resolver(book)
    page: dict[str, Any] = {
        **dict(head),
        "answer": resolver.resolve(head.answer),
        "html": body(resolver.resolve(markdown, link=link)),
        "clauses": tuple(resolver.clauses),
        "programmes": tuple(resolver.programmes),
        "citations": tuple(citation(book, clause) for clause in resolver.clauses),
        "edition": edition.edition,
        "edition_title": edition.title,
        "publisher": edition.publisher,
        "audience_label": edition.audiences.get(head.audience, ""),
        "notice": edition.notice,
    }
    faults = [*resolver.faults, *_faults(path, head, edition)]
    if faults:
        raise ContentError(f"{path}: {fault}" for fault in faults)
    return Leaflet(**page) if path.stem.startswith(_LEAFLET) else Article(**page, slug=path.stem)


def _faults(path: Path, head: FrontMatter, edition: EditionText) -> list[str]:
    faults = []
    if head.audience not in edition.audiences:
        faults.append(f"the edition has no word for the audience {head.audience}")
    if path.stem.startswith(_LEAFLET) and path.stem != f"{_LEAFLET}{head.audience}":
        faults.append(f"a leaflet for {head.audience} is named {_LEAFLET}{head.audience}.md")
    return faults
