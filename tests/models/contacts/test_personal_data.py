"""No table is forgotten: each one has an entry, or a reason for having none."""

import pytest
from sqlmodel import SQLModel

import models.tables  # noqa: F401 # all tables are known
from models.contacts.personal_data import PERSONAL_DATA

IDS = "ids, words of ours, numbers and times only"
AUTHORS = "what the organization's own people wrote, for everybody"
OPERATION = "about the server and its keys, and not about contacts"
NOTHING = {
    "api_key": OPERATION,
    "console_session": OPERATION,
    "sign_in_failure": OPERATION,
    "sign_in_link": OPERATION,
    "audit_log": IDS,
    "campaign": AUTHORS,
    "channel": AUTHORS,
    "channel_pace": "the domain of an address, and not the address",
    "policy_refusal": "the domain of an address, or a hash",
    "click": IDS,
    "click_by": IDS,
    "click_first": IDS,
    "click_flood": IDS,
    "click_rejected": IDS,
    "click_series": IDS,
    "command": IDS,
    "contact_engagement": IDS,
    "contact_tag": "kept equal to the contact's tags by the database",
    "content": AUTHORS,
    "content_link": AUTHORS,
    "content_usage": IDS,
    "enrollment_count": IDS,
    "heartbeat": OPERATION,
    "link_domain": OPERATION,
    "live_event": IDS,
    "message_count": IDS,
    "notification": "texts for a team are written when they are sent, and not kept",
    "notification_target": OPERATION,
    "organization": OPERATION,
    "outcome_count": IDS,
    "person_outcome": IDS,
    "report_count": IDS,
    "segment": AUTHORS,
    "sequence": AUTHORS,
    "sequence_enrolls": IDS,
    "sequence_version": AUTHORS,
    "shared_link": AUTHORS,
    "signal_outbox": IDS,
    "step_count": IDS,
    "step_run": IDS,
    "step_time": IDS,
    "trigger": AUTHORS,
    "trigger_count": IDS,
    "trigger_link": IDS,
    "trigger_person": IDS,
    "trigger_refusal": IDS,
    "waiting_report": "a provider's name for a message, for an hour, and words without addresses",
}


def test_each_table_has_an_entry_or_a_reason_for_having_none() -> None:
    entries = {each.table for each in PERSONAL_DATA}
    assert entries & set(NOTHING) == set()
    assert entries | set(NOTHING) == set(SQLModel.metadata.tables)


@pytest.mark.parametrize("table", [each.table for each in PERSONAL_DATA])
def test_an_entry_is_about_its_table(table: str) -> None:
    (entry,) = [each for each in PERSONAL_DATA if each.table == table]
    assert table in entry.erase
    assert entry.export is None or table in entry.export
