"""What the process holds from which `forking` makes others: all that the product imports, and none of it running.

Content as shipped is read here once, for it takes most of a server's start and is the same in all of them.
"""

import gc
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from server import app, operations

SHIPPED, PUBLISH = app.CONTENT_DIR, app.publish  # type: ignore[attr-defined]  # what the module imports itself

assert operations
_read: Any = SimpleNamespace(ctx=SimpleNamespace())
PUBLISH(_read, SHIPPED)


def publish(made: app.App, content_dir: Path) -> None:
    """Hand an app what was read from the shipped content; read any other folder as in life."""
    if content_dir == SHIPPED:
        vars(made.ctx).update(vars(_read.ctx))
    else:
        PUBLISH(made, content_dir)


vars(app)["publish"] = publish
gc.collect()
gc.freeze()
