"""What is above a contact's messages of a day is skipped with its reason, and everybody else gets theirs."""

from datetime import timedelta

import pytest

from models.base import now
from models.database import Database
from models.messages import budget as message_budget
from models.messages.budget import DAY
from models.organizations.limits import Limits
from models.organizations.organization import Organization
from settings import Settings
from tests.sending import Sending


def sending_with(database: Database, organization: Organization, budget: int) -> Sending:
    return Sending(database, organization, limits=Limits.of(Settings(_env_file=None), {"messages_per_contact_and_day": budget}))


async def test_a_step_above_the_budget_is_skipped_with_its_reason(
    database: Database, organization: tuple[Organization, str]
) -> None:
    sending = sending_with(database, organization[0], 2)
    (contact,) = await sending.contacts()
    (other,) = await sending.contacts()
    results = [await sending.send_step(await sending.enrollment(each)) for each in (contact, contact, contact, other)]
    expected = [("accepted", None), ("accepted", None), ("skipped", "too_many_messages"), ("accepted", None)]
    assert [(result.state, result.reason) for result in results] == expected


async def test_messages_of_yesterday_do_not_count(
    database: Database, organization: tuple[Organization, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sending = sending_with(database, organization[0], 1)
    (contact,) = await sending.contacts()
    await sending.send_step(await sending.enrollment(contact))
    assert (await sending.send_step(await sending.enrollment(contact))).state == "skipped"
    monkeypatch.setattr(message_budget, "now", lambda: now() + DAY + timedelta(minutes=1))
    assert (await sending.send_step(await sending.enrollment(contact))).state == "accepted"


async def test_an_organization_can_have_a_budget_of_its_own(database: Database, organization: tuple[Organization, str]) -> None:
    sending = sending_with(database, organization[0], 1)
    await sending.change(organization[0], limits={"messages_per_contact_and_day": 0})
    (contact,) = await sending.contacts()
    assert (await sending.send_step(await sending.enrollment(contact))).reason == "too_many_messages"


async def test_a_campaign_leaves_out_those_who_had_their_messages(
    database: Database, organization: tuple[Organization, str]
) -> None:
    sending = sending_with(database, organization[0], 1)
    had, _ = await sending.contacts(2)
    await sending.send_step(await sending.enrollment(had))
    page = await sending.send_page(await sending.campaign())
    assert (page.accepted, page.skipped) == (1, 1)
