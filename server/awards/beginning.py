"""What a process is given before it has to do with awards: their rules, and the programmes they follow from."""

from pathlib import Path

from server.awards import book, following, places, rules
from server.policy.book import PolicyBook, load
from server.referrals import following as claims


def begin(content_dir: Path, programmes: PolicyBook) -> None:
    """Give this process the rules of awards and the programmes, and let awards follow claims; raises ContentError."""
    rules.use(rules.load(content_dir))
    book.use(programmes)
    claims.follow(following.follow)
    places.use(places.load(content_dir))


def begin_alone(content_dir: Path) -> None:
    """Do the same in a process that needs nothing else of the policies; raises ContentError."""
    begin(content_dir, load(content_dir))
