"""Answers why a message was sent or not, and why a person did not get one."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Query
from sqlalchemy.ext.asyncio import AsyncSession

from api.diagnostics.routes import trigger_findings
from api.handling.request import OrganizationDep, ServicesDep, SessionDep, area
from api.handling.services import Services
from api.why.views import MessageWhy, ProvingRow, WhyAnswer, WhyFacts, why_answer
from models.campaigns.campaign import get_campaign
from models.clicks.click import Scope
from models.contacts.contact import Contact, get_contact
from models.errors import FieldError, Invalid
from models.messages.message import get_message
from models.organizations.limits import Limits
from models.reports.known_ids import require_known
from models.sequences.sequence import get_sequence, require_place
from models.texts.text import Text
from models.triggers.trigger import Trigger, get_trigger
from services.why.contact import why_not_campaign, why_not_sequence, why_not_trigger
from services.why.message import why_message

router = area("why")

ONE = "Give exactly one of campaign_id, sequence_id and trigger_id."


@router.get("/messages/{message_id}/why", response_model_exclude_none=True, summary="Ask why a message was sent or not")
async def of_message(session: SessionDep, caller: OrganizationDep, message_id: UUID) -> MessageWhy:
    """What became of the message, and the chain that led to it: the launch or the step, the gate with the facts of that moment,
    and the channel."""
    message = await get_message(session, caller.id, message_id)
    chain = [why_answer(each) for each in await why_message(session, message)]
    return MessageWhy(**dict(chain[-1]), chain=chain)


@router.get("/contacts/{contact_id}/why", response_model_exclude_none=True, summary="Ask why a contact did not get a message")
async def of_contact(
    session: SessionDep,
    caller: OrganizationDep,
    services: ServicesDep,
    contact_id: UUID,
    campaign_id: UUID | None = None,
    sequence_id: UUID | None = None,
    trigger_id: UUID | None = None,
    step: Annotated[Text | None, Query(description="The key of a step of the sequence, for its message alone.")] = None,
) -> WhyAnswer:
    """The first rule that stopped the message, in the order in which they are asked, or the message that the contact did get."""
    wanted = _one(Asked(campaign_id, sequence_id, trigger_id), step)
    contact = await get_contact(session, caller.id, contact_id)
    await require_known(session, caller.id, wanted)
    limits = Limits.of(services.settings, caller.limits)
    if wanted.campaign_id is not None:
        campaign = await get_campaign(session, caller.id, wanted.campaign_id)
        return why_answer(await why_not_campaign(session, campaign, contact, limits))
    if wanted.sequence_id is not None:
        sequence = await get_sequence(session, caller.id, wanted.sequence_id)
        await require_place(session, sequence.id, step)
        return why_answer(await why_not_sequence(session, sequence, contact, step, limits))
    return await _of_trigger(session, services, await get_trigger(session, caller.id, trigger_id or contact_id), contact)


@dataclass(frozen=True)
class Asked:
    """What the message belongs to. Exactly one is given."""

    campaign_id: UUID | None
    sequence_id: UUID | None
    trigger_id: UUID | None


def _one(asked: Asked, step: str | None) -> Asked:
    names = [name for name, value in vars(asked).items() if value is not None]
    if len(names) != 1:
        raise Invalid(ONE, [FieldError(name, ONE) for name in names or vars(asked)])
    if step is not None and asked.sequence_id is None:
        raise Invalid.field("step", "Only a sequence has steps: give sequence_id with it.")
    return asked


async def _of_trigger(session: AsyncSession, services: Services, trigger: Trigger, contact: Contact) -> WhyAnswer:
    found = await why_not_trigger(session, trigger.id, contact)
    return why_answer(found) if found is not None else await _missing(session, services, trigger, contact)


async def _missing(session: AsyncSession, services: Services, trigger: Trigger, contact: Contact) -> WhyAnswer:
    """Nothing has come to the trigger, and the diagnostics say what is missing."""
    scope = Scope.CAMPAIGN if trigger.campaign_id is not None else Scope.SEQUENCE
    owner = trigger.campaign_id or trigger.sequence_id or trigger.id
    found = await trigger_findings(session, services, trigger.org_id, scope, owner, contact.id)
    about = [each for each in found if (each.trigger_key, each.step_key) == (trigger.key, trigger.step_key)]
    facts = WhyFacts(
        trigger_id=trigger.id,
        trigger_key=trigger.key,
        event=trigger.event,
        campaign_id=trigger.campaign_id,
        sequence_id=trigger.sequence_id,
        step_key=trigger.step_key,
    )
    rows = [ProvingRow(table="trigger", id=str(trigger.id)), ProvingRow(table="contact", id=str(contact.id))]
    rule, answer = (about[0].code, about[0].sentence) if about else ("trigger_not_fired", "The trigger has not fired.")
    return WhyAnswer(answer=answer, rule=rule, facts=facts, rows=rows)
