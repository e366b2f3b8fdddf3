"""A report reads counters, however many messages and clicks there are."""

import pytest

from models.database import Database
from tests.builders import Caller
from tests.plans import buffers_read, statements
from tests.size.tables import Owner

MOST = 2500
"""Blocks of 8 KB for a statement: the most that is read are 200,000 entries of an index, for the follow-ups by state."""

# Not those that still read rows, and so grow with them: analytics of all verdicts together, or of a part of the time (a month of
# 430,000 clicks reads 240,000 blocks), the people and steps of a sequence, and the diagnostics of a campaign or a sequence.
REPORTS = [
    "/campaigns/CAMPAIGN",
    "/campaigns/CAMPAIGN/analytics",
    "/campaigns/CAMPAIGN/analytics?verdict=bot",
    "/links/LINK/analytics",
    "/sequences/SEQUENCE",
    "/diagnostics",
]


@pytest.mark.parametrize("path", REPORTS)
async def test_a_report_reads_few_blocks(api: Caller, database: Database, owner: Owner, path: str) -> None:
    with statements(database) as sent:
        answer = await api.get(owner.named(path))
    assert answer.status_code == 200, answer.text
    assert max((await buffers_read(database, sent)).values()) <= MOST
