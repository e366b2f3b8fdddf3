"""Findings about people who get nothing because they, their provider or we said so, and what would change it."""

from collections import Counter
from collections.abc import Iterable, Iterator

from api.diagnostics.advice import ADVICE
from api.diagnostics.finding import NOTHING, Code, Finding, Severity, plural
from api.why.words import CLAUSES
from models.reports.diagnostics import ReasonGroup
from services.gate import CHANNEL_ARCHIVED, CONTACT_ERASED, NO_CONSENT, OPTED_OUT, SUPPRESSED, TOO_LATE

FINDINGS: dict[str, tuple[Code, Severity, str, str]] = {
    OPTED_OUT: (
        "contacts_opted_out",
        "info",
        f"were left out, because {CLAUSES[OPTED_OUT].many}",
        f"{NOTHING} Only what a contact says later counts instead: GET /v1/contacts/ID/consent shows what was said.",
    ),
    NO_CONSENT: (
        "contacts_without_consent",
        "warning",
        f"were left out, because {CLAUSES[NO_CONSENT].many}",
        "Record that they have (POST /v1/contacts/ID/consent), take the medium out of the organization's consent_required, "
        "or send as transactional what they expect.",
    ),
    SUPPRESSED: (
        "addresses_suppressed",
        "warning",
        f"were left out, because {CLAUSES[SUPPRESSED].many}",
        "Correct the contacts' addresses. Lift a suppression only when you know that its cause is gone: GET /v1/suppressions.",
    ),
    TOO_LATE: (
        "messages_too_late",
        "warning",
        f"were left out, because {CLAUSES[TOO_LATE].many}",
        "Give the message a longer valid_for, or none. Look at what held it up: a paused channel, its pace, or its provider.",
    ),
    CHANNEL_ARCHIVED: (
        "messages_of_archived_channel",
        "problem",
        f"were left out, because {CLAUSES[CHANNEL_ARCHIVED].many}",
        "Name another channel in the steps and publish again, or make a new campaign.",
    ),
}
"""By the reason of a message that was left out, up to its colon."""


def refusals(reasons: Iterable[ReasonGroup]) -> Iterator[Finding]:
    counts: Counter[str] = Counter()
    for each in reasons:
        if each.state == "skipped":
            counts[each.reason.partition(":")[0]] += each.messages
    for reason, (code, severity, what, cure) in FINDINGS.items():
        if counts[reason]:
            sentence = f"{plural(counts[reason], 'message')} {what}."
            yield Finding(
                code=code,
                question="delivery",
                severity=severity,
                count=counts[reason],
                sentence=sentence.replace("1 message were", "1 message was") if counts[reason] == 1 else sentence,
                what_to_change=cure,
            )


def left_out(reasons: Iterable[ReasonGroup]) -> Iterator[Finding]:
    """Returns why messages were left out for one contact, as far as `refusals` does not say it."""
    for each in reasons:
        if each.state == "skipped" and each.reason.partition(":")[0] not in FINDINGS:
            messages = "1 message was" if each.messages == 1 else f"{each.messages:,} messages were"
            words = CLAUSES.get(each.reason)
            because = words.one if words and "{" not in words.one else f"of this reason: {each.reason}"
            erased = each.reason == CONTACT_ERASED
            yield Finding(
                code="contacts_skipped",
                question="delivery",
                severity="info" if erased else "warning",
                count=each.messages,
                sentence=f"{messages} left out for the contact, because {because}.",
                what_to_change=NOTHING if erased else ADVICE.get(each.reason, "GET /v1/contacts/ID/why says more about it."),
            )


def undecided(messages: int) -> Iterator[Finding]:
    """`messages` look like a refusal, and hold what their senders would get."""
    if messages:
        yield Finding(
            code="refusals_undecided",
            question="delivery",
            severity="warning",
            count=messages,
            sentence=f"{plural(messages, 'inbound message')} may be a refusal, and nobody has decided. Their senders get nothing "
            "until then.",
            what_to_change="Read them with GET /v1/inbound-messages?pending=true and decide about each.",
        )
