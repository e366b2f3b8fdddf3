"""Compiled modules are kept where the environment says that none should be."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
CODE = """
import os, sys
from stack.roles.bytecode import keep_bytecode
before = sys.dont_write_bytecode
keep_bytecode()
print(before, sys.dont_write_bytecode, "PYTHONDONTWRITEBYTECODE" in os.environ)
"""


def test_compiled_modules_are_kept_here_and_in_children() -> None:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", CODE]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)  # noqa: S603 # our own interpreter
    assert done.stdout.split() == ["True", "False", "False"]
