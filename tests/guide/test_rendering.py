import re
from html.parser import HTMLParser

import pytest

from server.guide.editions import Page
from server.guide.rendering import article_page, body, edition_page, leaflet_page
from server.guide.service import Guide
from server.policy.book import PolicyBook
from tests.guide.showing import clause_of, documents, programme_of
from tests.policy.shelf import CONTENT

TEMPLATES = CONTENT.parent / "server/guide/templates"

VOID = {"meta", "link", "br", "hr", "img", "input"}
FETCHING = re.compile(
    r"""<(?:script|img|iframe|object|embed|audio|video|source|form)\b|@import|url\(|srcset=|\son\w+="""
)


class Outline(HTMLParser):
    """Tags, links and whether every tag was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if tag == "link" and name == "href"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def everything(guide: Guide, book: PolicyBook) -> list[str]:
    return [
        *documents(guide),
        *map(edition_page, guide.editions.values()),
        *(clause_of(book, guide, clause) for clause in book.clauses),
        *(programme_of(book, guide, programme) for programme in book.programmes),
    ]


def pages(guide: Guide) -> list[Page]:
    return [*guide.articles.values(), *guide.leaflets.values()]


def test_every_page_is_one_whole_semantic_document(everything: list[str]) -> None:
    for html in everything:
        outline = Outline()
        outline.feed(html)
        assert outline.open == []
        assert [outline.tags.count(tag) for tag in ("html", "main", "h1", "title", "style")] == [1] * 5
        assert html.startswith('<!doctype html>\n<html lang="zh-CN">')
        assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in html
        assert "@page { size: A4;" in html


def test_no_page_asks_for_anything_else(everything: list[str]) -> None:
    for html in everything:
        outline = Outline()
        outline.feed(html)
        assert outline.sources == ["data:,"]
        assert FETCHING.findall(html) == []
        assert "http://" not in html
        assert "https://" not in html


def test_every_link_leads_to_something_that_is_there(everything: list[str], guide: Guide, book: PolicyBook) -> None:
    there = {f"/api/v1/guide/{edition}" for edition in guide.editions}
    there |= {f"/api/v1/guide/{edition}/articles/{slug}" for edition, slug in guide.articles}
    there |= {f"/api/v1/guide/{edition}/leaflet?audience={audience}" for edition, audience in guide.leaflets}
    there |= {"/api/v1/policies/{}/clauses/{}".format(*clause.split("/")) for clause in book.clauses}
    there |= {f"/api/v1/programmes/{programme}" for programme in book.programmes}
    there |= {f"#{audience}" for audience in guide.editions["2026"].audiences}
    links = {href for html in everything for href in re.findall(r'<a [^>]*?href="([^"]*)"', html)}
    assert len(links) > 100
    assert links <= there


def test_no_reference_is_left_unresolved(everything: list[str]) -> None:
    for html in everything:
        assert not re.search(r"\{\{|\}\}|\[\[|\]\]|None", html)


def test_every_page_begins_with_the_answer_and_ends_with_its_clauses(guide: Guide) -> None:
    for html, page in zip(documents(guide), pages(guide), strict=True):
        assert html.index("<h1>") < html.index(page.answer, html.index("<h1>")) < html.index("<h2>")
        footer = html[html.index("<footer>") :]
        assert all(f'<a href="{citation.href}">{citation.label}</a>' in footer for citation in page.citations)
        assert page.notice in footer
        assert "2026年11月21日" in footer


def test_a_leaflet_shows_every_section_of_its_text(guide: Guide) -> None:
    for leaflet in guide.leaflets.values():
        html = leaflet_page(leaflet)
        assert html.count("<section>") == leaflet.html.count("<h2>")
        assert html.count("<section>") in {6, 8}
        for line in leaflet.html.splitlines():
            assert line in html


def test_a_leaflet_keeps_what_stands_before_its_first_heading(guide: Guide) -> None:
    leaflet = guide.leaflets["2026", "student"].model_copy(update={"html": "<p>前言</p>\n<h2>一</h2>\n<p>正文</p>"})
    assert leaflet_page(leaflet).count("<section>") == 2
    assert "<p>前言</p>" in leaflet_page(leaflet)


@pytest.mark.parametrize(
    ("written", "forbidden"),
    [
        ("<script>alert(1)</script>", "<script"),
        ("文字<img src=x onerror=alert(1)>", "<img"),
        ("[点我](javascript:alert(1))", "<a"),
        ("[点我](data:text/html,x)", "<a"),
    ],
)
def test_html_in_a_text_stays_text(written: str, forbidden: str) -> None:
    assert forbidden not in body(written)


def test_words_of_the_front_matter_are_escaped(guide: Guide) -> None:
    article = guide.articles["2026", "free-tuition"].model_copy(
        update={"title": "<b>题</b>", "answer": '"><script>', "notice": "&<i>"}
    )
    html = article_page(article)
    assert "<b>" not in html
    assert "<script" not in html
    assert "<i>" not in html


def test_a_phone_never_scrolls_sideways_and_never_reads_small_print() -> None:
    css = "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in ("screen.css", "cards.css"))
    assert "overflow-wrap: anywhere" in css
    assert not re.search(r"(?<!max-)width:\s*\d{3,}px|white-space:\s*nowrap", css)
    sizes = re.findall(r"font(?:-size)?:\s*(?:clamp\()?([\d.]+)rem", css)
    assert len(sizes) >= 5
    assert all(float(size) >= 1 for size in sizes)


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_text_stands_out_by_day_and_by_night() -> None:
    css = (TEMPLATES / "screen.css").read_text(encoding="utf-8")
    palettes = [
        dict(re.findall(r"--([\w-]+): (#\w{6});", block)) for block in re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    ]
    assert len(palettes) == 2
    for palette in palettes:
        for ink, ground in [
            ("ink", "paper"), ("ink", "card"), ("ink", "tint"), ("soft", "paper"), ("brand", "paper"),
            ("brand", "card"), ("link", "paper"), ("link", "card"), ("band-ink", "band"),
            ("warn", "paper"), ("soft", "card"),
        ]:  # fmt: skip
            light, dark = sorted((luminance(palette[ink]), luminance(palette[ground])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, ground)
