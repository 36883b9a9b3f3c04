"""A copy of the content that a test may break."""

import json
import pickle
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from server.kernel import content
from server.kernel.content import load_yaml
from server.settings import ROOT

CONTENT = ROOT / "content"
_read: dict[str, bytes] = {}


@contextmanager
def read_once() -> Iterator[None]:
    """Have no text read as YAML twice: of a copy all but a file or two are as they were."""
    values = content._values  # noqa: SLF001 -- where all content comes through

    def known(text: str, path: Path) -> Any:
        if text not in _read:
            _read[text] = pickle.dumps(values(text, path))
        return pickle.loads(_read[text])  # noqa: S301 -- ours

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(content, "_values", known)
        yield


class Copy:
    """The content in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "content"
        shutil.copytree(CONTENT, self.root)

    def edit(self, name: str, change: Callable[[Any], object]) -> None:
        """Change the values of one YAML file in place."""
        path = self.root / name
        data = load_yaml(path)
        change(data)
        path.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")  # which is YAML too, and made sooner

    def write(self, name: str, text: str) -> None:
        """Write one file."""
        (self.root / name).write_text(text, encoding="utf-8")

    def replace(self, name: str, old: str, new: str) -> None:
        """Change words in one file, which must be there."""
        text = (self.root / name).read_text(encoding="utf-8")
        assert old in text
        self.write(name, text.replace(old, new))
