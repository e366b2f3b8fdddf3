"""Checks what must be true before anything is started. Each failure is one sentence that says what to change."""

import contextlib
import errno
import fcntl
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from stack.errors import StackError

Port = tuple[str, str, int]
"""The name of the setting, the host and the port."""

_NOT_HERE = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}


# Files in VAR_DIR that our servers and roles open for writing.
_WRITTEN = ("*/", "log/*", "postgres/data", "temporal.db*", "token_keys", "secret_keys", "stack.json", "up.lock")


def make_writable(directory: Path) -> None:
    """Creates the directory. Raises StackError when nothing can be written there, or when files of an earlier run cannot be
    written."""
    _make(directory)
    for path in (path for pattern in _WRITTEN for path in sorted(directory.glob(pattern))):
        if not os.access(path, os.R_OK | os.W_OK, effective_ids=True):
            raise StackError(
                f"Cannot write to {path}, which belongs to {_owner(path)}: run this as the user who ran it before, "
                "give it to this user, or set VAR_DIR."
            )


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except KeyError:
        return f"user {path.stat().st_uid}"


def _make(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise StackError(
            f"Cannot write to {directory} ({error.strerror}): make it a directory this user may write to, or set VAR_DIR."
        ) from error


@contextmanager
def only_one(var_dir: Path) -> Iterator[None]:
    """Holds `up.lock`. Raises StackError when another supervisor holds it. The kernel frees the lock however its holder ends."""
    with (var_dir / "up.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise StackError(
                f"Linkwake is already running on {var_dir} (process {lock.read().strip() or 'unknown'}): "
                "stop it first, or set VAR_DIR and the ports for a second one."
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


@contextmanager
def removal_noticed(var_dir: Path) -> Iterator[None]:
    """Belongs inside `only_one`. Turns every failure after the directory was removed into a StackError that says so."""
    try:
        yield
    except (OSError, StackError) as error:
        if (var_dir / "up.lock").exists():  # the directory itself comes back with the next log
            raise
        raise StackError(f"{var_dir} was removed while Linkwake was starting, so everything stops.") from error


def ports_free(ports: list[Port]) -> None:
    """Raises StackError for the first port on which nothing can listen."""
    seen: dict[int, str] = {}
    for setting, host, port in ports:
        if port in seen:
            raise StackError(f"{seen[port]} and {setting} are both {port}: set one of them to another port.")
        seen[port] = setting
        _port_free(setting, host, port)


def _port_free(setting: str, host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except PermissionError as error:
        raise StackError(f"Port {port} ({setting}) needs root rights: set {setting} to a port above 1023.") from error
    except (OSError, UnicodeError) as error:
        if _no_address(error):
            name = setting.replace("_PORT", "_HOST")
            raise StackError(
                f"{name}={host} is not an address of this machine: set it to 127.0.0.1, or 0.0.0.0 for all."
            ) from error
        if listener := _listener(port):
            raise StackError(f"Port {port} is in use by {listener}: stop it, or set {setting} to another port.") from error
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise StackError(f"Cannot listen on {host} port {port} ({reason}): set {setting} to another port.") from error


def _no_address(error: OSError | UnicodeError) -> bool:
    """Whether the host is impossible (UnicodeError), unknown (a negative error number) or an address of another machine."""
    return isinstance(error, UnicodeError) or (error.errno or 0) < 0 or error.errno in _NOT_HERE


def _listener(port: int) -> str | None:
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections(kind="tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
                return _name(connection.pid)
    return None


def _name(pid: int | None) -> str:
    with contextlib.suppress(psutil.Error):
        if pid:
            return f"{psutil.Process(pid).name()} (process {pid})"
    return "another program"
