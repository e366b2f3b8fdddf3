"""What the API answers beside its areas."""

import pytest

from tests.builders import Caller


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_its_address_alone_leads_to_the_documentation(api: Caller, method: str) -> None:
    answer = await api.client.request(method, "/")
    assert (answer.status_code, answer.headers["location"]) == (307, "/docs")


@pytest.mark.parametrize(
    ("method", "path", "status", "detail"),
    [
        ("GET", "/v1/campaign", 404, "There is nothing at this address: /docs lists every address of this API."),
        ("DELETE", "/v1/campaigns", 405, "DELETE is not possible at this address: /docs lists what is."),
    ],
)
async def test_what_it_does_not_have_is_answered_with_where_to_look(
    api: Caller, method: str, path: str, status: int, detail: str
) -> None:
    answer = await api.client.request(method, path)
    assert (answer.status_code, answer.json()["detail"]) == (status, detail)
