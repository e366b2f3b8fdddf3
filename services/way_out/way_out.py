"""The one way by which anything leaves this server for an address that somebody else chose: webhooks, chat tools, mail servers.

- https, and TLS for mail, unless this is a development server (`ALLOW_LOCAL_ADDRESSES`), which may also reach itself.
- Each address of the host is checked, and the connection goes to a checked address. The certificate has to be the host's.
- No redirect is followed, and no proxy, certificate or password is taken from the environment.
- Answers are read up to 64 KB, and everything together takes at most 15 seconds.
"""

import asyncio
import socket
import ssl
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import certifi
import httpcore

from services.way_out.errors import NothingSent, RefusedAddress, Unreachable, UnwritableRequest, WayOutError
from services.way_out.resolve import checked_addresses

SECONDS = 15.0
"""How long one request may take, from the look-up of the name to the end of the answer."""
CONNECT_SECONDS = 5.0
MOST_BYTES = 64 * 1024
"""The bytes of an answer that are read. The rest is not."""
MOST_SENT = 1024 * 1024
OURS = {"host", "content-length", "transfer-encoding", "connection", "accept-encoding"}
"""Headers that are written here and that nobody else can set."""


UNWRITABLE = "The request cannot be sent: its address and its headers have ASCII characters alone, and no line breaks."


@cache
def _public_authorities() -> ssl.SSLContext:
    """Made once for the process, because reading the certificates of all authorities takes 20 ms."""
    return ssl.create_default_context(cafile=certifi.where())


@dataclass(frozen=True)
class Answer:
    """`body` has at most 64 KB. `is_cut` says that the answer had more, which was not read."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes
    is_cut: bool = False


class WayOut:
    """`local` makes it a development server's: http is possible, and this machine can be reached."""

    def __init__(self, *, local: bool = False, tls: ssl.SSLContext | None = None) -> None:
        self.local = local
        self.tls = tls or _public_authorities()

    async def check(self, host: str, port: int, *, secure: bool) -> list[str]:
        """Returns the addresses that a connection may use. Raises RefusedAddress or Unreachable."""
        self._check_encryption(secure)
        return await checked_addresses(host, port, local=self.local)

    async def request(self, method: str, url: str, headers: Mapping[str, str], content: bytes = b"") -> Answer:
        """Sends one HTTP request; an answer with any status is an answer.

        Raises NothingSent (RefusedAddress, UnwritableRequest and Unreachable are such) when the other side has got nothing of it,
        and otherwise WayOutError.
        """
        if len(content) > MOST_SENT:
            raise NothingSent(f"The request has more than {MOST_SENT:,} bytes.")
        if not _can_be_written(url, headers):
            raise UnwritableRequest(UNWRITABLE)
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise RefusedAddress("Only addresses that begin with https:// can be reached.")
        progress = _Progress()
        try:
            async with asyncio.timeout(SECONDS):
                self._check_encryption(parts.scheme == "https")
                return await self._ask(progress, method, url, headers, content)
        except TimeoutError:
            raise progress.error(f"The other side did not answer within {SECONDS:g} s.") from None
        except (httpcore.NetworkError, httpcore.TimeoutException, OSError) as error:
            raise progress.error(_of_network(error)) from None
        except httpcore.LocalProtocolError:
            raise UnwritableRequest(UNWRITABLE) from None
        except (httpcore.ProtocolError, httpcore.UnsupportedProtocol, ValueError):
            raise progress.error("The other side does not speak HTTP, or the request cannot be sent to it.") from None

    async def _ask(self, progress: "_Progress", method: str, url: str, headers: Mapping[str, str], content: bytes) -> Answer:
        """Each request has a connection of its own, so that none is shared between organizations."""
        own = {name: value for name, value in headers.items() if name.lower() not in OURS}
        async with httpcore.AsyncConnectionPool(
            ssl_context=self.tls, network_backend=_CheckedNetwork(self), retries=0, max_connections=1
        ) as pool:
            framing = (("Host", _host_header(url)), ("Content-Length", str(len(content))), ("Connection", "close"))
            given = [*own.items(), *framing, ("Accept-Encoding", "identity")]
            follow = {"trace": progress.trace}
            async with pool.stream(method, url, headers=given, content=content, extensions=follow) as response:
                body = b""
                async for part in response.aiter_stream():
                    body += part
                    if len(body) > MOST_BYTES:
                        break
                found = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers]
                return Answer(response.status, found, body[:MOST_BYTES], len(body) > MOST_BYTES)

    async def connect(self, host: str, port: int, *, secure: bool) -> socket.socket:
        """Returns a connected socket for a protocol other than HTTP. The caller checks the certificate against `host`. Raises
        RefusedAddress or Unreachable."""
        return await self.connect_to(await self.check(host, port, secure=secure), port)

    async def connect_to(self, addresses: Sequence[str], port: int) -> socket.socket:
        """Does the same for addresses that `check` has returned. Raises Unreachable."""
        loop = asyncio.get_running_loop()
        for address in addresses:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            connection = socket.socket(family, socket.SOCK_STREAM)
            connection.setblocking(False)
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(CONNECT_SECONDS):
                    await loop.sock_connect(connection, (address, port))
                return connection
            connection.close()
        raise Unreachable("The host could not be reached.")

    def _check_encryption(self, secure: bool) -> None:
        if not secure and not self.local:
            raise RefusedAddress("The connection would not be encrypted: use https, or TLS for a mail server.")


class _Progress:
    """How far one request has come."""

    def __init__(self) -> None:
        self._begun = False

    async def trace(self, step: str, _: Mapping[str, Any]) -> None:
        """httpcore tells each step of a request, such as `connection.start_tls.complete`."""
        self._begun = self._begun or step.endswith("send_request_headers.started")

    def error(self, text: str) -> WayOutError:
        return WayOutError(text) if self._begun else Unreachable(text)


class _CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to checked addresses only. httpcore keeps the host's name for the certificate."""

    def __init__(self, way_out: WayOut) -> None:
        self._way_out = way_out
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - it is httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        error: Exception = httpcore.ConnectError()
        for address in await checked_addresses(host, port, local=self._way_out.local):
            try:
                return await self._network.connect_tcp(address, port, timeout or CONNECT_SECONDS, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as found:
                error = found
        raise error

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)


def _can_be_written(url: str, headers: Mapping[str, str]) -> bool:
    return all(each.isascii() and each.isprintable() for each in (url, *headers, *headers.values()))


def _host_header(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]


def _of_network(error: Exception) -> str:
    causes: list[BaseException] = []
    here: BaseException | None = error
    while here is not None and here not in causes:
        causes.append(here)
        here = here.__cause__ or here.__context__
    if any(isinstance(each, ssl.SSLCertVerificationError) for each in causes):
        return "The certificate of the host is not valid for it."
    if any(isinstance(each, ssl.SSLError) for each in causes):
        return "The host does not speak TLS as it has to."
    if any(isinstance(each, httpcore.TimeoutException) for each in causes):
        return "The host did not answer in time."
    return "The host could not be reached, or it ended the connection."
