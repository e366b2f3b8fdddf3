"""Notification targets: their addresses are checked, encrypted and never shown."""

import asyncio
import json
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from api.handling.services import Services
from models.base import new_id, now
from models.contacts.contact import Contact
from models.database import Database
from models.notifications.items import FiringCause, NotificationItemIn
from models.organizations.organization import Organization
from services.effects.notify import notify
from services.notifications.addresses import address_place
from services.way_out import way_out
from services.way_out.way_out import WayOut
from tests.builders import Caller, is_problem
from tests.services.notifications.receiver import Receiver, mail_server

SLACK = {"name": "Sales", "address": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"}
SECRET = "TIiajkdnlazkcOXrIdevi7FQ"


async def create(api: Caller, **change: Any) -> dict[str, Any]:
    answer = await api.post("/notification-targets", json={**SLACK, **change})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_a_target_shows_its_service_and_no_secret(api: Caller) -> None:
    target = await create(api)
    assert (target["service"], target["address"], target["text"]) == ("Slack", "slack://…", None)
    path = f"/notification-targets/{target['id']}"
    answers = [(await api.get(each)).text for each in (path, "/notification-targets", f"{path}/notifications", "/audit-log")]
    assert [SECRET in each for each in answers] == [False] * 4
    found = json.loads(answers[0])
    assert (found["waiting"], found["next_try_at"], found["last_error"]) == (0, None, None)


async def test_the_row_holds_no_readable_address(
    api: Caller, services: Services, database: Database, organization: tuple[Organization, str]
) -> None:
    target = await create(api)
    async with database.transaction() as session:
        row = (await session.execute(text("SELECT t.*, t::text AS whole FROM notification_target t"))).one()
    assert SECRET not in row.whole
    place = address_place(organization[0].id, UUID(target["id"]))
    assert services.secrets.decrypt(row.address, place) == SLACK["address"]


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"name": ""}, "name", "nothing to read"),
        ({"name": " "}, "name", "nothing to read"),
        ({"name": "x" * 201}, "name", "200"),
        ({"address": ""}, "address", "empty"),
        ({"address": "x" * 2_001}, "address", "2,000"),
        ({"address": "nonsense"}, "address", "docs/notifications.md"),
        ({"address": "https://team.example/hook"}, "address", "jsons://host/path"),
        ({"address": "irc://irc.example/room"}, "address", "IRC cannot be notified"),
        ({"address": "syslog://"}, "address", "cannot be notified"),
        ({"address": "file:///etc/passwd"}, "address", "docs/notifications.md"),
        ({"address": "jsons://10.0.0.1/"}, "address", "private"),
        ({"address": "jsons://169.254.169.254/latest"}, "address", "link-local"),
        ({"address": "jsons://[::ffff:127.0.0.1]/"}, "address", "mapped"),
        ({"address": "jsons://[fd00::1]:8443/"}, "address", "private"),
        ({"address": "jsons://[64:ff9b::a00:1]/"}, "address", "NAT64"),
        ({"address": "ntfys://[2002:a00:1::1]/topic"}, "address", "6to4"),
        ({"address": "mailtos://u:p@[fe80::1]?from=a@x.example&to=b@x.example"}, "address", "link-local"),
        ({"address": "ntfys://8.8.8.8/good/bad"}, "address", "2 recipients: make a target for each"),
        ({"address": "jsons://8.8.8.8:99999/"}, "address", "1 to 65535"),
        ({"address": "jsons://8.8.8.8:0/"}, "address", "1 to 65535"),
        ({"address": "jsons://8.8.8.8/?+X=a%0d%0ab"}, "address", "header"),
        ({"address": "mailtos://8.8.8.8?from=Ada%0aB<a@x.example>&to=b@x.example"}, "address", "line breaks"),
        ({"address": "jsons://8.8.8.8/?template=/etc/passwd"}, "address", "template"),
        ({"address": "mailtos://mail.invalid:465?from=a@x.example&to=b@x.example"}, "address", "no address"),
        ({"text": "{{ who"}, "text", ""),
        ({"text": "{{ whom }}"}, "text", "no merge field whom"),
        ({"text": "{{ contact.frist_name }}"}, "text", "contact.frist_name"),
        ({"text": "{{ links.offer }}"}, "text", "no links"),
        ({"text": "{% include 'x' %}"}, "text", ""),
        ({"text": "x" * 2_001}, "text", "2,000"),
        ({"secret": "x"}, "secret", "no such field"),
    ],
)
async def test_a_wrong_target_is_refused_with_its_field(api: Caller, change: dict[str, Any], field: str, words: str) -> None:
    answer = await api.post("/notification-targets", json={**SLACK, **change})
    assert is_problem(answer, 422, "invalid"), answer.text
    (error,) = answer.json()["errors"]
    assert error["field"] == field
    assert words in error["message"]
    assert (await api.get("/notification-targets")).json()["items"] == []


@pytest.mark.parametrize(
    "address", ["json://team.example/", "jsons://127.0.0.1/", "mailto://127.0.0.1:25?from=a@x.example&to=b@x.example"]
)
async def test_a_real_server_refuses_itself_and_what_is_not_encrypted(api: Caller, services: Services, address: str) -> None:
    services.notifications.__init__(WayOut())  # type: ignore[misc]
    answer = await api.post("/notification-targets", json={**SLACK, "address": address})
    assert is_problem(answer, 422, "invalid")
    assert [error["field"] for error in answer.json()["errors"]] == ["address"]


async def test_a_public_ipv6_address_is_saved_and_shown(api: Caller) -> None:
    target = await create(api, address="jsons://[2606:4700::1111]:8443/hook")
    assert target["address"] == "jsons://[2606:4700::1111]:8443/…"


async def test_a_name_is_taken_once_until_its_target_is_deleted(api: Caller) -> None:
    first = await create(api)
    answer = await api.post("/notification-targets", json=SLACK)
    assert is_problem(answer, 409, "notification_target_name_taken")
    other = await create(api, name="Support")
    renamed = await api.patch(f"/notification-targets/{other['id']}", json={"name": "Sales"})
    assert is_problem(renamed, 409, "notification_target_name_taken")
    assert (await api.delete(f"/notification-targets/{first['id']}")).status_code == 204
    assert (await api.patch(f"/notification-targets/{other['id']}", json={"name": "Sales"})).json()["name"] == "Sales"


async def test_only_the_given_fields_are_changed(api: Caller) -> None:
    target = await create(api, text="{{ who }}")
    path = f"/notification-targets/{target['id']}"
    changed = (await api.patch(path, json={"address": "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js"})).json()
    assert (changed["name"], changed["service"], changed["address"], changed["text"]) == (
        "Sales",
        "Discord",
        "discord://…",
        "{{ who }}",
    )
    assert (await api.patch(path, json={"text": None})).json()["text"] is None
    assert is_problem(await api.patch(path, json={"name": None}), 422, "invalid")
    assert is_problem(await api.patch(path, json={"address": "irc://x/y"}), 422, "invalid")


async def test_a_deleted_target_is_gone_with_its_address(api: Caller, database: Database) -> None:
    target = await create(api)
    path = f"/notification-targets/{target['id']}"
    assert (await api.delete(path)).status_code == 204
    answers = [
        await api.get(path),
        await api.delete(path),
        await api.post(f"{path}/test"),
        await api.get(f"{path}/notifications"),
    ]
    assert [answer.status_code for answer in answers] == [404] * 4
    async with database.transaction() as session:
        assert (await session.execute(text("SELECT address FROM notification_target"))).scalar_one() is None


async def test_another_organizations_target_does_not_exist(api: Caller, stranger: Caller) -> None:
    path = f"/notification-targets/{(await create(api))['id']}"
    answers = [
        await stranger.get(path),
        await stranger.get(f"{path}/notifications"),
        await stranger.patch(path, json={"name": "Mine"}),
        await stranger.post(f"{path}/test"),
        await stranger.delete(path),
    ]
    assert [answer.status_code for answer in answers] == [404] * 5
    await create(stranger)  # and its name is free for everybody
    assert len((await stranger.get("/notification-targets")).json()["items"]) == 1


async def test_a_test_reaches_the_team(api: Caller, team: Receiver) -> None:
    target = await create(api, address=f"{team.address}?+X-Key=abc", text="{{ who }} {{ did }}: {{ link.name }}")
    assert target["address"] == f"json://127.0.0.1:{team.port}/…"
    answer = await api.post(f"/notification-targets/{target['id']}/test")
    assert answer.json() == {"sent": True, "error": None}
    (got,) = team.got
    assert got.json["title"] == "Ada Lovelace clicked offer"
    assert got.json["message"].startswith("Ada Lovelace clicked offer: offer\n\nReference: ")
    assert got.json["message"].endswith(got.headers["linkwake-notification"])
    assert got.headers["x-key"] == "abc"
    assert (await api.get(f"/notification-targets/{target['id']}")).json()["last_success_at"] is not None


async def test_a_test_says_why_it_was_not_sent(api: Caller, team: Receiver) -> None:
    target = await create(api, address=team.address)
    team.status, team.body = 404, b'{"error": "secret words"}'
    found = (await api.post(f"/notification-targets/{target['id']}/test")).json()
    assert (found["sent"], "404" in found["error"], "secret words" in found["error"]) == (False, True, False)
    assert (await api.get(f"/notification-targets/{target['id']}")).json()["last_error"] == found["error"]


async def test_targets_that_hang_take_one_request_of_their_organization(
    api: Caller, stranger: Caller, team: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = [await create(api, name=name, address=team.address) for name in ("First", "Second")]
    team.silent = True
    monkeypatch.setattr(way_out, "SECONDS", 5.0)
    hanging = asyncio.create_task(api.post(f"/notification-targets/{first['id']}/test"))
    await team.wait_for(1)
    assert is_problem(await api.post(f"/notification-targets/{second['id']}/test"), 429, "too_many_requests")
    team.silent = False
    theirs = await create(stranger, address=team.address)
    assert (await stranger.post(f"/notification-targets/{theirs['id']}/test")).json()["sent"] is True
    assert (await hanging).json()["sent"] is False
    assert (await api.post(f"/notification-targets/{second['id']}/test")).json()["sent"] is True


async def test_a_target_is_not_tested_all_the_time(api: Caller, team: Receiver) -> None:
    target = await create(api, address=team.address)
    await api.post(f"/notification-targets/{target['id']}/test")
    assert is_problem(await api.post(f"/notification-targets/{target['id']}/test"), 429, "too_many_requests")
    assert len(team.got) == 1


async def test_a_mailbox_gets_a_mail(api: Caller) -> None:
    async with mail_server() as (box, port):
        address = f"mailto://127.0.0.1:{port}?from=linkwake@x.example&to=sales@y.example,boss@y.example&smtp=127.0.0.1"
        target = await create(api, address=address)
        assert target["address"] == f"mailto://127.0.0.1:{port}/…"
        assert (await api.post(f"/notification-targets/{target['id']}/test")).json() == {"sent": True, "error": None}
    (mail,) = box.mails
    assert sorted(mail.rcpt_tos) == ["boss@y.example", "sales@y.example"]
    content = str(mail.content, "utf-8") if isinstance(mail.content, bytes) else ""
    assert "Subject: Ada Lovelace clicked offer" in content
    assert "Linkwake-Notification: " in content


async def test_what_waits_is_shown_and_given_up_with_the_target(
    api: Caller, database: Database, organization: tuple[Organization, str]
) -> None:
    target = await create(api)
    async with database.transaction() as session:
        contact = Contact(org_id=organization[0].id, first_name="Ada")
        session.add(contact)
        await session.flush()
        items = [NotificationItemIn(FiringCause(new_id(), 0), contact.id, now(), "offer") for _ in range(3)]
        await notify(session, organization[0].id, UUID(target["id"]), items)
    path = f"/notification-targets/{target['id']}"
    found = (await api.get(path)).json()
    assert found["waiting"] == 3
    assert found["next_try_at"] is not None
    await api.delete(path)
    async with database.transaction() as session:
        found = await session.execute(text("SELECT state, count, last_error, items_kept FROM notification"))
        assert [tuple(row) for row in found] == [("failed", 3, "The target was deleted.", True)]
        assert (await session.execute(text("SELECT count(*) FROM notification_item WHERE notification_id IS NULL"))).scalar() == 0


async def test_the_hundred_and_first_target_is_refused(
    api: Caller, database: Database, organization: tuple[Organization, str]
) -> None:
    async with database.transaction() as session:
        await session.execute(
            text(
                "INSERT INTO notification_target (id, org_id, name, service, shown, quiet_until, created_at, updated_at) "
                "SELECT gen_random_uuid(), :org_id, n::text, 'Slack', 'slack://', now(), now(), now() "
                "FROM generate_series(1, 100) n"
            ),
            {"org_id": organization[0].id},
        )
    assert is_problem(await api.post("/notification-targets", json=SLACK), 409, "too_many_notification_targets")
