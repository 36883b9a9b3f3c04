"""What is made at start stays; of what is asked for later only so many bytes are kept, the last asked for."""

import os

from pydantic import BaseModel

from miniprogram_api import shelf
from miniprogram_api.representation import OVERHEAD_BYTES, Representation
from miniprogram_api.shelf import Shelf


class View(BaseModel):
    """Bytes that do not compress."""

    text: str


def ask(one: Shelf, key: int, kilobytes: int = 500) -> bool:
    """Ask for an answer; tell whether it had to be made."""
    made = []

    def view() -> View:
        made.append(key)
        return View(text=os.urandom(kilobytes * 512).hex())

    one.json(key, view)
    return bool(made)


def test_an_answer_is_made_once() -> None:
    one = Shelf()
    assert [ask(one, 1, 1), ask(one, 1, 1)] == [True, False]
    one.seal()
    assert [ask(one, 1, 1), ask(one, 2, 1), ask(one, 2, 1)] == [False, True, False]


def test_later_answers_go_when_there_are_too_many_and_those_made_at_start_never() -> None:
    one = Shelf()
    ask(one, 0)
    one.seal()
    for key in range(1, 60):
        ask(one, key)
        ask(one, 1)  # asked for again and again
    assert one._recent_bytes <= shelf.ROOM_BYTES  # noqa: SLF001
    assert one._recent_bytes == sum(answer.size for answer in one._recent.values())  # noqa: SLF001
    assert not ask(one, 0)
    assert not ask(one, 1)
    assert not ask(one, 59)
    assert ask(one, 2)


def test_an_answer_larger_than_the_room_is_given_and_not_kept() -> None:
    one = Shelf()
    one.seal()
    too_large = shelf.ROOM_BYTES // 1024 + 1
    assert [ask(one, 1, too_large), ask(one, 1, too_large)] == [True, True]


def test_small_answers_are_bounded_as_well() -> None:
    """What Python needs to hold an answer is more than an empty answer's bytes."""
    one = Shelf()
    one.seal()
    most = shelf.ROOM_BYTES // OVERHEAD_BYTES
    for number in range(2 * most):
        one.kept(("found", number), lambda: Representation(b"{}"))
    assert len(one._recent) <= most  # noqa: SLF001 -- its size is the point
