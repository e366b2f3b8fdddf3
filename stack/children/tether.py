"""Ties a program to the life of its supervisor, then becomes that program.

Run as a script: `python tether.py PARENT SIGNAL UID GID COMMAND...` (UID and GID are `-` for no change). It is a separate program
instead of a `preexec_fn`, because Python code between fork and exec can deadlock in a process with threads. It changes the user
itself: the kernel forgets the death signal when the user changes, and the new user may not be able to read the Python
installation. Signals get their default handling back, because under `nohup` or in the background of a script they would be
ignored from the start. It uses the standard library only.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(parent: str, number: str, uid: str, gid: str, *command: str) -> None:
    """Becomes `command`. Ends quietly when the supervisor is already gone."""
    if uid != "-":
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))
    for each in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(each, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if os.getppid() != int(parent):  # the parent died before the kernel knew of the tie
        sys.exit(0)
    os.execv(command[0], command)  # noqa: S606 - the supervisor's own command


if __name__ == "__main__":
    main(*sys.argv[1:])
