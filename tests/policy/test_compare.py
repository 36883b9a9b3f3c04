"""2019 and 2024 side by side: what became of every subject, and every pair that cannot be compared refused."""

from collections.abc import Callable
from typing import Any

import pytest

from server.kernel.content import ContentError
from server.kernel.errors import DomainError
from server.policy import compare
from server.policy.book import PolicyBook
from server.policy.compare import Compared, Comparison
from tests.policy.shelf import CONTENT, Copy

OLD, NEW = "aq-2019-7", "aq-2024-91"

Side = tuple[str, str | None] | None
"""Words of one side and the clause they come from; None where that document says nothing."""


@pytest.fixture(scope="module")
def comparison(book: PolicyBook) -> Comparison:
    return compare.load(CONTENT, book)


@pytest.fixture(scope="module")
def compared(book: PolicyBook, comparison: Comparison) -> Compared:
    return compare.compare(book, comparison, OLD, NEW)


@pytest.mark.parametrize(
    ("subject", "verdict", "was", "now"),
    [
        ("feeder-reward", "narrowed", ("500元", "aq-2019-7/5.2"), ("500元", "aq-2024-91/15")),
        ("cooperative-class", "narrowed", ("定向", "aq-2019-7/2"), ("择优", "aq-2024-91/11")),
        ("cross-city", "kept", ("1000元", "aq-2019-7/5.3"), ("1000元", "aq-2024-91/15")),
        ("tuition", "changed", ("城区", "aq-2019-7/5.1"), ("集团", "aq-2024-91/15")),
        ("local-employment", "changed", ("70%", None), ("50%", "aq-2024-91/16")),
        ("enrolment-growth", "silent", ("1200元", "aq-2019-7/5.4"), None),
        ("budget", "new", None, ("500万元", "aq-2024-91/s2")),
    ],
)
def test_a_subject_tells_both_sides_and_their_clauses(
    compared: Compared, subject: str, verdict: str, was: Side, now: Side
) -> None:
    [found] = [item for item in compared.items if item.id == subject]
    assert found.verdict == verdict
    for side, text, clauses in ((was, found.was, found.was_clauses), (now, found.now, found.now_clauses)):
        if side is None:
            assert (text, clauses) == (None, ())
            continue
        words, clause = side
        assert text
        assert words in text
        assert clause in {None, *(cited.id for cited in clauses)}


def test_every_outcome_occurs(compared: Compared) -> None:
    assert {item.verdict for item in compared.items} == {"kept", "changed", "narrowed", "silent", "new"}


def test_no_clause_of_either_document_is_left_out(book: PolicyBook, compared: Compared) -> None:
    """A clause with sub-clauses is told by those."""
    told = {cited.id for item in compared.items for cited in (*item.was_clauses, *item.now_clauses)}
    for policy in (OLD, NEW):
        ids = {clause.id for clause in book.policies[policy].clauses}
        wholes = {clause.partition(".")[0] for clause in ids if "." in clause}
        assert ids - wholes - told == set()


@pytest.mark.parametrize(
    ("earlier", "later", "fields"),
    [
        ("nothing", NEW, ["?from"]),
        (OLD, "nothing", ["?to"]),
        ("nothing", "neither", ["?from", "?to"]),
        (NEW, NEW, ["?to"]),
        (NEW, OLD, ["?to"]),
        (OLD, "cz-2018-28", ["?to"]),
        ("cz-2018-28", NEW, ["?to"]),
    ],
)
def test_what_cannot_be_compared_is_refused_by_name(
    book: PolicyBook, comparison: Comparison, earlier: str, later: str, fields: list[str]
) -> None:
    with pytest.raises(DomainError) as refused:
        compare.compare(book, comparison, earlier, later)
    assert refused.value.status == 422
    assert [fault.pointer for fault in refused.value.faults] == fields


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda s: s[1].update(id=s[0]["id"]), "is given twice"),
        (lambda s: s[1].update(verdict="silent"), "does not fit the documents"),
        (lambda s: s[1].update(now=None), "where the later document is silent"),
        (lambda s: s[1].update(was=None), "only a new subject has none"),
        (lambda s: s[1].update(now=s[1]["was"]), "both say the same"),
        (lambda s: s[1]["clauses"].update({"aq-2019-7": ["aq-2024-91/15"]}), "is not one of aq-2019-7"),
        (lambda s: s[1]["clauses"].update({"aq-2019-7": ["aq-2019-7/99"]}), "is not one of aq-2019-7"),
        (lambda s: s[1]["clauses"].update({"nowhere": []}), "policy nowhere is nowhere"),
        (lambda s: s[1].update(verdict="better"), "verdict"),
    ],
)
def test_a_comparison_that_does_not_hold_together_is_not_loaded(
    book: PolicyBook, copy: Copy, change: Callable[[Any], object], fault: str
) -> None:
    copy.edit("reference/comparison.yaml", lambda data: change(data["subjects"]))
    with pytest.raises(ContentError, match=fault):
        compare.load(copy.root, book)
