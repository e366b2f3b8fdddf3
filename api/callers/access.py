"""Says which role each request needs. A request that is not listed here needs an owner's key, and makes a test fail."""

from models.organizations.api_key import Role

NEEDS: dict[Role, frozenset[str]] = {
    Role.VIEWER: frozenset(
        {
            "analytics.compare",
            "analytics.delays",
            "analytics.hours",
            "analytics.list",
            "analytics.of_campaign",
            "analytics.of_contact",
            "analytics.of_link",
            "analytics.of_organization",
            "analytics.of_sequence",
            "api_keys.revoke",  # a key may revoke itself; revoking others needs an owner's key
            "campaigns.preview_audience",
            "campaigns.check",
            "campaigns.get",
            "campaigns.list",
            "campaigns.list_messages",
            "campaigns.preview",
            "campaigns.preview_unsaved",
            "channels.get",
            "channels.inbox",
            "channels.list",
            "clicks.list",
            "consent.get",
            "contact_imports.get",
            "contact_imports.list",
            "contacts.get",
            "contacts.list",
            "conversations.get",
            "diagnostics.of_campaign",
            "diagnostics.of_organization",
            "diagnostics.of_sequence",
            "enrollments.due",
            "enrollments.get",
            "enrollments.list",
            "events.stream",
            "firings.of_campaign",
            "firings.of_sequence",
            "inbound_messages.get",
            "inbound_messages.list",
            "link_domains.get",
            "link_domains.list",
            "links.list",
            "messages.get",
            "messages.list",
            "notification_targets.get",
            "notification_targets.list",
            "notification_targets.list_notifications",
            "organization.get",
            "people.of_campaign",
            "people.of_sequence",
            "platform.state",
            "proofs.of_campaign",
            "proofs.of_link",
            "proofs.of_sequence",
            "segments.get",
            "segments.list",
            "segments.list_contacts",
            "segments.preview",
            "sequences.check",
            "sequences.get",
            "sequences.get_version",
            "sequences.list",
            "sequences.list_versions",
            "shared_links.get",
            "shared_links.list",
            "suppressions.get",
            "suppressions.list",
            "triggers.of_campaign",
            "triggers.of_sequence",
            "why.of_contact",
            "why.of_message",
        }
    ),
    Role.SENDER: frozenset(
        {
            "campaigns.launch",
            "consent.record",
            "contact_imports.cancel",
            "contact_imports.create",
            "contact_imports.preview",
            "contacts.change",
            "contacts.create",
            "contacts.upsert",
            "contacts.upsert_many",
            "enrollments.create",
            "enrollments.stop",
            "firings.retry_of_campaign",
            "firings.retry_of_sequence",
            "inbound_messages.decide",
            "suppressions.create",
        }
    ),
    Role.EDITOR: frozenset(
        {
            "campaigns.change",
            "campaigns.create",
            "campaigns.delete",
            "clicks.correct",
            "exports.clicks",
            "exports.enrollments",
            "exports.messages",
            "segments.change",
            "segments.create",
            "segments.create_of_campaign",
            "segments.delete",
            "sequences.change",
            "sequences.create",
            "sequences.publish",
            "shared_links.change",
            "shared_links.create",
            "shared_links.delete",
            "suppressions.lift",
        }
    ),
    Role.OWNER: frozenset(
        {
            "api_keys.create",
            "api_keys.list",
            "audit_log.list",
            "channels.archive",
            "channels.change",
            "channels.check",
            "channels.create",
            "channels.pause",
            "channels.resume",
            "channels.test",
            "contact_data.erase",
            "contact_data.export",
            "link_domains.claim",
            "link_domains.release",
            "link_domains.verify",
            "notification_targets.change",
            "notification_targets.create",
            "notification_targets.delete",
            "notification_targets.test",
            "organization.change",
        }
    ),
}

READS = frozenset({"GET", "HEAD"})
CHANGE_NOTHING = frozenset(
    {
        "campaigns.check",
        "campaigns.preview",
        "campaigns.preview_audience",
        "campaigns.preview_unsaved",
        "contact_imports.preview",
        "segments.preview",
        "sequences.check",
    }
)
"""Operations that are a POST and still change nothing, so the audit log has no row of them."""

TAKE_DATA_OUT = frozenset({"exports.clicks", "exports.enrollments", "exports.messages"})
"""Operations that change nothing and take the data of many people out, so the audit log has a row of each."""

OPERATOR_CHANGES = frozenset(
    {"link_domains.assign", "organization.limit", "organizations.create", "secrets.encrypt_again", "sign_in_links.create"}
)
"""Actions that only the command line on the server can do. The audit log has them too."""

CONSOLE_CHANGES = frozenset({"console_sessions.end"})
"""Actions that only the console can do, with the key of whoever is signed in."""

_ROLES = {operation: role for role, operations in NEEDS.items() for operation in operations}


def is_declared(operation: str) -> bool:
    return operation in _ROLES


def needed_role(operation: str) -> Role:
    return _ROLES.get(operation, Role.OWNER)


def is_audited(method: str, operation: str) -> bool:
    """Whether the audit log has a row of it."""
    return operation in TAKE_DATA_OUT or (method not in READS and operation not in CHANGE_NOTHING)
