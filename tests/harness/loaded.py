"""What the process holds from which `forking` makes others: all that the product imports, and none of it running."""

import gc

from server import app, operations

assert app
assert operations
gc.collect()
gc.freeze()
