import pytest

from server.kernel.handed import Handed


def test_what_was_not_handed_in_is_missed_by_name() -> None:
    rules = Handed[int]("rules of the game were")
    with pytest.raises(RuntimeError, match="no rules of the game were handed in"):
        rules.in_force()


def test_the_last_one_handed_in_is_in_force_also_one_that_counts_as_nothing() -> None:
    rules = Handed[int]("rules were")
    rules.use(7)
    rules.use(0)
    assert rules.in_force() == 0
