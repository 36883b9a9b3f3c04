"""Loading: everything that can be wrong with content is a ContentError that names the place."""

from collections.abc import Callable
from typing import Any

import pytest

from server.kernel.content import ContentError
from server.policy.book import load
from tests.policy.shelf import Copy

NEW = "policies/aq-2024-91.yaml"
OLD = "policies/aq-2019-7.yaml"
REFERRAL = "programmes/feeder-referral.yaml"
CLASS = "programmes/cooperative-class.yaml"
INTERNS = "programmes/internship-allowance.yaml"
FACTS = "reference/facts.yaml"


def put(*path: str | int, value: Any) -> Callable[[Any], None]:
    """Return a change that sets the value at `path`."""

    def change(data: Any) -> None:
        for step in path[:-1]:
            data = data[step]
        data[path[-1]] = value

    return change


def add(*path: str | int, value: Any) -> Callable[[Any], None]:
    """Return a change that appends to the list at `path`."""

    def change(data: Any) -> None:
        for step in path:
            data = data[step]
        data.append(value)

    return change


OTHER_CITY = put("jurisdiction", value="431000")
TWO_AMOUNTS = [{"amount_fen": 1, "per": "class"}, {"amount_fen": 2, "per": "class"}]
HALF_CHOSEN = [{"amount_fen": 1, "per": "class", "when": {"partner_size": "large"}}]
BY_SIZE = [{"amount_fen": 1, "per": "class", "when": {"class_size": True}}]

BROKEN = [
    (NEW, put("id", value="aq-2024-92"), "is no clause id here"),
    (NEW, put("standing", value="valid"), "standing"),
    (NEW, put("jurisdiction", value="340801"), "jurisdiction"),
    (NEW, put("author", value="x"), "author"),
    (NEW, put("effective_from", value={"value": "2024", "precision": "day"}), "effective_from"),
    (NEW, put("clauses", 0, "id", value="aq-2024-91/g01"), "aq-2024-91/g01 is no clause id here"),
    (NEW, put("clauses", 0, "id", value="aq-2024-91/1"), "aq-2024-91/1 is given twice"),
    (NEW, put("clauses", 0, "id", value="aq-2024-91/5.1"), "no label for subclauses"),
    (NEW, put("clauses", 0, "governed_by", value=["aq-2030-1/1"]), "refers to aq-2030-1/1, which is nowhere"),
    (NEW, put("clauses", 0, "narrows", value=["aq-2019-7/5.4"]), "narrows aq-2019-7/5.4, which is not governed by it"),
    (OLD, OTHER_CITY, "clause aq-2019-7/5.2 is another city's"),
    (REFERRAL, put("id", value="feeder"), "id feeder differs from the file's name"),
    (REFERRAL, put("audience", value="teacher"), "audience"),
    (REFERRAL, put("versions", value=[]), "versions"),
    (REFERRAL, put("cases", value=[]), "cases"),
    (REFERRAL, put("versions", 0, "clause", value="aq-2019-7/9"), "clause aq-2019-7/9 is nowhere"),
    (REFERRAL, put("versions", 0, "clause", value="aq-2018-1/1"), "clause aq-2018-1/1 is nowhere"),
    (REFERRAL, put("versions", 0, "conditions", 0, "clause", value="aq-2019-7/9"), "clause aq-2019-7/9 is nowhere"),
    (REFERRAL, put("versions", 1, "warnings", 0, "clause", value="aq-2019-7/9"), "clause aq-2019-7/9 is nowhere"),
    (REFERRAL, put("warnings", 0, "clause", value="aq-2019-7/9"), "clause aq-2019-7/9 is nowhere"),
    (REFERRAL, put("decisions", 0, "clause", value="aq-2019-7/9"), "clause aq-2019-7/9 is nowhere"),
    (REFERRAL, put("versions", 0, "conditions", 0, "fact", value="colour"), "fact colour is not in the vocabulary"),
    (REFERRAL, put("versions", 0, "conditions", 0, "value", value=1), "1 is no answer to school_in_city"),
    (REFERRAL, put("versions", 0, "conditions", 0, "comparison", value="at_least"), "school_in_city has no order"),
    (REFERRAL, put("versions", 0, "conditions", 0, "comparison", value="one_of"), "one_of, and nothing else"),
    (REFERRAL, put("versions", 1, "conditions", 3, "comparison", value="is"), "one_of, and nothing else"),
    (REFERRAL, put("versions", 1, "conditions", 3, "value", value=["primary"]), "'primary' is no answer to level"),
    (REFERRAL, put("versions", 1, "id", value="2019"), "given twice: 2019"),
    (REFERRAL, put("versions", 0, "clause", value="aq-2024-91/15"), "version 2019 does not start before the next"),
    (REFERRAL, put("versions", 0, "from", value={"value": None, "precision": "unknown"}), "has no date at all"),
    (REFERRAL, put("versions", 0, "amounts", 0, "amount_fen", value=500.0), "amount_fen"),
    (REFERRAL, put("versions", 0, "amounts", 0, "amount_fen", value=0), "amount_fen"),
    (REFERRAL, put("versions", 0, "amounts", 0, "per", value=None), "either amount_fen with per, or a text"),
    (REFERRAL, put("versions", 0, "amounts", 0, "text", value="全免"), "either amount_fen with per, or a text"),
    (REFERRAL, put("versions", 0, "amounts", 0, "per", value="horse"), "unit horse has no Chinese word"),
    (REFERRAL, put("versions", 0, "amounts", value=[]), "amounts"),
    (REFERRAL, put("versions", 0, "amounts", 0, "unstated", value=True), "an amount with a figure is not unstated"),
    (REFERRAL, put("versions", 0, "payee_kind", value="teacher"), "payee_kind"),
    (REFERRAL, put("versions", 0, "quantity", value="level"), "quantity level is no count"),
    (
        REFERRAL,
        put("versions", 0, "quantity", value="class_size"),
        "class_size is not demanded to be more than nothing",
    ),
    (INTERNS, put("versions", 0, "conditions", 0, "value", value=0), "is not demanded to be more than nothing"),
    (INTERNS, put("versions", 0, "conditions", 0, "value", value=7), "has no answer between 7 and 6"),
    (INTERNS, put("versions", 0, "amounts", value=[{"text": "-"}]), "counts an amount without a figure"),
    (INTERNS, put("standing", value="current"), "version undated has no date at all and cannot be current"),
    (REFERRAL, put("cases", 0, "facts", "colour", value=True), "fact colour is not in the vocabulary"),
    (REFERRAL, put("cases", 0, "facts", "level", value="primary"), "'primary' is no answer to level"),
    (REFERRAL, put("cases", 0, "on", value="2019-02-30"), "cases.0.on"),
    (REFERRAL, put("cases", 1, "name", value="2019年版施行前的最后一天"), "given twice: 2019年版施行前的最后一天"),
    (CLASS, put("versions", 1, "conditions", 5, "value", value=True), "True is no answer to class_size"),
    (CLASS, put("versions", 1, "conditions", 5, "value", value=0), "0 is no answer to class_size"),
    (CLASS, put("versions", 1, "amounts", value=TWO_AMOUNTS), "2 amounts fit {}"),
    (CLASS, put("versions", 1, "amounts", value=HALF_CHOSEN), "0 amounts fit {'partner_size': 'medium'}"),
    (CLASS, put("versions", 1, "amounts", value=BY_SIZE), "True is no answer to class_size"),
    (FACTS, put("facts", 0, "type", value="choice"), "a choice, and nothing else, has options"),
    (FACTS, add("facts", value={"id": "level", "type": "boolean", "question": "?"}), "given twice: level"),
    (FACTS, put("phrases", "needs", value={"is": "{value}"}), "must word every comparison"),
    (FACTS, put("warnings", value={}), "warnings.outside_every_period"),
]


@pytest.mark.parametrize(("name", "change", "words"), BROKEN, ids=[words for _, _, words in BROKEN])
def test_broken_content_is_refused_by_name(copy: Copy, name: str, change: Callable[[Any], None], words: str) -> None:
    copy.edit(name, change)
    with pytest.raises(ContentError) as raised:
        load(copy.root)
    assert words in str(raised.value)


def test_all_faults_of_all_files_are_told_at_once(copy: Copy) -> None:
    copy.edit(NEW, put("standing", value="valid"))
    copy.edit(OLD, put("standing", value="valid"))
    copy.edit(REFERRAL, put("audience", value="teacher"))
    with pytest.raises(ContentError) as raised:
        load(copy.root)
    assert [fault.split(": ")[0].rpartition("/")[2] for fault in raised.value.faults] == [
        "aq-2019-7.yaml", "aq-2024-91.yaml", "feeder-referral.yaml",
    ]  # fmt: skip


def test_without_a_vocabulary_nothing_loads(copy: Copy) -> None:
    (copy.root / FACTS).unlink()
    with pytest.raises(ContentError, match=r"facts\.yaml"):
        load(copy.root)


def test_a_version_without_any_date_can_neither_precede_nor_follow_another(copy: Copy) -> None:
    copy.edit(REFERRAL, put("standing", value="unconfirmed"))
    for version in (0, 1):
        copy.edit(REFERRAL, put("versions", version, "from", value={"value": None, "precision": "unknown"}))
        with pytest.raises(ContentError, match="does not start before"):
            load(copy.root)


def test_a_version_may_keep_a_period_of_its_own(copy: Copy) -> None:
    copy.edit(REFERRAL, put("versions", 0, "to", value={"value": "2021-08-31", "precision": "day"}))
    copy.edit(REFERRAL, put("versions", 1, "from", value={"value": "2025-01-01", "precision": "day"}))
    old, new = load(copy.root).terms["feeder-referral"]
    assert (old.starts.value, old.ends.value) == ("2019-09", "2021-08-31")
    assert (new.starts.value, new.ends.value) == ("2025-01-01", "2027-12-31")


def test_a_version_ends_on_the_eve_of_a_successor_known_to_the_day(copy: Copy) -> None:
    copy.edit(NEW, put("effective_from", value={"value": "2024-11-05", "precision": "day"}))
    old, new = load(copy.root).terms["feeder-referral"]
    assert (old.ends.value, new.starts.value) == ("2024-11-04", "2024-11-05")
