"""What is kept about a person, in the words of the receipt of an erasure."""

TABLES = {
    "message": "Messages: address, subject and text",
    "message_report": "Reports of providers: their details",
    "personal_link": "Their own links",
    "simulator_inbox": "Messages to the simulator",
    "inbound_message": "What they wrote: text and addresses",
    "event": "Events of theirs",
    "enrollment": "Enrollments: their variables",
    "firing": "What their clicks started",
    "firing_action": "Actions that their clicks started",
    "notification_item": "Lines in notifications",
    "click_inbox": "Clicks that wait to be recorded",
    "click_metadata": "Places and devices of their clicks",
    "click_correction": "Corrected verdicts of their clicks",
    "suppression": "Suppressed addresses",
    "consent": "Answers about getting messages",
    "contact_import": "Imports: faults that name them",
    "idempotency_key": "Answers that are kept for repeated requests",
    "contact": "The contact: names, addresses, tags and properties",
}


def kept_of(table: str) -> str:
    return TABLES.get(table, table.replace("_", " "))
