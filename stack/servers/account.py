"""PostgreSQL refuses to run as root. When root starts the stack, PostgreSQL runs as the system user of this module."""

import contextlib
import fcntl
import os
import pwd
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

from stack.errors import StackError

USER = "pgserver"


def server_account() -> tuple[int, int] | None:
    """Returns the user and group id that PostgreSQL runs as, and creates that user when it is missing. Returns None when the
    current user may run PostgreSQL itself. Raises StackError."""
    if os.geteuid() != 0:
        return None
    try:
        entry = _entry() or _make_once()
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


def _make_once() -> pwd.struct_passwd:
    """Several stacks that start at once on a new machine create only one user. Two `useradd` at once could otherwise leave a user
    id that belongs to nobody."""
    with _alone():
        return _entry() or _make()


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Holds a lock on the directory of the user database, which every process of this machine can open."""
    directory = os.open("/etc", os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)


def _make() -> pwd.struct_passwd:
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", USER]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - fixed words
    return pwd.getpwnam(USER)


def hand_over(directory: Path, binaries: Path, account: tuple[int, int]) -> list[Path]:
    """Lets the account own `directory` with everything in it, and read and run `binaries` (a `bin` directory).

    Directories above both get the search bit for others, but not the read bit, so that nobody can list them. Returns the
    directories that were changed.
    """
    _own(directory, account)
    opened = [*_let_through(directory.parent), *_let_through(binaries.parent.parent)]
    if not (binaries / "postgres").stat().st_mode & stat.S_IXOTH:  # installed under a strict umask
        _open(binaries.parent)
    return opened


def _own(directory: Path, account: tuple[int, int]) -> None:
    # A volume or a copy can come from a machine on which the user has another number.
    if directory.stat().st_uid == account[0]:
        return
    for parent, _, files in os.walk(directory):
        os.chown(parent, *account)
        for name in files:
            os.chown(Path(parent, name), *account, follow_symlinks=False)


def _open(directory: Path) -> None:
    """Gives everybody the rights to read and run that the owner has."""
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
