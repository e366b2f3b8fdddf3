"""Shows how far the demo is: bars on a terminal, and elsewhere a line when a stage begins and one when it ends."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from demo.client import Stage

Begin = Callable[[str, int], Stage]
"""Begins a stage, given its text and its number of steps."""


@contextmanager
def stages(reached: dict[str, int]) -> Iterator[Begin]:
    """`reached` holds how much of each stage is done, kept up to date."""
    columns = (TextColumn("{task.description:<34}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:

        def begin(text: str, total: int) -> Stage:
            task = progress.add_task(text, total=total)
            if not console.is_terminal:
                _say(f"{text}: {total} to do")

            def report(done: int) -> None:
                before, reached[text] = reached.get(text, 0), done
                progress.update(task, completed=done)
                if before < total <= done and not console.is_terminal:
                    _say(f"{text}: all {total} done")

            return Stage(text, total, report)

        yield begin


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
