"""Finds ports for servers that may listen anywhere."""

import random
import socket

HOST = "127.0.0.1"
RANGE = range(10_000, 32_000)
"""Ports below those that systems give to connections and to programs that ask for any port (from 32,768 on Linux). A server that
starts a few seconds later still finds its port free, whatever else starts meanwhile."""
TRIES = 200


def free_ports(count: int) -> list[int]:
    """Returns ports on which nobody listens now. Another process may take one before we do, and then the server that starts there
    reports it. Raises OSError when no port is free."""
    found: list[int] = []
    for port in random.sample(RANGE, TRIES):
        if len(found) < count and _is_free(port):
            found.append(port)
    if len(found) < count:
        raise OSError("There are no free ports on this machine.")
    return found


def free_port() -> int:
    return free_ports(1)[0]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
