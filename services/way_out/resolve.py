"""Finds the addresses of a host and refuses the host when one of them may not be reached.

Whoever connects uses an address that was returned here and never asks for the name again. A name whose answer changes between
the check and the connection (DNS rebinding) therefore gains nothing.
"""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor

from services.way_out.addresses import refusal
from services.way_out.errors import RefusedAddress, Unreachable

SECONDS = 5.0
"""How long the name servers may take."""
MOST_ADDRESSES = 8
"""The addresses of one host that are tried."""

# Names are looked up by the operating system, which cannot be interrupted, so it happens in threads that do nothing else.
_threads = ThreadPoolExecutor(16, thread_name_prefix="way-out-names")


async def checked_addresses(host: str, port: int, *, local: bool = False) -> list[str]:
    """Returns the addresses to which a connection may be made, in the order of the operating system. Raises RefusedAddress when
    any of them is not public, and Unreachable when there are none."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(SECONDS):
            found = await loop.run_in_executor(_threads, _look_up, host, port)
    except TimeoutError:
        raise Unreachable(f"The name servers did not answer for the host within {SECONDS:g} s.") from None
    except (OSError, UnicodeError):
        raise Unreachable("The host has no address: check its spelling, and the name servers.") from None
    addresses = list(dict.fromkeys(found))[:MOST_ADDRESSES]
    for address in addresses:
        if kind := refusal(address, local=local):
            raise RefusedAddress(f"The host's address is {kind}: only public addresses can be reached. Use a public host.")
    if not addresses:
        raise Unreachable("The host has no address: check its spelling, and the name servers.")
    return addresses


def _look_up(host: str, port: int) -> list[str]:
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
