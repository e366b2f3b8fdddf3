"""The hosted continuous integration runs `.ci/run` and repeats nothing of it. Beside it, it measures branch coverage."""

import os
import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
WORKFLOW: dict[Any, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
(JOB,) = WORKFLOW["jobs"].values()
STEPS: list[dict[str, Any]] = JOB["steps"]


def test_its_commands_are_those_that_everybody_runs() -> None:
    assert [step["run"] for step in STEPS if "run" in step] == ["${{ matrix.command }}"]
    assert JOB["strategy"] == {"fail-fast": False, "matrix": {"command": [".ci/run", "./linkwake test --coverage"]}}
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_it_runs_for_pushes_and_pull_requests_and_may_only_read() -> None:
    assert set(WORKFLOW[True]) == {"push", "pull_request"}  # YAML 1.1 reads the key `on` as true
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert "permissions" not in JOB
    assert JOB["timeout-minutes"] == 90


def test_its_actions_are_of_the_host_itself_and_pinned_to_a_major_version() -> None:
    used = [step["uses"] for step in STEPS if "uses" in step]
    assert [name.partition("@")[0] for name in used] == ["actions/checkout", "actions/setup-python", "actions/cache"]
    assert [name for name in used if not re.fullmatch(r"actions/[a-z-]+@v\d+", name)] == []


def test_the_kept_environment_belongs_to_one_python_and_one_lock_file() -> None:
    (kept,) = [step["with"] for step in STEPS if step.get("uses", "").startswith("actions/cache@")]
    assert kept["path"] == ".venv"
    assert "hashFiles('requirements-dev.lock')" in kept["key"]
    assert "steps.python.outputs.python-version" in kept["key"]
    assert "restore-keys" not in kept
