"""The image holds what the roles import, and nothing else."""

import ast
import re
from pathlib import Path

import pytest

from tests.test_env_example import FIELDS

ROOT = Path(__file__).parent.parent
LINES = (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
ALLOWED = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
OF_INTERPRETERS = {"PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}


def instructions(word: str) -> list[str]:
    return [line.removeprefix(word).strip() for line in LINES if line.startswith(f"{word} ")]


def sources() -> list[Path]:
    """The Python files that enter the image."""
    roots = [ROOT / name for name in ALLOWED]
    return [file for root in roots for file in ([root] if root.suffix == ".py" else root.rglob("*.py"))]


def imported_at_start(file: Path) -> set[str]:
    """First names of the modules that importing the file imports; what a function imports later does not count."""
    found: set[str] = set()
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_only_named_files_enter_the_image() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert next(line for line in lines if line and not line.startswith("#")) == "*"
    assert not {"tests", "var", ".env", ".git", ".venv"} & set(ALLOWED)


@pytest.mark.parametrize("name", ALLOWED)
def test_a_named_file_exists(name: str) -> None:
    assert (ROOT / name).exists()


def test_what_the_roles_import_is_in_the_image() -> None:
    ours = {path.stem for path in ROOT.glob("*.py")} | {path.parent.name for path in ROOT.glob("*/*.py")}
    inside = {Path(name).stem for name in ALLOWED}
    missing = {file.relative_to(ROOT): names for file in sources() if (names := (imported_at_start(file) & ours) - inside)}
    assert missing == {}


def test_what_is_copied_may_enter() -> None:
    copied = [words.split()[0] for words in instructions("COPY") if not words.startswith("--from=packages")]
    assert [name for name in copied if name != "." and name not in ALLOWED] == []


def test_packages_are_the_locked_ones_without_those_of_developers() -> None:
    (install,) = (line for line in instructions("RUN") if "pip install" in line)
    assert "--require-hashes" in install
    assert install.endswith("-r /requirements.lock")


def test_it_does_not_run_as_root() -> None:
    last_stage = LINES[max(i for i, line in enumerate(LINES) if line.startswith("FROM ")) :]
    assert [line for line in last_stage if line.startswith("USER ")] == ["USER linkwake"]


def test_base_images_are_pinned() -> None:
    assert {words.split()[0] for words in instructions("FROM")} == {"python:3.13-slim-trixie"}


def test_without_arguments_it_shows_the_help() -> None:
    assert instructions("ENTRYPOINT") == ['["python", "cli.py"]']
    assert instructions("CMD") == ['["--help"]']


def test_it_sets_only_variables_that_somebody_reads() -> None:
    names = {name for line in instructions("ENV") for name in re.findall(r"([A-Z_]+)=", line)}
    assert names - FIELDS - OF_INTERPRETERS == set()
