"""From programmes and decisions to answers: names, labels and Chinese phrases put beside the figures."""

from collections.abc import Iterator

from server.policy.answers import (
    AmountAnswer,
    CheckAnswer,
    ConditionAnswer,
    ItemAnswer,
    Needed,
    ProgrammeAnswer,
    WarningAnswer,
)
from server.policy.book import PolicyBook
from server.policy.facts import Fact, SharedWarnings, Value, Vocabulary
from server.policy.programmes import Amount, Condition, NamedWarning, Programme, money_text
from server.policy.rules import Decided, Term


def told(book: PolicyBook, programme: Programme) -> ProgrammeAnswer:
    """Return a programme as it is answered."""
    terms, newest = book.terms[programme.id], programme.versions[-1]
    return ProgrammeAnswer(
        id=programme.id,
        title=programme.title,
        audience=programme.audience,
        jurisdiction=programme.jurisdiction,
        standing=programme.standing,
        payer=newest.payer,
        payee=newest.payee,
        payee_kind=newest.payee_kind,
        amounts=tuple(answer for term in terms for answer in _amounts(book, term)),
        conditions=tuple(answer for term in terms for answer in _conditions(book, term)),
        warnings=tuple(_programme_warnings(book, programme)),
        decisions=programme.decisions,
    )


def item(book: PolicyBook, programme: Programme, decided: Decided) -> ItemAnswer:
    """Return the answer for one programme of a check."""
    amount, term = decided.amount, decided.term
    quantity = _quantity(decided)
    return ItemAnswer(
        programme=programme.id,
        title=programme.title,
        standing=programme.standing,
        version=term.version.id if term and not decided.undecided else None,
        verdict=decided.verdict,
        amount_fen=amount.amount_fen if amount else None,
        per=amount.per if amount else None,
        amount_text=amount_text(amount, book.vocabulary) if amount else None,
        quantity=quantity,
        total_fen=amount.amount_fen * quantity if amount and amount.amount_fen and quantity else None,
        checks=tuple(
            CheckAnswer(
                fact=check.condition.fact,
                needed=needed(check.condition, book.vocabulary),
                got=check.got,
                ok=check.ok,
                text=check.condition.text,
                clause=check.condition.clause,
            )
            for check in decided.checks
        ),
        warnings=tuple(_warnings(book, programme, decided)),
    )


def amount_text(amount: Amount, vocabulary: Vocabulary) -> str:
    """Return an amount in Chinese: `500元/生`, or the words that stand for a figure."""
    if amount.amount_fen is None or amount.per is None:
        return amount.text or ""
    return f"{money_text(amount.amount_fen)}/{vocabulary.per[amount.per]}"


def needed(condition: Condition, vocabulary: Vocabulary) -> Needed:
    """Return what a condition demands, to reckon with and in Chinese."""
    fact, phrases = vocabulary.fact(condition.fact), vocabulary.phrases
    words = phrases.separator.join(value_text(value, fact, vocabulary) for value in condition.values)
    text = phrases.needs[condition.comparison].format(value=words)
    return Needed(comparison=condition.comparison, value=condition.value, text=text)


def value_text(value: Value, fact: Fact | None, vocabulary: Vocabulary) -> str:
    """Return one value in Chinese, with its unit: `20人`, `是`, `中职`."""
    if isinstance(value, bool):
        return vocabulary.phrases.yes if value else vocabulary.phrases.no
    labels = {option.value: option.label for option in fact.options} if fact else {}
    return labels.get(str(value), f"{value}{fact.unit or '' if fact else ''}")


def _amounts(book: PolicyBook, term: Term) -> Iterator[AmountAnswer]:
    version = term.version
    for amount in version.amounts:
        yield AmountAnswer(
            version=version.id,
            starts=term.starts,
            ends=term.ends,
            amount_fen=amount.amount_fen,
            per=amount.per,
            text=amount_text(amount, book.vocabulary),
            when=amount.when,
            quantity=version.quantity,
            payer=version.payer,
            payee=version.payee,
            payee_kind=version.payee_kind,
            clause=version.clause,
        )


def _conditions(book: PolicyBook, term: Term) -> Iterator[ConditionAnswer]:
    for condition in term.version.conditions:
        yield ConditionAnswer(
            version=term.version.id,
            fact=condition.fact,
            needed=needed(condition, book.vocabulary),
            text=condition.text,
            clause=condition.clause,
        )


def _quantity(decided: Decided) -> int | None:
    """Return how many units an eligible answer is about, where a condition's fact counts them."""
    counted = decided.term.version.quantity if decided.term and decided.amount else None
    return next((int(check.got) for check in decided.checks if check.got and check.condition.fact == counted), None)


def _programme_warnings(book: PolicyBook, programme: Programme) -> Iterator[WarningAnswer]:
    shared = book.vocabulary.warnings
    general = (*_warnings_of_standing(programme, shared), *programme.warnings)
    yield from (WarningAnswer(**dict(warning)) for warning in general)
    for term in book.terms[programme.id]:
        warnings = (*_warnings_of_term(term, shared), *term.version.warnings)
        yield from (WarningAnswer(**dict(warning), version=term.version.id) for warning in warnings)


def _warnings(book: PolicyBook, programme: Programme, decided: Decided) -> Iterator[NamedWarning]:
    """Yield the rules' own warnings first, then the programme's; a version's only where it governs."""
    shared, term = book.vocabulary.warnings, decided.term
    if term is None:
        yield NamedWarning(code="outside_every_period", text=shared.outside_every_period)
    elif decided.undecided:
        yield NamedWarning(code="start_day_unknown", text=shared.start_day_unknown, clause=term.version.clause)
    else:
        yield from _warnings_of_term(term, shared)
    yield from _warnings_of_standing(programme, shared)
    yield from programme.warnings
    if term and not decided.undecided:
        yield from term.version.warnings


def _warnings_of_term(term: Term, shared: SharedWarnings) -> Iterator[NamedWarning]:
    clause = term.version.clause
    if term.undated:
        yield NamedWarning(code="dates_unknown", text=shared.dates_unknown, clause=clause)
    if any(amount.unstated for amount in term.version.amounts):
        yield NamedWarning(code="amount_unstated", text=shared.amount_unstated, clause=clause)


def _warnings_of_standing(programme: Programme, shared: SharedWarnings) -> Iterator[NamedWarning]:
    if programme.standing != "current":
        yield NamedWarning(code=programme.standing, text=getattr(shared, programme.standing))
