"""The five documents: every clause with its number, who does what by when, and what follows what."""

from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from server.kernel.content import ContentError, load_yaml
from server.policy import service
from server.policy.book import PolicyBook, load
from tests.policy.shelf import CONTENT, Copy
from tests.policy.test_book import put

COUNTS: dict[str, dict[str, int]] = {
    "aq-2019-6": {"clauses": 35, "safeguards": 3, "remarks": 2},
    "aq-2019-7": {"clauses": 8},
    "aq-2024-91": {"goals": 3, "clauses": 19, "safeguards": 3},
    "aq-annex-29": {"clauses": 29},
    "cz-2018-28": {"clauses": 26},
}

LEADS = {"专": "专业建设部", "招": "招生就业部", "秘": "秘书处办公室", "培": "社会培训部"}
TASKS = "专专专专招招招招招招招招秘秘秘秘专招招秘秘专专专培专专专培培培培专专秘"
BY_OCTOBER = {4, 18, 31}
BY_DECEMBER = {1, 2, 3, 10, 11, 12, 16, 17, 25, 26, 29}
BY_SCHOOLS_ALONE = {1, 2, 3, 4, 25}


def tasks(book: PolicyBook) -> dict[int, Any]:
    return {int(c.number): c for c in book.policies["aq-2019-6"].clauses if c.kind == "clauses"}


@pytest.mark.parametrize(("name", "counts"), COUNTS.items())
def test_every_document_is_told_in_full(book: PolicyBook, name: str, counts: dict[str, int]) -> None:
    policy = book.policies[name]
    kinds = Counter(clause.kind for clause in policy.clauses if clause.kind != "subclauses")
    assert (policy.complete, dict(kinds), policy.counts) == (True, counts, counts)
    numbers = [int(clause.number) for clause in policy.clauses if clause.kind == "clauses"]
    assert numbers == list(range(1, counts["clauses"] + 1))


def test_these_are_all_the_documents(book: PolicyBook) -> None:
    assert set(book.policies) == set(COUNTS)


def test_sections_with_several_promises_are_told_one_by_one(book: PolicyBook) -> None:
    parts = Counter(c.number[0] for c in book.policies["aq-2019-7"].clauses if c.kind == "subclauses")
    assert parts == {"1": 2, "3": 5, "4": 3, "5": 7, "6": 4, "7": 5, "8": 2}


def test_every_clause_speaks(book: PolicyBook) -> None:
    for clause in book.clauses.values():
        assert min(len(clause.heading), len(clause.title)) > 1
        assert len(clause.summary) > len(clause.title)


def test_the_tasks_have_their_deadlines(book: PolicyBook) -> None:
    found = {
        "2019-10": {n for n, task in tasks(book).items() if task.deadline and task.deadline.value == "2019-10"},
        "2019-12": {n for n, task in tasks(book).items() if task.deadline and task.deadline.value == "2019-12"},
        "standing": {n for n, task in tasks(book).items() if task.standing_task},
    }
    assert {name: len(numbers) for name, numbers in found.items()} == {"2019-10": 3, "2019-12": 11, "standing": 21}
    assert (found["2019-10"], found["2019-12"]) == (BY_OCTOBER, BY_DECEMBER)
    assert all(task.deadline.precision == "month" for task in tasks(book).values() if task.deadline)


def test_the_tasks_have_who_leads_and_who_carries_them_out(book: PolicyBook) -> None:
    assert [task.lead for task in tasks(book).values()] == [(LEADS[letter],) for letter in TASKS]
    alone = {number for number, task in tasks(book).items() if task.carried_out_by == ("各成员学校",)}
    assert alone == BY_SCHOOLS_ALONE
    others = {task.carried_out_by for number, task in tasks(book).items() if number not in alone}
    assert others == {("各成员学校", "各成员企业")}


def test_only_the_eleventh_task_is_printed_under_another_number(book: PolicyBook) -> None:
    assert {c.id: c.printed_number for c in book.clauses.values() if c.printed_number} == {"aq-2019-6/11": "12"}


def test_the_items_of_the_annex_have_who_leads_and_who_supports(book: PolicyBook) -> None:
    items = {clause.number: clause for clause in book.policies["aq-annex-29"].clauses}
    assert all(item.lead for item in items.values())
    assert {n for n, item in items.items() if not item.supporting} == {"2", "8", "18", "26", "28", "29"}
    assert items["9"].lead == ("市发展改革委",)
    assert len(items["9"].supporting) == 5
    assert items["14"].lead == ("各县区人民政府", "市各功能区管委会")
    assert {n for n, item in items.items() if item.note and "合并" in item.note} == {"5", "6", "12", "13"}


def test_who_does_what_comes_out_in_the_answer(book: PolicyBook) -> None:
    answer = service.clause(book, "aq-2019-6", "11").model_dump(mode="json")
    assert (answer["number"], answer["printed_number"]) == ("11", "12")
    assert (answer["lead"], answer["carried_out_by"]) == (["招生就业部"], ["各成员学校", "各成员企业"])
    assert (answer["deadline"], answer["standing_task"]) == ({"value": "2019-12", "precision": "month"}, False)
    assert answer["label"] == "安职集团〔2019〕6号 主要任务第11项"
    item = service.clause(book, "aq-annex-29", "24").model_dump(mode="json")
    assert (item["lead"], item["supporting"]) == (["市财政局"], ["各县区人民政府", "市各功能区管委会"])
    assert (item["deadline"], item["label"]) == (None, "职业教育服务产业发展具体事项责任分工 第24项")


def test_what_a_document_does_not_say_stays_unknown(book: PolicyBook) -> None:
    annex = book.policies["aq-annex-29"]
    dates = (annex.issued_on, annex.effective_from, annex.effective_to)
    assert (annex.number, annex.issuer) == (None, None)
    assert {day.precision for day in dates} == {"unknown"}
    assert any("6+3+X" in note for note in annex.notes)
    precisions = {policy.id: policy.issued_on.precision for policy in book.policies.values()}
    assert (precisions["aq-2019-6"], precisions["aq-2024-91"]) == ("year", "year")
    assert (precisions["aq-2019-7"], precisions["cz-2018-28"]) == ("day", "day")


def test_standings(book: PolicyBook) -> None:
    assert {policy.id: policy.standing for policy in book.policies.values()} == {
        "aq-2019-6": "unconfirmed",
        "aq-2019-7": "unconfirmed",
        "aq-2024-91": "current",
        "aq-annex-29": "unconfirmed",
        "cz-2018-28": "other_city",
    }


def test_nothing_of_chenzhou_appears_under_anqing(book: PolicyBook) -> None:
    answers: list[Any] = [
        *service.policies(book, jurisdiction="340800"),
        *service.programmes(book, jurisdiction="340800"),
        *service.targets(book, jurisdiction="340800"),
    ]
    for answer in answers:
        text = answer.model_dump_json()
        assert "郴" not in text
        assert "cz-" not in text
    assert [policy.id for policy in service.policies(book, jurisdiction="431000")] == ["cz-2018-28"]
    assert {target.policy for target in service.targets(book, jurisdiction="431000")} == {"cz-2018-28"}


def test_later_clauses_govern_from_2024_on(book: PolicyBook) -> None:
    governed = {clause.id: clause.governed_by for clause in book.clauses.values() if clause.governed_by}
    assert {later.partition("/")[0] for others in governed.values() for later in others} == {"aq-2024-91"}
    assert governed["aq-2019-7/5.2"] == ("aq-2024-91/15",)
    assert governed["aq-2019-6/16"] == ("aq-2024-91/10",)
    silent = ["1.2", "3.2", "3.4", "5.4", "5.5", "6.1", "6.2", "6.3", "6.4", "7.1", "8.1"]
    assert [number for number in silent if f"aq-2019-7/{number}" in governed] == []
    assert {c.id: c.narrows for c in book.clauses.values() if c.narrows} == {
        "aq-2024-91/11": ("aq-2019-7/2",),
        "aq-2024-91/15": ("aq-2019-7/5.2",),
    }
    assert {p.id: p.governed_by for p in book.policies.values() if p.governed_by} == {
        "aq-2019-6": ("aq-2024-91",), "aq-2019-7": ("aq-2024-91",),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("on", "ids"),
    [
        (date(2018, 10, 18), []),
        (date(2018, 10, 19), ["cz-2018-28"]),
        (date(2019, 9, 1), ["aq-2019-6", "aq-2019-7", "cz-2018-28"]),
        (date(2024, 6, 1), ["aq-2019-6", "aq-2019-7", "aq-2024-91", "cz-2018-28"]),
    ],
)
def test_a_document_without_a_date_is_never_ruled_out(book: PolicyBook, on: date, ids: list[str]) -> None:
    assert [policy.id for policy in service.policies(book, on=on)] == sorted([*ids, "aq-annex-29"])


SUCCESSORS = ["aq-2024-91"]
BROKEN = [
    ("aq-2019-6", put("clauses", 0, "standing_task", value=True), "a task has a deadline or stands, not both"),
    ("aq-2019-6", put("clauses", 0, "lead", value=[]), "aq-2019-6/1: nobody leads the task"),
    ("aq-2019-6", put("clauses", 0, "deadline", value={"value": "2019-12", "precision": "day"}), "deadline"),
    ("aq-2019-6", put("clauses", 10, "printed_number", value=12), "printed_number"),
    ("aq-annex-29", put("clauses", 1, "lead", value="市教育局"), "lead"),
    ("aq-2019-7", put("governed_by", value=[]), "governed by [], its clauses by ['aq-2024-91']"),
    ("aq-annex-29", put("governed_by", value=SUCCESSORS), "governed by ['aq-2024-91'], its clauses by []"),
    ("aq-2019-7", put("governed_by", value=["aq-2030-1"]), "governed by aq-2030-1, which is nowhere"),
    ("cz-2018-28", put("governed_by", value=SUCCESSORS), "governed by aq-2024-91, which is another city's"),
    ("aq-2019-7", put("preamble", value="前言"), "preamble"),
]


@pytest.mark.parametrize(("name", "change", "words"), BROKEN, ids=[words for _, _, words in BROKEN])
def test_a_broken_document_is_refused(copy: Copy, name: str, change: Callable[[Any], None], words: str) -> None:
    copy.edit(f"policies/{name}.yaml", change)
    with pytest.raises(ContentError) as raised:
        load(copy.root)
    assert words in str(raised.value)


def compared() -> list[tuple[str, str]]:
    """Return each clause that is compared, with a verdict on it."""
    subjects = load_yaml(CONTENT / "reference" / "comparison.yaml")["subjects"]
    return [(i, s["verdict"]) for s in subjects for ids in s["clauses"].values() for i in ids]


def test_every_promise_of_both_documents_is_compared(book: PolicyBook) -> None:
    parents = {clause.partition(".")[0] for clause in book.clauses if "." in clause}
    promises = {clause for clause in book.clauses if clause.startswith(("aq-2019-7", "aq-2024-91"))} - parents
    assert {clause for clause, _ in compared()} == promises


def test_the_comparison_agrees_with_what_governs_and_narrows(book: PolicyBook) -> None:
    old = [(book.clauses[clause], verdict) for clause, verdict in compared() if clause.startswith("aq-2019-7")]
    assert {clause.id for clause, verdict in old if (verdict == "silent") == bool(clause.governed_by)} == set()
    narrowed = {earlier for clause in book.clauses.values() for earlier in clause.narrows}
    assert {clause.id for clause, verdict in old if verdict == "narrowed"} == narrowed


def test_what_stands_before_the_first_clause_is_cited_by_its_heading(book: PolicyBook) -> None:
    plan = book.policies["aq-2019-6"]
    assert plan.label(None) == "安职集团〔2019〕6号 总体目标与思路"
    assert book.policies["aq-annex-29"].label(None) == "职业教育服务产业发展具体事项责任分工"
