"""What leaves this server goes to the host that was checked, encrypted, once, and not for long."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.way_out import way_out
from services.way_out.errors import NothingSent, RefusedAddress, UnwritableRequest, WayOutError
from services.way_out.way_out import MOST_BYTES, MOST_SENT, WayOut
from tests.services.notifications.receiver import Receiver, receiver

OUT = WayOut()
LOCAL = WayOut(local=True)


@pytest.fixture
async def team() -> AsyncIterator[Receiver]:
    async with receiver() as found:
        yield found


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://localhost/",
        "https://[::1]/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://127.1/",
        "https://0/",
    ],
)
async def test_no_spelling_of_a_private_address_is_reached(url: str) -> None:
    with pytest.raises(RefusedAddress):
        await OUT.request("GET", url, {})


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("fd00::1", "private"),
        ("fe80::1", "link-local"),
        ("ff02::1", "multicast"),
        ("::ffff:10.0.0.1", "mapped"),
        ("::ffff:8.8.8.8", "mapped"),
        ("::a00:1", "compatible"),
        ("64:ff9b::a00:1", "NAT64"),
        ("64:ff9b:1::a00:1", "NAT64"),
        ("2002:a00:1::1", "6to4"),
        ("2001:0:a00:1::1", "reserved"),
        ("2001:db8::1", "documentation"),
        ("4000::1", "reserved"),
    ],
)
async def test_no_connection_leads_to_an_ipv6_address_that_is_not_public(host: str, kind: str) -> None:
    with pytest.raises(RefusedAddress, match=kind):
        await OUT.request("GET", f"https://[{host}]:8443/", {})
    with pytest.raises(RefusedAddress, match=kind):
        await OUT.connect(host, 465, secure=True)


async def test_a_public_ipv6_address_may_be_reached() -> None:
    assert await OUT.check("2606:4700::1111", 443, secure=True) == ["2606:4700::1111"]


async def test_a_host_can_be_written_as_an_ipv6_address() -> None:
    async with receiver("::1") as team:
        assert (await LOCAL.request("POST", f"http://[::1]:{team.port}/hook", {}, b"x")).status == 200
    assert team.got[0].headers["host"] == f"[::1]:{team.port}"


@pytest.mark.parametrize(
    "url", ["http://8.8.8.8/", "ftp://8.8.8.8/", "file:///etc/passwd", "gopher://x/", "//x", "https:///x", ""]
)
async def test_only_https_leaves(url: str) -> None:
    with pytest.raises(RefusedAddress, match="https"):
        await OUT.request("GET", url, {})


async def test_one_private_address_among_public_ones_refuses_the_host(names: dict[str, list[list[str]]]) -> None:
    names["mixed.example"] = [["8.8.8.8", "10.0.0.1"]]
    with pytest.raises(RefusedAddress, match="private"):
        await OUT.request("GET", "https://mixed.example/", {})


async def test_a_host_without_address_is_not_reached(names: dict[str, list[list[str]]]) -> None:
    names["empty.example"] = [[]]
    for host in ("empty.example", "unknown.example"):
        with pytest.raises(WayOutError, match="no address"):
            await OUT.request("GET", f"https://{host}/", {})


async def test_the_connection_goes_to_the_address_that_was_checked(names: dict[str, list[list[str]]], team: Receiver) -> None:
    """The second answer of the name server would lead elsewhere: it is never asked for."""
    names["team.example"] = [["127.0.0.1"], ["10.0.0.1"]]
    answer = await LOCAL.request("POST", f"http://team.example:{team.port}/hook", {}, b"x")
    assert answer.status == 200
    assert team.got[0].headers["host"] == f"team.example:{team.port}"
    assert names["team.example"] == [["10.0.0.1"]]


async def test_the_next_address_is_tried_when_one_does_not_answer(names: dict[str, list[list[str]]], team: Receiver) -> None:
    names["team.example"] = [["127.0.0.2", "127.0.0.1"]]
    assert (await LOCAL.request("GET", f"http://team.example:{team.port}/", {})).status == 200


@pytest.mark.parametrize(
    ("host", "problem"), [("team.example", None), ("other.example", "certificate")], ids=["its name", "another name"]
)
async def test_the_certificate_has_to_be_the_hosts(
    names: dict[str, list[list[str]]], certificate: Path, host: str, problem: str | None
) -> None:
    names[host] = [["127.0.0.1"]]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 204 X\r\n\r\n")
        writer.close()

    out = WayOut(local=True, tls=ssl.create_default_context(cafile=certificate))
    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context) as server:
        url = f"https://{host}:{server.sockets[0].getsockname()[1]}/"
        if problem is None:
            assert (await out.request("GET", url, {})).status == 204
        else:
            with pytest.raises(WayOutError, match=problem):
                await out.request("GET", url, {})


async def test_a_redirect_is_an_answer(team: Receiver) -> None:
    team.status, team.headers = 302, f"Location: http://127.0.0.1:{team.port}/elsewhere\r\n"
    assert (await LOCAL.request("GET", f"http://127.0.0.1:{team.port}/", {})).status == 302
    assert [got.path for got in team.got] == ["/"]


async def test_proxies_of_the_environment_are_not_used(team: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert (await LOCAL.request("GET", f"http://127.0.0.1:{team.port}/", {})).status == 200


@pytest.mark.parametrize(
    ("path", "headers"), [("", {"X-Name": "Bäcker"}), ("", {"X-Ä": "a"}), ("", {"X-Name": "a\nb"}), ("ä", {}), ("\n", {})]
)
async def test_a_request_that_http_cannot_carry_is_not_sent(team: Receiver, path: str, headers: dict[str, str]) -> None:
    with pytest.raises(UnwritableRequest):
        await LOCAL.request("GET", f"http://127.0.0.1:{team.port}/{path}", headers)


@pytest.mark.parametrize(("size", "is_cut"), [(MOST_BYTES, False), (MOST_BYTES + 1, True), (10 * MOST_BYTES, True)])
async def test_an_answer_is_read_up_to_its_limit_and_says_so(team: Receiver, size: int, is_cut: bool) -> None:
    team.body = b"x" * size
    answer = await LOCAL.request("GET", f"http://127.0.0.1:{team.port}/", {})
    assert (len(answer.body), answer.is_cut) == (MOST_BYTES, is_cut)


async def test_a_host_that_says_nothing_is_given_up(team: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    team.silent = True
    monkeypatch.setattr(way_out, "SECONDS", 0.2)
    with pytest.raises(WayOutError, match="did not answer"):
        await LOCAL.request("GET", f"http://127.0.0.1:{team.port}/", {})


async def test_a_request_that_has_left_may_have_arrived(team: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """The team has got it, and the answer was lost."""
    team.silent = True
    monkeypatch.setattr(way_out, "SECONDS", 0.2)
    with pytest.raises(WayOutError) as lost:
        await LOCAL.request("POST", f"http://127.0.0.1:{team.port}/", {}, b"x")
    assert not isinstance(lost.value, NothingSent)


async def test_a_connection_that_breaks_after_the_request_leaves_open_what_arrived() -> None:
    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(close, "127.0.0.1", 0) as server:
        with pytest.raises(WayOutError) as lost:
            await LOCAL.request("POST", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", {}, b"x")
    assert not isinstance(lost.value, NothingSent)


async def test_nothing_was_sent_to_a_host_that_is_away_or_does_not_speak_tls(team: Receiver) -> None:
    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(NothingSent):
            await LOCAL.request("POST", f"https://127.0.0.1:{port}/", {}, b"x")
    with pytest.raises(NothingSent):
        await LOCAL.request("POST", f"http://127.0.0.1:{port}/", {}, b"x")
    with pytest.raises(NothingSent, match="headers"):
        await LOCAL.request("POST", f"http://127.0.0.1:{team.port}/", {"X-Name": "two\r\nlines"}, b"x")
    assert team.got == []


async def test_a_large_request_is_not_sent(team: Receiver) -> None:
    with pytest.raises(NothingSent, match="bytes"):
        await LOCAL.request("POST", f"http://127.0.0.1:{team.port}/", {}, b"x" * (MOST_SENT + 1))
    assert team.got == []


async def test_nobody_else_sets_the_host_and_the_length(team: Receiver) -> None:
    headers = {"Host": "internal.example", "Content-Length": "1", "Transfer-Encoding": "chunked", "X-Own": "1"}
    await LOCAL.request("POST", f"http://127.0.0.1:{team.port}/", headers, b"abc")
    got = team.got[0]
    assert got.headers["host"] == f"127.0.0.1:{team.port}"
    assert (got.body, got.headers["x-own"], "transfer-encoding" in got.headers) == (b"abc", "1", False)


async def test_a_header_cannot_smuggle_another(team: Receiver) -> None:
    with pytest.raises(WayOutError):
        await LOCAL.request("GET", f"http://127.0.0.1:{team.port}/", {"X": "1\r\nHost: internal.example"})
    assert team.got == []


async def test_a_port_where_nobody_listens_is_said(team: Receiver) -> None:
    with pytest.raises(WayOutError, match="could not be reached"):
        await LOCAL.request("GET", "http://127.0.0.1:9/", {})


async def test_no_error_quotes_the_address() -> None:
    with pytest.raises(WayOutError) as refused:
        await OUT.request("GET", "https://secret-token.localhost/path-secret", {})
    assert "secret" not in str(refused.value)


def test_the_certificates_of_all_authorities_are_read_once() -> None:
    assert WayOut().tls is WayOut(local=True).tls
    assert WayOut().tls.verify_mode is ssl.CERT_REQUIRED
