"""One plain sentence for each reason why a message was sent or not."""

from collections.abc import Callable, Mapping
from typing import Any

from api.contacts.consent_items import CAUSES, SOURCES, STATES
from api.contacts.step_sentences import REASONS as NOT_ENROLLED
from api.contacts.step_sentences import outcome_sentence
from api.contacts.trigger_sentences import firing_sentence, refusal_sentence
from api.why.conditions import condition_clause, tag_list, value_sentence
from api.why.words import CLAUSES, clause, shown
from models.consent.consent import ConsentSource, ConsentState
from models.conversation.trigger_entries import FiringEntry, RefusalEntry
from services.gate import SUPPRESSED
from services.why.reason import Reason

Facts = Mapping[str, Any]


def sentence(reason: Reason) -> str:
    """Returns for example `The message was left out, because the contact has opted out.`"""
    if isinstance(reason.entry, FiringEntry):
        return f"The trigger '{reason.entry.source.trigger.key}' fired: {firing_sentence(reason.entry)}."
    if isinstance(reason.entry, RefusalEntry):
        told = refusal_sentence(reason.entry)
        return f"The contact {told}."
    if reason.rule in SENTENCES:
        return SENTENCES[reason.rule](reason.facts)
    what = "No message has gone out yet" if reason.facts.get("waits") else "The message was left out"
    if reason.rule == SUPPRESSED and (cause := CAUSES.get(reason.facts.get("suppression_reason", ""))):
        return f"{what}: the address is suppressed, because {cause}."
    return f"{what}, because {clause(reason.rule, reason.facts).rstrip('.')}."


def _received(facts: Facts) -> str:
    report = f", and the provider has reported '{facts['report']}'" if facts.get("report") else ""
    return f"The contact did get it: the channel '{facts['channel']}' took the message {facts['message_id']}{report}."


def _failed(facts: Facts) -> str:
    detail = shown(facts.get("detail")).rstrip(".")
    if facts.get("attempts"):
        return f"The message failed at the channel '{facts['channel']}' (attempt {facts['attempts']}): {detail}."
    return f"The message failed before it was sent: {detail}."


def _given_up(facts: Facts) -> str:
    return (
        f"The channel '{facts['channel']}' refused the message from {shown(facts['refused_at'])} on, and it was given up: "
        f"{shown(facts.get('detail')).rstrip('.')}."
    )


def _unknown(facts: Facts) -> str:
    return (
        f"The channel '{facts['channel']}' was asked and nobody knows whether the message went out, so it is not sent again: "
        f"{shown(facts.get('detail')).rstrip('.')}."
    )


def _launched(facts: Facts) -> str:
    by = f" with {_key(facts)}" if facts.get("key_id") else ""
    return f"The campaign '{facts['campaign']}' was launched{by}."


def _key(facts: Facts) -> str:
    return f"the API key '{facts['key_name']}' ({facts['key_id']})" if facts.get("key_name") else f"the API key {facts['key_id']}"


RULES_OF_AUDIENCE = {
    "tags": ("had the tag '{tag}'", "has the tag '{tag}'"),
    "contact_ids": ("was in the list of contacts", "is in the list of contacts"),
    "segment_ids": ("was in the segment '{segment}'", "is in the segment '{segment}'"),
}
"""By which rule somebody was a recipient, as it was then and as it is now."""


def _in_audience(facts: Facts) -> str:
    if "part" not in facts:
        return "The contact was in the campaign's audience then; the rule was not kept, and now it is in none of its lists."
    then, today = RULES_OF_AUDIENCE[facts["part"]]
    known = {"tag": facts.get("tag"), "segment": facts.get("segment") or facts.get("segment_id")}
    if facts.get("known_then"):
        return f"The contact {then.format_map(known)}, to which the campaign was sent."
    rule = "by which rule it was a recipient was not kept"
    return f"The contact {today.format_map(known)} now, to which the campaign was sent; {rule}."


def _not_in_audience(facts: Facts) -> str:
    if facts.get("part") == "segment_ids":
        name = facts.get("segment") or facts.get("segment_id")
        condition = facts["condition"]
        is_not = (facts.get("path") or "").split(".").count("not") % 2
        holds = "this holds and must not" if is_not else "this does not hold"
        clause = condition_clause(condition, facts.get("condition_about"))
        value = value_sentence(condition, facts.get("value"))
        return f"The contact does not fit the segment '{name}' of the campaign, because {holds}: {clause}.{value}"
    if facts.get("part") == "tags":
        return f"The contact has none of the campaign's tags: it has {tag_list(facts.get('value') or [])}."
    return "The contact is in none of the lists of the campaign's audience."


def _excluded(facts: Facts) -> str:
    if facts.get("tag"):
        return f"The campaign excludes the tag '{facts['tag']}', which the contact has."
    return f"The campaign excludes the segment '{facts.get('segment') or facts.get('segment_id')}', in which the contact is."


def _enrolled(facts: Facts) -> str:
    causes = {
        "request": f"a request with {_key(facts)}" if facts.get("key_id") else "a request",
        "trigger": "a trigger",
        "step": f"a step of the enrollment {facts.get('cause_id')}",
    }
    by = causes.get(facts["cause"], facts["cause"])
    return f"The contact was enrolled in version {facts['sequence_version']} of '{facts['sequence']}' by {by}."


def _step_reached(facts: Facts) -> str:
    if not facts.get("from_step"):
        return f"The step '{facts['step_key']}' is where the sequence begins."
    how = outcome_sentence(facts.get("outcome") or "left")
    which = f" '{facts['link']}'" if facts.get("outcome") == "clicked" and facts.get("link") else ""
    return f"The step '{facts['step_key']}' came after '{facts['from_step']}', where {how}{which}."


def _consent(facts: Facts) -> str:
    if facts.get("consent_state"):
        state, source = STATES[ConsentState(facts["consent_state"])], SOURCES[ConsentSource(facts["consent_source"])]
        return f"The contact had {state} such messages, {source}, on {shown(facts['given_at'])}."
    needs = "they need an opt-in" if facts.get("needs_consent") else "they need no opt-in"
    return f"The contact had said nothing about such messages, and {needs}. The address was not suppressed."


def _links(facts: Facts) -> str:
    if facts.get("tracked"):
        return "Its links were tracked."
    return f"Its links went out unchanged, because link tracking was off for the {facts.get('tracking_off_at') or 'message'}."


def _gate_open(facts: Facts) -> str:
    times = facts.get("attempts") or 1
    attempts = "once" if times == 1 else f"{times:,} times"
    refused = f", first refused for now on {shown(facts['refused_at'])}" if facts.get("refused_at") else ""
    return f"Nothing stood in the way, and the channel '{facts['channel']}' was asked {attempts}{refused}."


def _not_enrolled(facts: Facts) -> str:
    by = f"The trigger '{facts['trigger_key']}'" if facts.get("trigger_key") else f"The step '{facts.get('step_key')}'"
    why = NOT_ENROLLED.get(facts.get("outcome") or "", facts.get("outcome"))
    return f"{by} did not enroll the contact in '{facts['sequence']}': {why}."


def _waiting(facts: Facts) -> str:
    until = f" until {shown(facts['due_at'])}" if facts.get("due_at") else ""
    return f"The contact is still in '{facts['sequence']}' and waits in the step '{facts.get('step_key')}'{until}."


def _left(how: str) -> Callable[[Facts], str]:
    def told(facts: Facts) -> str:
        at = f" after the step '{facts['from_step']}'" if facts.get("from_step") else ""
        detail = f" ({facts['detail']})" if facts.get("detail") else ""
        return f"The contact left '{facts['sequence']}' before it{at}, {how}{detail}."

    return told


def _another_way(facts: Facts) -> str:
    if "step_key" not in facts:
        return _left("which it had come to the end of by another way")(facts)
    if "from_step" not in facts:
        return f"The way of the contact through '{facts['sequence']}' does not lead to the step '{facts['step_key']}'."
    how = outcome_sentence(facts.get("outcome") or "left")
    way = f"The contact took another way at '{facts['from_step']}' in '{facts['sequence']}' ({how})"
    return f"{way}, so the step '{facts['step_key']}' can no longer come."


SENTENCES: dict[str, Callable[[Facts], str]] = {
    "received": _received,
    "sending": lambda facts: f"The message is being sent by the channel '{facts['channel']}' at this moment.",
    "failed": _failed,
    "given_up": _given_up,
    "unknown": _unknown,
    "campaign_launched": _launched,
    "in_audience": _in_audience,
    "not_in_audience": _not_in_audience,
    "excluded": _excluded,
    "created_after_launch": lambda facts: (
        f"The contact was made on {shown(facts['since'])}, after the campaign '{facts['campaign']}' was launched."
    ),
    "not_launched": lambda facts: f"The campaign '{facts['campaign']}' has not been launched.",
    "came_to_fit_later": lambda facts: (
        f"The campaign '{facts['campaign']}' was sent when the contact did not fit its audience; it fits now."
    ),
    "enrolled": _enrolled,
    "step_reached": _step_reached,
    "consent_allows": _consent,
    "links": _links,
    "gate_open": _gate_open,
    "sequence_not_published": lambda facts: f"The sequence '{facts['sequence']}' is not published.",
    "not_enrolled": _not_enrolled,
    "never_enrolled": lambda facts: f"Nobody has enrolled the contact in '{facts['sequence']}'.",
    "not_started": lambda facts: f"The contact is enrolled in '{facts['sequence']}', and its workflow has not begun.",
    "still_waiting": _waiting,
    "left_opted_out": _left("because the contact opted out"),
    "left_replied": _left("because the contact replied"),
    "left_stopped": _left("because it was stopped"),
    "left_failed": _left("because it failed"),
    "left_another_way": _another_way,
}
WORDS = frozenset({*SENTENCES, *CLAUSES})
"""Every rule that has a sentence here. Those of triggers are the codes of the diagnostics."""
