"""How far a launch is after each page, whatever the pages answer."""

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from models.wire.campaigns import CampaignPageResult, CampaignProgress
from workflows.launch_progress import COUNTS, after_page, insists
from workflows.policies import PROVIDER_TRIES, REFUSED_AGAIN

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 3, 1, 13, tzinfo=UTC)
SMALL = st.integers(0, 9)
PAGES = st.builds(
    CampaignPageResult,
    cursor=st.sampled_from([None, UUID(int=1), UUID(int=2)]),
    last=st.booleans(),
    sent=SMALL,
    later_at=st.sampled_from([None, LATER]),
    accepted=SMALL,
    skipped=SMALL,
    failed=SMALL,
    refused=SMALL,
).map(lambda page: page.model_copy(update={"planned": page.accepted + page.skipped + page.failed + page.refused}))


@given(st.lists(PAGES, max_size=12))
def test_every_recipient_is_counted_once_in_the_first_pass_and_every_round_counts_anew(pages: list[CampaignPageResult]) -> None:
    done, expected, asked_all = CampaignProgress(), dict.fromkeys(COUNTS, 0), False
    for page in pages:
        if not asked_all:
            expected = {name: expected[name] + getattr(page, name) for name in COUNTS}
        elif page.last:
            expected = {name: getattr(page, name) for name in COUNTS}
        asked_all = asked_all or page.last
        done = after_page(done, page, NOON)
        assert {name: getattr(done, name) for name in COUNTS} == expected
        assert done.sent_all == asked_all
        assert done.over == (asked_all and expected["refused"] == 0)
        assert done.cursor == (None if page.last else page.cursor)
        assert done.planned == done.accepted + done.skipped + done.failed + done.refused


@given(st.lists(PAGES, max_size=12))
def test_a_launch_insists_only_while_nobody_gets_anything(pages: list[CampaignPageResult]) -> None:
    done, fruitless = CampaignProgress(), 0
    for page in pages:
        fruitless = 0 if page.sent else fruitless + bool(page.later_at)
        done = after_page(done, page, NOON)
        assert insists(done) == (fruitless >= PROVIDER_TRIES - 1)


def test_waiting_for_the_pace_of_the_channel_is_no_fruitless_attempt() -> None:
    done = CampaignProgress()
    for _ in range(PROVIDER_TRIES):
        done = after_page(done, CampaignPageResult(cursor=None, last=False, later_at=LATER, paced=True), NOON)
    assert (done.later_at, done.tries, insists(done)) == (LATER, 0, False)


def test_the_next_round_begins_after_a_while_or_when_the_provider_wants_it() -> None:
    asked_all = after_page(CampaignProgress(), CampaignPageResult(cursor=None, last=True, refused=1, planned=1), NOON)
    assert asked_all.later_at == NOON + REFUSED_AGAIN
    busy = after_page(asked_all, CampaignPageResult(cursor=None, last=False, later_at=LATER), NOON)
    assert (busy.later_at, busy.refused, busy.sent_all) == (LATER, 1, True)
