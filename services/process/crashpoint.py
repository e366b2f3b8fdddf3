"""Named points at which a process dies when a drill wants it to (`docs/drills.md`). When they are off they cost one comparison.

A drill arms a point by a file `ROLE.NAME` in `DRILL_CRASH`, which holds how many more hits are let through. Each hit lowers it,
so the drill sees the hits, and when a process dies for another reason, the next one goes on counting. The process that dies
renames it to `ROLE.NAME.fired` first, so each point fires once, the next process lives, and the drill knows that and when it
happened.
"""

import contextlib
import os
from pathlib import Path

STATUS = 86
FIRED = ".fired"

_places: tuple[Path, str] | None = None


def arm(directory: Path | None, role: str) -> None:
    """Called by a composition root. With None, all points are off."""
    global _places  # handing it on as a parameter would make the product pay for the drill
    _places = (directory, role) if directory else None


def crashpoint(name: str) -> None:
    """Dies here, without any clean-up, if a drill has asked for it."""
    if _places is not None:
        _hit(_places[0] / f"{_places[1]}.{name}")


def _hit(file: Path) -> None:
    with contextlib.suppress(FileNotFoundError, ValueError):  # it is not armed (any more), or the file is just being written
        if _has_to_die(file):
            fired = file.with_name(file.name + FIRED)
            file.rename(fired)
            os.utime(fired)
            os._exit(STATUS)


def _has_to_die(file: Path) -> bool:
    with file.open("r+") as armed:
        spared = int(armed.read())
        if spared > 0:
            armed.seek(0)
            armed.write(str(spared - 1))
            armed.truncate()
        return spared <= 0
