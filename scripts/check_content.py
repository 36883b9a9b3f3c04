"""Check all content: it loads, its worked cases come out, its figures are references, its words are our own.

Usage: scripts/check_content [--content DIR] [--sources DIR]. Exits 1 on any fault; an overdue recheck only warns.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from miniprogram_api import words
from server.consents import documents
from server.engagements import rules as engagement_rules
from server.engagements.matching import book as matching_book
from server.guide import checks as guide_checks
from server.guide import service as guide_service
from server.imports.models import ImportKind
from server.kernel import clock
from server.kernel.content import ContentError
from server.labour import cases as labour_cases
from server.labour import rulebook
from server.notices import catalogue, quiet
from server.policy import checks as policy_checks
from server.policy import compare
from server.policy import service as policy_service
from server.policy.book import PolicyBook
from server.privacy import rules as privacy_rules
from server.reference import service as reference_service
from server.referrals import columns as list_columns
from server.referrals import rules as referral_rules
from server.settings import ROOT
from server.students import id_regions


def main() -> int:
    """Print what was checked and every fault; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--content", type=Path, default=ROOT / "content")
    parser.add_argument("--sources", type=Path, help="folder of the documents' texts (*.txt)")
    options = parser.parse_args()
    try:
        faults = _check(options.content, options.sources)
    except ContentError as error:
        faults = list(error.faults)
    for fault in faults:
        print("FAULT", fault)
    print(f"{len(faults)} faults" if faults else "content is in order")
    return 1 if faults else 0


def _check(content: Path, sources: Path | None) -> list[str]:
    book = policy_service.load(content)
    guide = guide_service.load(content, book)
    today = clock.today()
    for warning in (*policy_checks.overdue(book, today), *guide_checks.overdue(guide, today)):
        print("WARNING", warning)
    cases = sum(len(programme.cases) for programme in book.programmes.values())
    print(
        f"{len(book.policies)} policies, {len(book.clauses)} clauses, {len(book.programmes)} programmes, {cases} cases"
    )
    subjects = compare.load(content, book).subjects
    lists = reference_service.load(content, book)
    print(f"{len(subjects)} subjects compared, {len(book.targets)} targets, {len(lists.regions)} regions")
    print(f"{len(lists.majors)} groups of majors, {len(lists.occupations)} occupations")
    print(f"region codes of ID numbers on {len(id_regions.load(content).codes)} lines")
    fair, worked = rulebook.load(content, lists), labour_cases.load(content)
    levels = matching_book.load(content, lists, fair.limits.hazardous, fair.limits.of_age).levels
    print(f"{sum(map(len, levels.steps.values()))} steps of matching")
    print(f"{len(fair.statutes.rules)} rules of fair postings, {len(worked.cases)} cases")
    asked, kept = documents.load(content).on(today), privacy_rules.load(content).rules
    print(f"{len(asked)} documents to consent to, {len(kept)} kinds of data with their periods")
    columns = [len(list_columns.load(content).of(kind).columns) for kind in ImportKind]
    print(f"{sum(columns)} columns of schools' lists")
    print(f"{len(dict(engagement_rules.load(content)))} periods of engagements")
    told, _hours = catalogue.load(content), quiet.load(content)
    print(f"{sum(map(len, told.kinds.values()))} kinds of notices on {len(told.templates)} templates")
    days = sum(len(dict(intake)) for intake in referral_rules.load(content).intakes.values())
    print(f"{days} days of referrals' intakes, {len(words.load(content).acts)} words for what is done")
    print(f"{len(guide.editions)} editions, {len(guide.articles)} articles, {len(guide.leaflets)} leaflets")
    borrowed = _borrowed(content, book, sources) if sources else ()
    unfair = [f"{content / 'labour'}: {fault}" for fault in labour_cases.faults(worked, fair)]
    return [*policy_checks.faults(book), *guide_checks.faults(content, guide, book), *unfair, *borrowed]


def _borrowed(content: Path, book: PolicyBook, sources: Path) -> Iterator[str]:
    for path, run in guide_checks.shared_runs(content, book, sources):
        print(f"longest run shared with a source: {len(run):3} {path.relative_to(content)}  {run}")
        if len(run) > guide_checks.LONGEST_SHARED:
            yield f"{path}: {len(run)} characters as in a source: {run}"


if __name__ == "__main__":
    sys.exit(main())
