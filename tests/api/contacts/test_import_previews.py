"""What an import would do, shown before it does it."""

import json
from urllib.parse import urlencode

from tests.builders import Caller

CSV = {"Content-Type": "text/csv"}


async def test_a_preview_shows_what_an_import_would_do_and_changes_nothing(api: Caller) -> None:
    ada = (await api.post("/contacts", json={"external_id": "a", "email": "ada@example.com", "tags": ["vip"]})).json()
    bob = (await api.post("/contacts", json={"external_id": "b", "phone": "+4915112345678"})).json()
    content = (
        "sep=;\nKundennr;email;phone;tags;Notes\n"
        "a;ada@example.com;;new;x\n"  # changes Ada
        "c;carl@example.com;by mail;;\n"  # is new, without the number
        "c;carl@example.com;;;\n"  # says the same again
        "a;;+4915112345678;;\n"  # Bob's number
        ";nobody;;;\n"
    )
    columns = json.dumps({"Kundennr": "external_id", "Notes": None})
    path = f"/contact-imports/preview?{urlencode({'columns': columns, 'default_country': 'DE', 'clear': 'NULL'})}"
    answer = await api.post(path, content=content.encode("utf-16"), headers=CSV)
    assert answer.status_code == 200, answer.text
    view = answer.json()
    assert (view["encoding"], view["delimiter"], view["total"]) == ("utf-16", ";", 5)
    assert [(each["header"], each["field"]) for each in view["columns"]] == [
        ("Kundennr", "external_id"),
        ("email", "email"),
        ("phone", "phone"),
        ("tags", "tags"),
        ("Notes", None),
    ]
    rows = view["rows"]
    assert [(each["line"], each["result"]) for each in rows] == [
        (3, "updated"),
        (4, "created"),
        (5, "unchanged"),
        (6, "failed"),
        (7, "failed"),
    ]
    assert rows[0]["contact"] == {"external_id": "a", "email": "ada@example.com", "tags_add": ["new"]}
    assert (rows[0]["contact_id"], rows[1]["contact_id"]) == (ada["id"], None)
    assert (rows[1]["contact"], rows[1]["errors"][0]["field"]) == ({"external_id": "c", "email": "carl@example.com"}, "phone")
    assert (rows[3]["conflict"], {each["contact_id"] for each in rows[3]["errors"]}) == ("two_contacts", {ada["id"], bob["id"]})
    assert rows[4]["contact"] is None
    assert (await api.get("/contact-imports")).json()["items"] == []
    assert {each["external_id"] for each in (await api.get("/contacts")).json()["items"]} == {"a", "b"}
    assert (await api.get(f"/contacts/{ada['id']}")).json() == ada


async def test_a_preview_names_the_line_of_a_contact_that_does_not_exist_yet(api: Caller) -> None:
    content = (
        "external_id,email,first_name\n"
        "a,ada@example.com,Ada\n"
        "a,,Augusta\n"  # changes what line 2 would create
        "b,ada@example.com,Bob\n"  # has the address of line 2
    )
    first, second, third = (await api.post("/contact-imports/preview", content=content, headers=CSV)).json()["rows"]
    assert [each["result"] for each in (first, second, third)] == ["created", "updated", "failed"]
    assert [each["contact_id"] for each in (first, second, third)] == [None, None, None]
    assert [(each["message"], each.get("contact_id")) for each in third["errors"]] == [
        ("ada@example.com is the contact of line 2, whose external_id is a.", None)
    ]


async def test_a_preview_shows_the_first_rows_and_refuses_what_the_import_refuses(api: Caller) -> None:
    content = "email\n" + "".join(f"p{number}@example.com\n" for number in range(30))
    view = (await api.post("/contact-imports/preview?limit=3", content=content, headers=CSV)).json()
    assert (view["total"], [each["line"] for each in view["rows"]]) == (30, [2, 3, 4])
    refused = await api.post("/contact-imports/preview", content="name\nAda\n", headers=CSV)
    assert (refused.status_code, refused.json()["errors"][0]["line"]) == (422, 1)
