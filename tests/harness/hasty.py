"""The product with all that a push waits for made short, for tests that cannot take hours. Run as a module.

`HASTE` is for how many seconds a lease lasts and a lost answer is waited for.
"""

import os
import sys
from datetime import timedelta

from server import __main__ as product
from server.gateways.wechat import transport
from server.notices import endings, post

if __name__ == "__main__":
    transport.TOTAL_SECONDS = 1
    endings.LEASE = endings.WAIT = timedelta(seconds=float(os.environ.get("HASTE", "4")))
    endings.FIRST_PAUSE, endings.LONGEST_PAUSE = timedelta(seconds=0.2), timedelta(seconds=2)
    post.PROBE_SECONDS, post.ROOM = 0.3, endings.LEASE / 4
    sys.exit(product.main())
