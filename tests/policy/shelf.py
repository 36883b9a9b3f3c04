"""A copy of the content that a test may break."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from server.kernel.content import load_yaml
from server.settings import ROOT

CONTENT = ROOT / "content"


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
        path.write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), encoding="utf-8")

    def write(self, name: str, text: str) -> None:
        """Write one file."""
        (self.root / name).write_text(text, encoding="utf-8")

    def replace(self, name: str, old: str, new: str) -> None:
        """Change words in one file, which must be there."""
        text = (self.root / name).read_text(encoding="utf-8")
        assert old in text
        self.write(name, text.replace(old, new))
