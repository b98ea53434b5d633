"""The house stands as it was drawn: what imports what, and what a module looks like."""

import ast
import doctest
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "eslab"
MODULES = sorted(PACKAGE.rglob("*.py"))
COLLECTIONS = set(PACKAGE.glob("course/e[0-9]*.py"))  # exercises stand beside each other, nobody reads them in one go

# A module imports only what stands before it. A folder is one name.
ORDER = (
    *("errors", "show", "retrying", "codec", "events", "chain", "queries", "drafts", "subscriptions", "rows", "store"),
    *("stores", "aggregates", "snapshots", "once", "commands", "causation", "projections", "processes", "states"),
    *("views", "written", "timeline", "branches", "contract", "wiring", "laws", "testing", "interleaving", "trust"),
    *("readers", "frames", "drawing", "charts", "cursors", "traces", "pages", "widgets", "scale", "datasets"),
    *("domains", "course", "cli"),
)
# These import something below them, but only when it is asked for.
LATE = {
    *{("timeline", "branches"), ("timeline", "frames"), ("timeline", "widgets"), ("datasets", "domains")},
    *{("projections", "frames"), ("interleaving", "drawing")},
}
TOP = {"pyproject.toml", "README.md", "LICENSE", "eslab", "notebooks", "datasets", "tests"}
LONGEST = 350
HEAVY = (
    *("pandas", "numpy", "pyarrow", "duckdb", "lxml", "sqlalchemy", "dask", "matplotlib", "ipywidgets", "anywidget"),
    *("IPython", "pytest", "click"),
)
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b|^\s*raise NotImplementedError", re.MULTILINE)


def room(path: Path) -> str:
    """The name in ORDER that a file belongs to; "" for the front door, `eslab/__init__.py`."""
    first = path.relative_to(PACKAGE).parts[0]
    return "" if first == "__init__.py" else first.removesuffix(".py")


def imported(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            found = [alias.name for alias in names]
        case ast.ImportFrom(module="eslab", names=names):
            found = [f"eslab.{alias.name}" for alias in names]
        case ast.ImportFrom(module=str(module)):
            found = [module]
        case _:
            found = []
    yield from (name.split(".")[1] for name in found if name.startswith("eslab."))


def walk(node: ast.AST, late: bool = False) -> Iterator[tuple[str, bool]]:
    """What is imported, and whether only in a function; imports for the type checker alone do not count."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        yield from ((name, late) for name in imported(child))
        yield from walk(child, late or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef))


def breaches(path: Path) -> list[str]:
    """The imports of a file that go against the order."""
    here, found = room(path), []
    for name, late in walk(ast.parse(path.read_text(encoding="utf-8"))):
        upwards = name == here or (name in ORDER[: ORDER.index(here)] if here else name in ORDER)
        if not upwards and not (late and (here, name) in LATE):
            found.append(f"{here or 'eslab'} imports {name}")
    return found


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_imports_only_what_stands_before_it(path):
    assert room(path) in ("", *ORDER)
    assert breaches(path) == []


def test_a_breach_of_the_order_is_seen(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path)
    (tmp_path / "store.py").write_text("from eslab import charts\ndef f():\n    import eslab.cli.lab\n")
    assert breaches(tmp_path / "store.py") == ["store imports charts", "store imports cli"]


def imports_of(name: str) -> set[str]:
    files = [path for path in MODULES if room(path) == name]
    assert files, f"there is no eslab/{name}"
    return {found for path in files for found, _ in walk(ast.parse(path.read_text(encoding="utf-8")))}


def test_aggregates_know_no_store():
    assert not {"store", "stores"} & imports_of("aggregates")


def test_charts_know_no_store():
    assert not {"store", "stores"} & imports_of("charts")


@pytest.mark.parametrize("room_below", ["widgets", "course"])
def test_nothing_imports_what_faces_the_learner(room_below):
    names = {room(path) for path in MODULES} - {"", "cli", room_below}
    assert {name for name in names if room_below in imports_of(name)} <= {here for here, n in LATE if n == room_below}


def test_import_eslab_is_light():
    code = "import sys, eslab; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "eslab.timeline" in loaded
    assert [name for name in HEAVY if name in loaded] == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_opens_with_one_sentence(path):
    first = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]
    assert re.fullmatch(r".*\w.*\.", first), f"{first!r} is no sentence"
    assert not re.search(r"[.!?] [A-Z]", first), f"{first!r} is more than one sentence"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_is_short_enough_to_read(path):
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= LONGEST or path in COLLECTIONS


def test_nothing_is_left_unfinished():
    files = [path for path in PACKAGE.rglob("*") if path.suffix in (".py", ".js", ".css")]
    assert [path.name for path in files if UNFINISHED.search(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("path", [p for p in MODULES if ">>>" in p.read_text("utf-8")], ids=name_of)
def test_every_example_in_a_docstring_gives_what_it_shows(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    module = importlib.import_module(".".join(parts).removesuffix(".__init__"))
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


def test_the_tour_is_run():
    assert ">>>" in (PACKAGE / "__init__.py").read_text(encoding="utf-8")


def test_the_top_level_holds_nothing_else():
    if not (ROOT / ".git").exists():
        pytest.skip("only a checkout says which files are its own")
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    top = {name.partition("/")[0] for name in files}
    assert "eslab" in top
    assert {name for name in top if not name.startswith(".")} <= TOP
