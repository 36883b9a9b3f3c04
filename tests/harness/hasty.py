"""The product with all that a push waits for made short, for drills that cannot take hours. Run as a module."""

import sys
from datetime import timedelta

from server import __main__ as product
from server.gateways.wechat import transport
from server.notices import endings

if __name__ == "__main__":
    transport.TOTAL_SECONDS = 1
    endings.LEASE, endings.WAIT = timedelta(seconds=4), timedelta(seconds=4)
    endings.FIRST_PAUSE, endings.LONGEST_PAUSE = timedelta(seconds=0.2), timedelta(seconds=2)
    sys.exit(product.main())
