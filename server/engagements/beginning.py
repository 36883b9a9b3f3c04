"""What a process is given before it has to do with engagements: rules, the law of work, and to follow postings."""

from pathlib import Path

from server.consents import documents
from server.consents.documents import Documents
from server.engagements import fitness, following, rules
from server.engagements.fitness import Law
from server.kernel.content import read
from server.labour import keeping
from server.labour.rulebook import Limits, Statutes


def begin(content_dir: Path, limits: Limits, consent: Documents) -> None:
    """Give this process the rules in a folder of content, the figures of the rules of work and what is consented to.

    Raises ContentError.
    """
    rules.use(rules.load(content_dir))
    fitness.use(Law(limits, consent))
    keeping.follow(following.follow)


def begin_alone(content_dir: Path) -> None:
    """Do the same in a process that needs nothing else of the content; raises ContentError."""
    statutes = read(Statutes, content_dir / "labour" / "rules.yaml")
    begin(content_dir, statutes.limits, documents.load(content_dir))
