"""The people who have all of some tags are enrolled page by page."""

from tests.api.campaign_builders import new_sequence
from tests.api.segments.test_routes import contacts
from tests.builders import Caller


async def test_people_with_tags_are_enrolled_page_by_page(api: Caller) -> None:
    both = [{"external_id": str(n), "tags": ["vip", "new"]} for n in range(3)]
    ids = await contacts(api, *both, {"external_id": "one", "tags": ["vip"]})
    path = f"/sequences/{await new_sequence(api)}/enrollments"
    first = (await api.post(path, json={"tags": ["vip", "new"], "limit": 2})).json()
    assert [each["contact_id"] for each in first["results"]] == ids[:2]
    second = (await api.post(path, json={"tags": ["new", "vip"], "cursor": first["next_cursor"]})).json()
    assert ([each["contact_id"] for each in second["results"]], second["next_cursor"]) == ([ids[2]], None)
    other = await api.post(path, json={"tags": ["vip"], "cursor": first["next_cursor"]})
    assert other.status_code == 422
    two = await api.post(path, json={"tags": ["vip"], "contact_ids": [ids[0]]})
    assert (two.status_code, two.json()["errors"][0]["field"]) == (422, "contact_ids")
