"""The rules of fair postings as the services ask them: with the content that is loaded, of today."""

from collections.abc import Sequence

from server.kernel import clock
from server.labour import rules
from server.labour.drafts import Draft
from server.labour.rulebook import Rulebook
from server.labour.said import Finding
from server.labour.wages import Hourly


class Fairness:
    """The rules with their content."""

    def __init__(self, book: Rulebook) -> None:
        self.book = book

    def findings(self, draft: Draft) -> Sequence[Finding]:
        """Return what is to be said of a draft today."""
        return rules.findings(draft, self.book, clock.today())

    def hourly(self, draft: Draft) -> Hourly | None:
        """Return what the pay comes to in an hour and how that was reckoned, None where that cannot be said."""
        return rules.hourly_fen(draft, self.book)

    def hourly_fen(self, draft: Draft) -> int | None:
        """Return what the pay comes to in an hour, None where that cannot be said."""
        hourly = self.hourly(draft)
        return hourly.fen if hourly else None
