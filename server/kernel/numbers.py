"""Numbers that people read out: one series per purpose and year, without gaps."""

from tortoise import fields
from tortoise.models import Model

from server.kernel.statements import returned
from server.kernel.transactions import running

_TAKE = (
    "INSERT INTO number_series (name, taken) VALUES ($1, $2) "
    "ON CONFLICT (name) DO UPDATE SET taken = number_series.taken + excluded.taken RETURNING taken"
)


class NumberSeries(Model):
    """A series (`R2026`) and how many numbers were taken from it."""

    name = fields.CharField(max_length=16, primary_key=True)
    taken = fields.IntField()

    class Meta:
        table = "number_series"


async def take(series: str, count: int = 1) -> int:
    """Take `count` numbers of a series and return the first; whoever takes from it next waits for this transaction.

    Take it late: nothing else may be waited for afterwards. Raises RuntimeError outside a transaction, since only
    there a number that comes to nothing goes back.
    """
    if not running():
        raise RuntimeError("a number is taken by a transaction")
    rows = await returned(_TAKE, series, count)
    return int(rows[0]["taken"]) - count + 1
