"""Faults planted in sending, each of which the checker of `drill sending` finds; beside each, the same without the fault."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from activities.delivery import Delivery
from drills.parts.rows import sent_messages
from drills.parts.sending.checker import Facts, Sent, Verdict, judge
from drills.parts.sending.plan import POINTS
from drills.providers.processes import Taken
from models.base import now
from models.consent import obstacles
from models.consent.consent import ConsentSource, ConsentState
from models.consent.obstacles import Obstacles
from models.database import Database
from models.messages import ledger
from models.messages.ledger import SendResult
from models.messages.message import Message, MessageState
from models.organizations.organization import Organization
from services.channels.base import Outgoing, Receipt
from services.consent.opt_out import EVERYTHING, record_consent
from tests.sending import Provider, Sending

ROOT = Path(__file__).parent.parent.parent
LOST = ConnectionResetError("connection reset by peer")


class MailServer(Provider):
    """Takes every message and notes when. Its first answer is lost, and it cannot be asked."""

    def __init__(self) -> None:
        super().__init__()
        self.askable = False
        self.log: list[Taken] = []
        self.loses = True

    async def send(self, message: Outgoing) -> Receipt:
        receipt = await super().send(message)
        self.log.append(Taken(message.to_address, message.body.strip(), now().timestamp()))
        if self.loses:
            self.loses = False
            raise LOST
        return receipt


@pytest.fixture
def server() -> MailServer:
    return MailServer()


@pytest.fixture
def by_mail(database: Database, organization: tuple[Organization, str], server: MailServer) -> Sending:
    return Sending(database, organization[0], server)


async def judged(sending: Sending, server: MailServer, opted_out_at: datetime | None = None) -> Verdict:
    async with sending.database.transaction() as session:
        messages = [Sent(**row) for row in await sent_messages(session)]
    unknown = frozenset(each.id for each in messages if each.state == "unknown")
    answered = {each.contact_id: opted_out_at for each in messages if opted_out_at}
    return judge(Facts({}, messages, server.log, opted_out_at=answered, unknown=unknown))


async def unclaimed(session: AsyncSession, message: Message) -> bool:
    """Sends without having written first that it does."""
    values = {name: getattr(message, name) for name in ledger.COLUMNS}
    await session.execute(ledger.ADD_TO_PASSAGE, {**values, "facts": json.dumps(message.facts)})
    message.state = MessageState.SENDING
    return True


@pytest.mark.parametrize("planted", [False, True])
async def test_a_call_without_a_claim_before_it_is_found(
    planted: bool, by_mail: Sending, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    if planted:
        monkeypatch.setattr(ledger, "add_claimed", unclaimed)
    (contact,) = await by_mail.contacts()
    enrollment = await by_mail.enrollment(contact)
    with pytest.raises(ConnectionResetError):
        await by_mail.send_step(enrollment)
    await by_mail.make_claims_old()
    await by_mail.send_step(enrollment)
    assert (await judged(by_mail, server)).doubled == int(planted)


async def blind(_: Delivery, message: Message, *_more: object) -> SendResult:
    """Sends an interrupted message again, whatever may have become of it."""
    return SendResult(message.id, MessageState.PLANNED, claimed_at=message.sending_at)


@pytest.mark.parametrize("planted", [False, True])
async def test_a_blind_second_send_of_a_campaign_is_found(
    planted: bool, by_mail: Sending, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    if planted:
        monkeypatch.setattr(Delivery, "resolve", blind)
    await by_mail.contacts(3)
    campaign = await by_mail.campaign()
    with pytest.raises(ConnectionResetError):
        await by_mail.send_page(campaign)
    await by_mail.make_claims_old()
    await by_mail.send_page(campaign)
    verdict = await judged(by_mail, server)
    assert (verdict.doubled, len(verdict.unknown)) == (int(planted), int(not planted))


@pytest.mark.parametrize("planted", [False, True])
async def test_a_consent_that_is_read_before_the_claim_is_found(
    planted: bool, by_mail: Sending, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page has read the consent, then the opt-out is answered, and then the page claims."""
    server.loses = False
    (contact,) = await by_mail.contacts()
    campaign = await by_mail.campaign()
    if planted:

        async def read_before(*_: object) -> dict[UUID, Obstacles]:
            return {contact.id: Obstacles()}

        monkeypatch.setattr(obstacles, "read", read_before)
    async with by_mail.database.transaction() as session:
        out = ConsentState.OPTED_OUT
        await record_consent(session, by_mail.org_id, [contact.id], out, EVERYTHING, ConsentSource.API)
    opted_out_at = datetime.now(UTC)
    await by_mail.send_page(campaign)
    verdict = await judged(by_mail, server, opted_out_at)
    assert (verdict.after_opt_out, verdict.taken) == (int(planted), int(planted))


def test_every_crash_point_of_the_drill_is_in_a_send() -> None:
    """A point that nobody hits would only be noticed by a drill that waits for it in vain."""
    code = "".join(path.read_text() for path in (ROOT / "activities").rglob("*.py"))
    assert {*POINTS} <= {*re.findall(r'crashpoint\("(\w+)"\)', code)}
