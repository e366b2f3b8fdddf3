"""Whatever one organization's texts cost, others send, and what a text may cost is counted."""

import asyncio
import threading
from collections import Counter
from typing import Any

import pytest

from activities.send_page import CHUNK, TURN, SendPage
from models.database import Database
from models.organizations.organization import create_organization
from services.composing import rendering as renderer
from services.composing.compose import TOO_DEAR, Composer
from services.composing.recipient_numbers import RecipientNumbers
from services.composing.threads import ALLOWANCE, PER_MESSAGE, Composing
from tests.sending import CODEC, DOMAIN, Sending

DEAR = "{% if contact.properties.dear %}{{ contact.first_name }}{% endif %}Hello"


class Rendering:
    """In the place of the real one. A contact with the property `dear` takes so many seconds of the stand-in clock; one with
    `stuck` waits until it is released."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rendered, self.seconds = 0, 0.0
        self.stuck, self.release = threading.Semaphore(0), threading.Event()
        monkeypatch.setattr(renderer, "render", self)

    def __call__(self, source: str, *, contact: dict[str, Any], **_: Any) -> str:
        self.rendered += 1
        self.seconds += contact["properties"].get("dear", 0.0)
        if contact["properties"].get("stuck"):
            self.stuck.release()
            self.release.wait(60)
        return source

    def clock(self) -> float:
        return self.seconds


@pytest.fixture
def rendering(monkeypatch: pytest.MonkeyPatch) -> Rendering:
    return Rendering(monkeypatch)


def use(sending: Sending, composing: Composing) -> None:
    send: Any = sending.effects.doing["send"]
    sending.pages._composing = send._composing = composing


@pytest.fixture
async def neighbour(database: Database) -> Sending:
    async with database.transaction() as session:
        organization, _ = await create_organization(session, "Neighbour")
    return Sending(database, organization)


def composing(sending: Sending, rendering: Rendering) -> Composing:
    return Composing(Composer(CODEC, DOMAIN), RecipientNumbers(sending.database), rendering.clock)


async def test_a_text_that_is_expensive_for_everybody_is_rendered_a_few_times_and_then_fails_at_once(
    simulated: Sending, rendering: Rendering
) -> None:
    use(simulated, composing(simulated, rendering))
    await simulated.contacts(100, properties={"dear": 1.0})
    result = await simulated.send_page(await simulated.campaign(DEAR))
    assert result.planned == 100
    assert rendering.rendered <= (ALLOWANCE + 100 * PER_MESSAGE) / 1.0 + 1
    reasons = Counter(message.reason for message in await simulated.messages())
    assert reasons == {None: rendering.rendered, TOO_DEAR: 100 - rendering.rendered}


async def test_a_few_contacts_for_whom_a_text_is_expensive_cost_nobody_else_the_message(
    simulated: Sending, rendering: Rendering
) -> None:
    use(simulated, composing(simulated, rendering))
    await simulated.contacts(1, properties={"dear": 1.0})
    await simulated.contacts(CHUNK, properties={"dear": PER_MESSAGE / 2})
    await simulated.contacts(1, properties={"dear": 1.0})
    assert (await simulated.send_page(await simulated.campaign(DEAR))).accepted == CHUNK + 2


async def test_a_text_that_was_too_dear_goes_out_again_when_its_average_has_recovered(
    simulated: Sending, rendering: Rendering
) -> None:
    use(simulated, composing(simulated, rendering))
    await simulated.contacts(1, properties={"dear": ALLOWANCE + 10 * PER_MESSAGE})
    await simulated.contacts(15)
    result = await simulated.send_page(await simulated.campaign(DEAR))
    assert 9 <= result.failed <= 11
    assert result.accepted == 16 - result.failed


async def test_an_expensive_text_does_not_fail_another_text_of_its_organization(simulated: Sending, rendering: Rendering) -> None:
    use(simulated, composing(simulated, rendering))
    await simulated.contacts(5, properties={"dear": 2 * ALLOWANCE})
    await simulated.send_page(await simulated.campaign(DEAR))
    await simulated.contacts(1, tags=["cheap"])
    audience = {"tags": ["cheap"], "contact_ids": []}
    assert (await simulated.send_page(await simulated.campaign(audience=audience))).accepted == 1


async def test_the_steps_of_enrollments_share_the_allowance_of_their_text(simulated: Sending, rendering: Rendering) -> None:
    use(simulated, composing(simulated, rendering))
    (contact,) = await simulated.contacts(properties={"dear": 2 * ALLOWANCE})
    enrollment = await simulated.enrollment(contact)
    states = [(await simulated.send_step(enrollment, step_run)).reason for step_run in (1, 3, 5)]
    assert states == [None, TOO_DEAR, TOO_DEAR]
    assert rendering.rendered == 1


async def test_campaigns_whose_texts_never_end_take_one_thread_and_no_connection(
    simulated: Sending, neighbour: Sending, rendering: Rendering
) -> None:
    """As many as would take every thread and every connection there is."""
    shared = composing(simulated, rendering)
    use(simulated, shared)
    use(neighbour, shared)
    await simulated.contacts(1, properties={"stuck": True})
    campaigns = [await simulated.campaign() for _ in range(10)]
    pages = [asyncio.create_task(simulated.send_page(campaign)) for campaign in campaigns]
    try:
        await asyncio.to_thread(rendering.stuck.acquire)
        (contact,) = await neighbour.contacts()
        async with asyncio.timeout(60):
            sent = await neighbour.send_step(await neighbour.enrollment(contact))
            page = await neighbour.send_page(await neighbour.campaign())
        assert (sent.state, page.accepted) == ("accepted", 1)
        assert rendering.rendered == 3
    finally:
        rendering.release.set()
        await asyncio.gather(*pages)


async def test_a_page_hands_its_place_back_when_its_turn_is_over_and_the_next_one_goes_on(
    simulated: Sending, rendering: Rendering
) -> None:
    shared = composing(simulated, rendering)
    simulated.pages = SendPage(
        simulated.database, shared, simulated.pages._pacing, simulated.pages._delivery, clock=lambda: 10 * rendering.seconds
    )
    contacts = await simulated.contacts(4, properties={"dear": TURN / 20})
    campaign = await simulated.campaign(DEAR)
    first = await simulated.send_page(campaign)
    assert (first.planned, first.cursor) == (2, contacts[1].id)
    rest = await simulated.send_page(campaign, cursor=first.cursor)
    assert (rest.planned, rest.last) == (2, True)
    assert len(await simulated.messages()) == 4


async def test_a_turn_that_is_over_at_once_gets_one_recipient_done(simulated: Sending, rendering: Rendering) -> None:
    shared = composing(simulated, rendering)
    simulated.pages = SendPage(
        simulated.database, shared, simulated.pages._pacing, simulated.pages._delivery, clock=rendering.clock
    )
    await simulated.contacts(2, properties={"dear": 10 * TURN})
    assert (await simulated.send_page(await simulated.campaign(DEAR))).planned == 1
