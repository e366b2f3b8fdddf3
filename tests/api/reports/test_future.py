"""Reports of a time that has not come yet."""

from datetime import timedelta
from itertools import product

from models.base import now
from tests.builders import Caller, is_problem
from tests.rows import OFFER, Rows


async def test_no_report_begins_after_now_but_lists_are_empty_then(api: Caller, made: Rows) -> None:
    campaign, sequence, contact = await made.campaign(links=(OFFER,)), await made.sequence(), await made.contact()
    link = (await made.links(campaign.content_id))[0]
    paths = ["/analytics", "/analytics/campaigns", f"/contacts/{contact.id}/analytics", f"/sequences/{sequence.id}/analytics"]
    paths += [f"/campaigns/{campaign.id}/analytics", f"/links/{link.id}/analytics"]
    for path, since in product(paths, ("9999-12-31", (now() + timedelta(hours=1)).isoformat())):
        campaigns = [str(campaign.id), str((await made.campaign()).id)] if path.endswith("/campaigns") else []
        refused = await api.get(path, params={"since": since, "campaign_id": campaigns})
        assert is_problem(refused, 422, "invalid"), path
        assert [each["field"] for each in refused.json()["errors"]] == ["since"]
    assert (await api.get("/analytics", params={"since": now().isoformat()})).status_code == 200
    assert (await api.get("/clicks", params={"since": "9999-12-31"})).json()["items"] == []
    assert (await api.get("/exports/clicks", params={"since": "9999-12-31"})).status_code == 200
