"""What every request goes through: the key, the body, the idempotency key, pages and problem documents."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, NoReturn

import httpx
import pytest
from sqlalchemy import select
from sqlmodel import col

from api.channels import routes as channels
from api.handling import transaction
from api.handling.services import Services
from models.channels.channel import add_channel
from models.contacts.imports import ContactImport
from models.database import Database, Patience
from models.organizations.api_key import revoke_api_key
from models.organizations.idempotency import IdempotencyKey
from models.organizations.organization import Organization
from services.process.turns import Turns
from services.starter import Starter
from settings import Settings
from tests.api.campaign_builders import new_campaign
from tests.builders import Caller, is_problem, with_key

Org = tuple[Organization, str]
JSON = {"Content-Type": "application/json"}


async def test_a_request_without_a_key_is_refused(api: Caller) -> None:
    answer = await api.client.get("/v1/contacts")
    assert is_problem(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_key_that_is_wrong_or_no_key_is_refused(api: Caller) -> None:
    for key in ("", "x", "lw_", "lw_" + "0" * 60, "lw_" + "é" * 60, "lw_" + "Z" * 60, "lw_" + "\x00" * 60):
        headers = httpx.Headers({"Authorization": f"Bearer {key}"}, encoding="latin-1")
        assert is_problem(await api.client.get("/v1/contacts", headers=headers), 401, "unauthorized"), key


async def test_credentials_of_another_kind_are_refused(api: Caller) -> None:
    for text in (api.key, f"Basic {api.key}", f"Token {api.key}", "Bearer"):
        assert is_problem(await api.client.get("/v1/contacts", headers={"Authorization": text}), 401, "unauthorized"), text


async def test_a_key_with_another_secret_is_refused(api: Caller) -> None:
    wrong = api.key[:-1] + ("0" if api.key[-1] != "0" else "1")
    assert is_problem(await api.with_key(wrong).get("/contacts"), 401, "unauthorized")


async def test_a_revoked_key_is_refused(api: Caller, database: Database, organization: Org) -> None:
    second = (await api.post("/api-keys", json={"name": "second", "role": "owner"})).json()
    async with database.transaction() as session:
        await revoke_api_key(session, organization[0].id, second["id"])
    assert is_problem(await api.with_key(second["key"]).get("/contacts"), 401, "unauthorized")


async def test_the_key_is_checked_before_the_body_is_judged(api: Caller) -> None:
    answer = await api.with_key("lw_").post("/contacts", json={"nonsense": 1})
    assert is_problem(answer, 401, "unauthorized")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("GET", "/contacts?x=1", b""), ("GET", "/contacts/none", b""), ("POST", "/contacts", b'{"cut')],
)
async def test_without_a_key_nothing_else_is_judged(api: Caller, method: str, path: str, body: bytes) -> None:
    answer = await api.client.request(method, f"/v1{path}", content=body, headers=JSON)
    assert is_problem(answer, 401, "unauthorized")


async def test_the_body_of_a_stranger_is_not_read(api: Caller) -> None:
    read = []

    async def body() -> AsyncIterator[bytes]:
        read.append(True)
        yield b"{}"

    assert (await api.client.post("/v1/contacts", content=body(), headers=JSON)).status_code == 401
    assert read == []


async def test_a_body_that_takes_its_time_holds_no_connection(api: Caller, database: Database) -> None:
    free = []

    async def body() -> AsyncIterator[bytes]:
        free.append(database.engine.pool.status())
        yield b'{"external_id": "a"}'

    assert (await api.post("/contacts", content=body(), headers=JSON)).status_code == 201
    assert "Current Checked out connections: 0" in free[0]


async def test_a_key_that_is_revoked_while_the_body_arrives_does_nothing(
    api: Caller, database: Database, organization: Org
) -> None:
    second = (await api.post("/api-keys", json={"name": "second", "role": "owner"})).json()

    async def body() -> AsyncIterator[bytes]:
        yield b'{"name": "third'
        async with database.transaction() as session:
            await revoke_api_key(session, organization[0].id, second["id"])
        yield b'"}'

    answer = await api.with_key(second["key"]).post("/api-keys", content=body(), headers=JSON)
    assert is_problem(answer, 401, "unauthorized")
    assert [key["name"] for key in (await api.get("/api-keys")).json()["items"]] == ["first key", "second"]


async def test_another_organizations_ids_do_not_exist(api: Caller, stranger: Caller) -> None:
    contact = (await api.post("/contacts", json={"external_id": "a"})).json()["id"]
    channel = (await api.get("/channels")).json()["items"][0]["id"]
    key = (await api.get("/api-keys")).json()["items"][0]["id"]
    for path in (f"/contacts/{contact}", f"/channels/{channel}", f"/channels/{channel}/inbox"):
        assert is_problem(await stranger.get(path), 404, "not_found")
    assert is_problem(await stranger.patch(f"/contacts/{contact}", json={"first_name": "Eve"}), 404, "not_found")
    assert is_problem(await stranger.delete(f"/api-keys/{key}"), 404, "not_found")
    assert (await stranger.get("/contacts")).json()["items"] == []


async def test_a_path_that_does_not_exist_is_a_problem(api: Caller) -> None:
    assert is_problem(await api.get("/nothing"), 404, "not_found")
    assert is_problem(await api.get("/contacts/not-an-id"), 422, "invalid")


async def test_a_method_that_does_not_exist_is_a_problem_that_says_which_do(api: Caller) -> None:
    answer = await api.delete("/organization")
    assert is_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] in {"GET", "PATCH"}  # of the first route with this path, as Starlette looks them up


async def test_every_wrong_field_is_named_with_its_path(api: Caller) -> None:
    answer = await api.post("/contacts", json={"email": "nobody", "tags": ["fine", ";"], "colour": "red"})
    assert is_problem(answer, 422, "invalid")
    assert {error["field"] for error in answer.json()["errors"]} == {"email", "tags[1]", "colour"}


@pytest.mark.parametrize("name", [" ", "\u3000\t\n", "\u200b"])
@pytest.mark.parametrize("path", ["campaigns", "sequences", "api-keys", "shared-links"])
async def test_a_name_that_nobody_can_read_is_refused(api: Caller, path: str, name: str) -> None:
    errors = (await api.post(f"/{path}", json={"name": name})).json()["errors"]
    assert [error["message"] for error in errors if error["field"] == "name"] == ["There is nothing to read in it: write a name."]


async def test_the_path_of_a_wrong_step_has_no_word_that_the_caller_did_not_write(api: Caller) -> None:
    wait = {"kind": "wait_for_click", "key": "b", "timeout": "P1D", "on_click": "two words", "on_timeout": "c"}
    steps = [{"kind": "end", "key": "a"}, {"key": "b"}, wait, {"kind": "dance", "key": "c"}, 5]
    answer = await api.post("/sequences", json={"name": "Welcome", "steps": steps})
    assert is_problem(answer, 422, "invalid")
    fields = [error["field"] for error in answer.json()["errors"]]
    assert fields == ["steps[1].kind", "steps[2].on_click", "steps[3].kind", "steps[4]"]


BODIES = [
    (b'{"email":', 422),
    (b"", 422),
    (b"[]", 422),
    (b'{"external_id": "\xff"}', 400),
    (b'{"external_id": "\\u0000"}', 422),
    (b'{"external_id": "\\ud800"}', 422),
    (b'{"\\ud800": 1}', 422),
    (b'{"external_id": "a", "properties": {"\\ud800": 1}}', 422),
    (b'{"external_id": "a", "properties": {"x": NaN}}', 422),
    (b'{"external_id": "a", "properties": {"x": 1e999}}', 422),
    (b'{"external_id": "a", "properties": {"x": ' + b"9" * 5000 + b"}}", 400),
    (b'{"external_id": "a", "properties": {"x": ' + b"[" * 50 + b"]" * 50 + b"}}", 422),
    (b'{"external_id": "a", "properties": {"x": ' + b"[" * 5000 + b"]" * 5000 + b"}}", 400),
]


async def test_no_body_is_an_error_of_the_server(api: Caller) -> None:
    for body, status in BODIES:
        answer = await api.post("/contacts", content=body, headers=JSON)
        assert is_problem(answer, status, "invalid" if status == 422 else "bad_request"), body


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonp", "json", ""])
async def test_json_without_its_content_type_is_told_the_header(api: Caller, kind: str | None) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    answer = await api.post("/contacts", content=b'{"external_id": "a"}', headers=headers)
    assert is_problem(answer, 415, "unsupported_media_type")
    message = "Send the body as JSON, with the header Content-Type: application/json."
    assert answer.json()["errors"] == [{"field": "Content-Type", "message": message}]


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON", "application/merge-patch+json"])
async def test_a_content_type_of_json_may_be_written_in_many_ways(api: Caller, kind: str) -> None:
    answer = await api.post("/contacts", content=b'{"external_id": "a"}', headers={"Content-Type": kind})
    assert answer.status_code == 201


async def test_a_request_without_a_body_needs_no_content_type(api: Caller) -> None:
    assert is_problem(await api.post("/contacts"), 422, "invalid")
    campaign = await new_campaign(api)
    assert (await api.post(f"/campaigns/{campaign}/preview")).status_code == 200


async def test_json_that_is_cut_off_says_where(api: Caller) -> None:
    answer = await api.post("/contacts", content=b'{"email":', headers=JSON)
    assert answer.json()["errors"] == [{"field": "body", "message": "This is not JSON: Expecting value (character 9)."}]


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
async def test_a_compressed_body_is_never_unpacked(api: Caller, coding: str) -> None:
    for path, kind in (("/contacts", "application/json"), ("/contact-imports", "text/csv")):
        bomb = gzip.compress(b'{"external_id": "' + b"a" * 2**20 + b'"}')
        answer = await api.post(path, content=bomb, headers={"Content-Type": kind, "Content-Encoding": coding})
        assert answer.status_code in {400, 415, 422}, answer.text
        assert len(answer.content) < 1000


@pytest.mark.parametrize(
    ("path", "megabytes"), [("/contacts", 1), ("/sequences", 1), ("/contacts/bulk", 20), ("/contact-imports", 20)]
)
async def test_a_body_that_is_too_large_is_refused_before_it_is_read(api: Caller, path: str, megabytes: int) -> None:
    answer = await api.post(path, content=b"x", headers={**JSON, "Content-Length": str(megabytes * 2**20 + 1)})
    assert is_problem(answer, 413, "too_large")
    what_to_do = "Send it in parts." if megabytes == 20 else "It is about one thing: write less into it."
    assert answer.json()["detail"] == f"The body may have {megabytes} MB. {what_to_do}"


async def test_more_requests_at_once_than_an_organization_may_have_are_refused_and_nobody_elses(
    api: Caller, stranger: Caller, services: Services, organization: Org
) -> None:
    object.__setattr__(services, "turns", Turns(1, 0))
    async with services.turns.turn(organization[0].id):
        refused = await api.get("/contacts")
        theirs = await stranger.get("/contacts")
    assert is_problem(refused, 429, "too_many_requests")
    assert refused.headers["retry-after"] == "5"
    assert theirs.status_code == 200
    assert (await api.get("/contacts")).status_code == 200


async def test_a_bulk_request_that_waits_for_another_keeps_small_ones_going(
    api: Caller, services: Services, organization: Org
) -> None:
    async with services.large_turns.turn(organization[0].id):
        waiting = [asyncio.create_task(api.post("/contacts/bulk", json={"contacts": [{"external_id": "a"}]})) for _ in range(9)]
        assert (await api.post("/contacts", json={"external_id": "b"})).status_code == 201
        assert {task.done() for task in waiting} == {False}
    assert {answer.status_code for answer in await asyncio.gather(*waiting)} == {200}


async def test_a_long_page_waits_for_another_large_request_and_a_short_one_does_not(
    api: Caller, services: Services, organization: Org
) -> None:
    async with services.large_turns.turn(organization[0].id):
        waiting = [asyncio.create_task(api.get("/contacts?limit=101")) for _ in range(9)]
        assert (await api.get("/contacts?limit=100")).status_code == 200
        assert {task.done() for task in waiting} == {False}
    assert {answer.status_code for answer in await asyncio.gather(*waiting)} == {200}


@pytest.mark.parametrize("limit", ["²", "9" * 5000, "-1", "x", ""])
async def test_a_limit_that_is_none_is_refused(api: Caller, limit: str) -> None:
    assert is_problem(await api.get(f"/contacts?limit={limit}"), 422, "invalid")


@pytest.mark.parametrize("length", ["", "many", "-1", "²", "9" * 5000])
async def test_a_length_that_is_none_is_no_error_of_the_server(api: Caller, length: str) -> None:
    headers = httpx.Headers({**JSON, "Content-Length": length, "Authorization": f"Bearer {api.key}"}, encoding="latin-1")
    answer = await api.client.post("/v1/contacts", content=b"{}", headers=headers)
    assert answer.status_code in {413, 422}


async def test_a_body_that_turns_out_too_large_is_refused(api: Caller) -> None:
    async def endless() -> Any:
        for _ in range(9):
            yield b" " * 2**17

    assert is_problem(await api.post("/contacts", content=endless(), headers=JSON), 413, "too_large")


async def test_a_cursor_that_is_none_is_refused(api: Caller) -> None:
    for cursor in ("x", "%00", "AAAA", "é", "00000000-0000-0000-0000-000000000000", "A" * 1000):
        answer = await api.get(f"/contacts?cursor={cursor}")
        assert is_problem(answer, 422, "invalid"), cursor
        assert [error["field"] for error in answer.json()["errors"]] == ["cursor"]


async def test_a_cursor_is_good_for_its_own_list_and_filters_only(api: Caller) -> None:
    for n in range(2):
        await api.post("/contacts", json={"external_id": str(n), "tags": ["a", "b"]})
    contact = (await api.get("/contacts?limit=1&tag=a")).json()
    cursor = contact["next_cursor"]
    lists = ("contacts", "contacts?tag=b", "campaigns", "api-keys", f"contacts/{contact['items'][0]['id']}/conversation")
    for path in lists:
        answer = await api.get(f"/{path}{'&' if '?' in path else '?'}cursor={cursor}")
        assert is_problem(answer, 422, "invalid"), path
        assert "with the same filters" in answer.json()["errors"][0]["message"]
    assert len((await api.get(f"/contacts?tag=a&limit=2&cursor={cursor}")).json()["items"]) == 1


async def test_a_limit_out_of_range_is_refused(api: Caller) -> None:
    for limit in ("0", "501", "-1", "many", "1.5"):
        answer = await api.get(f"/contacts?limit={limit}")
        assert [error["field"] for error in answer.json()["errors"]] == ["limit"]


async def test_pages_show_every_row_once_newest_first_while_rows_arrive(api: Caller) -> None:
    ids = [(await api.post("/contacts", json={"external_id": str(n)})).json()["id"] for n in range(5)]
    seen, cursor = [], None
    while True:
        page = (await api.get("/contacts", params={"limit": 2, **({"cursor": cursor} if cursor else {})})).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        await api.post("/contacts", json={"external_id": f"late-{cursor}"})
    assert seen == ids[::-1]


CHANNEL = {"name": "second", "kind": "simulator", "medium": "sms"}


async def test_an_unexpected_error_is_a_problem_and_changes_nothing(api: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (await api.get("/channels")).json()

    async def made_and_broken(*given: Any) -> NoReturn:
        await add_channel(*given)
        raise RuntimeError("secret detail")

    with monkeypatch.context() as patch:
        patch.setattr(channels, "add_channel", made_and_broken)
        answer = await api.post("/channels", json=CHANNEL, headers=with_key("k"))
    assert is_problem(answer, 500, "internal")
    assert "secret" not in answer.text
    assert (await api.get("/channels")).json() == before
    assert (await api.post("/channels", json=CHANNEL, headers=with_key("k"))).status_code == 201


async def refused(*_: Any) -> None:
    raise ConnectionError("Temporal is away")


async def silence(*_: Any) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("temporal", [refused, silence])
async def test_what_failed_after_the_commit_is_left_to_the_sweeper(
    api: Caller, database: Database, monkeypatch: pytest.MonkeyPatch, temporal: Any
) -> None:
    monkeypatch.setattr(transaction, "PATIENCE", timedelta(0))
    monkeypatch.setattr(Starter, "start_next_import", temporal)
    answer = await api.post("/contact-imports", content=b"email\na@example.com\n", headers=with_key("k"))
    assert answer.status_code == 202
    async with database.transaction() as session:
        statuses = await session.scalars(select(col(IdempotencyKey.status)))
        waiting = await session.scalars(select(col(ContactImport.workflow_started_at)))
    assert (list(statuses), list(waiting)) == ([202], [None])


async def test_a_database_that_is_away_is_503(api: Caller, services: Any, settings: Settings) -> None:
    nowhere = Database("postgresql://nobody@127.0.0.1:1/none")
    object.__setattr__(services, "database", nowhere)
    answer = await api.get("/contacts")
    assert is_problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"] == "5"
    await nowhere.close()


async def test_a_row_that_somebody_else_holds_is_503_and_keeps_nobody_waiting(
    api: Caller, stranger: Caller, services: Services, database: Database, organization: Org
) -> None:
    impatient = Database(services.settings.effective_database_url, patience=Patience(lock=0.05, statement=60, idle=60))
    object.__setattr__(services, "database", impatient)
    async with database.transaction() as session:
        await session.execute(select(Organization).where(col(Organization.id) == organization[0].id).with_for_update())
        answers = await asyncio.gather(*(api.post("/api-keys", json={"name": "second", "role": "owner"}) for _ in range(9)))
        assert (await stranger.get("/contacts")).status_code == 200
    assert {answer.status_code for answer in answers} == {503}
    assert answers[0].headers["retry-after"] == "5"
    detail = "Another request or job is changing the same rows. Send the same request again."
    assert answers[0].json()["detail"] == detail
    assert (await api.post("/api-keys", json={"name": "second", "role": "owner"})).status_code == 201
    await impatient.close()


async def test_a_misspelled_filter_is_refused_and_the_known_ones_are_named(api: Caller) -> None:
    answer = await api.get("/clicks?town=London")
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["field"] == "town"
    assert "country" in error["message"]


async def test_a_slash_too_many_is_not_found(api: Caller) -> None:
    assert (await api.get("/contacts/")).status_code == 404
