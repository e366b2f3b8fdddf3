"""Segments by their names."""

from tests.api.segments.test_routes import VIP, segment
from tests.builders import Caller


async def test_segments_are_found_by_a_part_of_their_name(api: Caller) -> None:
    for name in ("Spring people", "Autumn 100%", "After SPRING"):
        await segment(api, VIP, name)

    async def named(name: str) -> list[str]:
        return [each["name"] for each in (await api.get("/segments", params={"name": name})).json()["items"]]

    assert await named("spring") == ["After SPRING", "Spring people"]
    assert (await named("%"), await named("winter")) == (["Autumn 100%"], [])
