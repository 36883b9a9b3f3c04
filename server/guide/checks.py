"""What the texts of the guide promise: no figure without a reference, every section, our own words."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from server.guide.service import Guide
from server.kernel.content import load_markdown, load_yaml
from server.policy.book import PolicyBook

LONGEST_SHARED = 20
"""Characters that a text may share with a source in one run."""

_FIGURE = re.compile(
    r"[\d０-９][\d０-９,，.]*\s*(?:万?元|万|人|%|％|个月)|[一二两三四五六七八九十百千万]+\s*(?:元|个月)"
)
_HEADING = re.compile(r"^## +(.+?) *$", re.MULTILINE)


def faults(content_dir: Path, guide: Guide) -> Iterator[str]:
    """Yield every figure written by hand, every article without the sections of its edition, every stray asterisk."""
    for path in _markdown_files(content_dir):
        front, markdown = load_markdown(path)
        for text in (*map(str, front.values()), markdown):
            yield from (f"{path}: {figure} is written by hand" for figure in figures(text))
        sections = load_yaml(path.parent / "edition.yaml")["sections"]
        if (path.parent.name, path.stem) in guide.articles and _HEADING.findall(markdown) != sections:
            yield f"{path}: the headings are not {'、'.join(sections)}"
    for page in (*guide.articles.values(), *guide.leaflets.values()):
        if "**" in page.html:
            yield f"guide/{page.edition}: {page.title}: asterisks that CommonMark did not take"


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
