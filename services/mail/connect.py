"""Opens a connection to somebody's mail server, step by step, so that a test can say which step failed and what to change."""

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

import aiosmtplib

from services.mail.transaction import EnhancedCode, enhanced_code, spoken
from services.way_out.errors import RefusedAddress, WayOutError
from services.way_out.way_out import WayOut

COMMAND_SECONDS = 10.0
"""How long the mail server may take to answer one command."""

Security = Literal["tls", "starttls", "none"]
PORTS: dict[Security, int] = {"tls": 465, "starttls": 587, "none": 25}


class MailStep(StrEnum):
    """In the order in which they happen. With `starttls` the greeting comes before TLS."""

    RESOLVE = "resolve"
    CONNECT = "connect"
    TLS = "tls"
    GREETING = "greeting"
    LOG_IN = "log_in"


@dataclass(frozen=True)
class MailServer:
    """`security` is `tls` from the first byte on, `starttls`, or `none`, which is possible in development only. `hello` is the
    name with which we introduce ourselves."""

    host: str
    port: int
    security: Security
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    hello: str = "linkwake"


class NotConnected(WayOutError):
    """`ours` says that it does not pass by itself: somebody has to correct the settings, or the server's certificate."""

    def __init__(self, step: MailStep, message: str, *, ours: bool, code: str | None = None) -> None:
        super().__init__(message)
        self.step = step
        self.ours = ours
        self.code = code


Done = Callable[[MailStep, str], None]
"""Is told each step that is done, with a detail such as the address."""


def _ignore(_step: MailStep, _detail: str) -> None: ...


async def connect(way_out: WayOut, server: MailServer, done: Done = _ignore) -> aiosmtplib.SMTP:
    """Returns a connection over which mails can be sent. Raises NotConnected."""
    connection = await _reach(way_out, server, done)
    client = aiosmtplib.SMTP(
        hostname=server.host,
        sock=connection,
        use_tls=server.security == "tls",
        start_tls=False,
        tls_context=way_out.tls,
        timeout=COMMAND_SECONDS,
        local_hostname=server.hello,
    )
    try:
        await _greet(client, server, done)
        if server.security == "starttls":
            await _start_tls(client)
            done(MailStep.TLS, _tls_version(client))
        if server.user is not None and server.password is not None:
            await _log_in(client, server.user, server.password)
            done(MailStep.LOG_IN, "The user name and the password are accepted.")
    except BaseException:
        client.close()  # and so the connection, which the client's transport owns
        raise
    return client


async def _reach(way_out: WayOut, server: MailServer, done: Done) -> socket.socket:
    try:
        addresses = await way_out.check(server.host, server.port, secure=server.security != "none")
    except WayOutError as error:
        raise NotConnected(MailStep.RESOLVE, str(error), ours=isinstance(error, RefusedAddress)) from None
    done(MailStep.RESOLVE, f"The host is {', '.join(addresses)}.")
    try:
        connection = await way_out.connect_to(addresses, server.port)
    except WayOutError:
        message = f"Nothing answers at port {server.port} of the host: check the port, and whether a firewall lets us out to it."
        raise NotConnected(MailStep.CONNECT, message, ours=False) from None
    done(MailStep.CONNECT, f"Port {server.port} answers.")
    return connection


async def _greet(client: aiosmtplib.SMTP, server: MailServer, done: Done) -> None:
    """Waits for the greeting and introduces us. With `tls` the connection is encrypted first."""
    try:
        greeting = await client.connect()
        hello = await client.ehlo()
    except aiosmtplib.SMTPResponseException as error:
        if server.security == "tls":
            done(MailStep.TLS, "The connection is encrypted.")
        raise _refused(MailStep.GREETING, error, "does not want to talk to us") from None
    except (aiosmtplib.SMTPException, OSError) as error:
        raise _not_greeted(error, server) from None
    if server.security == "tls":
        done(MailStep.TLS, _tls_version(client))
    done(MailStep.GREETING, f"It answers {greeting.code} and {hello.code}.")


def _not_greeted(error: Exception, server: MailServer) -> NotConnected:
    silent = isinstance(error.__cause__, aiosmtplib.SMTPException) or isinstance(error, aiosmtplib.SMTPServerDisconnected)
    if server.security == "tls" and not silent:
        return _no_tls(error.__cause__ or error, "Its port may expect starttls instead, which usually is port 587.")
    hint = "" if server.security == "tls" else ' Its port may expect security "tls" instead, as port 465 does.'
    return NotConnected(MailStep.GREETING, f"The mail server said nothing.{hint}", ours=False)


async def _start_tls(client: aiosmtplib.SMTP) -> None:
    if not client.supports_extension("starttls"):
        message = 'The mail server offers no STARTTLS at this port: use another port, or security "tls" with port 465.'
        raise NotConnected(MailStep.TLS, message, ours=True)
    try:
        await client.starttls()
        await client.ehlo()
    except aiosmtplib.SMTPResponseException as error:
        raise _refused(MailStep.TLS, error, "does not start TLS") from None
    except (aiosmtplib.SMTPException, OSError) as error:
        raise _no_tls(error, "") from None


async def _log_in(client: aiosmtplib.SMTP, user: str, password: str) -> None:
    try:
        await client.login(user, password)
    except aiosmtplib.SMTPResponseException as error:
        raise _refused(MailStep.LOG_IN, error, "does not accept the user name and the password: correct them") from None
    except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError):
        message = "The mail server broke the connection off when we logged in."
        raise NotConnected(MailStep.LOG_IN, message, ours=False) from None
    except (aiosmtplib.SMTPException, ValueError):
        message = (
            "The mail server offers no way to log in that is known here (PLAIN, LOGIN): use its port for submission, or leave "
        )
        raise NotConnected(MailStep.LOG_IN, message + "user and password out.", ours=True) from None


def _refused(step: MailStep, error: aiosmtplib.SMTPResponseException, words: str) -> NotConnected:
    """An answer of 5xx does not pass by itself. The answer's words are left out, because they may quote somebody."""
    enhanced: EnhancedCode | None = enhanced_code(error.message)
    code = spoken(error.code, enhanced)
    return NotConnected(step, f"The mail server {words} (it answered {code}).", ours=error.code >= 500, code=code)


# What OpenSSL says about a certificate (X509_V_ERR_…).
_EXPIRED, _NOT_YET_VALID, _OTHER_NAME, _OTHER_ADDRESS = 10, 9, 62, 64
_CERTIFICATES = {
    _EXPIRED: "The certificate of the mail server has expired: renew it there.",
    _NOT_YET_VALID: "The certificate of the mail server is not valid yet: look at the clocks of both servers.",
    _OTHER_NAME: "The certificate of the mail server is for another name: use the host name that stands in it.",
    _OTHER_ADDRESS: "The certificate of the mail server is for another name: use the host name that stands in it.",
}


def _no_tls(error: BaseException, hint: str) -> NotConnected:
    if isinstance(error, ssl.SSLCertVerificationError):
        unknown = (
            "The certificate of the mail server comes from an authority that nobody knows: install one of a public authority."
        )
        return NotConnected(MailStep.TLS, _CERTIFICATES.get(error.verify_code, unknown), ours=True)
    if isinstance(error, ssl.SSLError):
        return NotConnected(MailStep.TLS, f"The mail server does not speak TLS as it has to. {hint}".strip(), ours=True)
    return NotConnected(MailStep.TLS, "The connection broke while it was being encrypted.", ours=False)


def _tls_version(client: aiosmtplib.SMTP) -> str:
    encrypted = client.get_transport_info("ssl_object")
    return f"The connection is encrypted by {encrypted.version()}." if encrypted else "The connection is encrypted."
