"""What a process is given before it has to do with awards: their rules, and the programmes they follow from."""

from pathlib import Path

from server.awards import book, rules
from server.policy.book import PolicyBook, load


def begin(content_dir: Path, programmes: PolicyBook) -> None:
    """Give this process the rules of awards and the programmes; raises ContentError."""
    rules.use(rules.load(content_dir))
    book.use(programmes)


def begin_alone(content_dir: Path) -> None:
    """Do the same in a process that needs nothing else of the policies; raises ContentError."""
    begin(content_dir, load(content_dir))
