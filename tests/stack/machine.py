"""A machine for the bootstrap script alone. Python, pip and uv are small scripts here that write down what they were asked."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stack.children.processes import tethered
from tests.stack.dummies import ROOT

TOOLS = ("sh", "cat", "dirname", "flock", "ln", "mkdir", "readlink", "rm", "sha256sum", "chmod", "sleep")

PYTHON = """#!/bin/sh
echo "$0 $*" >>"$NOTES"
case "$*" in
    *sys.version_info*) echo {version} ;;
    '-m venv '*) mkdir -p .venv/bin; cat "$VENV_PYTHON" >.venv/bin/python; chmod +x .venv/bin/python ;;
esac
"""
VENV_PYTHON = """#!/bin/sh
foreign="${PYTHONPATH-}${PYTHONHOME-}${PYTHONSAFEPATH-}${PIP_USER-}${PIP_TARGET-}${PIP_PREFIX-}"
[ -z "$foreign" ] || exit 9
[ "$1" = cli.py ] && { echo "$PWD: $*"; [ "$2" != up ] || [ -z "${UP:-}" ] || read -r stop; exit 7; }
echo "venv $*" >>"$NOTES"
case "$*" in '-m pip install '*) ;; *) exit 0 ;; esac
[ -z "${PIP_KILLED:-}" ] || kill -KILL "$PPID"
sleep "${PIP_SECONDS:-0}"
exit "${PIP_STATUS:-0}"
"""


class Machine:
    """A clone of the project's bootstrap and a PATH with nothing on it but what a test puts there."""

    def __init__(self, tmp_path: Path) -> None:
        self.project = tmp_path / "the project"
        self.path = tmp_path / "bin"
        self.notes = tmp_path / "notes"
        self.user: int | None = None  # for root: who runs it
        self._venv_python = tmp_path / "venv_python"
        self.project.mkdir()
        self.path.mkdir()
        self.notes.touch()
        self._venv_python.write_text(VENV_PYTHON)
        shutil.copy(ROOT / "linkwake", self.project)
        for name in ("requirements.lock", "requirements-dev.lock"):
            (self.project / name).write_text(name)
        for tool in TOOLS:
            (self.path / tool).symlink_to(shutil.which(tool) or tool)

    def put(self, name: str, text: str) -> None:
        (self.path / name).unlink(missing_ok=True)  # a link to the machine's own tool, which must stay what it is
        (self.path / name).unlink(missing_ok=True)  # a link to a tool of this machine, which stays as it is
        (self.path / name).write_text(text)
        (self.path / name).chmod(0o755)

    def environment(self) -> dict[str, str]:
        return {"PATH": str(self.path), "NOTES": str(self.notes), "VENV_PYTHON": str(self._venv_python)}

    def start(self, *arguments: str, script: Path | None = None, **variables: str) -> subprocess.Popen[str]:
        command = [str(script or self.project / "linkwake"), *arguments]
        return subprocess.Popen(  # noqa: S603 - the project's own script
            tethered(command, account=(self.user, self.user) if self.user and os.geteuid() == 0 else None),
            cwd="/",
            env={**self.environment(), **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, script: Path | None = None, **variables: str) -> tuple[int, str, str]:
        process = self.start(*arguments, script=script, **variables)
        out, err = process.communicate(timeout=30)
        return process.returncode, out, err

    @contextmanager
    def stays_up(self) -> Iterator[None]:
        """`up` runs inside, from the project's .venv."""
        with self.start("up", UP="stays") as process:
            assert process.stdout is not None
            assert process.stdout.readline().endswith("cli.py up\n")
            yield
            process.communicate("stop\n", timeout=30)
            assert process.returncode == 7

    def installed(self) -> list[str]:
        """Lock files that pip was asked to install, in order."""
        lines = self.notes.read_text().splitlines()
        return [line.split()[-1] for line in lines if "pip install" in line and "--require-hashes" in line]
