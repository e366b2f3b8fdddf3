"""What the audit log says was done, in words: `campaigns.launch` is "launched a campaign"."""

ACTIONS = {
    "api_keys.create": "created an API key",
    "api_keys.revoke": "revoked an API key",
    "channels.check": "checked a channel",
    "channels.test": "sent a test by a channel",
    "clicks.correct": "corrected the verdict of a click",
    "console_sessions.end": "ended a session of the console",
    "consent.record": "recorded an answer about consent",
    "contact_data.export": "exported what is known of a person",
    "contact_data.erase": "erased a person",
    "contact_imports.cancel": "stopped an import of people",
    "contact_imports.create": "imported people",
    "contacts.create": "added a person",
    "contacts.change": "changed a person",
    "contacts.upsert": "added or changed a person",
    "contacts.upsert_many": "added or changed people",
    "enrollments.create": "enrolled people",
    "enrollments.stop": "stopped an enrollment",
    "exports.clicks": "exported clicks",
    "exports.enrollments": "exported enrollments",
    "exports.messages": "exported messages",
    "firings.retry_of_campaign": "tried failed follow-ups of a campaign anew",
    "firings.retry_of_sequence": "tried failed follow-ups of a sequence anew",
    "inbound_messages.decide": "decided what a reply means",
    "link_domains.assign": "gave the organization a link domain",
    "link_domains.claim": "claimed a link domain",
    "link_domains.release": "released a link domain",
    "link_domains.verify": "verified a link domain",
    "notification_targets.test": "tested a notification target",
    "organization.change": "changed the settings of the organization",
    "organization.limit": "changed the limits of the organization",
    "organizations.create": "created the organization",
    "segments.create_of_campaign": "made a segment of the people of a campaign",
    "secrets.encrypt_again": "encrypted stored secrets with the newest key",
    "sign_in_links.create": "made a link for signing in",
    "suppressions.create": "suppressed an address",
    "suppressions.lift": "lifted a suppression",
}
THINGS = {
    "campaigns": "a campaign",
    "channels": "a channel",
    "notification_targets": "a notification target",
    "segments": "a segment",
    "sequences": "a sequence",
    "shared_links": "a shared link",
}
VERBS = {
    "archive": "archived",
    "change": "changed",
    "create": "created",
    "delete": "deleted",
    "launch": "launched",
    "pause": "paused",
    "publish": "published",
    "resume": "resumed",
}


def done(action: str) -> str:
    """Of what has no words yet, the API's word."""
    area, _, verb = action.partition(".")
    if action in ACTIONS:
        return ACTIONS[action]
    return f"{VERBS[verb]} {THINGS[area]}" if area in THINGS and verb in VERBS else action
