"""The guide, loaded once with its figures in place. Functions raise DomainError 404 for what is not there."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from server.guide import pages
from server.guide.editions import Article, ArticleHead, Edition, EditionHead, EditionText, Leaflet
from server.kernel.content import ContentError, read
from server.kernel.errors import found
from server.policy.book import PolicyBook
from server.policy.programmes import Audience


@dataclass(frozen=True, slots=True)
class Guide:
    """Editions from oldest to newest; articles by edition and slug, leaflets by edition and audience."""

    editions: Mapping[str, Edition]
    articles: Mapping[tuple[str, str], Article]
    leaflets: Mapping[tuple[str, Audience], Leaflet]


def load(content_dir: Path, book: PolicyBook) -> Guide:
    """Return the guide in `guide/*/`; raises ContentError with every fault, also for a reference to nothing."""
    editions: dict[str, Edition] = {}
    found: list[Article | Leaflet] = []
    faults: list[str] = []
    for path in sorted((content_dir / "guide").glob("*/edition.yaml")):
        try:
            text = read(EditionText, path)
        except ContentError as error:
            faults += error.faults
            continue
        if text.edition != path.parent.name:
            faults.append(f"{path}: edition {text.edition} differs from its folder's name")
        pages_read = _read(path.parent, text, book, faults)
        editions[text.edition] = _edition(text, pages_read)
        found += pages_read
    if faults:
        raise ContentError(faults)
    return Guide(
        editions,
        {(page.edition, page.slug): page for page in found if isinstance(page, Article)},
        {(page.edition, page.audience): page for page in found if isinstance(page, Leaflet)},
    )


def editions(guide: Guide) -> tuple[EditionHead, ...]:
    """Return the editions, newest first."""
    newest_first = reversed(list(guide.editions.values()))
    return tuple(EditionHead(edition=e.edition, title=e.title, intro=e.intro) for e in newest_first)


def edition(guide: Guide, name: str) -> Edition:
    """Return one edition with its articles' heads."""
    return found(guide.editions.get(name), "edition")


def newest(guide: Guide) -> Edition:
    """Return the newest edition."""
    return edition(guide, max(guide.editions, default=""))


def article(guide: Guide, edition_name: str, slug: str) -> Article:
    """Return one article."""
    edition(guide, edition_name)
    return found(guide.articles.get((edition_name, slug)), "article")


def leaflet(guide: Guide, edition_name: str, audience: Audience) -> Leaflet:
    """Return the leaflet for one kind of reader."""
    edition(guide, edition_name)
    return found(guide.leaflets.get((edition_name, audience)), "leaflet")


def cited_by(guide: Guide, clause_id: str) -> tuple[ArticleHead, ...]:
    """Return the articles of all editions that rest on a clause."""
    return tuple(_head(page) for page in guide.articles.values() if clause_id in page.clauses)


def told_in(guide: Guide, programme_id: str) -> tuple[ArticleHead, ...]:
    """Return the articles of all editions that give a figure of a programme."""
    return tuple(_head(page) for page in guide.articles.values() if programme_id in page.programmes)


def _read(folder: Path, text: EditionText, book: PolicyBook, faults: list[str]) -> list[Article | Leaflet]:
    found = []
    for path in sorted(folder.glob("*.md")):
        try:
            found.append(pages.read(path, text, book))
        except ContentError as error:
            faults += error.faults
    places = {slug: place for place, slug in enumerate(text.contents)}
    return sorted(found, key=lambda page: places.get(getattr(page, "slug", ""), len(places)))


def _edition(text: EditionText, found: list[Article | Leaflet]) -> Edition:
    return Edition(
        edition=text.edition,
        title=text.title,
        intro=text.intro,
        publisher=text.publisher,
        audiences=text.audiences,
        notice=text.notice,
        articles=tuple(_head(page) for page in found if isinstance(page, Article)),
        leaflets=tuple(page.audience for page in found if isinstance(page, Leaflet)),
    )


def _head(page: Article) -> ArticleHead:
    return ArticleHead(
        edition=page.edition, slug=page.slug, title=page.title, audience=page.audience, answer=page.answer
    )
