from collections.abc import Callable
from datetime import date
from string import Formatter
from typing import Any

import pytest

from server.kernel.content import load_yaml
from server.kernel.errors import DomainError
from server.policy import service
from server.policy.book import PolicyBook
from server.policy.programmes import money_text
from tests.policy.shelf import CONTENT

SENT = {"school_in_city": True, "sent_by_school": True, "receiver_in_group": True}


def checked(book: PolicyBook, on: str, facts: dict[str, Any]) -> Any:
    day = date.fromisoformat(on)
    answer = service.check(book, audience="feeder_school", jurisdiction="340800", on=day, facts=facts)
    return answer.model_dump(mode="json")


@pytest.mark.parametrize(
    ("ask", "what"),
    [
        (lambda book: service.policy(book, "aq-2030-1"), "policy"),
        (lambda book: service.clause(book, "aq-2030-1", "1"), "policy"),
        (lambda book: service.clause(book, "aq-2024-91", "20"), "clause"),
        (lambda book: service.clause(book, "aq-2024-91", "15/../2"), "clause"),
        (lambda book: service.programme(book, "feeder"), "programme"),
    ],
)
def test_what_is_not_there_is_a_404(book: PolicyBook, ask: Callable[[PolicyBook], object], what: str) -> None:
    with pytest.raises(DomainError) as raised:
        ask(book)
    assert (raised.value.slug, raised.value.status, raised.value.facts) == ("not_found", 404, {"what": what})


def test_refusals_have_their_texts() -> None:
    texts = load_yaml(CONTENT / "problems.yaml")
    assert {"invalid", "not_found"} <= set(texts["problems"])
    assert {"policy", "clause", "programme", "edition", "article", "leaflet"} <= set(texts["nouns"])
    fields = {name for _, name, _, _ in Formatter().parse(texts["problems"]["not_found"]["detail"]) if name}
    assert fields == {"what"}


@pytest.mark.parametrize(
    ("amount_fen", "text"),
    [
        (50000, "500元"),
        (999900, "9999元"),
        (1000000, "1万元"),
        (1000100, "10001元"),
        (500000000, "500万元"),
        (5, "0.05元"),
    ],
)
def test_money_reads_as_documents_write_it(amount_fen: int, text: str) -> None:
    assert money_text(amount_fen) == text


UNDATED = {"aq-annex-29"}
OF_2019 = {"cz-2018-28", "aq-2019-6"}


@pytest.mark.parametrize(
    ("on", "ids"),
    [
        ("2018-10-18", set()),
        ("2018-10-19", {"cz-2018-28"}),
        ("2018-12-31", {"cz-2018-28"}),
        ("2019-01-01", OF_2019),
        ("2019-08-31", OF_2019),
        ("2019-09-01", OF_2019 | {"aq-2019-7"}),
        ("2023-12-31", OF_2019 | {"aq-2019-7"}),
        ("2024-01-01", OF_2019 | {"aq-2019-7", "aq-2024-91"}),
        ("2027-12-31", OF_2019 | {"aq-2019-7", "aq-2024-91"}),
        ("2028-01-01", OF_2019 | {"aq-2019-7"}),
    ],
)
def test_policies_that_may_be_in_force(book: PolicyBook, on: str, ids: set[str]) -> None:
    assert {policy.id for policy in service.policies(book, on=date.fromisoformat(on))} == ids | UNDATED


def test_policies_by_city(book: PolicyBook) -> None:
    assert len(service.policies(book, jurisdiction="340800")) == 4
    assert [policy.id for policy in service.policies(book, jurisdiction="431000")] == ["cz-2018-28"]


def test_a_policy_answers_under_its_public_names(book: PolicyBook) -> None:
    answer = service.policy(book, "aq-2024-91").model_dump(mode="json")
    assert answer["number"] == "宜政秘〔2024〕91号"
    assert answer["issued_on"] == {"value": "2024", "precision": "year"}
    assert answer["effective_to"] == {"value": "2027-12-31", "precision": "day"}
    assert (answer["standing"], answer["complete"]) == ("current", True)
    assert [clause["number"] for clause in answer["clauses"]] == [
        "g1", "g2", "g3", *map(str, range(1, 20)), "s1", "s2", "s3",
    ]  # fmt: skip
    assert all(clause["title"] and clause["summary"] and clause["heading"] for clause in answer["clauses"])


def test_a_clause_knows_its_document_its_label_and_what_follows_from_it(book: PolicyBook) -> None:
    answer = service.clause(book, "aq-2019-7", "5.2").model_dump(mode="json")
    assert (answer["id"], answer["number"]) == ("aq-2019-7/5.2", "5.2")
    assert answer["label"] == "安职集团〔2019〕7号 第5条第2项"
    assert answer["governed_by"] == ["aq-2024-91/15"]
    assert answer["programmes"] == ["feeder-referral"]
    assert answer["policy"]["effective_from"] == {"value": "2019-09", "precision": "month"}
    assert "clauses" not in answer["policy"]


def test_a_clause_also_leads_to_what_follows_from_its_parts(book: PolicyBook) -> None:
    assert set(service.clause(book, "aq-2019-7", "6").programmes) == {
        "placement-6m", "placement-12m", "graduate-shortage", "tuition-remission",
    }  # fmt: skip
    assert set(service.clause(book, "aq-2024-91", "15").programmes) == {"feeder-referral", "cross-city", "tuition-free"}
    assert service.clause(book, "aq-2024-91", "1").programmes == ()


def test_a_programme_answers_with_every_dated_amount(book: PolicyBook) -> None:
    answer = service.programme(book, "cooperative-class").model_dump(mode="json")
    assert (answer["audience"], answer["standing"], answer["payer"]) == ("vocational_school", "current", None)
    old, new = answer["amounts"]
    assert (old["from"]["value"], old["to"]["value"], old["payer"]) == ("2019-09", "2024", "安庆职业教育集团")
    assert (new["from"]["value"], new["to"]["value"], new["payer"]) == ("2024", "2027-12-31", None)
    assert (new["amount_fen"], new["per"], new["text"], new["clause"]) == (
        10000000, "class", "10万元/班", "aq-2024-91/11",
    )  # fmt: skip
    assert (new["payee_kind"], new["quantity"], answer["payee_kind"]) == (None, None, None)
    sizes = [condition for condition in answer["conditions"] if condition["fact"] == "class_size"]
    assert [(size["version"], size["needed"]["text"]) for size in sizes] == [
        ("2019", "20人以上（含20人）"), ("2024", "20人以上（含20人）"),
    ]  # fmt: skip
    warnings = {warning["code"]: warning["version"] for warning in answer["warnings"]}
    assert (warnings["payee_open"], warnings["competitive"], warnings["basis_elsewhere"]) == (None, "2024", "2019")
    assert answer["decisions"]


@pytest.mark.parametrize(
    ("filters", "count", "some"),
    [
        ({}, 33, {"feeder-referral", "cz-skill"}),
        ({"audience": "feeder_school"}, 1, {"feeder-referral"}),
        ({"audience": "student", "jurisdiction": "340800"}, 4, {"tuition-free", "internship-allowance"}),
        ({"audience": "enterprise", "jurisdiction": "340800"}, 4, {"enterprise-base", "harmony-prize"}),
        ({"jurisdiction": "431000"}, 9, {"cz-placement-school"}),
        ({"jurisdiction": "340800", "on": date(2019, 8, 31)}, 8, {"order-class"}),
        ({"jurisdiction": "340800", "on": date(2019, 9, 30)}, 20, {"feeder-referral", "new-major"}),
        ({"jurisdiction": "340800", "on": date(2023, 12, 31)}, 20, {"feeder-referral"}),
        ({"jurisdiction": "340800", "on": date(2024, 6, 15)}, 24, {"consortium", "feeder-referral"}),
        ({"jurisdiction": "340800", "on": date(2028, 1, 1)}, 16, {"placement-6m"}),
    ],
)
def test_programmes_by_reader_city_and_day(book: PolicyBook, filters: Any, count: int, some: set[str]) -> None:
    found = [programme.id for programme in service.programmes(book, **filters)]
    assert len(found) == count
    assert some <= set(found)
    assert ("feeder-referral" in found) == ("feeder-referral" in some)


def test_every_check_carries_its_need_and_its_clause(book: PolicyBook) -> None:
    (item,) = checked(book, "2025-09-01", {**SENT, "level": "higher"})["items"]
    assert (item["programme"], item["version"], item["verdict"]) == ("feeder-referral", "2024", "ineligible")
    assert (item["amount_fen"], item["per"], item["amount_text"]) == (None, None, None)
    assert item["checks"][-1] == {
        "fact": "level",
        "needed": {"comparison": "one_of", "value": ["secondary", "skilled_worker"], "text": "中职或技工"},
        "got": "higher",
        "ok": False,
        "text": "学生注册在中职或技工层次",
        "clause": "aq-2024-91/15",
    }
    assert [check["ok"] for check in item["checks"]] == [True, True, True, False]


def test_an_amount_is_there_only_when_eligible(book: PolicyBook) -> None:
    (item,) = checked(book, "2025-09-01", {**SENT, "level": "secondary"})["items"]
    assert (item["verdict"], item["amount_fen"], item["per"], item["amount_text"]) == (
        "eligible", 50000, "student", "500元/生",
    )  # fmt: skip
    (item,) = checked(book, "2025-09-01", SENT)["items"]
    assert (item["verdict"], item["amount_fen"], item["per"]) == ("needs_information", None, None)


@pytest.mark.parametrize("on", ["2019-09-01", "2019-09-30", "2024-01-01", "2024-12-31"])
def test_an_open_start_names_no_version_and_asks_nothing(book: PolicyBook, on: str) -> None:
    answer = checked(book, on, SENT)
    (item,) = answer["items"]
    assert (item["verdict"], item["version"], item["checks"]) == ("needs_information", None, [])
    assert [warning["code"] for warning in item["warnings"]] == [
        "start_day_unknown", "payee_is_school", "payer_unstated",
    ]  # fmt: skip
    assert answer["questions_left"] == []


def test_questions_are_those_of_someone_unknown(book: PolicyBook) -> None:
    def asked(on: date) -> list[str]:
        return [fact.id for fact in service.questions(book, audience="feeder_school", jurisdiction="340800", on=on)]

    assert asked(date(2023, 9, 1)) == ["school_in_city", "sent_by_school", "receiver_in_group"]
    assert asked(date(2025, 9, 1)) == ["school_in_city", "sent_by_school", "receiver_in_group", "level"]
    assert asked(date(2024, 9, 1)) == asked(date(2028, 9, 1)) == []


def test_one_programme_already_refused_does_not_silence_another(book: PolicyBook) -> None:
    answer = service.check(book, audience=None, jurisdiction=None, on=date(2025, 9, 1), facts={"level": "higher"})
    verdicts = {item.programme: item.verdict for item in answer.items}
    assert verdicts["cooperative-class"] == "needs_information"
    assert verdicts["feeder-referral"] == verdicts["cross-city"] == "ineligible"
    left = [fact.id for fact in answer.questions_left]
    assert "class_size" in left
    assert "sent_by_school" not in left


def test_every_bad_fact_is_listed(book: PolicyBook) -> None:
    facts = {"class_size": True, "level": "primary", "school_in_city": 1, "co/lour": 1, "sent_by_school": True}
    with pytest.raises(DomainError) as raised:
        checked(book, "2025-09-01", facts)
    assert (raised.value.slug, raised.value.status) == ("invalid", 422)
    assert {fault.pointer: fault.code for fault in raised.value.faults} == {
        "/facts/class_size": "fact_integer",
        "/facts/level": "fact_option",
        "/facts/school_in_city": "fact_boolean",
        "/facts/co~1lour": "unknown_fact",
    }
