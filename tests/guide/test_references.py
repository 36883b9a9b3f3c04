import pytest

from server.guide.references import Resolver, address
from server.guide.rendering import link
from server.policy.book import PolicyBook, load
from tests.policy.shelf import Copy


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("{{ feeder-referral.amount }}", "500元"),
        ("{{feeder-referral.rate}}", "500元/生"),
        ("{{ feeder-referral@2019.rate }}", "500元/生"),
        ("{{ cooperative-class.amount }}", "10万元"),
        ("{{ cooperative-class.class_size }}", "20人"),
        ("{{ cooperative-class@2019.class_size }}", "20人"),
        ("{{ feeder-referral@2019.from }}", "2019年9月（具体日期未载明）"),
        ("{{ feeder-referral.to }}", "2027年12月31日"),
        ("{{ tuition-free.amount }}", "学费全免"),
        ("{{ consortium.amount.national }}", "100万元"),
        ("{{ cz-skill.amount.senior.false }}", "2000元"),
        ("{{ internship-allowance.internship_months.at_least }}", "3个月"),
        ("{{ internship-allowance.internship_months.at_most }}", "6个月"),
        ("{{ target/teaching-posts }}", "20%"),
        ("{{ target/higher-graduates-staying.2026 }}", "45%"),
        ("{{target/award-appropriation}}", "500万元"),
        ("[[aq-2024-91/15]]", "宜政秘〔2024〕91号 第15条"),
        ("[[ aq-2019-7/5.2 ]]", "安职集团〔2019〕7号 第5条第2项"),
        ("[[aq-2024-91/s3]]", "宜政秘〔2024〕91号 保障措施（3）"),
        ("每生{{ feeder-referral.amount }}，每班{{ cooperative-class.amount }}。", "每生500元，每班10万元。"),
    ],
)
def test_a_reference_shows_what_the_content_says(book: PolicyBook, written: str, shown: str) -> None:
    resolver = Resolver(book)
    assert (resolver.resolve(written), resolver.faults) == (shown, [])


@pytest.mark.parametrize(
    "written",
    [
        "{{ feeder.amount }}", "{{ feeder-referral@2020.amount }}", "{{ feeder-referral.colour }}",
        "{{ feeder-referral }}", "{{ feeder-referral.amount + 1 }}", "{{ }}", "{{ feeder-referral.level }}",
        "{{ feeder-referral.amount.national }}", "{{ feeder-referral.to.national }}", "[[aq-2024-91/20]]",
        "[[aq-2024-91]]", "[[aq-2030-1/1]]", "[[]]", "{{ cz-skill.amount.senior }}",
        "{{ internship-allowance.internship_months }}", "{{ feeder-referral.level.at_least }}", "{{ target/nothing }}",
        "{{ target/higher-graduates-staying }}", "{{ target/higher-graduates-staying.2030 }}",
        "{{ target/teaching-posts.2024 }}", "{{ target/teacher-pool }}", "{{ target }}",
    ],
)  # fmt: skip
def test_a_reference_to_nothing_is_left_and_noted(book: PolicyBook, written: str) -> None:
    resolver = Resolver(book)
    assert resolver.resolve(f"前{written}后") == f"前{written}后"
    assert resolver.faults == [f"{written} refers to nothing"]
    assert (list(resolver.clauses), list(resolver.programmes)) == ([], [])


def test_what_was_met_is_remembered_once_and_in_order(book: PolicyBook) -> None:
    resolver = Resolver(book)
    resolver.resolve("[[aq-2024-91/2]]{{ feeder-referral@2019.amount }}{{ feeder-referral.amount }}[[aq-2024-91/15]]")
    resolver.resolve("{{ target/teaching-posts }}{{ target/local-employment-2019 }}")
    assert list(resolver.clauses) == ["aq-2024-91/2", "aq-2019-7/5.2", "aq-2024-91/15", "aq-2024-91/12"]
    assert list(resolver.programmes) == ["feeder-referral"]


def test_clauses_become_links_where_links_can_be(book: PolicyBook) -> None:
    written = Resolver(book).resolve("[[aq-2024-91/15]]", link=link)
    assert written == "[宜政秘〔2024〕91号 第15条](/api/v1/policies/aq-2024-91/clauses/15)"
    assert address("aq-2019-7/5.2") == "/api/v1/policies/aq-2019-7/clauses/5.2"


def test_one_of_several_amounts_is_named_by_the_answer_that_chooses_it(copy: Copy) -> None:
    amounts = """    amounts:
      - {amount_fen: 10000000, per: class, when: {partner_size: large}}
      - {amount_fen: 5000000, per: class, when: {partner_size: medium}}
    conditions:
      - {fact: school_in_group, comparison: is, value: true, clause: aq-2024-91/11"""
    old = """    amounts:
      - {amount_fen: 10000000, per: class}
    conditions:
      - {fact: school_in_group, comparison: is, value: true, clause: aq-2024-91/11"""
    copy.replace("programmes/cooperative-class.yaml", old, amounts)
    resolver = Resolver(load(copy.root))
    assert resolver.resolve("{{ cooperative-class.amount.medium }}") == "5万元"
    assert resolver.resolve("{{ cooperative-class.rate.large }}") == "10万元/班"
    assert resolver.faults == []
    resolver.resolve("{{ cooperative-class.amount }}")
    assert resolver.faults == ["{{ cooperative-class.amount }} refers to nothing"]
