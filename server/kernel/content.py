"""Content files read strictly: a fault in one is found when it is loaded, never when it is shown."""

import json
from collections.abc import Iterable
from pathlib import Path
from re import compile as regex
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from yaml.constructor import ConstructorError

try:
    from yaml import CSafeLoader as SafeLoader
except ImportError:  # a libyaml is not everywhere
    from yaml import SafeLoader  # type: ignore[assignment]

M = TypeVar("M", bound=BaseModel)

RETAGGED = {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool"}


class ContentError(Exception):
    """Content that cannot be served. `faults` are sentences, each beginning with the file's path."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


class Content(BaseModel):
    """A frozen piece of content that knows all its fields; answers speak its aliases."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)


class _Loader(SafeLoader):
    """YAML without its traps: dates stay strings, `on` and `no` are words, a key is given once."""

    yaml_implicit_resolvers = {  # noqa: RUF012 -- the loader's own shape
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in RETAGGED]
        for first, resolvers in SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 -- PyYAML's signature
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for key in keys:
            if keys.count(key) > 1:
                raise ConstructorError(None, None, f"{key!r} is given twice", node.start_mark)
        return super().construct_mapping(node, deep=deep)


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", regex("^(?:true|false)$"), list("tf"))


def load_yaml(path: Path) -> Any:
    """Return the values in a YAML file; raises ContentError, also for a file that cannot be read."""
    return _values(_text(path), path)


def load_markdown(path: Path) -> tuple[dict[str, Any], str]:
    """Return the YAML between the two `---` lines at the top, and the text after them.

    Raises ContentError, also where the front matter is missing or no mapping.
    """
    opening, *rest = _text(path).split("---\n", 2)
    if opening or len(rest) != 2:  # noqa: PLR2004 -- front matter and body
        raise ContentError([f"{path}: no front matter between two --- lines"])
    front = _values(rest[0], path)
    if not isinstance(front, dict):
        raise ContentError([f"{path}: the front matter is no mapping"])
    return front, rest[1].strip()


def parse(model: type[M], data: Any, source: Path) -> M:
    """Return `data` as `model`, strictly: no number is read from a string, no date from a number.

    Raises ContentError that lists every fault with `source` and the field's path.
    """
    try:
        return model.model_validate_json(json.dumps(data), strict=True)
    except ValidationError as error:
        raise ContentError(
            f"{source}: {'.'.join(map(str, fault['loc'])) or 'file'}: {fault['msg']}"
            for fault in error.errors(include_url=False)
        ) from None
    except TypeError as error:  # a YAML tag such as !!binary or !!set
        raise ContentError([f"{source}: {error}"]) from None


def read(model: type[M], path: Path) -> M:
    """Return the YAML file at `path` as `model`; raises ContentError as `load_yaml` and `parse` do."""
    return parse(model, load_yaml(path), path)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ContentError([f"{path}: {error}"]) from None


def _values(text: str, path: Path) -> Any:
    try:
        return yaml.load(text, _Loader)  # noqa: S506 -- a safe loader made stricter
    except yaml.YAMLError as error:
        raise ContentError([f"{path}: {error}"]) from None
