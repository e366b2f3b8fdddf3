"""The providers of `drill sending` are processes, of which none is left running."""

from pathlib import Path

import pytest

from tests.stack.dummies import kill_and_wait, python

STARTS = """
import asyncio, json, sys
from drills.providers.processes import Provider

async def main():
    provider = Provider(sys.argv[1], json.loads(sys.argv[2]))
    await provider.start()
    print(provider._process.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("module", "settings"),
    [("drills.providers.mail_server", '{"log": "LOG"}'), ("drills.providers.twilio", '{"log": "LOG", "auth_token": "secret"}')],
)
def test_a_provider_ends_with_the_drill_whatever_ends_that(module: str, settings: str, tmp_path: Path) -> None:
    with python(STARTS, module, settings.replace("LOG", str(tmp_path / "log"))) as drill:
        assert drill.stdout is not None
        assert kill_and_wait(drill, [int(drill.stdout.readline())]) == []
