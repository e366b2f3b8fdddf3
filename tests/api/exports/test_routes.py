"""Exports over the API: what is in them, how they end, how they go on, and who may not have them."""

import csv
import json
from datetime import timedelta
from io import StringIO
from typing import Any

import httpx
import pytest

from api.exports import routes
from models.base import first_id, now
from models.clicks.recording import Metadata
from models.contacts.contact import Contact
from models.database import Database
from models.exports import export, horizon
from models.messages.message import MessageState
from models.organizations.organization import Organization
from tests.builders import Caller, is_problem
from tests.rows import NOON, Rows

KINDS = ("clicks", "messages", "enrollments")
ANNA = {
    "external_id": "crm-1",
    "first_name": '=HYPERLINK("http://evil.example","Anna")',
    "last_name": "Müller, geb. O'Neil\nzwei",
    "email": "anna@example.com",
    "phone": "+4915112345678",
    "tags": ["vip"],
    "properties": {"plan": "@gold", "=cmd": {"a": 1}},
}


@pytest.fixture(autouse=True)
def no_difference_of_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that have just been made are in the export."""
    monkeypatch.setattr(horizon, "CLOCKS", timedelta(0))


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


@pytest.fixture
async def anna(rows: Rows) -> Contact:
    return await rows.contact(**ANNA)


def json_lines(answer: httpx.Response) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    *found, trailer = [json.loads(line) for line in answer.text.splitlines()]
    return found, trailer


def csv_rows(answer: httpx.Response) -> tuple[list[list[str]], str]:
    assert answer.status_code == 200, answer.text
    *lines, trailer = answer.text.removesuffix("\r\n").split("\r\n")
    return list(csv.reader(StringIO("\r\n".join(lines), newline=""))), trailer


async def five_clicks(rows: Rows, contact: Contact) -> list[str]:
    """The newest is a machine's."""
    campaign = await rows.campaign()
    message = await rows.message(campaign.content_id, contact)
    return [str(await rows.click(message, at=NOON + timedelta(hours=n), verdict="bot" if n == 4 else "human")) for n in range(5)]


async def test_clicks_are_there_oldest_first_with_their_contact_place_and_link(api: Caller, rows: Rows, anna: Contact) -> None:
    made = await five_clicks(rows, anna)
    found, trailer = json_lines(await api.get("/exports/clicks?format=jsonl&time_zone=Asia/Kathmandu"))
    assert [each["id"] for each in found] == made[:4]
    assert trailer == {"cursor": made[3], "rows": 4, "complete": True}
    first = found[0]
    assert first["clicked_at"] == "2026-11-03T17:45:00.000+05:45"
    assert (first["country"], first["city"], first["device_type"]) == ("DE", "Berlin", "phone")
    assert (first["link_name"], first["link_url"], first["campaign_name"]) == ("offer", "https://shop.example/offer", "Spring")
    assert [first[f"contact_{name}"] for name in ("external_id", "first_name", "last_name", "email", "phone")] == [
        ANNA[name] for name in ("external_id", "first_name", "last_name", "email", "phone")
    ]


async def test_a_spreadsheet_takes_no_cell_for_a_formula(api: Caller, rows: Rows, anna: Contact) -> None:
    await five_clicks(rows, anna)
    columns = "contact_first_name,contact_last_name,contact_phone,contact_email,properties.plan,properties.=cmd,properties.none"
    (header, first, *_), trailer = csv_rows(await api.get("/exports/clicks", params={"columns": columns}))
    assert header == ["id", *columns.split(",")]
    assert first[1:] == [
        f"'{ANNA['first_name']}", ANNA["last_name"], "'+4915112345678", "anna@example.com", "'@gold", '{"a": 1}', "",
    ]  # fmt: skip
    assert trailer.startswith("#cursor,")
    assert trailer.endswith(",rows,4,complete,true")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_tag_that_no_contact_has_is_not_found(api: Caller, rows: Rows, anna: Contact, kind: str) -> None:
    await five_clicks(rows, anna)
    refused = await api.get(f"/exports/{kind}?tag=nosuch")
    assert (refused.status_code, [each["field"] for each in refused.json()["errors"]]) == (404, ["tag"])
    assert (await api.get(f"/exports/{kind}?tag=vip")).status_code == 200


@pytest.mark.parametrize("start", ["=1", "+1", "-1", "@a", "\t1", "\r1", "\n1", "＝1"])
async def test_every_start_of_a_formula_gets_an_apostrophe(api: Caller, rows: Rows, start: str) -> None:
    await five_clicks(rows, await rows.contact(first_name=start))
    (_, first, *_), _ = csv_rows(await api.get("/exports/clicks?columns=contact_first_name"))
    assert first[1] == f"'{start}"


@pytest.mark.parametrize(
    ("value", "safe"),
    [
        ("x;=HYPERLINK(A1);y", "x;'=HYPERLINK(A1);y"),
        ("a\n=1", "a\n'=1"),
        ("a\r\n+1\t@b", "a\r\n'+1\t'@b"),
        ('a;"=1;""-2', 'a;\'"=1;\'""-2'),
        ("\t=1", "'\t'=1"),
        ("a=b;c,d;e-f\ng", "a=b;c,d;e-f\ng"),
    ],
)
async def test_a_formula_behind_a_separator_gets_an_apostrophe(api: Caller, rows: Rows, value: str, safe: str) -> None:
    await five_clicks(rows, await rows.contact(first_name=value, properties={value: 1}))
    answer = await api.get("/exports/clicks", params={"columns": f"contact_first_name,properties.{value.replace(',', ' ')}"})
    quoted = safe.replace('"', '""')
    assert f',"{quoted}",' in answer.text
    header = quoted.removeprefix("'").replace(",", " ")
    assert f'"properties.{header}"\r\n' in answer.text


async def test_messages_have_what_became_of_them_and_no_texts(api: Caller, rows: Rows, anna: Contact) -> None:
    campaign = await rows.campaign()
    sent = await rows.message(campaign.content_id, anna, body="secret text", to_address="+4915112345678", report="delivered")
    left_out = await rows.message(campaign.content_id, await rows.contact(), MessageState.SKIPPED, reason="no_phone")
    answer = await api.get("/exports/messages?format=jsonl")
    assert "secret text" not in answer.text
    found, _ = json_lines(answer)
    assert [(each["id"], each["state"], each["report"], each["reason"]) for each in found] == [
        (str(sent.id), "accepted", "delivered", None),
        (str(left_out.id), "skipped", None, "no_phone"),
    ]
    for query, wanted in (("state=skipped", left_out), ("reason=no_phone", left_out), ("tag=vip", sent)):
        assert [each["id"] for each in json_lines(await api.get(f"/exports/messages?format=jsonl&{query}"))[0]] == [
            str(wanted.id)
        ]


async def test_enrollments_have_their_version_and_where_they_are(api: Caller, rows: Rows, anna: Contact) -> None:
    sequence = await rows.sequence()
    made = await rows.enrollment(sequence, anna, step_key="wait", due_at=NOON)
    await rows.enrollment(sequence, await rows.contact())
    query = f"format=jsonl&sequence_id={sequence.id}&step=wait&version=1"
    (found,), trailer = json_lines(await api.get(f"/exports/enrollments?{query}"))
    assert (found["id"], found["version"], found["step_key"], found["due_at"]) == (
        str(made.id), 1, "wait", "2026-11-03T12:00:00.000+00:00",
    )  # fmt: skip
    assert (trailer["rows"], trailer["complete"]) == (1, True)


@pytest.mark.parametrize("format", ["csv", "jsonl"])
async def test_parts_that_go_on_behind_each_other_are_the_whole(
    api: Caller, rows: Rows, anna: Contact, monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    monkeypatch.setattr(export, "PAGE", 2)
    made = await five_clicks(rows, anna)
    query = f"/exports/clicks?verdict=all&columns=verdict&format={format}"
    whole = (await api.get(query)).text.splitlines(keepends=True)
    assert len(whole) == 5 + 1 + (format == "csv")
    for n, last in enumerate(made):
        rest = (await api.get(f"{query}&cursor={last}")).text.splitlines(keepends=True)
        assert rest[:-1] == whole[n + 1 + (format == "csv") : -1]
    assert rest[-1].rstrip() in (
        f'{{"cursor":"{made[4]}","rows":0,"complete":true}}',
        f"#cursor,{made[4]},rows,0,complete,true",
    )


async def test_filters_are_those_of_the_list(api: Caller, rows: Rows, anna: Contact) -> None:
    made = await five_clicks(rows, anna)
    other = await rows.campaign()
    (link,) = await rows.links(other.content_id)
    message = await rows.message(other.content_id, await rows.contact())
    one = str(await rows.click(message, at=NOON + timedelta(days=1), metadata=Metadata("FR", None, "desktop", None, None)))
    for query, wanted in {
        f"campaign_id={other.id}": [one],
        f"link_id={link.id}": [one],
        f"link_id={link.id}&campaign_id={other.id}&country=FR": [one],
        "country=FR": [one],
        "device_type=phone": made[:4],
        "verdict=bot": made[4:],
        f"contact_id={anna.id}&verdict=all": made,
        "tag=vip": made[:4],
        "since=2026-11-03T13:00:00Z&until=2026-11-03T15:00:00Z": made[1:3],
        "since=2026-11-03T13:00:00Z&until=2026-11-03T13:00:00Z": [],
        "since=2026-11-03T18:45&until=2026-11-03T20:45&time_zone=Asia/Kathmandu": made[1:3],
    }.items():
        found, trailer = json_lines(await api.get(f"/exports/clicks?format=jsonl&{query}"))
        assert ([each["id"] for each in found], trailer["complete"]) == (wanted, True), query


async def test_clicks_of_a_shared_link_have_nobody(api: Caller, rows: Rows) -> None:
    made = (await api.post("/shared-links", json={"slug": "spring-sale", "destination": "https://shop.example/"})).json()
    found, trailer = json_lines(await api.get(f"/exports/clicks?format=jsonl&link_id={made['id']}"))
    assert (found, trailer) == ([], {"cursor": None, "rows": 0, "complete": True})


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("since=2026-11-04T00:00:00Z&until=2026-11-03T00:00:00Z", "until"),
        ("time_zone=Mars/Olympus", "time_zone"),
        ("columns=id,salary", "columns"),
        ("columns=", "columns"),
        ("columns=id,id", "columns"),
        ("columns=properties.", "columns"),
        ("columns=" + ",".join(f"properties.p{n}" for n in range(50)), "columns"),
        ("cursor=behind", "cursor"),
        ("format=xlsx", "format"),
        ("limit=5", "limit"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_wrong_question_names_its_field(api: Caller, kind: str, query: str, field: str) -> None:
    answer = await api.get(f"/exports/{kind}?{query}")
    assert is_problem(answer, 422, "invalid")
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize(
    "cursor", ["ffffffff-ffff-ffff-ffff-ffffffffffff", str(first_id(now() + timedelta(hours=1)))], ids=["last", "in_an_hour"]
)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_cursor_of_the_future_is_refused(api: Caller, kind: str, cursor: str) -> None:
    answer = await api.get(f"/exports/{kind}?cursor={cursor}")
    assert is_problem(answer, 422, "invalid")
    assert [error["field"] for error in answer.json()["errors"]] == ["cursor"]


async def test_a_zone_that_only_python_knows_is_refused(api: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.organizations.time_zone.known_time_zones", lambda: {"Mars/Olympus"})
    assert is_problem(await api.get("/exports/clicks?time_zone=Mars/Olympus"), 422, "invalid")


async def test_a_filter_that_is_somebody_elses_is_not_found(api: Caller, rows: Rows, anna: Contact, stranger: Caller) -> None:
    campaign = await rows.campaign()
    for query in (f"campaign_id={campaign.id}", f"contact_id={anna.id}"):
        for kind in KINDS:
            assert is_problem(await stranger.get(f"/exports/{kind}?{query}"), 404, "not_found")


async def test_a_cursor_of_another_organization_shows_nothing_of_it(
    api: Caller, rows: Rows, anna: Contact, stranger: Caller
) -> None:
    made = await five_clicks(rows, anna)
    for query in ("", f"&cursor={made[0]}"):
        found, trailer = json_lines(await stranger.get(f"/exports/clicks?format=jsonl{query}"))
        assert (found, trailer["rows"]) == ([], 0)


async def test_each_export_is_in_the_audit_log_with_its_key(api: Caller, rows: Rows) -> None:
    for kind in KINDS:
        await api.get(f"/exports/{kind}")
    entries = (await api.get("/audit-log?limit=3")).json()["items"]
    assert [each["action"] for each in entries] == [f"exports.{kind}" for kind in reversed(KINDS)]
    assert all(each["key_id"] for each in entries)


async def test_a_third_export_at_once_is_told_to_wait(api: Caller, services: Any, organization: tuple[Organization, str]) -> None:
    turns, org_id = services.export_turns, organization[0].id
    async with turns.turn(org_id), turns.turn(org_id):
        answer = await api.get("/exports/clicks")
        assert is_problem(answer, 429, "too_many_requests")
        assert int(answer.headers["retry-after"]) > 0
    assert (await api.get("/exports/clicks")).status_code == 200


async def test_what_breaks_on_the_way_is_said_in_the_last_line(
    api: Caller, rows: Rows, anna: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "PAGE", 2)
    made = await five_clicks(rows, anna)
    pages = 0

    async def broken(*arguments: Any) -> Any:
        nonlocal pages
        pages += 1
        if pages == 2:
            raise TimeoutError
        return await export.read_page(*arguments)

    monkeypatch.setattr(routes, "read_page", broken)
    found, trailer = json_lines(await api.get("/exports/clicks?format=jsonl&verdict=all"))
    assert [each["id"] for each in found] == made[:2]
    assert trailer == {"cursor": made[1], "rows": 2, "complete": False}
    found, trailer = json_lines(await api.get(f"/exports/clicks?format=jsonl&verdict=all&cursor={trailer['cursor']}"))
    assert ([each["id"] for each in found], trailer["complete"]) == (made[2:], True)


async def test_a_revoked_key_ends_its_export(api: Caller, rows: Rows, anna: Contact, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "PAGE", 2)
    made = await five_clicks(rows, anna)
    key = (await api.post("/api-keys", json={"name": "bi", "role": "editor"})).json()

    async def revoking(*arguments: Any) -> Any:
        page = await export.read_page(*arguments)
        await api.delete(f"/api-keys/{key['id']}")
        return page

    monkeypatch.setattr(routes, "read_page", revoking)
    found, trailer = json_lines(await api.with_key(key["key"]).get("/exports/clicks?format=jsonl"))
    assert ([each["id"] for each in found], trailer["complete"]) == (made[:2], False)


async def test_a_page_looks_at_a_bounded_number_of_rows_however_few_fit(
    api: Caller, rows: Rows, anna: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "PAGE", 2)
    await five_clicks(rows, anna)
    found, trailer = json_lines(await api.get("/exports/clicks?format=jsonl&country=JP&verdict=all"))
    assert (found, trailer["rows"], trailer["complete"]) == ([], 0, True)
    monkeypatch.setattr("api.exports.stream.SILENCE", -1.0)
    _, early = json_lines(await api.get("/exports/clicks?format=jsonl&country=JP&verdict=all"))
    assert (early["complete"], early["cursor"] is not None) == (False, True)
