"""What to change when an action of a trigger or a step did nothing, by the word for its reason."""

ADVICE = {
    "already_enrolled": "Set re_entry of the other sequence to always if a contact may be in it several times at once.",
    "entered_before": "Set re_entry of the other sequence to after_finishing if a contact may enter it again.",
    "too_often": "Raise re_entry_limit of the other sequence, or remove it.",
    "too_many_enrollments": "Wait until enrollments end, stop some, or ask whoever runs this server to raise the limit.",
    "sequence_not_published": "Publish the other sequence, or name another one.",
    "unknown_contact": "Nothing has to be changed: the contact was erased.",
    "too_many_tags": "Remove tags before, or from these contacts.",
    "properties_too_large": "Write shorter properties, or remove some from these contacts.",
    "no_target": "Create a notification target with this name, or publish with another one.",
    "enrollment_over": "Put a wait behind the message, so that the enrollment lasts.",
    "no_phone": "Give these contacts a phone number.",
    "no_email": "Give these contacts an e-mail address.",
}
"""The words are those that outcomes of steps and `result` of an action's detail have."""
