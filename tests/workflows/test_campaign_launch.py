"""One campaign's launch: page after page, then open for its tracking window."""

from datetime import timedelta
from uuid import UUID

import pytest
from temporalio.testing import WorkflowEnvironment

from models.wire.campaigns import CampaignDigest
from tests.workflows.launches import BUSY, Launch
from workflows import policies
from workflows.campaign_launch import CampaignLaunch


async def launch(environment: WorkflowEnvironment, pages: int, window: timedelta = timedelta(days=7)) -> Launch:
    return Launch(environment.client, pages, await environment.get_current_time() + window)


async def test_a_page_that_fails_is_tried_again_and_counted_once(skipping: WorkflowEnvironment) -> None:
    campaign = await launch(skipping, pages=2)
    campaign.broken_pages = 5
    progress = await campaign.progress()
    assert (progress.planned, progress.accepted, progress.skipped, progress.failed) == (20, 14, 4, 2)


async def test_a_tracking_window_that_is_over_ends_the_launch_at_once(skipping: WorkflowEnvironment) -> None:
    campaign = await launch(skipping, pages=1, window=timedelta(days=-1))
    assert (await campaign.progress()).sent_all
    assert campaign.stages == ["tracking", "completed"]


async def test_pages_follow_each_other_by_their_cursors(skipping: WorkflowEnvironment) -> None:
    campaign = await launch(skipping, pages=3)
    await campaign.progress()
    assert campaign.asked == [None, UUID(int=1), UUID(int=2)]


async def test_the_launch_stays_open_until_its_tracking_window_ends(skipping: WorkflowEnvironment) -> None:
    campaign = await launch(skipping, pages=1)
    await campaign.progress()
    closed = (await campaign.handle.describe()).close_time
    assert closed is not None
    assert timedelta(0) <= closed - campaign.tracking_until < timedelta(minutes=1)


async def test_a_new_run_in_the_middle_of_sending_goes_on_at_the_next_page(
    skipping: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policies, "MAX_SIGNALS", 3)
    campaign = await launch(skipping, pages=3)
    campaign.digests = 3
    assert (await campaign.progress()).planned == 30
    assert campaign.asked == [None, UUID(int=1), UUID(int=2)]
    assert campaign.stages == ["tracking", "completed"]


async def test_a_new_run_while_tracking_sends_nothing_again(
    skipping: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policies, "MAX_SIGNALS", 3)
    campaign = await launch(skipping, pages=1)
    async with campaign.worker():
        handle = await campaign.start()
        await skipping.sleep(timedelta(days=1))
        for number in range(3):
            await handle.signal(CampaignLaunch.digest, CampaignDigest(clicks=number, people=1))
        assert (await handle.result()).planned == 10
    assert (campaign.asked, campaign.stages) == ([None], ["tracking", "completed"])


async def test_progress_can_be_asked_for(skipping: WorkflowEnvironment) -> None:
    campaign = await launch(skipping, pages=2)
    async with campaign.worker():
        handle = await campaign.start()
        await skipping.sleep(timedelta(days=1))
        progress = await handle.query(CampaignLaunch.progress)
        await handle.result()
    assert (progress.sent_all, progress.accepted) == (True, 14)


async def test_what_was_refused_for_now_is_tried_again_until_nothing_is_left(skipping: WorkflowEnvironment) -> None:
    campaign = await launch(skipping, pages=1)
    campaign.refused = 3
    progress = await campaign.progress()
    assert (progress.planned, progress.accepted, progress.failed, progress.refused) == (10, 7, 1, 0)
    assert (campaign.rounds, campaign.stages) == (3, ["tracking", "completed"])


async def test_a_new_run_between_two_rounds_goes_on_with_them(
    skipping: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policies, "MAX_SIGNALS", 3)
    campaign = await launch(skipping, pages=1)
    campaign.refused, campaign.digests = 2, 3
    assert (await campaign.progress()).accepted == 7
    assert (campaign.asked, campaign.rounds, campaign.stages) == ([None], 2, ["tracking", "completed"])


async def test_a_busy_provider_is_waited_for_and_the_same_page_asked_again(skipping: WorkflowEnvironment) -> None:
    campaign = await launch(skipping, pages=2)
    campaign.busy = 1
    await campaign.progress()
    assert (campaign.asked, campaign.insisted) == ([None, None, UUID(int=1)], [False] * 3)
    assert campaign.asked_at[1] - campaign.asked_at[0] >= BUSY


async def test_a_provider_that_takes_nothing_holds_up_a_launch_for_two_waits_and_no_page_after_that(
    skipping: WorkflowEnvironment,
) -> None:
    campaign = await launch(skipping, pages=3)
    campaign.busy, campaign.refused = 10, 2
    progress = await campaign.progress()
    assert campaign.asked == [None, None, None, UUID(int=1), UUID(int=2)]
    assert campaign.insisted == [False, False, True, True, True]
    assert (progress.refused, progress.tries) == (0, 0)


async def test_a_new_run_keeps_waiting_for_a_busy_provider(
    skipping: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policies, "MAX_SIGNALS", 3)
    campaign = await launch(skipping, pages=1)
    campaign.busy, campaign.digests = 1, 3
    assert (await campaign.progress()).planned == 10
    assert campaign.asked_at[1] - campaign.asked_at[0] >= BUSY


async def test_a_campaign_that_was_ended_ends_its_launch_and_keeps_its_state(skipping: WorkflowEnvironment) -> None:
    campaign = await launch(skipping, pages=2)
    campaign.over = True
    assert not (await campaign.progress()).sent_all
    assert (campaign.asked, campaign.stages) == ([None], [])


async def test_a_channel_that_goes_on_ends_the_wait_for_it(skipping: WorkflowEnvironment) -> None:
    campaign = await launch(skipping, pages=1)
    campaign.busy, campaign.resumed = 1, True
    await campaign.progress()
    first, second = campaign.asked_at
    assert second - first < BUSY
