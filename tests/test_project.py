"""What the project says of itself: its licence, and lock files with exact versions, hashes and no addresses."""

import re
import tomllib
from pathlib import Path

from api.app import create_app

ROOT = Path(__file__).parent.parent


def test_a_lock_file_holds_names_versions_and_hashes_alone() -> None:
    line = re.compile(r"[a-z\d-]+==\S+( ; [^\\]+)? \\|    --hash=sha256:[\da-f]{64}( \\)?")
    for name in ("requirements.lock", "requirements-dev.lock"):
        assert [each for each in (ROOT / name).read_text().splitlines() if not line.fullmatch(each)] == []


def test_the_licence_is_the_whole_text_of_the_one_that_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (file,) = project["license-files"]
    text = (ROOT / file).read_text()
    assert project["license"] == "Apache-2.0" == create_app().openapi()["info"]["license"]["identifier"]
    assert "Version 2.0, January 2004" in text
    assert "9. Accepting Warranty or Additional Liability." in text


def test_it_has_one_version() -> None:
    """The API's document shows the project's."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert create_app().openapi()["info"]["version"] == project["version"]
