"""The pages of an edition, a clause and a programme: what they say first, and where they lead."""

import re

import pytest

from server.guide.rendering import edition_page
from server.guide.service import Guide
from server.policy.book import PolicyBook
from tests.guide.showing import clause_of, programme_of


def test_the_front_door_leads_to_every_article_and_leaflet(guide: Guide) -> None:
    html = edition_page(guide.editions["2026"])
    for article in guide.articles.values():
        assert f'<a href="/api/v1/guide/2026/articles/{article.slug}">{article.title}</a>' in html
        assert article.answer in html
    assert html.count("leaflet?audience=") == html.count("<section") == 4
    for part, (audience, label) in zip(
        html.split("<section ")[1:], guide.editions["2026"].audiences.items(), strict=True
    ):
        slugs = re.findall(r"/articles/([a-z0-9-]+)", part)
        assert f"<h2>{label}</h2>" in part
        assert slugs == [a.slug for a in guide.editions["2026"].articles if a.audience == audience]


def test_a_clause_leads_to_what_governs_it_what_it_grants_and_who_explains_it(guide: Guide, book: PolicyBook) -> None:
    html = clause_of(book, guide, "aq-2019-7/5.2")
    assert "这是较早的规定，同一件事现在看宜政秘〔2024〕91号 第15条。" in html
    assert '<a href="/api/v1/policies/aq-2024-91/clauses/15">宜政秘〔2024〕91号 第15条</a>' in html
    assert '<a href="/api/v1/programmes/feeder-referral">' in html
    assert '<a href="/api/v1/guide/2026/articles/feeder-school-reward">' in html
    assert book.clauses["aq-2019-7/5.2"].summary in html
    assert "2019年9月（具体日期未载明）" in html


@pytest.mark.parametrize(
    ("clause", "words"),
    [
        ("aq-2024-91/15", ""),
        ("aq-2019-7/5.4", "现行文件没有提到这一项"),
        ("aq-annex-29/24", "没有文号、日期"),
        ("cz-2018-28/22", "郴州市的规定，安庆不适用"),
    ],
)
def test_a_clause_begins_by_saying_what_it_is_worth_today(
    guide: Guide, book: PolicyBook, clause: str, words: str
) -> None:
    html = clause_of(book, guide, clause)
    assert ('<p class="caution">' in html) == bool(words)
    assert words in html[html.index("<h1>") : html.index('<p class="told">')]


def test_a_task_tells_who_does_it_until_when(guide: Guide, book: PolicyBook) -> None:
    html = clause_of(book, guide, "aq-2019-6/12")
    assert "<dt>牵头</dt><dd>招生就业部</dd>" in html
    assert "<dt>完成时限</dt><dd>2019年12月" in html
    assert "<dt>完成时限</dt><dd>长期，每年定目标</dd>" in clause_of(book, guide, "aq-2019-6/9")
    assert "<dt>原文印的序号</dt><dd>12</dd>" in clause_of(book, guide, "aq-2019-6/11")


def test_a_programme_shows_the_newest_version_first_with_its_conditions(guide: Guide, book: PolicyBook) -> None:
    html = programme_of(book, guide, "cooperative-class")
    newest, older = html.index("最近的标准"), html.index("更早的标准")
    assert newest < html.index("policies/aq-2024-91/clauses/11") < older < html.index("policies/aq-2019-7/clauses/2")
    assert html.index('<p class="answer">') < html.index("10万元/班") < newest
    assert "<li>每班人数达到规定：20人以上（含20人）</li>" in html
    assert "<li>办班学校是集团院校</li>" in html
    assert html.count("择优") >= 1
    assert '<p class="caution">' not in html


def test_a_programme_names_each_of_its_amounts(guide: Guide, book: PolicyBook) -> None:
    html = programme_of(book, guide, "model-enterprise")
    for words in ("市级：10万元", "省级：50万元", "国家级：80万元"):
        assert words in html[: html.index("<h2>")]


@pytest.mark.parametrize(
    ("programme", "words"),
    [("internship-allowance", "仅供查阅，不作为发放依据"), ("cz-skill", "安庆不适用")],
)
def test_a_programme_that_is_not_anqings_current_one_says_so_once_and_first(
    guide: Guide, book: PolicyBook, programme: str, words: str
) -> None:
    html = programme_of(book, guide, programme)
    assert html.index("<h1>") < html.index(words) < html.index('<p class="answer">')
    assert html.count(words) == 1
