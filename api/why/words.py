"""Why a message did not go out, in words: those of one message and of many stand together, so that the diagnostics and the
answers to "why not?" say the same."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from services import gate


class Words(NamedTuple):
    """Clauses that follow `because`. `one` may name facts in braces; `many` is about several contacts and has none."""

    one: str
    many: str = ""


MEDIUMS = {"sms": "SMS", "email": "e-mail"}

CLAUSES: dict[str, Words] = {
    "over": Words("what it belongs to was over"),
    "stopped": Words("somebody asked to stop the enrollment"),
    gate.CONTACT_ERASED: Words("the contact was erased", "the contacts were erased"),
    gate.CHANNEL_ARCHIVED: Words("the channel is archived", "their channel is archived"),
    gate.TOO_LATE: Words("it was not worth sending any more after {late_after}", "they were not worth sending any more"),
    gate.SUPPRESSED: Words("the address is suppressed", "their addresses are suppressed"),
    gate.OPTED_OUT: Words("the contact has opted out", "the contacts have opted out"),
    gate.NO_CONSENT: Words(
        "marketing by {medium} needs an opt-in, which the contact has not given", "the contacts have not opted in"
    ),
    "answer_undecided": Words(gate.ANSWER_UNDECIDED),
    "channel_paused": Words("the channel '{channel}' is paused, since {since}"),
    "provider_asked_to_wait": Words("the provider asked to wait"),
    "domain_asked_to_wait": Words("the recipient's domain asked to wait"),
    gate.TOO_MANY_MESSAGES: Words("the contact had {messages_of_day} messages within 24 hours and may have {budget}"),
    "channel_pace": Words("the channel is at its pace"),
    "no_phone": Words("the contact has no phone number"),
    "no_email": Words("the contact has no e-mail address"),
    "enrollment_over": Words("the enrollment was over by then"),
    "campaign_over": Words("the campaign was over by then"),
    "moved": Words("the enrollment was moved to another step"),
    "refused_for_now": Words("the channel '{channel}' has refused it for now since {refused_at}: {detail}"),
    "waits": Words("its turn has not come"),
    "not_reached_yet": Words("its turn has not come"),
    "left_out": Words("of this reason: {detail}"),
}


def clause(rule: str, facts: Mapping[str, Any]) -> str:
    """Returns for example `the channel 'news' is paused, since 2026-03-01 09:00 UTC`. What is not known is said to be."""
    medium = facts.get("medium")
    return CLAUSES[rule].one.format_map(_Shown({**facts, "medium": MEDIUMS.get(medium or "", medium)}))


class _Shown(dict[str, Any]):
    def __getitem__(self, name: str) -> str:
        return shown(super().get(name))


def shown(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    return "an unknown value" if value is None else str(value)
