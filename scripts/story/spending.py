"""What must come of the money of the story: written down, not computed from what the server says of itself."""

from collections.abc import Sequence

PROGRAMME, REWARD_FEN = "feeder-referral", 50_000
WAIT_FIRST, SECOND_MONEY = 12, 5
"""So many awards wait when the money runs out; so many of them get some when more comes."""
BY_CLAWBACK = 1
"""So many get theirs by what comes back."""
IN_NEXT_YEAR = WAIT_FIRST - SECOND_MONEY - BY_CLAWBACK
FIRST_STATEMENT, FAILING = 20, (3, 7)
"""How many awards the first statement names, and which of its rows fail."""
CLAWED_BACK, BANK_RETURNED = 10, 5
"""The row of the first statement that is claimed back, and that of the other school's which the bank sends back."""
RECOVERED_FEN = 10_000
OFFSET_FEN = REWARD_FEN - RECOVERED_FEN
CARRIED_FEN, LAPSED_FEN = 130_000, 20_000
"""At the end of the year three awards have money reserved and none paid: what is let go goes over, or lapses."""
LAST_MONEY_FEN = IN_NEXT_YEAR * REWARD_FEN - (CARRIED_FEN - 2 * REWARD_FEN)
"""Two of the three get theirs from what goes over, the held one stands aside; so much lack those who wait behind."""

STORY = (
    *(f"award.{act}" for act in ("proposed", "reviewed", "publicised", "approved", "on_statement", "paid")),
    *(f"clawback.{act}" for act in ("demanded", "contested", "contest_stands", "recovered", "offset")),
)
"""What the school reads of the award that is claimed back from it, among more."""
WAITING = {("statement", "finance"): BY_CLAWBACK + IN_NEXT_YEAR, ("release", "reviewer"): 1}
"""For what how many wait in the end, and whose turn it is."""


def states(ids: Sequence[str], refused: str, held: str) -> dict[str, str]:
    """Return how every award must stand in the end, by its id; `ids` are in the order in which they were approved."""
    last = ids[-IN_NEXT_YEAR - BY_CLAWBACK :]
    found = {one: "approved" if one in last else "paid" for one in ids}
    return found | {refused: "refused", held: "held"}


def balances(awards: int) -> tuple[dict[str, int], dict[str, int]]:
    """Return what the budgets of the two years must show, of so many awards, of which one is refused."""
    approved = awards - 1
    paid = approved - IN_NEXT_YEAR - BY_CLAWBACK - 2  # one is held, one came back from the bank
    appropriated = (approved - IN_NEXT_YEAR - BY_CLAWBACK) * REWARD_FEN
    nothing = dict.fromkeys(("available_fen", "reserved_fen", "committed_fen", "surrendered_fen", "written_off_fen"), 0)
    first = {
        "appropriated_fen": appropriated,
        "spent_fen": (paid - 1) * REWARD_FEN,
        "surrendered_fen": LAPSED_FEN,
        "carried_fen": CARRIED_FEN,
    }
    second = {
        "appropriated_fen": LAST_MONEY_FEN,
        "reserved_fen": (BY_CLAWBACK + IN_NEXT_YEAR) * REWARD_FEN,
        "spent_fen": REWARD_FEN,
        "carried_fen": -CARRIED_FEN,
    }
    return nothing | first, nothing | second


def paid_out(awards: int) -> int:
    """Return how many fen the payer must have paid: some twice, and less what was kept back."""
    paid = awards - 1 - IN_NEXT_YEAR - BY_CLAWBACK - 1
    return (paid + 1) * REWARD_FEN - OFFSET_FEN
