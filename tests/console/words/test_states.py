"""Every state of the product has a word and a look in the console."""

from enum import StrEnum

import pytest

from api.links.shared_links import Obstacle
from console.words.states import KINDS, state
from models.campaigns.campaign import CampaignState
from models.clicks.verdict import Verdict
from models.consent.consent import ConsentState
from models.contacts.imports import ImportState
from models.messages.message import MessageState
from models.sequences.enrollment import EnrollmentState

OURS: dict[str, type[StrEnum]] = {
    "campaign": CampaignState,
    "verdict": Verdict,
    "consent": ConsentState,
    "import": ImportState,
    "message": MessageState,
    "enrollment": EnrollmentState,
    "shared_link": Obstacle,
}


@pytest.mark.parametrize("kind", OURS)
def test_every_state_is_listed(kind: str) -> None:
    assert {each.value for each in OURS[kind]} - KINDS[kind].keys() == set()


def test_a_state_that_is_not_listed_shows_itself() -> None:
    assert state("campaign", "half_done") == ("draft", "Half done")
