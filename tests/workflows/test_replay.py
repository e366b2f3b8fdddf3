"""Workflows that began with earlier code go on with today's: every committed history replays.

Recorded by `record_histories.py`. When one fails here, keep the old path in the workflow (`workflow.patched`) instead of
recording it again.
"""

from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

import worker
from temporal_client import DATA_CONVERTER
from tests.workflows.record_histories import HISTORIES

FILES = sorted(HISTORIES.glob("*.json"))


def text(path: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(path.stem, path.read_text())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_a_recorded_history_replays(path: Path) -> None:
    replayer = Replayer(workflows=worker.WORKFLOWS, data_converter=DATA_CONVERTER)
    await replayer.replay_workflow(text(path))


def test_every_workflow_has_a_history() -> None:
    started = {text(path).events[0].workflow_execution_started_event_attributes.workflow_type.name for path in FILES}
    assert started == {each.__name__ for each in worker.WORKFLOWS}


def test_a_new_run_is_among_the_histories_of_every_long_workflow() -> None:
    """Its state travels in the input of the next run, which code that comes later must be able to read."""
    ends = [text(path).events for path in FILES]
    continued = {
        events[0].workflow_execution_started_event_attributes.workflow_type.name
        for events in ends
        if events[-1].workflow_execution_continued_as_new_event_attributes.new_execution_run_id
    }
    assert continued == {"SequenceEnrollment", "CampaignLaunch", "Sweeper", "ClickRecorder"}
