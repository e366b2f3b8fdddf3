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
from tests.stand_in import Quiet, serving

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with own_stack(tmp_path_factory.mktemp("demo") / "var") as settings:
        yield settings


def run_demo(settings: Settings, *arguments: str, database_url: str = "") -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
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


class _Another(Quiet):
    """A Linkwake that does not know our keys."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health/ready" else 401)
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture
def another_port() -> Iterator[int]:
    with serving(_Another) as port:
        yield port


@pytest.mark.parametrize("own_database", [True, False])
def test_the_api_of_another_stack_is_one_sentence(
    another_port: int, own_database: bool, database_url: str, tmp_path: Path
) -> None:
    settings = Settings(_env_file=None, var_dir=tmp_path, api_port=another_port)
    done = run_demo(settings, "--json", database_url=database_url if own_database else "")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["consistent"] is False
    assert done.stderr.strip() == f"The demo stopped: {document['problem']}"
    sentence = f"The demo stopped: the API at port {another_port} is not the one of this stack (VAR_DIR={tmp_path}): "
    assert done.stderr.strip().splitlines()[-1].startswith(sentence)
    assert len(done.stderr.strip().splitlines()) == 1
