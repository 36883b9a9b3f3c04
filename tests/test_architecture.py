"""The conventions of the house, as checks: a convention without one is a wish."""

import ast
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sanic import Blueprint, HTTPResponse, Request, Sanic

from miniprogram_api import problem
from miniprogram_api.problem import Problems
from miniprogram_api.web import answers, declaration_of, require_declarations
from server import app
from server.settings import ROOT

CODE = sorted(
    path
    for folder in ("server", "miniprogram_api", "scripts")
    for path in (ROOT / folder).rglob("*.py")
    if "migrations" not in path.parts
)
LONGEST_FILE = 400
USUAL_FILE = 250


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in CODE:
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def function_lengths() -> list[int]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [
        (node.end_lineno or 0) - node.lineno + 1
        for _, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, kinds)
    ]


def too_long(folder: Path, limit: int) -> list[str]:
    return [path.name for path in folder.rglob("*.py") if len(path.read_text(encoding="utf-8").splitlines()) > limit]


def outside_transactions(source: str) -> bool:
    """Whether a file opens a transaction itself instead of asking the kernel's helper."""
    names = {"in_transaction", "atomic", "_in_transaction"}
    tree = ast.parse(source)
    called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    return bool(names & (called | imported))


@pytest.mark.parametrize("folder", ["server", "miniprogram_api", "scripts", "tests"])
def test_no_file_is_past_reading(folder: str) -> None:
    assert too_long(ROOT / folder, LONGEST_FILE) == []


def test_a_401_line_file_would_be_noticed(tmp_path: Path) -> None:
    (tmp_path / "long.py").write_text("x = 1\n" * 401)
    (tmp_path / "short.py").write_text("x = 1\n" * 400)
    assert too_long(tmp_path, LONGEST_FILE) == ["long.py"]


def test_files_and_functions_keep_their_usual_size() -> None:
    sizes = sorted(len(path.read_text(encoding="utf-8").splitlines()) for path in CODE)
    lengths = sorted(function_lengths())
    assert sizes[int(len(sizes) * 0.95) - 1] <= USUAL_FILE
    assert statistics.median(lengths) <= 10
    assert lengths[int(len(lengths) * 0.95) - 1] <= 40


def test_who_imports_whom() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("server/kernel/planted.py", "from server.policy import service"),
        ("server/policy/planted.py", "import sanic"),
        ("miniprogram_api/planted.py", "from server.gateways import wakeup"),
        ("server/policy/planted.py", "from miniprogram_api import web"),
        ("server/gateways/planted.py", "from server import schedules"),
        ("server/policy/rules.py", "import tortoise"),
        ("server/notices/values.py", "from server.kernel import transactions"),
        ("server/schedules.py", "import redis"),
    ],
)
def test_an_import_against_the_layers_would_be_noticed(tmp_path: Path, module: str, line: str) -> None:
    import shutil  # noqa: PLC0415

    for name in ("server", "miniprogram_api"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / module).open("a") as file:
        file.write(line + "\n")
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 1, result.stdout
    assert Path(module).stem in result.stdout


def test_every_capability_has_its_place_in_the_layers() -> None:
    """A folder that no contract names could import whatever it likes."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = {
        name for layer in settings["tool"]["importlinter"]["contracts"][0]["layers"] for name in layer.split(" | ")
    }
    folders = {f"server.{path.parent.name}" for path in (ROOT / "server").glob("*/__init__.py")}
    assert folders - {"server.migrations", "server.gateways"} <= layers


def test_every_route_declares_who_may_call_it(product: app.App) -> None:
    assert len(product.router.routes) > 10
    for route in product.router.routes:
        assert declaration_of(route.handler), route.path


def test_every_route_says_what_it_does_and_answers(product: app.App) -> None:
    for route in product.router.routes:
        declaration = declaration_of(route.handler)
        assert declaration, route.path
        assert declaration.summary, route.path
        assert declaration.answers, route.path


def test_a_route_that_does_not_say_who_may_call_it_keeps_the_server_from_starting() -> None:
    planted: Sanic[Any, Any] = Sanic("planted")
    face = Blueprint("planted")

    @face.get("/silent")
    async def silent(_request: Request) -> HTTPResponse:
        return HTTPResponse()

    @face.get("/half-said")
    @answers(200)
    async def half_said(_request: Request) -> HTTPResponse:
        return HTTPResponse()

    planted.blueprint(face)
    with pytest.raises(RuntimeError, match="half-said, silent"):
        require_declarations(planted)


def test_transactions_go_through_the_helper() -> None:
    opened = {
        str(path.relative_to(ROOT))
        for path in CODE
        if "benches" not in path.parts and outside_transactions(path.read_text(encoding="utf-8"))
    }
    assert opened == {"server/kernel/transactions.py"}


@pytest.mark.parametrize(
    "planted",
    [
        "from tortoise.transactions import in_transaction",
        "from tortoise.transactions import atomic",
        "import tortoise.transactions\nx = tortoise.transactions.in_transaction()",
        "x = connection._in_transaction()",
    ],
)
def test_a_transaction_outside_the_helper_would_be_noticed(planted: str) -> None:
    assert outside_transactions(planted)


def asks_the_time(source: str, *askers: str) -> bool:
    calls = {"now", "today", "utcnow"}
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)]
    return any(node.attr in calls and ast.unparse(node.value) in askers for node in nodes)


def test_only_the_clock_asks_what_time_it_is() -> None:
    askers = ("datetime", "date", "datetime.datetime", "datetime.date")
    assert asks_the_time("x = datetime.now(UTC)", *askers)
    asking = {str(path.relative_to(ROOT)) for path in CODE if asks_the_time(path.read_text(encoding="utf-8"), *askers)}
    assert {name for name in asking if name.startswith(("server", "miniprogram_api"))} == {"server/kernel/clock.py"}


def test_what_is_pure_knows_the_zone_but_not_the_time() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    pure = [one for one in settings["tool"]["importlinter"]["contracts"] if " pure" in one["name"]]
    files = [ROOT / f"{name.replace('.', '/')}.py" for one in pure for name in one["source_modules"]]
    assert len(pure) == 2
    assert asks_the_time("x = clock.now()", "clock")
    assert not [path for path in files if asks_the_time(path.read_text(encoding="utf-8"), "clock")]


def test_only_settings_reads_the_environment() -> None:
    def reads(source: str) -> bool:
        return any(
            isinstance(n, ast.Attribute) and n.attr in {"environ", "getenv"} for n in ast.walk(ast.parse(source))
        )

    assert reads("import os\nx = os.environ['A']")
    reading = {str(path.relative_to(ROOT)) for path in CODE if reads(path.read_text(encoding="utf-8"))}
    assert {name for name in reading if name.startswith(("server", "miniprogram_api"))} == {"server/settings.py"}


def test_every_refusal_in_the_code_has_its_chinese_words() -> None:

    problems = Problems.load(app.CONTENT_DIR)
    slugs, faults, nouns = set[str](), set[str](), set[str]()
    for _, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
                if node.func.id in {"DomainError", "Against"}:
                    slugs |= {str(texts[0])} if texts else set()
                if node.func.id == "FieldFault" and isinstance(node.args[1], ast.Constant):
                    faults.add(str(node.args[1].value))
                if node.func.id == "found":
                    nouns |= {str(text) for text in texts}
    slugs |= set(problem._SLUGS.values())  # noqa: SLF001 -- looked up by status, in no call
    assert slugs >= {"invalid", "not_found"}
    assert nouns >= {"policy", "article"}
    assert slugs <= set(problems.problems)
    assert faults <= set(problems.faults)
    assert nouns <= set(problems.nouns)


def test_every_field_that_a_client_may_send_has_a_chinese_name(product: app.App) -> None:

    declarations = [declaration_of(route.handler) for route in product.router.routes]
    models = {model for declared in declarations if declared for model in (declared.query, declared.body) if model}
    names = {field.alias or name for model in models for name, field in model.model_fields.items()}
    assert names >= {"limit", "facts"}
    assert names <= set(Problems.load(app.CONTENT_DIR).fields)
