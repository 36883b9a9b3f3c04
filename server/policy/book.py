"""Everything that content says about policy, loaded once and cross-checked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from server.kernel.content import ContentError, read
from server.kernel.dates import PolicyDate, until
from server.policy.documents import Clause, Policy
from server.policy.facts import Vocabulary
from server.policy.programmes import Programme
from server.policy.references import faults_of_policies, faults_of_programme
from server.policy.rules import Term
from server.policy.targets import Target, Targets, faults_of_targets

Item = TypeVar("Item", Policy, Programme)


@dataclass(frozen=True, slots=True)
class PolicyBook:
    """Policies, clauses, programmes and targets by id, each programme's terms, and the vocabulary of its rules."""

    policies: Mapping[str, Policy]
    clauses: Mapping[str, Clause]
    programmes: Mapping[str, Programme]
    terms: Mapping[str, tuple[Term, ...]]
    vocabulary: Vocabulary
    targets: Mapping[str, Target]

    def policy_of(self, clause_id: str) -> Policy:
        """Return the document of a clause that is known to exist."""
        return self.policies[clause_id.partition("/")[0]]

    def label(self, clause_id: str) -> str:
        """Return how a known clause is cited in Chinese."""
        return self.policy_of(clause_id).label(self.clauses[clause_id])


def load(content_dir: Path) -> PolicyBook:
    """Return the book of `policies/`, `programmes/` and `reference/{facts,targets}.yaml`.

    Raises ContentError with all faults.
    """
    reference = content_dir / "reference"
    vocabulary = read(Vocabulary, reference / "facts.yaml")
    targets = {target.id: target for target in read(Targets, reference / "targets.yaml").targets}
    faults: list[str] = []
    policies = _read(Policy, content_dir / "policies", faults)
    programmes = _read(Programme, content_dir / "programmes", faults)
    clauses = {clause.id: clause for policy in policies.values() for clause in policy.clauses}
    _raise(faults)  # a file that was not understood would only make references to it look wrong
    faults += faults_of_policies(policies.values(), clauses)
    faults += faults_of_targets(targets.values(), policies, clauses)
    for programme in programmes.values():
        faults += faults_of_programme(programme, policies, clauses, vocabulary)
    _raise(faults)
    terms = {programme.id: _terms(programme, policies) for programme in programmes.values()}
    return PolicyBook(policies, clauses, programmes, terms, vocabulary, targets)


def _read(model: type[Item], folder: Path, faults: list[str]) -> dict[str, Item]:
    found: dict[str, Item] = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            item = read(model, path)
        except ContentError as error:
            faults += error.faults
            continue
        if item.id != path.stem:
            faults.append(f"{path}: id {item.id} differs from the file's name")
        found[item.id] = item
    return found


def _raise(faults: Iterable[str]) -> None:
    if told := tuple(faults):
        raise ContentError(told)


def _terms(programme: Programme, policies: Mapping[str, Policy]) -> tuple[Term, ...]:
    """Give each version its period; raises ContentError where their order in time is not plain."""
    terms: list[Term] = []
    successor: PolicyDate | None = None
    for version in reversed(programme.versions):
        policy = policies[version.clause.partition("/")[0]]
        starts, ends = version.starts or policy.effective_from, version.ends or policy.effective_to
        if successor is not None:
            if not _before(starts, successor):
                raise ContentError([f"programmes/{programme.id}: version {version.id} does not start before the next"])
            ends = _earlier(ends, until(successor))
        terms.append(Term(version, starts, ends))
        successor = starts
    return tuple(reversed(terms))


def _before(one: PolicyDate, other: PolicyDate) -> bool:
    spans = one.span(), other.span()
    return spans[0] is not None and spans[1] is not None and spans[0][1] < spans[1][0]


def _earlier(end: PolicyDate, takeover: PolicyDate) -> PolicyDate:
    """Return the document's own end if it lies before the takeover; an unknown one is no end at all."""
    return end if _before(end, takeover) else takeover
