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
    """Yield what is wrong between clauses."""
    for policy in policies:
        for clause in policy.clauses:
            for other in (*clause.governed_by, *clause.narrows):
                if other not in clauses:
                    yield f"policies/{policy.id}: {clause.id} refers to {other}, which is nowhere"
            for earlier in clause.narrows:
                if earlier in clauses and clause.id not in clauses[earlier].governed_by:
                    yield f"policies/{policy.id}: {clause.id} narrows {earlier}, which is not governed by it"


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
    for version in programme.versions:
        yield from (f"{where}: version {version.id}: {fault}" for fault in _faults_of_version(version, vocabulary))
    for case in programme.cases:
        for name, value in case.facts.items():
            yield from (f"{where}: case {case.name}: {fault}" for fault in _faults_of_value(name, value, vocabulary))


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
