"""Tie a program to the life of its supervisor, then become that program.

Run as a script: `python tether.py PARENT SIGNAL UID GID COMMAND...` (UID and GID are `-` for no change).
A separate program instead of `preexec_fn`, because Python code between fork and exec can deadlock in a
process with threads. It changes the user itself: the kernel forgets the death signal when the user changes,
and the new user may not be able to read the Python installation. Standard library only.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def main(parent: str, number: str, uid: str, gid: str, *command: str) -> None:
    """Become `command`. Ends quietly when the supervisor is already gone."""
    if uid != "-":
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if os.getppid() != int(parent):  # it died before the kernel knew of the tie
        sys.exit(0)
    os.execv(command[0], command)  # noqa: S606 - the supervisor's own command


if __name__ == "__main__":
    main(*sys.argv[1:])
