"""What of a claim somebody should look at: values in, values out."""

from collections.abc import Iterable
from enum import StrEnum


class Flag(StrEnum):
    """One thing that stands out, as it lies in `Referral.flags`."""

    NAME_DIFFERS = "name_differs"
    """The claim and the enrolment name the student differently."""
    OTHER_SCHOOL = "other_school"
    """The student entered another school than the claim names."""
    OTHER_WITHDREW = "other_withdrew"
    """Another school's claim beside this one was taken away, so nobody has decided between them."""
    NAME_UNLIKE_KNOWN = "name_unlike_known"
    """Whoever has this ID number is known under another name."""
    AGE_UNUSUAL = "age_unusual"


NEEDS_CHECK = frozenset({Flag.NAME_DIFFERS, Flag.OTHER_WITHDREW, Flag.NAME_UNLIKE_KNOWN})
"""With one of these a reviewer must look."""


def needs_check(flags: Iterable[str]) -> bool:
    """Whether a reviewer must look at a claim with these flags."""
    return not NEEDS_CHECK.isdisjoint(flags)


def changed(flags: Iterable[str], *, add: Iterable[Flag] = (), drop: Iterable[Flag] = ()) -> list[str]:
    """Return flags with some more and some less, in a settled order."""
    wanted = {*flags, *add} - {*drop}
    return [flag for flag in Flag if flag in wanted]
