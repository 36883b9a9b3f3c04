"""Play the story, compare, and say so."""

import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from scripts.story import comparing, plan, reckoning, stage
from scripts.story.awarding import Awarding
from scripts.story.comparing import Row
from scripts.story.paying import Paying
from scripts.story.plan import SENDERS, STUDENTS, Plan
from scripts.story.referring import Referring
from scripts.story.stage import StoryError

YEAR = 2027
"""The last entry year whose rewards the opinions of 2024 promise."""
_SHOWN = 20


def main(arguments: Sequence[str]) -> int:
    """Play it and return the exit code.

    The arguments are how many students each school sends, and the URL of an empty database; both may be left out.
    """
    try:
        planned = plan.made(YEAR, int(arguments[0]) if arguments else STUDENTS)
    except ValueError as error:
        print(f"usage: python -m scripts.story [STUDENTS [DATABASE_URL]]: {error}", file=sys.stderr)
        return 2
    try:
        found = asyncio.run(_played(planned, *arguments[1:2]))
    except StoryError as error:
        print(f"the story does not go on: {error}", file=sys.stderr)
        return 1
    return _told(planned, found)


async def _played(planned: Plan, database: str = "") -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="yzt-story-") as folder:
        async with stage.opened(Path(folder), database) as opened:
            story = Referring(opened, planned, YEAR)
            await story.play()
            awarding = Awarding(opened, story)
            await awarding.play()
            paying = Paying(awarding)
            await paying.play()
            began = time.monotonic()
            found = await comparing.rows(story) + await reckoning.rows(paying)
            print(f"compared {len(found)} things in {time.monotonic() - began:.1f} s", flush=True)
            return found


def _told(planned: Plan, found: Sequence[Row]) -> int:
    claims, twice = planned.claims_of(*SENDERS), sum(len(pupil.senders) > 1 for pupil in planned.pupils)
    print(f"\n{len(planned.pupils)} students, {claims.total()} claims, {twice} students claimed twice")
    for state, number in sorted(claims.items()):
        print(f"  {state:<12}{number:>6}")
    differing = comparing.differing(found)
    for about, expected, came in differing[:_SHOWN]:
        print(f"{about}\n  planned {expected}\n  found   {came}", file=sys.stderr)
    print(f"\n{len(found)} things compared, {len(differing)} otherwise than planned")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
