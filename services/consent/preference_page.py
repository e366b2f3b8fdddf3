"""What the page for unsubscribing shows to the recipient of a message."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.channels.channel import Channel, Medium
from models.consent.preferences import Preference, preferences_of
from models.contacts.contact import Contact
from models.messages.recipient import find_recipient
from models.organizations.organization import OptOutScope, Organization


@dataclass(frozen=True)
class PreferencePage:
    """`organization_name` is None where the sender is not to be named. `medium` is that of the message, and `scope` what its
    button ends. `preferences` are offered to readers of e-mail who were not erased, and empty for all others."""

    org_id: UUID
    organization_name: str | None
    medium: Medium
    scope: OptOutScope
    preferences: Sequence[Preference] = ()
    erased: bool = False

    @property
    def gets_nothing(self) -> bool:
        """Whether the person has said no to everything that the page offers."""
        return bool(self.preferences) and not any(each.wanted for each in self.preferences)


def has_choices(channel: Channel) -> bool:
    """Whether a message by this channel has a page with choices: only somebody who reads e-mail is known to have the mailbox."""
    return channel.medium == Medium.EMAIL


async def preference_page(session: AsyncSession, content_id: int, recipient_number: int) -> PreferencePage | None:
    """Returns None when nobody got this message."""
    recipient = await find_recipient(session, content_id, recipient_number)
    if recipient is None:
        return None
    organization = await session.get_one(Organization, recipient.org_id)
    channel = await session.get_one(Channel, recipient.channel_id)
    medium = Medium(channel.medium)
    scope = OptOutScope(organization.opt_out_scope)
    if recipient.erased or not has_choices(channel):
        return PreferencePage(organization.id, organization.name, medium, scope, erased=recipient.erased)
    contact = await session.get_one(Contact, recipient.contact_id)
    preferences = await preferences_of(session, contact, recipient.channel_id, organization.consent_required)
    return PreferencePage(organization.id, organization.name, medium, scope, preferences)
