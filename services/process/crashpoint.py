"""Named points at which a process dies when a drill wants it to (`docs/drills.md`). When they are off they cost one comparison.

A drill arms a point by a file `ROLE.NAME` in `DRILL_CRASH`, which holds how many hits are let through. The process that dies
renames it to `ROLE.NAME.fired` first, so each point fires once, the next process lives, and the drill knows that and when it
happened.
"""

import os
from collections import Counter
from pathlib import Path

STATUS = 86
FIRED = ".fired"

_places: tuple[Path, str] | None = None
_hits: Counter[str] = Counter()


def arm(directory: Path | None, role: str) -> None:
    """Called by a composition root. With None, all points are off."""
    global _places  # handing it on as a parameter would make the product pay for the drill
    _places = (directory, role) if directory else None
    _hits.clear()


def crashpoint(name: str) -> None:
    """Dies here, without any clean-up, if a drill has asked for it."""
    if _places is not None:
        _hit(_places[0] / f"{_places[1]}.{name}")


def _hit(file: Path) -> None:
    try:
        spared = int(file.read_text())
    except (FileNotFoundError, ValueError):  # ValueError means that the file is just being written
        return
    _hits[file.name] += 1
    if _hits[file.name] > spared:
        fired = file.with_name(file.name + FIRED)
        file.rename(fired)
        os.utime(fired)
        os._exit(STATUS)
