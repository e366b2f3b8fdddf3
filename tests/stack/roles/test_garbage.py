"""The garbage collector of processes that run for ever."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
CODE = """
import gc, stack.roles.garbage
stack.roles.garbage.{function}()
print(gc.get_freeze_count() > 1000, gc.get_threshold()[0], gc.isenabled())
"""


def after(function: str) -> list[str]:
    """In a process of its own: the tests' own objects must not stay for ever."""
    command = [sys.executable, "-c", CODE.format(function=function)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 # our own interpreter
    return done.stdout.split()


def test_imports_are_looked_through_seldom() -> None:
    assert after("collect_less") == ["False", "50000", "True"]


def test_what_is_there_is_left_alone_and_the_rest_is_still_collected() -> None:
    assert after("collect_rarely") == ["True", "50000", "True"]
