"""The system user that PostgreSQL runs as when the stack is started by root, which PostgreSQL refuses."""

import os
import pwd
import stat
import subprocess
from pathlib import Path

from stack.errors import StackError

USER = "pgserver"


def server_account() -> tuple[int, int] | None:
    """User and group id to run PostgreSQL as, the user made when missing; None: no change. Raises StackError."""
    if os.geteuid() != 0:
        return None
    try:
        entry = _entry() or _make()
    except (OSError, KeyError, subprocess.CalledProcessError) as error:
        raise StackError(
            f"PostgreSQL does not run as root and the user {USER} could not be made ({error}): "
            f"make it with `useradd {USER}`, or start Linkwake as another user."
        ) from error
    return entry.pw_uid, entry.pw_gid


def _entry() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(USER)
    except KeyError:
        return None


def _make() -> pwd.struct_passwd:
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", USER]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - fixed words
    return pwd.getpwnam(USER)


def hand_over(directory: Path, binaries: Path, account: tuple[int, int]) -> list[Path]:
    """Let the account own `directory` with all in it, and read and run `binaries` (a `bin` directory).

    Directories above both get the search bit for others (not the read bit: nobody can list them); which ones had to.
    """
    _own(directory, account)
    opened = [*_let_through(directory.parent), *_let_through(binaries.parent.parent)]
    if not (binaries / "postgres").stat().st_mode & stat.S_IXOTH:  # installed under a strict umask
        _open(binaries.parent)
    return opened


def _own(directory: Path, account: tuple[int, int]) -> None:
    # A volume or a copy can come from a machine where the user has another number.
    if directory.stat().st_uid == account[0]:
        return
    for parent, _, files in os.walk(directory):
        os.chown(parent, *account)
        for name in files:
            os.chown(Path(parent, name), *account, follow_symlinks=False)


def _open(directory: Path) -> None:
    """What the owner may read or run, everybody may."""
    for path in (directory, *directory.rglob("*")):
        if not path.is_symlink():
            mode = stat.S_IMODE(path.stat().st_mode)
            allowed = mode & (stat.S_IRUSR | stat.S_IXUSR)
            path.chmod(mode | allowed >> 3 | allowed >> 6)


def _let_through(directory: Path) -> list[Path]:
    closed = [path for path in (directory, *directory.parents) if not path.stat().st_mode & stat.S_IXOTH]
    for path in closed:
        path.chmod(stat.S_IMODE(path.stat().st_mode) | stat.S_IXOTH)
    return closed
