"""The walls of the house: who may import whom, where SQL lives, and what a workflow file may bring into its sandbox."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# What each part may import of ours. `worker`, `cli` and `bench` are at the end of all directions and may import everything.
ALLOWED: dict[str, set[str]] = {
    "safe_errors": set(),
    "setting_groups": set(),
    "settings": {"setting_groups"},  # and hands on what others need of it
    "temporal_client": {"settings"},
    "stack": {"settings"},
    "models": {"settings"},
    "tracking": {"models"},  # only words: see WORDS_ONLY
    "services": {"settings", "models", "tracking"},
    "activities": {"models", "tracking", "services"},
    "workflows": {"models", "activities"},
    "api": {"settings", "temporal_client", "models", "tracking", "services"},
    "console": {"settings", "models", "services", "api"},  # pages over the API's documents
    "demo": {"settings", "models", "stack"},  # through the public API; compares the totals with the rows
    "drills": {"settings", "models", "tracking", "stack", "demo"},  # the same, and reads which link is whose from its token
}
OURS = {*ALLOWED, "worker", "bounces", "cli", "cli_channels", "cli_keys", "cli_operator", "bench", "migrations", "tests"}

# Of models, workflow code knows the values that travel and nothing of the database.
WIRE_ONLY = ("models.wire.", "models.sequences.steps.", "models.texts.temporal_text.")

# Of models, tracking knows closed sets of words and nothing of the database.
WORDS_ONLY = {"models.clicks.verdict"}

SESSION_TYPES = {"sqlalchemy.ext.asyncio", "sqlalchemy.exc"}
STATEMENT = re.compile(r"\s*(SELECT\s|INSERT INTO\s|UPDATE\s+\w+\s+SET\s|DELETE FROM\s|WITH\s+\w+\s+AS\b|COPY\s+\w+\s)")

# The redirect's own connection (no pool, no ORM: see its docstring). Its statements are in models/clicks/inbox.py.
PSYCOPG_ALLOWED = {"api/redirect/keeping/inbox.py"}


def files(*parts: str) -> Iterator[Path]:
    for part in parts:
        one = ROOT / f"{part}.py"
        yield from [one] if one.exists() else sorted((ROOT / part).rglob("*.py"))


def imports(tree: ast.AST) -> Iterator[tuple[str, list[str]]]:
    """Module and imported names of each import, wherever it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written in full"
            yield node.module or "", [alias.name for alias in node.names]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@pytest.mark.parametrize("part", ALLOWED)
def test_imports_run_one_way(part: str) -> None:
    allowed = {*ALLOWED[part], part, "safe_errors"}
    wrong = [
        f"{name(path)} imports {module}"
        for path in files(part)
        for module, _ in imports(parse(path))
        if (top := module.partition(".")[0]) in OURS and top not in allowed
    ]
    assert wrong == []


def test_every_part_of_the_project_has_a_place_in_the_order() -> None:
    parts = {path.parent.name for path in ROOT.glob("*/__init__.py")} | {path.stem for path in ROOT.glob("*.py")}
    assert parts - OURS == set()


def test_tracking_sees_only_words() -> None:
    """It is pure and fast, and imported by processes that have no database."""
    wrong = [
        f"{name(path)}: {module}"
        for path in files("tracking")
        for module, _ in imports(parse(path))
        if module.startswith("models") and module not in WORDS_ONLY
    ]
    assert wrong == []


def test_workflows_see_only_what_travels() -> None:
    """A table in workflow code would cross Temporal sooner or later."""
    wrong = []
    for path in files("workflows"):
        for module, names in imports(parse(path)):
            full = [f"{module}.{each}" for each in names] if (ROOT / module.replace(".", "/")).is_dir() else [module]
            models = [each for each in full if each.startswith("models")]
            wrong += [f"{name(path)}: {each}" for each in models if not f"{each}.".startswith(WIRE_ONLY)]
    assert wrong == []


def test_workflow_files_import_ours_past_the_sandbox() -> None:
    """Otherwise each run would import activities, models and all libraries again, because a worker makes an instance for each
    run."""
    wrong = []
    for path in files("workflows"):
        if "@workflow.defn" in path.read_text():
            outside = [node for node in parse(path).body if isinstance(node, ast.Import | ast.ImportFrom)]
            modules = [module for node in outside for module, _ in imports(ast.Module([node], []))]
            wrong += [f"{name(path)}: {module}" for module in modules if module.partition(".")[0] in OURS]
            # The package itself is in the sandbox, so a module taken from it would be imported again there.
            wrong += [f"{name(path)}: from workflows" for module, _ in imports(parse(path)) if module == "workflows"]
    assert wrong == []


def test_sql_has_one_home() -> None:
    wrong = []
    for path in files(*(OURS - {"models", "migrations", "tests", "stack", "bench"})):
        if (
            path.match("_rows.py") or path.match("drills/parts/rows.py") or path.match("drills/parts/*/rows.py")
        ):  # made-up rows stand beside what makes them up
            continue
        tree = parse(path)
        for module, _ in imports(tree):
            library = module.partition(".")[0]
            if library in {"sqlalchemy", "sqlmodel"} and module not in SESSION_TYPES:
                wrong.append(f"{name(path)} imports {module}")
            if library == "psycopg" and name(path) not in PSYCOPG_ALLOWED:
                wrong.append(f"{name(path)} imports psycopg")
        constants = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
        wrong += [f"{name(path)}: {each[:40]!r}" for each in constants if isinstance(each, str) and STATEMENT.match(each)]
    assert wrong == []


def test_a_service_never_commits() -> None:
    """It takes its caller's session, or the `Database` for transactions of its own: then nobody else's work is in them."""
    wrong = [
        f"{name(path)}:{node.lineno}"
        for path in files("services")
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Attribute) and node.attr in {"commit", "rollback"}
    ]
    assert wrong == []


def test_package_files_are_empty() -> None:
    """Workflow files are imported again in Temporal's sandbox, and their packages with them."""
    assert [name(path) for path in files(*OURS) if path.name == "__init__.py" and path.read_text()] == []


def test_no_file_is_longer_than_400_lines() -> None:
    """A longer one has more than one subject. Generated migrations are lists."""
    long = {name(path): lines for path in files(*OURS) if (lines := len(path.read_text().splitlines())) > 400}
    assert {path for path in long if not path.startswith("migrations/versions/")} == set()


def test_only_settings_reads_the_environment() -> None:
    readers = [
        name(path)
        for path in files(*(OURS - {"tests", "settings", "stack", "bench"}))
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    ]
    assert readers == []


def declared(requirements: list[str]) -> set[str]:
    return {distribution(name[0]) for line in requirements if (name := re.match(r"[\w.-]+", line))}


def distribution(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_what_is_imported_is_declared_and_locked() -> None:
    """What comes with another package goes when that one changes its mind."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = declared(project["project"]["dependencies"])
    developing = declared(project["dependency-groups"]["dev"])  # what `./linkwake bench` and `drill` install as well
    installed = packages_distributions()
    for parts, enough in ((OURS - {"tests", "bench", "drills"}, wanted), ({"bench", "drills"}, wanted | developing)):
        modules = {module.partition(".")[0] for path in files(*parts) for module, _ in imports(parse(path))}
        others = modules - OURS - sys.stdlib_module_names
        belongs = {module: {distribution(name) for name in installed[module]} for module in others}
        assert [module for module, names in belongs.items() if not names & enough] == []
    assert wanted - declared((ROOT / "requirements.lock").read_text().splitlines()) == set()
