"""The index finds exactly what reading every text would find, and the snippet marks it."""

import html
import re
import unicodedata
from dataclasses import dataclass

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from server.guide import catalogue
from server.guide.search import SNIPPET_CHARACTERS, Index, snippet
from server.guide.service import Guide
from server.kernel.bigrams import fold
from server.policy.book import PolicyBook

SIGNS = "学费全免安庆职教人人工一二①②³ａｂAbß１1é\u0301İ㎡½😀👨‍👩‍👧，。（）<&-ｶﾞ 　\n"
"""Few, so that they meet: Chinese, emoji, Latin, full-width, what folds to more or fewer characters, blanks."""

texts = st.text(st.sampled_from(SIGNS), max_size=30) | st.text(max_size=12)
queries = st.text(st.sampled_from(SIGNS), min_size=1, max_size=6) | st.text(min_size=1, max_size=6)


@dataclass(frozen=True)
class Text:
    title: str
    text: str


def plainly(text: str) -> str:
    """The comparison written down a second time."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def brute_force(entries: list[Text], query: str) -> list[Text]:
    words = plainly(query).split()
    found = [e for e in entries if words and all(w in plainly(e.title) or w in plainly(e.text) for w in words)]
    return sorted(found, key=lambda e: sum(w not in plainly(e.title) for w in words))


def marks(found: str) -> list[str]:
    return [html.unescape(piece) for piece in re.findall("<mark>(.*?)</mark>", found, re.DOTALL)]


@settings(max_examples=6 * settings().max_examples, deadline=None)
@given(st.lists(st.builds(Text, texts, texts), max_size=8), queries)
@example([Text("", "费全的全免")], "费全免")  # every pair of it is there, and the whole is not
def test_search_equals_reading_everything(entries: list[Text], query: str) -> None:
    index = Index(entries)
    assert index.find(query) == brute_force(entries, query)
    for entry in entries:  # what surely occurs, from one character to six
        for size in range(1, 7):
            piece = entry.text[3 : 3 + size]
            assert index.find(piece) == brute_force(entries, piece)


@settings(max_examples=6 * settings().max_examples, deadline=None)
@given(st.builds(Text, texts, texts), queries)
def test_the_snippet_marks_what_was_asked_for_and_nothing_else(entry: Text, query: str) -> None:
    if not brute_force([entry], query):
        return
    found = snippet(entry.title, entry.text, query)
    assert re.fullmatch(r"(?:[^<>&]|&(?:amp|lt|gt);|</?mark>)*", found)
    assert marks(found)
    for mark in marks(found):
        assert any(word in plainly(mark) for word in plainly(query).split())


@pytest.mark.parametrize("entry", [Text("", "甲" * 200 + "学费全免" + "乙" * 200), Text("学费全免", "甲" * 200)])
def test_a_long_text_is_cut_around_the_match(entry: Text) -> None:
    found = snippet(entry.title, entry.text, "费全")
    assert marks(found) == ["费全"]
    assert len(html.unescape(found)) <= SNIPPET_CHARACTERS + len("<mark></mark>……")
    assert found.startswith("…") == ("学费" in entry.text)


@pytest.mark.parametrize(
    ("text", "query", "marked"),
    [
        ("中职（技工）学校", "(技", ["（技"]),
        ("占地100㎡以上", "00M2", ["00㎡"]),
        ("③ 第①条、第1条", "1", ["①", "1"]),
        ("人人人都有", "人人", ["人人人"]),
        ("a<b>c&d", "b>c&", ["b>c&"]),
        ("Cafe\u0301 里", "é", ["é"]),
        ("学费 全免，费用自理", "自 学费", ["学费", "自"]),
    ],
)
def test_the_mark_lies_on_the_text_as_it_is_written(text: str, query: str, marked: list[str]) -> None:
    assert marks(snippet("", text, query)) == marked


def test_blanks_and_case_do_not_matter() -> None:
    assert fold(" ＡＢ　c\n d ") == "ab c d"
    assert Index([Text("x", "y")]).find(" 　") == []


def test_titles_come_first_then_articles_then_programmes(guide: Guide, book: PolicyBook) -> None:
    found = catalogue.index(guide, book).find("培养补助")
    in_title = ["培养补助" in entry.title for entry in found]
    assert in_title == sorted(in_title, reverse=True)
    assert {"article", "programme", "clause"} == {entry.kind for entry in found}
    first = [entry.kind for entry, title in zip(found, in_title, strict=True) if title]
    assert first == sorted(first, key=["article", "programme", "clause"].index)


def test_every_entry_is_found_by_words_of_its_own(guide: Guide, book: PolicyBook) -> None:
    """Also in the middle of a sentence: four characters from the middle of every text."""
    index = catalogue.index(guide, book)
    everything = index.find("的") + index.find("一")
    assert {entry.kind for entry in everything} == {"article", "programme", "clause"}
    for entry in everything:
        middle = max(entry.text.split(), key=len)
        piece = middle[len(middle) // 2 :][:4]
        assert entry in index.find(piece), piece
        assert fold(piece) in [fold(mark) for mark in marks(catalogue.hit(entry, piece).snippet)]


def test_a_word_that_occurs_nowhere_is_not_found(guide: Guide, book: PolicyBook) -> None:
    assert catalogue.index(guide, book).find("黄山毛峰") == []
