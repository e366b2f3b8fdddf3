"""The ten filters that `docs/segments.md` names: counting their people and reading a page of them reads few blocks."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from models.database import Database
from tests.builders import Caller
from tests.plans import buffers_read, statements
from tests.size.tables import Owner

DOCS = Path(__file__).parent.parent.parent / "docs" / "segments.md"

ALL, RARE = {"kind": "tags", "tags": ["all"]}, {"kind": "tags", "tags": ["rare"]}
GOLD = {"kind": "property", "name": "plan", "equals": "gold"}
ENGAGED = {"kind": "clicked", "campaign_id": "CAMPAIGN"}

FILTERS: dict[str, dict[str, Any]] = {
    "a tag that everybody has": ALL,
    "a tag that few have": RARE,
    "clicked a campaign": ENGAGED,
    "received a campaign and did not click": {
        "all": [{"kind": "received", "campaign_id": "CAMPAIGN"}, {"kind": "not_clicked", "campaign_id": "CAMPAIGN"}]
    },
    "clicked a link": {"kind": "clicked", "link_id": "LINK"},
    "clicked in a sequence": {"kind": "clicked", "sequence_id": "SEQUENCE"},
    "never clicked, with an e-mail address": {"all": [{"kind": "not_clicked"}, {"kind": "has_email"}]},
    "at least five clicks": {"kind": "clicks", "at_least": 5},
    "a tag, and a last click since a day": {"all": [ALL, {"kind": "last_click", "after": "2026-11-01T00:00:00Z"}]},
    "a phone number, a property or a tag, and no click in a campaign": {
        "all": [{"kind": "has_phone"}, {"any": [GOLD, RARE]}, {"not": ENGAGED}]
    },
}

MOST_COUNTED = 500_000
"""Blocks of 8 KB for counting: three or four for each of 120,000 people, if the planner looks each of them up by key. They are
the same ones again and again, and take no longer than reading all contacts."""

MOST_OF_A_PAGE = 15_000
"""Blocks for a page of 50: at least five clicks have 60 of 200,000 people who clicked at all, whose counters are looked at."""


@pytest.mark.parametrize("name", FILTERS)
async def test_a_segment_reads_few_blocks(api: Caller, database: Database, owner: Owner, name: str) -> None:
    definition = json.loads(owner.named(json.dumps(FILTERS[name])))
    with statements(database) as sent:
        answer = await api.post("/segments", json={"name": name, "definition": definition})
    assert answer.status_code == 201, answer.text
    cursor = answer.json()["contacts"]["next_cursor"]
    if cursor:
        with statements(database) as of_next_page:
            assert (await api.get(f"/segments/{answer.json()['id']}/contacts?cursor={cursor}")).status_code == 200
        sent += of_next_page
    read = await buffers_read(database, sent)
    pages = {statement: blocks for statement, blocks in read.items() if "LIMIT" in statement}
    assert max(read.values()) <= MOST_COUNTED, read
    assert max(pages.values()) <= MOST_OF_A_PAGE, pages


def test_the_page_names_exactly_these_filters() -> None:
    table = DOCS.read_text().partition("| filter |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| ([^|`]+?) \| +\d", table, re.MULTILINE) == list(FILTERS)
