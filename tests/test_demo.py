"""The whole loop as a user has it: `./linkwake demo --json` on a stack of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from settings import Settings
from stack.session import own_stack

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with own_stack(tmp_path_factory.mktemp("demo") / "var") as settings:
        yield settings


def run_demo(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "VAR_DIR": str(settings.var_dir),
        "API_PORT": str(settings.api_port),
        "REDIRECT_PORT": str(settings.redirect_port),
    }
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, str(ROOT / "cli.py"), "demo", *arguments], capture_output=True, text=True, env=environment, timeout=300
    )


def test_the_demo_tells_the_same_story_everywhere(stack: Settings) -> None:
    done = run_demo(stack, "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["consistent"] is True
    campaign = {name: value for name, value in document["campaign"].items() if not isinstance(value, dict)}
    assert campaign == {"sent": 200, "clicks": 70, "people": 60, "bot_clicks": 5, "follow_ups": 60}
    assert document["sequence"] == {"enrolled": 40, "clicked_branch": 25, "timeout_branch": 15}
    assert sum(document["campaign"]["devices"].values()) == 70
    assert {"message", "click", "step"} == {entry["kind"] for entry in document["conversation"]}
