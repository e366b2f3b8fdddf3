"""What providers tell, read as the settings say."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.base import new_id, now
from models.channels.channel import Channel, ChannelKind, Medium
from models.messages.report import ReportKind
from services.channels.http import conditions
from services.channels.http.callbacks import MOST_EVENTS, Told, Unreadable, read_callback
from services.channels.http.config import CallbackMapping
from services.channels.http.json_path import as_text
from tests.services.channels.http.providers import example
from tests.services.channels.http.vonage import inbound, status_of

CHANNEL = Channel(org_id=new_id(), name="c", kind=ChannelKind.HTTP, medium=Medium.SMS)
MESSAGE = {"message_uuid": "u1", "to": "447700900000", "from": "447700900001", "channel": "sms", "client_ref": str(new_id())}
TOKEN = {"kind": "token", "header": "X-Token"}
ALL: dict[str, Any] = {
    "rules": [{"when": [{"path": "$.id", "present": True}], "kind": "delivered"}],
    "provider_id": "$.id",
    "reported_at": ["$.at", "$.time"],
}
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=6), each, max_size=3),
)


def read(mapping: dict[str, Any], document: Any, content_type: str = "application/json") -> Told:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_callback(CHANNEL, CallbackMapping.model_validate(mapping), content_type, body)


def reports(document: Any, **more: Any) -> list[Any]:
    return list(read({"check": TOKEN, "reports": ALL | more}, document).reports)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 50_000])
def test_what_is_no_json_cannot_be_read(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read({"check": TOKEN, "reports": ALL}, body)


def test_a_callback_with_very_many_events_is_refused() -> None:
    with pytest.raises(Unreadable, match="events"):
        reports([{"id": 1}] * (MOST_EVENTS + 1))


def test_an_event_that_no_rule_knows_or_that_names_no_message_is_left_alone() -> None:
    assert reports([{"other": 1}, None, 7, [], {"id": ["x"]}, {"id": "x" * 300}]) == []


def test_an_event_with_signs_that_cannot_be_kept_loses_no_other() -> None:
    found = reports([{"id": "\x00"}, {"id": "\ud800"}, {"id": "b"}])
    assert [each.provider_id for each in found] == ["\ufffd", "?", "b"]


def test_events_can_stand_in_a_list_and_come_many_times() -> None:
    once = {"id": "a", "at": "2026-01-01T00:00:00Z", "why": {"x": 1, "y": 2}}
    again = {"why": {"y": 2, "x": 1}, "at": "2026-01-01T00:00:00Z", "id": "a"}
    first, second, other = reports([once, again, {**once, "at": "2026-01-01T00:00:01Z"}])
    assert first == second
    assert other.event_key != first.event_key
    named = read({"check": TOKEN, "events": "$.list", "reports": ALL | {"event_id": "$.id"}}, {"list": [once]}).reports
    assert [each.event_key for each in named] == ["delivered:a"]


def test_a_form_has_fields_of_text() -> None:
    (report,) = read(
        {"check": TOKEN, "reports": ALL}, b"id=17&at=&time=1767225600", "application/x-www-form-urlencoded; charset=utf-8"
    ).reports
    assert (report.provider_id, report.reported_at) == ("17", datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("2026-01-01T00:00:00", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-01-01T01:00:00.0000000+01:00", datetime(2026, 1, 1, tzinfo=UTC)),
        (1767225600, datetime(2026, 1, 1, tzinfo=UTC)),
        ("1767225600.0", datetime(2026, 1, 1, tzinfo=UTC)),
        (1767225600000, datetime(2026, 1, 1, tzinfo=UTC)),
        ("yesterday", None),
        (True, None),
        (1e300, None),
        ("1" * 400, None),
        (-1, None),
    ],
)
def test_times_are_read_in_the_forms_that_providers_use(written: Any, read_as: datetime | None) -> None:
    (report,) = reports({"id": 1, "at": written})
    assert report.reported_at == read_as


def test_a_time_to_come_counts_as_now() -> None:
    (report,) = reports({"id": 1, "at": "9999-12-31T23:59:59Z"})
    assert report.reported_at <= now()


@given(JSON_VALUES)
def test_no_document_breaks_the_reading(document: Any) -> None:
    for name in ("Postmark", "Vonage"):
        read(example(name)["callback"], document)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("submitted", ReportKind.SENT),
        ("delivered", ReportKind.DELIVERED),
        ("read", ReportKind.DELIVERED),
        ("rejected", ReportKind.FAILED),
        ("undeliverable", ReportKind.FAILED),
        ("unheard_of", None),
    ],
)
def test_vonages_statuses_become_reports(status: str, kind: ReportKind | None) -> None:
    error = {"error": {"title": 1240, "type": "https://developer.vonage.com/api-errors/messages#1240", "detail": "…"}}
    told = read(example("Vonage")["callback"], status_of(MESSAGE, status, **error))
    assert [(str(each.message_id), each.provider_id, each.kind, each.code) for each in told.reports] == (
        [(MESSAGE["client_ref"], "u1", kind, "1240")] if kind else []
    )
    assert told.inbound == []


def test_a_text_to_a_number_at_vonage_is_an_inbound_message() -> None:
    told = read(example("Vonage")["callback"], document := inbound("STOP", "2026-01-01T12:00:00.000Z"))
    (found,) = told.inbound
    assert (found.from_address, found.to_address, found.body) == ("+447700900000", "+447700900001", "STOP")
    assert (found.provider_id, found.received_at) == (document["message_uuid"], datetime(2026, 1, 1, 12, tzinfo=UTC))
    assert told.reports == []


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"RecordType": "Delivery", "DeliveredAt": "2019-11-05T16:33:54.9070259Z"}, (ReportKind.DELIVERED, False, None)),
        ({"RecordType": "Bounce", "Type": "HardBounce", "TypeCode": 1}, (ReportKind.BOUNCED, False, "HardBounce")),
        ({"RecordType": "Bounce", "Type": "SoftBounce", "TypeCode": 4096}, (ReportKind.BOUNCED, True, "SoftBounce")),
        ({"RecordType": "Bounce", "Type": "SpamNotification"}, (ReportKind.FAILED, False, "SpamNotification")),
        ({"RecordType": "SpamComplaint", "Type": "SpamComplaint"}, (ReportKind.COMPLAINED, False, "SpamComplaint")),
    ],
)
def test_postmarks_webhooks_become_reports(event: dict[str, Any], expected: tuple[ReportKind, bool, str | None]) -> None:
    (report,) = read(example("Postmark")["callback"], event | {"MessageID": "m1", "Email": "ada@example.com"}).reports
    assert (report.kind, report.soft, report.code, report.provider_id) == (*expected, "m1")


@pytest.mark.parametrize("record", ["Open", "Click", "SubscriptionChange"])
def test_other_webhooks_of_postmark_are_left_alone(record: str) -> None:
    assert read(example("Postmark")["callback"], {"RecordType": record, "MessageID": "m1"}).reports == []


def test_what_a_condition_asks_for_is_prepared_once_for_all_events(monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[Any] = []

    def counted(value: Any) -> str | None:
        texts.append(value)
        return as_text(value)

    monkeypatch.setattr(conditions, "as_text", counted)
    rules = [{"when": [{"path": "$.state", "one_of": [f"s{number}" for number in range(200)]}], "kind": "delivered"}]
    assert reports([{"id": "a", "state": "other"}] * 500 + [{"id": "b", "state": "s7"}], rules=rules)[0].provider_id == "b"
    assert len(texts) == 501 + 200
