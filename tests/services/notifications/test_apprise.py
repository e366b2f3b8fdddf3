"""Each service of the list is asked in one way, at its own host, through the way out; apprise itself reaches nothing."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from services.notifications import apprise as apprise_module
from services.notifications.apprise import Apprise, NotSent, UnusableAddress
from services.notifications.services import SERVICES
from services.way_out.errors import RefusedAddress, WayOutError
from services.way_out.way_out import Answer, WayOut
from tests.services.notifications.receiver import Receiver, receiver

ROOT = Path(__file__).parents[3]
ASKED = {
    "slack": ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", "hooks.slack.com"),
    "workflow": ("workflows://prod-1.westus.logic.azure.com:443/643e69f83c8944/abcdef", "prod-1.westus.logic.azure.com"),
    "tgram": ("tgram://123456789:abcdefg_hijklmnop/12315544", "api.telegram.org"),
    "discord": ("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", "discord.com"),
    "gchat": ("gchat://workspace/key/token", "chat.googleapis.com"),
    "wxteams": (f"wxteams://{'a' * 80}", "api.ciscospark.com"),
    "zulip": (f"zulip://bot@org/{'a' * 32}/general", "org.zulipchat.com"),
    "lark": ("lark://abcdefgh-1234", "open.larksuite.com"),
    "feishu": ("feishu://abcdefgh-1234", "open.feishu.cn"),
    "dingtalk": ("dingtalk://abcdefgh", "oapi.dingtalk.com"),
    "wecombot": ("wecombot://abcdefgh-1234-1234-1234-123456789012", "qyapi.weixin.qq.com"),
    "pover": (f"pover://{'u' * 30}@{'a' * 30}", "api.pushover.net"),
    "pagerduty": ("pagerduty://integrationkey@apikey", "events.pagerduty.com"),
    "mmosts": (f"mmosts://chat.team.example/{'a' * 26}", "chat.team.example"),
    "rockets": (f"rockets://{'a' * 17}/{'b' * 43}@chat.team.example/%23general", "chat.team.example"),
    "ntfys": ("ntfys://push.team.example/topic", "push.team.example"),
    "gotifys": ("gotifys://push.team.example/AQzVqrkdqEXAMP", "push.team.example"),
    "jsons": ("jsons://team.example/hook", "team.example"),
    "xmls": ("xmls://team.example/hook", "team.example"),
    "forms": ("forms://team.example/hook", "team.example"),
    "mailtos": ("mailtos://user:password@mail.team.example?from=a@team.example&to=b@team.example", "mail.team.example"),
}


class Recording(WayOut):
    """Keeps the requests and answers that all is well."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []
        self.status = 200

    async def request(self, method: str, url: str, headers: Mapping[str, str], content: bytes = b"") -> Answer:
        assert headers["Reference"] == "1"
        self.urls.append(url)
        body = b"ok" if "slack" in url else b'{"ok": true}'
        return Answer(self.status, [("Content-Type", "application/json"), ("Location", "https://10.0.0.1/")], body)


@pytest.fixture(scope="module")
async def shared() -> AsyncIterator[Apprise]:
    """Made once, because its process takes as long to start as ten tests."""
    apprise = Apprise(Recording())
    yield apprise
    await apprise.close()


@pytest.fixture
def recording(shared: Apprise) -> tuple[Apprise, Recording]:
    """With a record of the test's own."""
    out = Recording()
    shared._way_out = out
    return shared, out


@pytest.fixture
async def team() -> AsyncIterator[Receiver]:
    async with receiver() as found:
        yield found


async def send(apprise: Apprise, address: str) -> None:
    await apprise.send(address, "Title", "Body", {"Reference": "1"})


def test_every_service_of_the_list_is_tried() -> None:
    assert ASKED.keys() == SERVICES.keys()


@pytest.mark.parametrize("scheme", sorted(ASKED))
async def test_a_service_is_asked_at_its_host_over_https(recording: tuple[Apprise, Recording], scheme: str) -> None:
    apprise, out = recording
    address, host = ASKED[scheme]
    facts = await apprise.look(address)
    assert facts.scheme == scheme
    assert (facts.host is None) is (not SERVICES[scheme].own_host)
    if facts.mail is not None:
        assert (facts.host, facts.mail.security, facts.mail.to) == (host, "starttls", ("b@team.example",))
        return
    assert facts.host in (None, host)
    await send(apprise, address)
    assert {urlsplit(url).hostname for url in out.urls} == {host}
    assert {urlsplit(url).scheme for url in out.urls} == {"https"}


async def test_a_redirect_is_not_followed(recording: tuple[Apprise, Recording]) -> None:
    apprise, out = recording
    out.status = 302
    for scheme in ("slack", "jsons", "xmls", "forms"):
        out.urls.clear()
        with pytest.raises(NotSent, match="302"):
            await send(apprise, ASKED[scheme][0])
        assert len(out.urls) == 1


@pytest.mark.parametrize(
    "parameter", ["template=/etc/passwd", "attach=https://x.example/", "Template=/etc/passwd", "keyfile=x", "config=x"]
)
async def test_a_parameter_that_reads_something_is_refused(recording: tuple[Apprise, Recording], parameter: str) -> None:
    for scheme in ("slack", "workflow", "discord", "jsons"):
        with pytest.raises(UnusableAddress, match="leave it out"):
            await recording[0].look(f"{ASKED[scheme][0]}?{parameter}")


@pytest.mark.parametrize(
    "address",
    [
        "irc://irc.example/room",
        "mqtt://x.example/topic",
        "syslog://",
        "dbus://",
        "vapid://a@x.example",
        "signal://x/+15555550123",
    ],
)
async def test_other_services_are_refused(recording: tuple[Apprise, Recording], address: str) -> None:
    with pytest.raises(UnusableAddress, match=r"docs/notifications\.md"):
        await recording[0].look(address)


async def test_what_cannot_be_reached_is_said_and_the_address_is_not_quoted() -> None:
    apprise = Apprise(WayOut())
    try:
        for address in ("jsons://127.0.0.1/secret-path", "json://8.8.8.8/secret-path"):
            with pytest.raises(RefusedAddress) as refused:
                await send(apprise, address)
            assert "secret" not in str(refused.value)
    finally:
        await apprise.close()


async def test_a_process_that_died_is_started_again(team: Receiver) -> None:
    apprise = Apprise(WayOut(local=True))
    try:
        await send(apprise, team.address)
        assert apprise._process is not None
        apprise._process._process.kill()
        await apprise._process._process.wait()
        await send(apprise, team.address)
    finally:
        await apprise.close()
    assert len(team.got) == 2


async def test_a_job_whose_process_dies_fails_and_says_so(team: Receiver) -> None:
    team.silent = True
    apprise = Apprise(WayOut(local=True))
    try:
        job = asyncio.create_task(send(apprise, team.address))
        await team.wait_for(1)
        assert apprise._process is not None
        await apprise._process.end()
        job.cancel()
        with pytest.raises((NotSent, WayOutError, asyncio.CancelledError)):
            await job
    finally:
        await apprise.close()


@pytest.mark.parametrize(
    ("address", "number"),
    [
        ("ntfys://push.team.example/good/bad", 2),
        (f"ntfys://push.team.example/{'/'.join(f't{number}' for number in range(8))}", 8),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/%23sales/%23support", 2),
        ("tgram://123456789:abcdefg_hijklmnop/12315544/12315545", 2),
        (f"rockets://{'a' * 17}/{'b' * 43}@chat.team.example/%23general/@ada", 2),
        (f"zulip://bot@org/{'a' * 32}/general/other", 2),
        (f"mmosts://chat.team.example/{'a' * 26}/?to=sales,support", 2),
    ],
)
async def test_an_address_names_one_recipient(recording: tuple[Apprise, Recording], address: str, number: int) -> None:
    """What one of several refuses would be sent again to the others."""
    with pytest.raises(UnusableAddress, match=rf"names {number} recipients: make a target for each"):
        await recording[0].look(address)


@pytest.mark.parametrize(
    "address",
    [
        "dingtalk://abcdefgh/15555550123/15555550124",
        "mailtos://u:p@mail.team.example?from=a@team.example&to=b@team.example,c@team.example",
    ],
)
async def test_several_recipients_are_possible_where_all_are_told_at_once(
    recording: tuple[Apprise, Recording], address: str
) -> None:
    apprise, out = recording
    facts = await apprise.look(address)
    if facts.mail is not None:
        assert facts.mail.to == ("b@team.example", "c@team.example")
        return
    await send(apprise, address)
    assert len(out.urls) == 1


@pytest.mark.parametrize("parameter", ["retry=3", "wait=5", "Retry=1", "overflow=split"])
async def test_apprise_repeats_and_splits_nothing_of_its_own_accord(recording: tuple[Apprise, Recording], parameter: str) -> None:
    with pytest.raises(UnusableAddress, match="leave"):
        await recording[0].look(f"{ASKED['jsons'][0]}?{parameter}")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("jsons://team.example:99999/", "1 to 65535"),
        ("jsons://team.example:0/", "1 to 65535"),
        ("ntfys://team.example:65536/topic", "1 to 65535"),
        ("mailtos://u:p@mail.team.example:99999?from=a@x.example&to=b@x.example", "1 to 65535"),
        ("jsons://team.example/?+X=a%0d%0aHost:%20b", "header"),
        ("xmls://team.example/?+X=a%00", "header"),
        ("forms://team.example/?+X%20Y=a", "header"),
        ("jsons://team.example/?+X=%C3%BC", "header"),
    ],
)
async def test_an_address_that_can_never_work_is_refused(recording: tuple[Apprise, Recording], address: str, words: str) -> None:
    with pytest.raises(UnusableAddress, match=words):
        await recording[0].look(address)


@pytest.mark.parametrize("address", ["jsons://[2606:4700::1111]:8443/x", "ntfys://[2606:4700::1111]:8443/topic"])
async def test_a_public_ipv6_address_is_asked(recording: tuple[Apprise, Recording], address: str) -> None:
    apprise, out = recording
    facts = await apprise.look(address)
    assert (facts.host, facts.port) == ("2606:4700::1111", 8443)
    await send(apprise, address)
    (url,) = out.urls
    assert (urlsplit(url).hostname, urlsplit(url).port) == ("2606:4700::1111", 8443)


async def test_a_job_that_asks_for_too_much_ends_in_the_process(
    recording: tuple[Apprise, Recording], monkeypatch: pytest.MonkeyPatch
) -> None:
    apprise, out = recording
    monkeypatch.setattr(apprise_module, "MOST_REQUESTS", 0)
    for _ in range(5):
        with pytest.raises(NotSent, match="too much"):
            await send(apprise, ASKED["jsons"][0])
    assert out.urls == []
    await all_jobs_end(apprise)


async def test_a_job_that_nobody_waits_for_ends_in_the_process(team: Receiver) -> None:
    team.silent = True
    apprise = Apprise(WayOut(local=True))
    try:
        jobs = [asyncio.create_task(send(apprise, team.address)) for _ in range(5)]
        await team.wait_for(5)
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
        await all_jobs_end(apprise)
    finally:
        await apprise.close()


async def all_jobs_end(apprise: Apprise) -> None:
    """Returns when the process has its first thread only."""
    assert apprise._process is not None
    tasks = Path(f"/proc/{apprise._process._process.pid}/task")
    async with asyncio.timeout(30):
        while len(await asyncio.to_thread(lambda: list(tasks.iterdir()))) > 1:  # noqa: ASYNC110 - another process tells nothing
            await asyncio.sleep(0.01)


async def test_no_address_is_an_argument_of_a_process() -> None:
    apprise = Apprise(WayOut(local=True))
    try:
        await apprise.look(ASKED["slack"][0])
        assert apprise._process is not None
        about = await asyncio.to_thread(arguments_of, apprise._process._process.pid)
    finally:
        await apprise.close()
    assert "apprise_process" in about
    assert "TIiajkdnlazkcOXrIdevi7FQ" not in about


def arguments_of(process: int) -> str:
    return "".join(Path(f"/proc/{process}/{file}").read_text() for file in ("cmdline", "environ"))


@pytest.mark.parametrize(
    "does",
    [
        "open('/etc/passwd')",
        "open('/tmp/written', 'w')",
        "open('services/notifications/written.py', 'w')",
        "open('.env.example')",
        "open('services/../.env.example')",
        "__import__('os').open('services/notifications/written.py', 1 | 64)",
        "__import__('socket').create_connection(('127.0.0.1', 1))",
        "__import__('socket').getaddrinfo('localhost', 1)",
        "__import__('subprocess').Popen(['true'])",
        "__import__('os').system('true')",
    ],
)
def test_the_process_of_apprise_is_closed_in(does: str) -> None:
    code = f"from services.notifications.apprise_process import close_in; close_in(); {does}"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)  # noqa: S603 - our own code
    assert done.returncode == 1
    assert "PermissionError" in done.stderr


async def test_the_address_of_a_webhook_says_how_to_write_it(recording: tuple[Apprise, Recording]) -> None:
    with pytest.raises(UnusableAddress, match="jsons://host/path"):
        await recording[0].look("https://example.com/hook")
