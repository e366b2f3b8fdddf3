"""What a form may hold by mistake or on purpose: each gets a sentence, never an error of ours, and holds nobody up."""

import pytest

from tests.builders import Caller
from tests.console.conftest import Browser

DEEP = "[" * 300 + "]" * 300
DEEPEST = "[" * 100_000


@pytest.mark.parametrize("count", [201, 40_000])
async def test_a_file_with_more_columns_than_can_be_chosen_is_refused_in_a_sentence(browser: Browser, count: int) -> None:
    form = {"form_token": await browser.token()}
    file = ("people.csv", ("," * (count - 1) + "\n").encode(), "text/csv")
    for path in ("preview", ""):
        answer = await browser.client.post(f"/console/contacts/import/{path}".rstrip("/"), data=form, files={"file": file})
        assert answer.status_code == 422
        assert len(answer.content) < 100_000


SEGMENTS = {
    "a length of thousands of digits": {"kind": "last_click", "field": "within", "value": "9" * 5_000},
    "a time before all times": {"kind": "created_at", "field": "after", "value": "0001-01-01T00:00+14:00"},
    "a time after all times": {"kind": "created_at", "field": "after", "value": "9999-12-31T23:59-14:00"},
    "a number too long": {"kind": "property", "field": "equals", "value": "9" * 30},
    "half of a pair of surrogates": {"kind": "property", "field": "equals", "value": '"\\ud800"'},
    "lists too deep": {"kind": "property", "field": "equals", "value": DEEPEST},
}


@pytest.mark.parametrize("what", SEGMENTS)
async def test_values_of_a_segment(browser: Browser, what: str) -> None:
    given = SEGMENTS[what]
    for do in ("count", "save"):
        shown = await browser.send(
            "/segments/new",
            **{"name": "x", "rule": "0", "0.kind": given["kind"], f"0.{given['field']}": given["value"], "do": do},
        )
        assert shown.status < 500, shown.text


async def test_properties_too_deep_to_be_written(browser: Browser) -> None:
    shown = await browser.send("/contacts/new", external_id="a", properties='{"a":' + DEEP + "}")
    assert shown.status < 500


async def test_ids_that_are_names_of_other_things(browser: Browser) -> None:
    shown = await browser.send("/campaigns/new", name="x", **{"audience.contact_ids[0]": "channels"}, do="look")
    assert shown.status < 500


async def test_somebody_who_is_gone_is_tagged(browser: Browser, api: Caller) -> None:
    await api.post("/contacts", json={"external_id": "here"})
    shown = await browser.send("/contacts/tag", contact="00000000-0000-7000-8000-000000000000", tag="t")
    assert (shown.status, shown.all("#tag-fault")) == (404, ["No such contact."])


@pytest.mark.parametrize("origin", ["http://[x", "null", "https://console.test.evil", "http://"])
async def test_an_origin_that_is_not_ours(browser: Browser, origin: str) -> None:
    for path in ("/console/sign-in", "/console/theme", "/console/campaigns/new"):
        form = {"form_token": await browser.token()}
        answer = await browser.client.post(path, data=form, headers={"Origin": origin})
        assert answer.status_code in (303, 403)


@pytest.mark.parametrize(
    ("charset", "field", "value"), [("utf-7", "name", "a+2AA-"), ("unicode_escape", "form_token", "\\ud800")]
)
async def test_broken_characters_by_another_encoding(browser: Browser, charset: str, field: str, value: str) -> None:
    token = await browser.token()
    parts = {"form_token": token, "name": "x", field: value}
    body = (
        "".join(f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n' for name, text in parts.items())
        + "--b--\r\n"
    )
    kind = {"Content-Type": f"multipart/form-data; boundary=b; charset={charset}"}
    answer = await browser.client.post("/console/segments/new", content=body.encode(), headers=kind)
    assert answer.status_code < 500


async def test_conditions_about_things_that_are_gone_do_not_each_list_those_of_the_others(browser: Browser) -> None:
    gone = {f"about:{row}": f"nothing:{row}{'x' * 2_000}" for row in range(50)}
    kinds = {f"kind:{row}": "clicked" for row in range(50)}
    shown = await browser.send("/segments/new", name="x", rule=[str(row) for row in range(50)], do="look", **kinds, **gone)
    assert shown.status < 500
    assert shown.body.cssselect('select[name="about:0"] option[selected]')
    assert len(shown.answer.content) < 1_000_000
