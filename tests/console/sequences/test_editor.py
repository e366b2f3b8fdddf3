"""The editor: what is typed stays, faults stand at their line, forms and YAML say the same, and publishing says what changes."""

from typing import Any
from uuid import uuid4

import pytest

from console.areas.sequences.yaml_text import read
from tests.api.campaign_builders import new_sequence
from tests.builders import Caller
from tests.console.conftest import Browser, with_role
from tests.console.sequences.editor_page import HOSTILE, press, sent, yaml


async def test_a_sequence_is_made_once_and_edited_on(browser: Browser, api: Caller) -> None:
    shown = await browser.open("/sequences/new")
    assert shown.status == 200
    assert not shown.all("#faults li")
    for _ in range(2):
        made = await press(browser, shown, "/sequences/new", "save", yaml=yaml())
        assert made.status == 303
    (sequence,) = (await api.get("/sequences")).json()["items"]
    assert made.location == f"/console/sequences/{sequence['id']}/edit"
    again = await browser.open(f"/sequences/{sequence['id']}/edit")
    assert read(again.value("yaml")).value["steps"][1]["on_timeout"] == "reminder"


async def test_what_cannot_be_saved_is_kept_with_its_fault_at_its_line(browser: Browser, api: Caller) -> None:
    text = yaml().replace("kind: end", "kind: jump")
    shown = await browser.send("/sequences/new", yaml=text, do="save", once="")
    assert shown.status == 422
    assert shown.value("yaml").strip() == text.strip()
    line = text.split("\n").index("  - kind: jump") + 1
    assert shown.all(".gutter .is-bad") == [str(line)]
    assert shown.all("#faults a") == [f"Line {line}"]
    assert "steps[4].kind" in shown.all("#faults li")[0]
    assert (await api.get("/sequences")).json()["items"] == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "nothing here"),
        ("steps: [", "no YAML"),
        ("just words", "This is no sequence"),
        ("- a\n- b", "This is no sequence"),
        ("a: &a [x, x]\nb: *a", "Anchors"),
        ("[" * 1000, "levels"),
        ("name: x\nsteps: 5", "list"),
        ("name: x\nsteps: [5, null, [a]]", "object"),
        ("name: x\nsteps: {a: b}", "list"),
        ("name: x\nutm: 5\ntriggers: 5\nsteps: []", "list"),
        (
            "name: x\ntriggers: [5, {actions: 5}, {actions: [5]}]\nsteps: [{kind: send, triggers: [5], message: 5, key: [1]}]",
            "object",
        ),
        ("name: x\nsteps: [{kind: update_contact, change: 5}, {kind: [1]}, {kind: wait, duration: {}}]", "object"),
        (f"name: '{HOSTILE}'\nsteps: []", "characters"),
        (f"{HOSTILE[:500]}: 1\nname: x\nsteps: []", "no such field"),
    ],
)
@pytest.mark.parametrize("do", ["check", "save", "review", "add", "remove:0", "open:0"])
async def test_whatever_is_typed_the_page_answers_and_keeps_it(browser: Browser, text: str, words: str, do: str) -> None:
    shown = await browser.send("/sequences/new", yaml=text, do=do, kind="")
    assert shown.status in (200, 422)
    assert "<script>alert" not in shown.answer.text
    if do in ("check", "save", "review"):
        assert shown.value("yaml").strip() == text.strip()
        assert any(words in each for each in shown.all("#faults li"))


async def test_a_fault_of_a_template_stands_at_its_line_within_the_text(browser: Browser) -> None:
    steps = [{"kind": "send", "key": "a", "channel": "simulator-sms", "message": {"body": "One\n{{ contact.nickname }}\n"}}]
    text = yaml(steps=steps)
    shown = await browser.send("/sequences/new", yaml=text, do="check")
    assert shown.all("#faults a") == [f"Line {next(n for n, line in enumerate(text.splitlines(), 1) if 'nickname' in line)}"]
    assert shown.body.cssselect('[name="s0.message.body"]')[0].get("aria-invalid") == "true"


async def test_a_changed_form_changes_the_yaml_and_leaves_the_rest_as_it_was_typed(browser: Browser) -> None:
    text = "# mine\n" + yaml()
    shown = await browser.send("/sequences/new", yaml=text, do="check")
    changed = await press(browser, shown, "/sequences/new", "open:1", **{"s1.timeout.number": "5", "s1.on_click": "over"})
    value = changed.value("yaml")
    assert value.strip() == text.replace("timeout: P1D", "timeout: P5D").replace("on_click: thanks", "on_click: over").strip()
    assert len(changed.all(".gutter .is-here")) == 6
    assert changed.body.cssselect('details[data-step="wait"]')[0].get("open") is not None


async def test_forms_that_were_not_touched_do_not_undo_what_was_typed(browser: Browser) -> None:
    shown = await browser.send("/sequences/new", yaml=yaml(), do="check")
    typed = yaml().replace("timeout: P1D", "timeout: P9D")
    both = await press(browser, shown, "/sequences/new", "check", yaml=typed, **{"s2.message.body": "Thanks a lot"})
    value = read(both.value("yaml")).value
    assert (value["steps"][1]["timeout"], value["steps"][2]["message"]["body"]) == ("P9D", "Thanks a lot")
    from_yaml = await press(
        browser, shown, "/sequences/new", "check", **{"from": "yaml", "yaml": typed, "s2.message.body": "Lost"}
    )
    assert "Lost" not in from_yaml.value("yaml")


STEPS: dict[str, dict[str, Any]] = {
    "send": {
        "channel": "simulator-email",
        "message": {
            "kind": "transactional",
            "subject": "Hi",
            "body": "Two\nlines {{ links.a }}",
            "links": {"a": "https://example.com/?x=1"},
            "valid_for": "PT4H",
        },
        "next": "last",
        "triggers": [{"key": "hot", "actions": [{"kind": "tag", "tags": ["hot"]}]}],
    },
    "wait_for_click": {"link": "a", "timeout": "P3D", "on_click": "last", "on_timeout": "last"},
    "wait": {"duration": "P1D"},
    "update_contact": {
        "change": {"tags_add": ["a", "b"], "fields": {"first_name": "Ada"}, "properties": {"plan": None, "age": 7, "zip": "07"}}
    },
    "enroll": {"sequence_id": "0198c0de-0000-7000-8000-000000000002", "variables": {"offer": "spring", "off": 10}},
    "stop_other": {},
    "notify": {"target": "Sales", "text": "Look"},
    "end": {"outcome": "done"},
}


@pytest.mark.parametrize("kind", STEPS)
async def test_the_form_of_each_kind_shows_the_step_and_gives_it_back(browser: Browser, kind: str) -> None:
    step = {"kind": kind, "key": "first", **STEPS[kind]}
    text = yaml(steps=[step, {"kind": "end", "key": "last"}])
    shown = await browser.send("/sequences/new", yaml=text, do="check")
    assert read((await press(browser, shown, "/sequences/new", "check")).value("yaml")).value == read(text).value
    assert not [each for each in shown.all("#faults li") if "no such field" in each]
    renamed = await press(browser, shown, "/sequences/new", "check", **{"s0.key": "renamed"})
    assert read(renamed.value("yaml")).value["steps"][0] == {**step, "key": "renamed"}


@pytest.mark.parametrize(
    ("number", "unit", "said", "words"),
    [
        ("2", "W", "P2W", ""),
        ("90", "M", "PT90M", ""),
        ("1.5", "H", "PT1.5H", ""),
        ("P1DT12H30M", "W", "P1DT12H30M", ""),
        ("", "W", None, "required"),
        ("soon", "H", "soon", "Write a number, such as 3"),
        ("-3", "D", "-3", "Write a number, such as 3"),
        ("0", "D", "P0D", "At least 1 second"),
        ("1000000000", "W", "P1000000000W", "366 days at most"),
        ("9" * 6_000, "W", "P" + "9" * 6_000 + "W", "366 days at most"),
        (HOSTILE, "D", HOSTILE, "Write a number, such as 3"),
        ("3", "<b>", "P3D", ""),
    ],
)
async def test_a_length_of_time_is_a_number_and_a_unit(
    browser: Browser, number: str, unit: str, said: str | None, words: str
) -> None:
    shown = await browser.send("/sequences/new", yaml=yaml(), do="check")
    typed = {"s1.timeout.number": number, "s1.timeout.unit": unit}
    changed = await press(browser, shown, "/sequences/new", "check", **typed)
    assert changed.status == 200
    assert read(changed.value("yaml")).value["steps"][1].get("timeout") == said
    assert changed.value("s1.timeout.number") == number
    assert bool(changed.body.cssselect('[name="s1.timeout.number"]')[0].get("aria-invalid")) == bool(words)
    assert words in " ".join(changed.all('details[data-step="wait"] .fault'))


async def test_a_duration_that_is_written_in_another_way_stays_so_while_another_field_changes(browser: Browser) -> None:
    for written in ("P1DT12H", "129600", "PT36H"):
        shown = await browser.send("/sequences/new", yaml=yaml().replace("timeout: P1D", f"timeout: {written}"), do="check")
        assert shown.value("s1.timeout.unit") == ("S" if written == "129600" else "H")
        changed = await press(browser, shown, "/sequences/new", "check", **{"s1.on_click": "over"})
        assert f"timeout: {written}\n" in changed.value("yaml")


async def test_steps_are_added_moved_and_removed(browser: Browser) -> None:
    async def keys(do: str, **typed: Any) -> list[str]:
        shown = await browser.send("/sequences/new", yaml=yaml(), do=do, **typed)
        return [each["key"] for each in read(shown.value("yaml")).value["steps"]]

    assert await keys("add", kind="wait") == ["hello", "wait", "thanks", "reminder", "wait_2", "over"]
    assert await keys("add", kind="end") == ["hello", "wait", "thanks", "reminder", "over", "end"]
    assert await keys("up:1") == ["wait", "hello", "thanks", "reminder", "over"]
    assert await keys("down:3") == ["hello", "wait", "thanks", "over", "reminder"]
    assert await keys("remove:0") == ["wait", "thanks", "reminder", "over"]
    for nothing in ("up:0", "down:4", "remove:9", "remove:x", "explode"):
        assert await keys(nothing) == ["hello", "wait", "thanks", "reminder", "over"]


async def test_a_new_message_goes_by_the_channel_of_the_last_one(browser: Browser) -> None:
    shown = await browser.send("/sequences/new", yaml=yaml(), do="add", kind="send")
    assert read(shown.value("yaml")).value["steps"][4]["channel"] == "simulator-sms"
    first = yaml(steps=[{"kind": "send", "key": "a"}, 5, {"kind": "send", "key": "b", "channel": None}])
    shown = await browser.send("/sequences/new", yaml=first, do="add", kind="send")
    assert "channel" not in read(shown.value("yaml")).value["steps"][3]


async def test_the_rules_of_the_sequence_have_a_form(browser: Browser, api: Caller) -> None:
    sequence = await new_sequence(api)
    path = f"/sequences/{sequence}/edit"
    shown = await browser.open(path)
    typed = {"q.name": "Hello", "q.end_on_reply": "on", "q.utm.source": "linkwake", "q.link_tracking": "off"}
    typed |= {"q.re_entry": "never", "q.re_entry_limit.times": "3", "q.re_entry_limit.period.number": "30"}
    saved = await press(browser, shown, path, "save", **typed)
    assert saved.location == f"/console{path}", saved.all("#faults li")
    kept = (await api.get(f"/sequences/{sequence}")).json()
    assert (kept["name"], kept["end_on_reply"], kept["utm"]["source"], kept["link_tracking"]) == (
        "Hello",
        True,
        "linkwake",
        False,
    )
    assert (kept["re_entry"], kept["re_entry_limit"]) == ("never", {"times": 3, "period": "P30D"})
    shown = await browser.open(path)
    typed = {
        **sent(shown),
        "q.utm.source": "",
        "q.link_tracking": "",
        "q.re_entry_limit.times": "",
        "q.re_entry_limit.period.number": "",
    }
    del typed["q.end_on_reply"]
    await browser.send(path, **typed, do="save")
    kept = (await api.get(f"/sequences/{sequence}")).json()
    assert (kept["utm"], kept["link_tracking"], kept["re_entry_limit"], kept["end_on_reply"]) == (None, None, None, False)


async def test_publishing_shows_what_changes_and_does_it_once(browser: Browser, api: Caller) -> None:
    sequence = await new_sequence(api)
    path = f"/sequences/{sequence}/edit"
    shown = await browser.open(path)
    reviewed = await press(browser, shown, path, "review", **{"s1.timeout.number": "2"})
    assert reviewed.location == f"/console{path}?publish=1"
    asked = await browser.open(path, publish=1)
    assert asked.all("#publish tbody td") == ["2 days instead of 1 day", "0"]
    assert (asked.all(".diff del"), asked.all(".diff ins")) == (["timeout: P1D"], ["timeout: P2D"])
    once = asked.body.cssselect('#publish input[name="once"]')[0].value
    for _ in range(2):
        done = await browser.send(f"/sequences/{sequence}/publish", once=once)
        assert done.location == f"/console/sequences/{sequence}"
    assert (await api.get(f"/sequences/{sequence}")).json()["version"] == 2


async def test_a_fault_does_not_hide_the_dialog_and_stops_the_last_button(browser: Browser, api: Caller) -> None:
    sequence = await new_sequence(api)
    path = f"/sequences/{sequence}/edit"
    await press(browser, await browser.open(path), path, "review", **{"s1.on_click": "ofer"})
    asked = await browser.open(path, publish=1)
    assert asked.body.cssselect("#publish .btn.primary")[0].get("aria-disabled") == "true"
    assert any("There is no step with the key 'ofer'." in each for each in asked.all("#publish-faults"))
    refused = await browser.send(f"/sequences/{sequence}/publish", once="")
    assert refused.status == 422
    assert refused.all("#faults a")


async def test_a_new_sequence_is_reviewed_after_it_was_saved(browser: Browser) -> None:
    shown = await browser.open("/sequences/new")
    reviewed = await press(browser, shown, "/sequences/new", "review")
    assert reviewed.location.endswith("/edit?publish=1")
    asked = await browser.open(reviewed.location.removeprefix("/console").partition("?")[0], publish=1)
    assert asked.status == 200
    assert asked.all("#publish h2") == ["Publish New sequence as version 1?"]


async def test_many_steps_show_the_form_of_the_open_one(browser: Browser) -> None:
    steps = [{"kind": "wait", "key": f"wait_{number}", "duration": "P1D"} for number in range(100)]
    shown = await browser.send("/sequences/new", yaml=yaml(steps=steps), do="open:50")
    assert shown.status == 200
    assert [each.get("name") for each in shown.body.cssselect('[name$=".duration.number"]')] == ["s50.duration.number"]
    assert len(shown.answer.content) < 150_000


async def test_a_viewer_cannot_edit_and_another_organizations_sequence_is_not_there(
    visitor: Browser, api: Caller, organization: Any
) -> None:
    sequence = await new_sequence(api)
    viewer = await with_role(visitor, api, "viewer")
    for path in ("/sequences/new", f"/sequences/{sequence}/edit"):
        assert (await viewer.open(path)).status == 403
        assert (await viewer.send(path, yaml=yaml(), do="save")).status == 403
    assert (await viewer.send(f"/sequences/{sequence}/publish")).status == 403
    await visitor.sign_in(organization[1])
    assert (await visitor.open("/sequences/0198c0de-0000-7000-8000-000000000002/edit")).status == 404


@pytest.mark.parametrize("do", ["check", "add", "save", "review"])
async def test_a_text_that_cannot_be_read_says_so_where_the_steps_were(browser: Browser, api: Caller, do: str) -> None:
    sequence = await new_sequence(api)
    path = f"/sequences/{sequence}/edit"
    shown = await browser.send(path, yaml="name: x\nsteps: [", do=do, kind="wait")
    (said,) = shown.all('[data-part="steps"] .consequence')
    assert "The text cannot be read. Line " in said
    assert "steps can be added" in said
    assert shown.value("yaml").startswith("name: x\nsteps: [")
    assert shown.all(".diff, #publish .consequence:not(.bad)") == []
    assert all(each.get("aria-disabled") == "true" for each in shown.body.cssselect("#publish .btn.primary"))
    assert (await api.get(f"/sequences/{sequence}")).json()["version"] == 1


async def test_the_title_follows_the_name(browser: Browser, api: Caller) -> None:
    sequence = await new_sequence(api)
    shown = await browser.send(f"/sequences/{sequence}/edit", yaml=yaml(name="Autumn"), do="check")
    assert shown.all("h1") == ["Autumn, version 1"]  # a name belongs to no version
    changed = await browser.send(f"/sequences/{sequence}/edit", yaml=yaml(name="Autumn").replace("P1D", "P2D"), do="check")
    assert changed.all("h1") == ["Autumn, draft of version 2"]
    assert shown.all("title")[0].startswith("Autumn")
    assert (await browser.send("/sequences/new", yaml=yaml(name="Autumn"), do="check")).all("h1") == ["Autumn"]


async def test_a_sequence_that_has_not_changed_says_so_and_is_not_published_again(browser: Browser, api: Caller) -> None:
    path = f"/sequences/{await new_sequence(api)}"
    shown = await browser.open(f"{path}/edit", publish="1")
    assert shown.all("h1")[0].endswith(", version 1")
    assert (shown.all(".head .badge"), shown.all("#publish-title")) == (["Published"], ["There is nothing to publish"])
    assert "Nothing has changed since version 1" in shown.all('[data-part="meta"]')[0]
    assert shown.all("#publish .actions > *") == ["Close"]
    assert "version 2" not in shown.text
    again = await browser.send(f"{path}/publish", once=str(uuid4()))
    assert "Nothing has changed since version 1." in (await browser.open(again.location)).text


async def test_what_has_changed_since_a_version_is_its_draft(browser: Browser, api: Caller) -> None:
    path = f"/sequences/{await new_sequence(api)}"
    await api.patch(path, json={"steps": [{"kind": "end", "key": "over"}]})
    shown = await browser.open(f"{path}/edit", publish="1")
    assert (shown.all(".head .badge"), shown.all("#publish .btn.primary")) == (["Draft"], ["Publish version 2"])


COMMENTED = "# mine\n" + yaml().replace("key: wait\n", "key: wait # for a day\n")


@pytest.mark.parametrize("do", ["save", "review"])
async def test_a_draft_with_comments_is_saved_without_them_when_somebody_says_so(browser: Browser, api: Caller, do: str) -> None:
    shown = await browser.send("/sequences/new", yaml=COMMENTED, do="check")
    assert not shown.all("#comments")
    asked = await press(browser, shown, "/sequences/new", do)
    assert (asked.status, asked.all("#comments h2")) == (422, ["Save without its 2 comments?"])
    line = next(number for number, each in enumerate(COMMENTED.split("\n"), 1) if "# for a day" in each)
    assert asked.all("#comments li") == ["Line 1 # mine", f"Line {line} # for a day"]
    assert asked.value("yaml").strip() == COMMENTED.strip()
    assert (await api.get("/sequences")).json()["items"] == []
    assert [each.get("value") for each in asked.body.cssselect("#comments button")] == ["check", f"{do}!"]
    saved = await press(browser, asked, "/sequences/new", f"{do}!")
    assert saved.location.endswith("/edit" if do == "save" else "/edit?publish=1")
    assert len((await api.get("/sequences")).json()["items"]) == 1


async def test_a_form_keeps_the_comments_of_the_step_that_it_changes(browser: Browser) -> None:
    shown = await browser.send("/sequences/new", yaml=COMMENTED, do="check")
    changed = await press(browser, shown, "/sequences/new", "check", **{"s1.timeout.number": "5", "q.name": "Another"})
    assert changed.value("yaml").count("#") == 2
    assert "  # for a day\n  - kind: wait_for_click\n" in changed.value("yaml")


async def test_comments_that_are_many_or_hostile_are_shown_in_short(browser: Browser) -> None:
    text = yaml() + "".join(f"# {HOSTILE}\n" for _ in range(7))
    asked = await browser.send("/sequences/new", yaml=text, do="save")
    assert asked.all("#comments li")[5] == "and 2 others"
    assert "<script>alert" not in asked.answer.text
    assert max(len(each) for each in asked.all("#comments li")) < 120
    assert asked.all("#comments h2") == ["Save without its 7 comments?"]


async def test_what_cannot_be_read_is_said_before_its_comments(browser: Browser) -> None:
    asked = await browser.send("/sequences/new", yaml="# mine\nsteps: [", do="save")
    assert (asked.status, asked.all("#comments")) == (422, [])
