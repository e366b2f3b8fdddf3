"""Named places at which a process dies when a drill wants it to (`docs/drills.md`). Off, they cost one comparison.

A drill arms one by a file `ROLE.NAME` in `DRILL_CRASH`, which holds how many hits are let pass. The process that dies renames it
to `ROLE.NAME.fired` first: each is fired once, the next process lives, and the drill knows that and when it happened.
"""

import os
from collections import Counter
from pathlib import Path

STATUS = 86
FIRED = ".fired"

_places: tuple[Path, str] | None = None
_hits: Counter[str] = Counter()


def arm(directory: Path | None, role: str) -> None:
    """Called by a composition root. None: off."""
    global _places  # a parameter of everything on a click's way would be the product paying for the drill
    _places = (directory, role) if directory else None
    _hits.clear()


def crashpoint(name: str) -> None:
    """Dies here, without any clean-up, if a drill has asked for it."""
    if _places is not None:
        _hit(_places[0] / f"{_places[1]}.{name}")


def _hit(file: Path) -> None:
    try:
        spared = int(file.read_text())
    except (FileNotFoundError, ValueError):  # ValueError: it is just being written
        return
    _hits[file.name] += 1
    if _hits[file.name] > spared:
        fired = file.with_name(file.name + FIRED)
        file.rename(fired)
        os.utime(fired)
        os._exit(STATUS)
