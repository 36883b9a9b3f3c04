"""What no single content file can see: references to clauses, facts and documents that must resolve."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Any

from server.policy.documents import Clause, Policy
from server.policy.facts import Fact, Vocabulary
from server.policy.programmes import Condition, Programme, Version
from server.policy.rules import possible_amounts

Clauses = Mapping[str, Clause]

_ORDERED = {"integer", "percent", "date"}


def faults_of_policies(policies: Iterable[Policy], clauses: Clauses) -> Iterator[str]:
    """Yield what is wrong between clauses and between documents."""
    known = {policy.id: policy for policy in policies}
    for policy in known.values():
        yield from (f"policies/{policy.id}: {fault}" for fault in _faults_of_succession(policy, known))
        for clause in policy.clauses:
            for other in (*clause.governed_by, *clause.narrows):
                if other not in clauses:
                    yield f"policies/{policy.id}: {clause.id} refers to {other}, which is nowhere"
            for earlier in clause.narrows:
                if earlier in clauses and clause.id not in clauses[earlier].governed_by:
                    yield f"policies/{policy.id}: {clause.id} narrows {earlier}, which is not governed by it"


def _faults_of_succession(policy: Policy, known: Mapping[str, Policy]) -> Iterator[str]:
    """Yield each successor that cannot be one, and where the document and its clauses name different ones."""
    named = {other.partition("/")[0] for clause in policy.clauses for other in clause.governed_by}
    if named != set(policy.governed_by):
        yield f"governed by {sorted(policy.governed_by)}, its clauses by {sorted(named)}"
    for other in policy.governed_by:
        if other not in known:
            yield f"governed by {other}, which is nowhere"
        elif known[other].jurisdiction != policy.jurisdiction:
            yield f"governed by {other}, which is another city's"


def faults_of_programme(
    programme: Programme, policies: Mapping[str, Policy], clauses: Clauses, vocabulary: Vocabulary
) -> Iterator[str]:
    """Yield what is wrong between a programme and the clauses and facts it names."""
    where = f"programmes/{programme.id}"
    for clause in _clauses_named(programme):
        policy = policies.get(clause.partition("/")[0])
        if policy is None or clause not in clauses:
            yield f"{where}: clause {clause} is nowhere"
        elif policy.jurisdiction != programme.jurisdiction:
            yield f"{where}: clause {clause} is another city's"
    yield from (f"{where}: {fault}" for fault in _faults_of_standing(programme, policies))
    for version in programme.versions:
        yield from (f"{where}: version {version.id}: {fault}" for fault in _faults_of_version(version, vocabulary))
    for case in programme.cases:
        for name, value in case.facts.items():
            yield from (f"{where}: case {case.name}: {fault}" for fault in _faults_of_value(name, value, vocabulary))


def _faults_of_standing(programme: Programme, policies: Mapping[str, Policy]) -> Iterator[str]:
    """Yield each version that is called current although nothing is known of its start."""
    for version in programme.versions:
        policy = policies.get(version.clause.partition("/")[0])
        starts = version.starts or (policy.effective_from if policy else None)
        if programme.standing == "current" and starts and starts.value is None:
            yield f"version {version.id} has no date at all and cannot be current"


def _clauses_named(programme: Programme) -> Iterator[str]:
    warnings = [*programme.warnings]
    for version in programme.versions:
        yield version.clause
        yield from (condition.clause for condition in version.conditions)
        warnings += version.warnings
    yield from (warning.clause for warning in warnings if warning.clause)
    yield from (decision.clause for decision in programme.decisions)


def _faults_of_version(version: Version, vocabulary: Vocabulary) -> Iterator[str]:
    faults: list[str] = []
    for condition in version.conditions:
        faults += _faults_of_condition(condition, vocabulary)
    faults += _faults_of_bounds(version, vocabulary)
    faults += _faults_of_quantity(version, vocabulary)
    for amount in version.amounts:
        if amount.per is not None and amount.per not in vocabulary.per:
            faults.append(f"unit {amount.per} has no Chinese word")
        for name, value in amount.when.items():
            faults += _faults_of_value(name, value, vocabulary)
    yield from faults or _faults_of_choice(version, vocabulary)


def _faults_of_condition(condition: Condition, vocabulary: Vocabulary) -> Iterator[str]:
    for value in condition.values:
        yield from _faults_of_value(condition.fact, value, vocabulary)
    fact = vocabulary.fact(condition.fact)
    if fact and condition.comparison in {"at_least", "at_most"} and fact.type not in _ORDERED:
        yield f"{fact.id} has no order to compare by"


def _faults_of_bounds(version: Version, vocabulary: Vocabulary) -> Iterator[str]:
    """Yield each fact of which more is demanded than is allowed; nobody could ever meet both."""
    bounds = [c for c in version.conditions if c.comparison in {"at_least", "at_most"}]
    for low, high in product(bounds, bounds):
        if low.fact == high.fact and (low.comparison, high.comparison) == ("at_least", "at_most"):
            fact = vocabulary.fact(low.fact)
            types = {type(low.value), type(high.value)}
            if fact and types <= {int, float} and low.value > high.value:  # type: ignore[operator]  # both figures
                yield f"{fact.id} has no answer between {low.value} and {high.value}"


def _faults_of_quantity(version: Version, vocabulary: Vocabulary) -> Iterator[str]:
    """Yield why the units cannot be counted: an answer must be demanded, so that an eligible one has it."""
    if version.quantity is None:
        return
    fact = vocabulary.fact(version.quantity)
    if fact is None or fact.type != "integer":
        yield f"quantity {version.quantity} is no count"
    least = [c.value for c in version.conditions if c.fact == version.quantity and c.comparison == "at_least"]
    if not any(isinstance(value, int) and value > 0 for value in least):
        yield f"quantity {version.quantity} is not demanded to be more than nothing"
    if any(amount.amount_fen is None for amount in version.amounts):
        yield f"quantity {version.quantity} counts an amount without a figure"


def _faults_of_value(name: str, value: Any, vocabulary: Vocabulary) -> Iterator[str]:
    fact = vocabulary.fact(name)
    if fact is None:
        yield f"fact {name} is not in the vocabulary"
    elif fact.fault(value):
        yield f"{value!r} is no answer to {name}"


def _faults_of_choice(version: Version, vocabulary: Vocabulary) -> Iterator[str]:
    """Yield every combination of answers that meets the conditions and fits no amount, or more than one."""
    facts = [fact for fact in vocabulary.facts if any(fact.id in amount.when for amount in version.amounts)]
    if open_ended := [fact.id for fact in facts if not fact.values]:
        yield f"amounts cannot be chosen by {', '.join(open_ended)}"
        return
    for values in product(*(_allowed(fact, version) for fact in facts)):
        combination = dict(zip((fact.id for fact in facts), values, strict=True))
        if (count := len(possible_amounts(version, combination))) != 1:
            yield f"{count} amounts fit {combination}"


def _allowed(fact: Fact, version: Version) -> list[Any]:
    conditions = [condition for condition in version.conditions if condition.fact == fact.id]
    return [value for value in fact.values if all(value in condition.values for condition in conditions)]
