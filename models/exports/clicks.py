"""Exports of clicks: who clicked which link, when, where and with what."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.clicks.click import OF_NOTHING_ELSE
from models.clicks.verdict import Verdict
from models.exports.columns import CONTACT, OWNERS, Column, moment, plain
from models.exports.export import Source
from models.reports.click_feed import owner_of_link

CLICKS = Source(
    table="click",
    kind="verdict",
    kinds=tuple(Verdict),
    columns=(
        plain("id", "click.id"),
        moment("clicked_at", "click.clicked_at"),
        plain("verdict", "click.verdict"),
        plain("reason", "click.reason"),
        plain("country", "metadata.country"),
        Column("region", "metadata.region"),
        Column("city", "metadata.city"),
        plain("device_type", "metadata.device_type"),
        Column("browser", "metadata.browser"),
        Column("os", "metadata.os"),
        plain("link_id", "link.id"),
        Column("link_name", "link.name"),
        Column("link_url", "coalesce(personal.url, link.url)"),
        *OWNERS,
        plain("enrollment_id", "click.enrollment_id"),
        plain("message_id", "click.message_id"),
        *CONTACT,
    ),
    joins="""
    JOIN content_link link ON link.id = click.link_id
    LEFT JOIN message ON link.merge AND message.id = click.message_id
    LEFT JOIN personal_link personal ON personal.content_id = message.content_id
        AND personal.recipient_number = message.recipient_number AND personal.position = click.position
    LEFT JOIN click_metadata metadata ON metadata.click_id = click.id
    LEFT JOIN contact ON contact.id = click.contact_id
    LEFT JOIN campaign ON campaign.id = click.campaign_id
    LEFT JOIN sequence ON sequence.id = click.sequence_id""",
    owners={
        "enrollment_id": "enrollment_id = :enrollment_id",
        "contact_id": "contact_id = :contact_id",
        "campaign_id": "campaign_id = :campaign_id",
        "sequence_id": "sequence_id = :sequence_id",
    },
    conditions={
        "enrollment_id": "click.enrollment_id = :enrollment_id",
        "contact_id": "click.contact_id = :contact_id",
        "campaign_id": "click.campaign_id = :campaign_id",
        "sequence_id": "click.sequence_id = :sequence_id",
        "link_id": "click.link_id = :link_id",
        "country": "metadata.country = :country",
        "region": "metadata.region = :region",
        "city": "metadata.city = :city",
        "browser": "metadata.browser = :browser",
        "os": "metadata.os = :os",
        "device_type": "metadata.device_type = :device_type",
        "tag": "CAST(:tag AS text) = ANY(contact.tags)",
    },
)


async def of_link(session: AsyncSession, link_id: UUID) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Returns the filter and the conditions by which an index finds the clicks of a link."""
    owner = await owner_of_link(session, link_id)
    if owner.pop("of_nothing_else", False):
        return {}, ("link_id = :link_id", OF_NOTHING_ELSE)
    return owner, ()
