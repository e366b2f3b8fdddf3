"""The worker's note that Temporal knows it: for `up`, and for health checks."""

import asyncio
import os
from pathlib import Path
from uuid import uuid4

import pytest
from temporalio.client import Client
from temporalio.worker import Worker

from stack.roles import worker_role
from stack.state import READY_FILE
from tests.stack.dummies import until
from workflows.sweeper import Sweeper


async def test_the_note_is_written_when_temporal_knows_the_worker_and_renewed(temporal: Client, tmp_path: Path) -> None:
    ready, queue = tmp_path / READY_FILE, f"ready-{uuid4()}"
    ready.write_text("1")  # left by an earlier worker

    async def connect() -> Client:
        assert not ready.exists()
        return temporal

    async def main() -> None:
        async with Worker(temporal, task_queue=queue, workflows=[Sweeper]):
            for _ in range(2):
                await asyncio.to_thread(until, lambda: ready.exists() and ready.read_text() == str(os.getpid()), 20)
                ready.unlink()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker_role, "_RENEW", 0.01)
        await worker_role._run(main, connect, queue, tmp_path)
