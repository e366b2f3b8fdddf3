"""Why a message did not go out, as a sentence. `docs/why.md` has the words of the API."""

REASONS = {
    "no_phone": "They have no phone number",
    "no_email": "They have no e-mail address",
    "opted_out": "They have opted out",
    "no_consent": "They have not opted in, and this kind of message needs it",
    "suppressed": "The address is suppressed",
    "too_late": "It was not worth sending any more",
    "channel_archived": "The channel is archived",
    "contact_erased": "The contact was erased",
    "enrollment_over": "The enrollment was over",
    "campaign_over": "The campaign was over",
    "stopped": "Somebody stopped the enrollment",
    "moved": "The enrollment went another way",
    "answer_undecided": "They wrote what may be a refusal, and nobody has decided",
    "too_many_messages": "They had as many messages in 24 hours as they may have",
}


def reason(word: str) -> str:
    """`suppressed: bounce` is "The address is suppressed: bounce". A text that is not known, such as a provider's, stays."""
    known, _, detail = word.partition(": ")
    if known not in REASONS:
        return word
    return f"{REASONS[known]}: {detail}" if detail else REASONS[known]


CHANGES = {
    "no_phone": "A number from an import or the API",
    "no_email": "An address from an import or the API",
    "opted_out": "They opt in again; nothing else does",
    "no_consent": "They opt in; nothing else does",
    "suppressed": "The suppression is lifted",
    "answer_undecided": "Somebody decides what they meant",
    "too_many_messages": "24 hours pass",
}


def change_of(word: str) -> str:
    """What would change that somebody is left out for this reason."""
    return CHANGES.get(word.partition(": ")[0], "")
