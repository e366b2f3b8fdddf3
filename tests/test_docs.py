"""Documentation cannot rot: what it names exists, and the API page is what the API is."""

import importlib
import re
import subprocess
from pathlib import Path

import pytest

from api.app import create_app
from api.description.reference import reference
from cli import app as command_line
from models.sequences.steps.registry import KINDS

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
SOURCE = re.compile(r"`((?:[a-z_]+/)+[A-Za-z0-9_.-]*|[a-z_]+\.(?:py|yml|toml|lock))`")
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")
OTHERS = ("var/", "v1/", "temporalio/")  # data, addresses of the API, images
NAMED = re.compile(r"`((?:[a-z_]+/)*[a-z_]+\.py)::([A-Za-z_.]+)`")
STAGE = re.compile(r"^\| [a-z, ]+ \| (`.+?) \| ", re.MULTILINE)
COMMAND = re.compile(r"\./linkwake ([a-z][a-z-]*)")


def relative(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_files_that_a_page_names_exist(page: Path) -> None:
    named = {path for path in SOURCE.findall(page.read_text()) if not path.startswith(OTHERS) and path != "__init__.py"}
    missing = sorted(path for path in named if not (ROOT / path).exists() and not (page.parent / path).exists())
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_functions_that_a_page_names_exist(page: Path) -> None:
    assert [f"{path}::{name}" for path, name in NAMED.findall(page.read_text()) if not resolves(path, name)] == []


def test_a_function_that_is_gone_is_found() -> None:
    assert resolves("tests/test_docs.py", "relative")
    assert resolves("services/starter.py", "Starter.start_enrollments")
    assert not resolves("services/starter.py", "Starter.begin_enrollments")
    assert not resolves("services/no_such_file.py", "begin")


def test_every_stage_of_the_flow_names_functions_and_not_only_files() -> None:
    stages = STAGE.findall((ROOT / "docs" / "flow.md").read_text())
    assert len(stages) > 30
    assert [stage for stage in stages if not all("::" in part for part in stage.split(", "))] == []


def resolves(path: str, name: str) -> bool:
    """Whether the module can be imported and has this function, class or method."""
    try:
        found: object = importlib.import_module(path.removesuffix(".py").replace("/", "."))
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError):
        return False
    return True


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_links_of_a_page_lead_to_files(page: Path) -> None:
    assert [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_commands_that_a_page_shows_exist(page: Path) -> None:
    known = {command.name or command.callback.__name__ for command in command_line.registered_commands if command.callback}
    known |= {str(group.name) for group in command_line.registered_groups}
    assert set(COMMAND.findall(page.read_text())) - known == set()


def test_contributing_lists_every_benchmark() -> None:
    known = {path.stem for path in (ROOT / "bench").glob("*.py") if not path.stem.startswith("_")}
    (listed,) = re.findall(r"\./linkwake bench NAME --json +# (.+)", (ROOT / "CONTRIBUTING.md").read_text())
    assert set(listed.split(", ")) == known


def test_every_kind_of_step_is_explained() -> None:
    page = (ROOT / "docs" / "steps.md").read_text()
    assert [kind for kind in KINDS if f"| `{kind}` |" not in page] == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        for link in LINK.findall(page.read_text()):
            target = (page.parent / link).resolve()
            waiting += sorted(target.glob("*.md")) if target.is_dir() else [target]
    assert set(PAGES) - reached == set()


def test_the_api_page_is_what_the_api_is() -> None:
    assert (ROOT / "docs" / "api.md").read_text() == reference(create_app()), (
        "run: python -m api.description.reference > docs/api.md"
    )


def test_every_decision_names_a_test_that_exists() -> None:
    for page in (ROOT / "docs" / "decisions").glob("*.md"):
        held_by = page.read_text().partition("**Held by**")[2]
        tests = re.findall(r"`(tests/[^`]+)`", held_by)
        assert tests, f"{page.name} names no test"
        assert [test for test in tests if not (ROOT / test).exists()] == []


def test_decisions_are_numbered_without_a_gap_and_their_titles_say_the_number() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [page.name[:5] for page in pages] == [f"{number:04d}-" for number in range(1, len(pages) + 1)]
    assert [page.name for page in pages if not page.read_text().startswith(f"# {int(page.name[:4])}. ")] == []


def test_no_file_names_a_package_registry_or_somebodys_machine() -> None:
    hosts = ("python" + "hosted", "pypi" + ".org", "npmjs" + ".org", "deb.debian" + ".org", "/wo" + "rk/")
    pattern = "|".join(hosts)
    found = subprocess.run(["git", "grep", "-nIE", pattern], cwd=ROOT, capture_output=True, text=True)  # noqa: S603, S607
    assert found.stdout == ""


@pytest.mark.parametrize("page", ["analytics", "events", "exports", "why"])
def test_a_newcomer_finds_what_happened_before_the_list_of_all_pages(page: str) -> None:
    assert f"](docs/{page}.md)" in (ROOT / "README.md").read_text().partition("## More")[0]


@pytest.mark.parametrize("name", ["clicks", "messages", "enrollments"])
def test_the_page_about_exports_names_each_filter_of_each_export(name: str) -> None:
    """And says which of them the list does not have."""
    paths = create_app().openapi()["paths"]
    common = {"format", "columns", "time_zone", "cursor", "limit"}
    export, of_list = (
        {each["name"] for each in paths[path]["get"]["parameters"] if each["in"] == "query"} - common
        for path in (f"/v1/exports/{name}", f"/v1/{name}")
    )
    row = next(line for line in (ROOT / "docs" / "exports.md").read_text().splitlines() if line.startswith(f"  | `{name}` |"))
    _, _, both, only, _ = row.split("|")
    assert (set(re.findall("`([a-z_]+)`", both)), set(re.findall("`([a-z_]+)`", only))) == (export & of_list, export - of_list)
