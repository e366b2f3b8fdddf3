"""What states are called and how they look: a class of the stylesheet and a word. The words of the API are the keys."""

CAMPAIGN = {
    "draft": ("draft", "Draft"),
    "sending": ("running", "Sending"),
    "tracking": ("running", "Open for clicks"),
    "completed": ("done", "Completed"),
    "stopped": ("off", "Stopped"),
    "failed": ("failed", "Failed"),
}
SEQUENCE = {"draft": ("draft", "Draft"), "published": ("running", "Taking people in")}
ENROLLMENT = {
    "queued": ("scheduled", "Queued"),
    "running": ("running", "Under way"),
    "completed": ("done", "Through"),
    "stopped": ("off", "Stopped"),
    "failed": ("failed", "Failed"),
}
VERDICT = {"human": ("human", "Person"), "suspect": ("suspect", "Suspect"), "bot": ("bot", "Bot")}
MESSAGE = {
    "planned": ("scheduled", "Planned"),
    "sending": ("running", "Sending"),
    "accepted": ("done", "Sent"),
    "failed": ("failed", "Failed"),
    "skipped": ("off", "Not sent"),
    "unknown": ("paused", "Unknown"),
}
IMPORT = {
    "waiting": ("scheduled", "Waiting"),
    "running": ("running", "Importing"),
    "completed": ("done", "Completed"),
    "cancelled": ("off", "Cancelled"),
    "failed": ("failed", "Failed"),
}
CONSENT = {"opted_in": ("running", "Opted in"), "opted_out": ("failed", "Opted out"), "unknown": ("draft", "Not said")}
CHANNEL = {"sends": ("running", "Sending"), "paused": ("paused", "Paused"), "archived": ("off", "Archived")}
SHARED_LINK = {
    "works": ("running", "Works"),
    "off": ("off", "Off"),
    "domain_not_held": ("off", "Its domain is not held"),
    "leads_back": ("failed", "Leads back to this server"),
}
KINDS = {
    "channel": CHANNEL,
    "campaign": CAMPAIGN,
    "sequence": SEQUENCE,
    "enrollment": ENROLLMENT,
    "verdict": VERDICT,
    "message": MESSAGE,
    "import": IMPORT,
    "consent": CONSENT,
    "shared_link": SHARED_LINK,
}


def state(kind: str, value: str) -> tuple[str, str]:
    """Returns the class and the word; a state that is not listed shows itself."""
    return KINDS[kind].get(value, ("draft", value.replace("_", " ").capitalize()))
