"""The bounds of this suite can fail: without its index, a list reads too much."""

import pytest

from models.database import Database
from tests.builders import Caller
from tests.plans import buffers_read, statements
from tests.size.tables import Owner
from tests.size.test_lists import MOST, MOST_CLICKS

BY_STATE = [f"ix_enrollment_{owner}_state_id" for owner in ("org_id", "sequence_id", "campaign_id")]
"""One can take another's place, which is not quick, but quick enough for a few rows."""


@pytest.mark.parametrize(
    ("indexes", "owner", "path", "most"),
    [
        (["ix_contact_org_id_id"], "small", "/contacts", MOST),
        (["ix_message_org_id_state_id"], "large", "/messages?state=failed", MOST),
        (BY_STATE, "large", "/enrollments?state=failed", MOST),
        (["ix_enrollment_sequence_id_step_key_id"], "large", "/enrollments?sequence_id=SEQUENCE&step=hello", MOST),
        (["ix_click_metadata_country"], "large", "/clicks?country=FR", MOST_CLICKS),
    ],
    indirect=["owner"],
)
async def test_without_its_index_a_list_reads_too_much(
    api: Caller, database: Database, owner: Owner, indexes: list[str], path: str, most: int
) -> None:
    with statements(database) as sent:
        assert (await api.get(owner.named(path))).status_code == 200
    assert max((await buffers_read(database, sent)).values()) <= most
    assert max((await buffers_read(database, sent, without=indexes)).values()) > most
