"""What the guide promises: figures by reference, every section, short and plain, enough for all, our own words."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, get_args

from server.guide.editions import Article, EditionText, Leaflet, Page
from server.guide.service import Guide
from server.kernel.content import load_markdown, load_yaml, read
from server.policy.book import PolicyBook
from server.policy.programmes import Audience

LONGEST_SHARED = 20
"""Characters that a text may share with a source in one run."""
FEWEST_ARTICLES = 24
"""Articles that an edition has at least."""
LONGEST_ANSWER = 60
"""Characters that the sentence at the top of an article may have."""

_FIGURE = re.compile(
    r"[\d０-９][\d０-９,，.]*\s*(?:万?元|万|人|%|％|个月)|[一二两三四五六七八九十百千万]+\s*(?:元|个月)"
)
_HEADING = re.compile(r"^## +(.+?) *$", re.MULTILINE)
_SENTENCE = re.compile(r"[^。！？]+[。！？]")
_HAN = re.compile(r"[一-鿿]")
_TAG = re.compile(r"<[^>]+>")


def faults(content_dir: Path, guide: Guide, book: PolicyBook) -> Iterator[str]:
    """Yield every broken promise of an edition, of its files and of its pages."""
    for path in _markdown_files(content_dir):
        yield from (f"{path}: {fault}" for fault in _faults_of_file(path, guide))
    for name in guide.editions:
        path = content_dir / "guide" / name / "edition.yaml"
        text = read(EditionText, path)
        yield from (f"guide/{name}: {fault}" for fault in _faults_of_edition(guide, text))
        for page in _pages(guide, name):
            yield from (f"guide/{name}: {page.title}: {fault}" for fault in _faults_of_page(page, text, book))


def _faults_of_file(path: Path, guide: Guide) -> Iterator[str]:
    """Yield every figure written by hand, and headings that are not those of the edition."""
    front, markdown = load_markdown(path)
    for text in (*map(str, front.values()), markdown):
        yield from (f"{figure} is written by hand" for figure in figures(text))
    sections = load_yaml(path.parent / "edition.yaml")["sections"]
    if (path.parent.name, path.stem) in guide.articles and _HEADING.findall(markdown) != sections:
        yield f"the headings are not {'、'.join(sections)}"


def _faults_of_edition(guide: Guide, text: EditionText) -> Iterator[str]:
    """Yield what an edition lacks as a whole: articles, leaflets, entries in its contents."""
    slugs = [article.slug for article in guide.editions[text.edition].articles]
    if len(slugs) < FEWEST_ARTICLES:
        yield f"{len(slugs)} articles, fewer than {FEWEST_ARTICLES}"
    for audience in get_args(Audience):
        if (text.edition, audience) not in guide.leaflets:
            yield f"no leaflet for {audience}"
    if sorted(text.contents) != sorted(slugs):
        yield f"contents and articles differ: {'、'.join(sorted({*text.contents} ^ {*slugs})) or 'given twice'}"


def _faults_of_page(page: Article | Leaflet, text: EditionText, book: PolicyBook) -> Iterator[str]:
    """Yield what makes one page unclear, too long, unfounded or a false promise."""
    if "**" in page.html:
        yield "asterisks that CommonMark did not take"
    if not _SENTENCE.fullmatch(page.answer) or len(page.answer) > LONGEST_ANSWER:
        yield f"the answer is not one sentence of at most {LONGEST_ANSWER} characters ({len(page.answer)})"
    if not page.clauses:
        yield "cites no clause"
    if isinstance(page, Article) and (length := len(_HAN.findall(_TAG.sub("", page.html)))) > text.longest_article:
        yield f"{length} characters, more than {text.longest_article}"
    for standing in sorted({book.programmes[name].standing for name in page.programmes} - {"current"}):
        if (caution := getattr(text.cautions, standing)) not in _beginning(page):
            yield f"gives a figure that is {standing} and does not begin by saying {caution}"


def _beginning(page: Page) -> str:
    """Return what is read before anything else: of an article its answer and first section, of a leaflet all."""
    body = page.html.split("<h2>")[:2] if isinstance(page, Article) else [page.html]
    return _TAG.sub("", page.answer + "".join(body))


def _pages(guide: Guide, edition: str) -> list[Article | Leaflet]:
    pages: list[Article | Leaflet] = [*guide.articles.values(), *guide.leaflets.values()]
    return [page for page in pages if page.edition == edition]


def figures(text: str) -> list[str]:
    """Return the figures of money, people, shares and months that stand in `text` by hand; a reference has none."""
    return [match[0] for match in _FIGURE.finditer(text)]


def overdue(guide: Guide, today: date) -> Iterator[str]:
    """Yield the pages that should have been looked at again by now."""
    for page in (*guide.articles.values(), *guide.leaflets.values()):
        if page.recheck_by < today:
            yield f"guide/{page.edition}: {page.title}: recheck was due by {page.recheck_by}"


def shared_runs(content_dir: Path, book: PolicyBook, sources: Path) -> Iterator[tuple[Path, str]]:
    """Yield each content file with the longest run of characters it shares with a file in `sources`.

    Punctuation and spaces do not count. Titles, numbers, issuers and the declared names of policies may be repeated.
    """
    originals = [_bare(path.read_text(encoding="utf-8")) for path in sorted(sources.glob("*.txt"))]
    names = [name for policy in book.policies.values() for name in (policy.title, *policy.names)]
    declared = re.compile("|".join(sorted((re.escape(_bare(name)) for name in names), key=len, reverse=True)) or "(?!)")
    for path in _files(content_dir):
        runs = (
            longest_shared(part, original)
            for text in _texts(path)
            for part in declared.split(_bare(text))
            for original in originals
        )
        yield path, max(runs, key=len, default="")


def longest_shared(text: str, original: str) -> str:
    """Return the longest run of characters that both contain."""
    best = ""
    for start in range(len(text)):
        while start + len(best) < len(text) and text[start : start + len(best) + 1] in original:
            best = text[start : start + len(best) + 1]
    return best


def _bare(text: str) -> str:
    return re.sub(r"[\W_]+", "", text)


def _markdown_files(content_dir: Path) -> list[Path]:
    return sorted((content_dir / "guide").glob("*/*.md"))


def _files(content_dir: Path) -> list[Path]:
    folders = ("policies", "programmes", "guide", "reference")
    return sorted(path for name in folders for path in (content_dir / name).rglob("*.[my]*"))


def _texts(path: Path) -> Iterator[str]:
    yield from _strings(load_markdown(path) if path.suffix == ".md" else load_yaml(path))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _strings(list(value.values()))
    elif isinstance(value, Iterable):
        for part in value:
            yield from _strings(part)
