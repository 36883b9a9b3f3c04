from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from server.guide import service
from server.guide.service import Guide
from server.kernel.content import ContentError
from server.kernel.errors import DomainError
from server.policy import service as policy_service
from server.policy.programmes import Audience
from tests.policy.shelf import Copy

FOLDER = "guide/2026"
ARTICLE = f"{FOLDER}/feeder-school-reward.md"
LEAFLET = f"{FOLDER}/leaflet-student.md"


def loaded(root: Path) -> Guide:
    return service.load(root, policy_service.load(root))


def test_an_edition_lists_its_articles_and_leaflets(guide: Guide) -> None:
    assert [edition.edition for edition in service.editions(guide)] == ["2026"]
    edition = service.edition(guide, "2026")
    assert [article.slug for article in edition.articles][:3] == ["free-tuition", "three-plus-two", "joining-a-class"]
    assert Counter(article.audience for article in edition.articles) == {
        "student": 12, "feeder_school": 4, "enterprise": 8, "vocational_school": 11
    }  # fmt: skip
    assert set(edition.leaflets) == set(edition.audiences) == set(get_args(Audience))


def test_articles_come_in_the_order_of_the_contents(copy: Copy) -> None:
    order = [article.slug for article in service.edition(loaded(copy.root), "2026").articles]
    copy.edit(f"{FOLDER}/edition.yaml", lambda text: text["contents"].reverse())
    assert [article.slug for article in service.edition(loaded(copy.root), "2026").articles] == order[::-1]


def test_editions_come_newest_first(copy: Copy) -> None:
    (copy.root / "guide/2025").mkdir()
    text = (copy.root / FOLDER / "edition.yaml").read_text(encoding="utf-8")
    copy.write("guide/2025/edition.yaml", text.replace('"2026"', '"2025"'))
    assert [edition.edition for edition in service.editions(loaded(copy.root))] == ["2026", "2025"]


def test_an_article_answers_with_its_figures_in_place(guide: Guide) -> None:
    answer = service.article(guide, "2026", "feeder-school-reward").model_dump(mode="json")
    assert (answer["edition"], answer["slug"], answer["audience"]) == ("2026", "feeder-school-reward", "feeder_school")
    assert "500元/生" in answer["answer"]
    assert "<strong>500元</strong>" in answer["html"]
    assert '<a href="/api/v1/policies/aq-2024-91/clauses/15">宜政秘〔2024〕91号 第15条</a>' in answer["html"]
    assert answer["clauses"] == ["aq-2024-91/15", "aq-2024-91/2", "aq-2024-91/s3", "aq-2019-7/5.2"]
    assert answer["programmes"] == ["feeder-referral"]
    assert answer["citations"][0] == {
        "clause": "aq-2024-91/15",
        "label": "宜政秘〔2024〕91号 第15条",
        "title": "扩大集团院校办学规模",
        "href": "/api/v1/policies/aq-2024-91/clauses/15",
    }
    assert "{{" not in answer["html"] + answer["answer"]


def test_a_figure_changed_in_the_programme_changes_in_the_text(copy: Copy) -> None:
    copy.replace("programmes/feeder-referral.yaml", "amount_fen: 50000,", "amount_fen: 61200,")
    article = service.article(loaded(copy.root), "2026", "feeder-school-reward")
    assert "612元/生" in article.answer
    assert "<strong>612元</strong>" in article.html
    assert "500" not in article.answer + article.html


def test_free_tuition_is_told_without_a_figure(guide: Guide) -> None:
    article = service.article(guide, "2026", "free-tuition")
    assert article.programmes == ("tuition-free",)
    assert "<strong>学费全免</strong>" in article.html
    assert "元" not in article.html


def test_a_clause_knows_the_articles_that_rest_on_it(guide: Guide) -> None:
    def slugs(clause: str) -> list[str]:
        return [article.slug for article in service.cited_by(guide, clause)]

    assert slugs("aq-2024-91/5") == ["free-tuition", "three-plus-two", "which-level-counts"]
    assert slugs("aq-2024-91/19") == []


def test_a_programme_knows_the_articles_that_tell_it(guide: Guide) -> None:
    told = [article.slug for article in service.told_in(guide, "order-class")]
    assert told == ["order-class-funding"]
    assert service.told_in(guide, "nothing") == ()


@pytest.mark.parametrize(
    ("ask", "what"),
    [
        (lambda guide: service.edition(guide, "2025"), "edition"),
        (lambda guide: service.article(guide, "2025", "free-tuition"), "edition"),
        (lambda guide: service.article(guide, "2026", "leaflet-student"), "article"),
        (lambda guide: service.leaflet(guide, "2025", "student"), "edition"),
        (lambda guide: service.leaflet(replace(guide, leaflets={}), "2026", "enterprise"), "leaflet"),
    ],
)
def test_what_is_not_there_is_a_404(guide: Guide, ask: Callable[[Guide], object], what: str) -> None:
    with pytest.raises(DomainError) as raised:
        ask(guide)
    assert (raised.value.status, raised.value.facts) == (404, {"what": what})


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        (ARTICLE, "{{ feeder-referral.amount }}", "{{ feeder.amount }}", "{{ feeder.amount }} refers to nothing"),
        (ARTICLE, "{{ feeder-referral.rate }}", "{{ feeder.rate }}", "{{ feeder.rate }} refers to nothing"),
        (ARTICLE, "[[aq-2024-91/15]]", "[[aq-2024-91/20]]", "[[aq-2024-91/20]] refers to nothing"),
        (ARTICLE, "audience: feeder_school", "audience: teacher", "audience"),
        (ARTICLE, "updated_on: 2026-11-21", "updated_on: 2026-11-31", "updated_on"),
        (ARTICLE, "answer: ", "reply: ", "reply"),
        (ARTICLE, "---\ntitle", "title", "front matter"),
        (LEAFLET, "audience: student", "audience: enterprise", "is named leaflet-enterprise.md"),
        (f"{FOLDER}/edition.yaml", 'edition: "2026"', 'edition: "2025"', "differs from its folder's name"),
        (f"{FOLDER}/edition.yaml", "publisher:", "printer:", "printer"),
        (f"{FOLDER}/edition.yaml", "  feeder_school: 生源地学校\n", "", "no word for the audience feeder_school"),
        (f"{FOLDER}/edition.yaml", "  feeder_school: 生源地学校", "  teacher: 老师", "audiences"),
    ],
)
def test_a_broken_page_is_refused_by_name(copy: Copy, name: str, old: str, new: str, words: str) -> None:
    copy.replace(name, old, new)
    with pytest.raises(ContentError) as raised:
        loaded(copy.root)
    assert words in str(raised.value)
    assert FOLDER in str(raised.value)


def test_all_broken_pages_are_told_at_once(copy: Copy) -> None:
    copy.replace(ARTICLE, "{{ feeder-referral.amount }}", "{{ feeder.amount }}")
    copy.replace(LEAFLET, "[[aq-2024-91/15]]", "[[aq-2024-91/20]]")
    with pytest.raises(ContentError) as raised:
        loaded(copy.root)
    assert len(raised.value.faults) == 2
