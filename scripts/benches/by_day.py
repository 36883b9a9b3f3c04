"""Our server as it is by day, whatever the hour: at night only what is urgent goes out."""

import sys
from datetime import datetime

from server import __main__ as product
from server.notices import quiet


def due(priority: int, moment: datetime) -> datetime:  # noqa: ARG001 -- as what it stands for has it
    """Return when a push may go out: at once."""
    return moment


if __name__ == "__main__":
    quiet.due = due
    sys.exit(product.main())
