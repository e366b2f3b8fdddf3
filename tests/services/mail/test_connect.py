"""Each step to a mail server, and what to change when it fails."""

import asyncio
import datetime
from pathlib import Path

import pytest

from services.mail import connect as module
from services.mail.connect import MailServer, MailStep, NotConnected, Security, connect
from services.way_out.way_out import WayOut
from tests.certificates import DAY, client_side, make_certificate
from tests.mail_server import PASSWORD, USER, PostOffice, post_office

LOCAL = WayOut(local=True)


async def failure(way_out: WayOut, server: MailServer) -> NotConnected:
    with pytest.raises(NotConnected) as failed:
        await connect(way_out, server)
    return failed.value


def certified(directory: Path, host: str = "127.0.0.1", valid_for: datetime.timedelta = DAY) -> tuple[Path, WayOut]:
    """A certificate, and the way out of somebody who trusts it."""
    path = make_certificate(directory / "server.pem", host, valid_for)
    return path, WayOut(local=True, tls=client_side(path))


def server(office: PostOffice, security: Security = "none", password: str | None = None) -> MailServer:
    return MailServer("127.0.0.1", office.port, security, USER if password else None, password)


async def test_a_host_without_an_address_fails_at_resolve() -> None:
    failed = await failure(LOCAL, MailServer("nobody.invalid", 25, "tls"))
    assert (failed.step, failed.ours) == (MailStep.RESOLVE, False)


async def test_a_private_host_is_ours_to_change() -> None:
    failed = await failure(LOCAL, MailServer("10.0.0.1", 25, "tls"))
    assert (failed.step, failed.ours) == (MailStep.RESOLVE, True)


async def test_a_port_at_which_nobody_listens_fails_at_connect_and_may_pass() -> None:
    async with post_office() as office:
        port = office.port
    failed = await failure(LOCAL, MailServer("127.0.0.1", port, "none"))
    assert (failed.step, failed.ours) == (MailStep.CONNECT, False)
    assert f"port {port}" in str(failed)


@pytest.mark.parametrize(
    ("host", "valid_for", "words"),
    [("127.0.0.1", -DAY, "has expired"), ("other.example", DAY, "for another name")],
)
@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_a_certificate_that_is_not_valid_is_ours_to_change(
    tmp_path: Path, security: Security, host: str, valid_for: datetime.timedelta, words: str
) -> None:
    certificate, way_out = certified(tmp_path, host, valid_for)
    async with post_office(certificate, security) as office:
        failed = await failure(way_out, server(office, security))
    assert (failed.step, failed.ours) == (MailStep.TLS, True)
    assert words in str(failed)


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_a_certificate_of_nobody_known_is_refused(tmp_path: Path, security: Security) -> None:
    certificate, _ = certified(tmp_path)
    async with post_office(certificate, security) as office:
        failed = await failure(LOCAL, server(office, security))
    assert (failed.step, failed.ours) == (MailStep.TLS, True)
    assert "authority that nobody knows" in str(failed)


async def test_tls_to_a_port_without_it_says_to_use_starttls() -> None:
    async with post_office() as office:
        failed = await failure(LOCAL, server(office, "tls"))
    assert (failed.step, failed.ours) == (MailStep.TLS, True)
    assert "starttls" in str(failed)


async def test_starttls_to_a_server_without_it_says_to_use_tls() -> None:
    async with post_office() as office:
        failed = await failure(LOCAL, server(office, "starttls"))
    assert (failed.step, failed.ours) == (MailStep.TLS, True)
    assert 'security "tls"' in str(failed)


async def test_a_port_that_waits_for_tls_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COMMAND_SECONDS", 0.2)
    certificate, way_out = certified(tmp_path)
    async with post_office(certificate, "tls") as office:
        failed = await failure(way_out, server(office, "starttls"))
    assert (failed.step, failed.ours) == (MailStep.GREETING, False)
    assert 'security "tls"' in str(failed)


@pytest.mark.parametrize(("answer", "ours"), [("554 5.7.1 go away", True), ("421 4.3.2 later", False)])
async def test_a_server_that_does_not_want_to_talk_says_whether_it_passes(answer: str, ours: bool) -> None:
    async with post_office() as office:
        office.answers = {"EHLO": answer}
        failed = await failure(LOCAL, server(office))
    assert (failed.step, failed.ours, failed.code) == (MailStep.GREETING, ours, answer.rpartition(" ")[0].replace(" go", ""))


@pytest.mark.parametrize("greeting", [b"554 5.7.1 no\r\n", b"SSH-2.0-OpenSSH\r\n", b"\x00\x01\x02\n", b""])
async def test_a_greeting_that_is_none_of_a_mail_server_is_told(greeting: bytes) -> None:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as listening:
        failed = await failure(LOCAL, MailServer("127.0.0.1", listening.sockets[0].getsockname()[1], "none"))
    assert failed.step == MailStep.GREETING


async def test_a_wrong_password_is_ours_to_change_and_is_not_quoted(tmp_path: Path) -> None:
    certificate, way_out = certified(tmp_path)
    async with post_office(certificate, "tls", log_in=True) as office:
        failed = await failure(way_out, server(office, "tls", "wrong-secret"))
    assert (failed.step, failed.ours) == (MailStep.LOG_IN, True)
    assert "wrong-secret" not in repr(failed) + repr(server(office, "tls", "wrong-secret"))


async def test_a_server_that_knows_no_log_in_says_so() -> None:
    async with post_office() as office:
        failed = await failure(LOCAL, server(office, "none", PASSWORD))
    assert (failed.step, failed.ours) == (MailStep.LOG_IN, True)
    assert "no way to log in" in str(failed)


@pytest.mark.parametrize(
    ("security", "steps"),
    [
        ("tls", ["resolve", "connect", "tls", "greeting", "log_in"]),
        ("starttls", ["resolve", "connect", "greeting", "tls", "log_in"]),
    ],
)
async def test_each_step_is_told_in_order(tmp_path: Path, security: Security, steps: list[str]) -> None:
    certificate, way_out = certified(tmp_path)
    told: list[str] = []
    async with post_office(certificate, security, log_in=True) as office:
        client = await connect(way_out, server(office, security, PASSWORD), lambda step, _: told.append(step))
        client.close()
    assert told == steps
