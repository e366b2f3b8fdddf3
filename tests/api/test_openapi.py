"""What the OpenAPI document promises about every operation."""

from collections.abc import Iterator
from typing import Any

import pytest

from api.app import create_app

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app().openapi()


def operations(document: dict[str, Any], prefix: str = "/") -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method in METHODS & methods.keys():
            if path.startswith(prefix):
                yield f"{method.upper()} {path}", methods[method]


def bodies(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for name, operation in operations(document):
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
            yield name, media_type, content


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    return document["components"]["schemas"][reference.rpartition("/")[2]] if reference else schema


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from references(each)


def test_it_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(references(document)) <= known


def test_every_operation_has_a_summary_and_a_tag(document: dict[str, Any]) -> None:
    assert [name for name, each in operations(document) if not each.get("summary") or not each.get("tags")] == []


def test_every_operation_of_v1_describes_its_problem_document(document: dict[str, Any]) -> None:
    for name, each in operations(document, "/v1/"):
        content = each["responses"]["4XX"]["content"]
        assert list(content) == ["application/problem+json"], name
        assert content["application/problem+json"]["schema"] == {"$ref": "#/components/schemas/Problem"}, name
        assert "422" not in each["responses"], name


def test_every_operation_but_health_needs_a_key(document: dict[str, Any]) -> None:
    (scheme,) = document["components"]["securitySchemes"]
    open_to_all = [name for name, each in operations(document) if each.get("security") != [{scheme: []}]]
    assert sorted(open_to_all) == ["GET /health", "GET /health/live", "GET /health/ready"]


def test_every_request_body_has_an_example(document: dict[str, Any]) -> None:
    without = [
        name
        for name, _, content in bodies(document)
        if not (content.get("examples") or content.get("example") or resolved(document, content["schema"]).get("examples"))
    ]
    assert without == []


def test_every_post_that_creates_or_sends_takes_an_idempotency_key(document: dict[str, Any]) -> None:
    for name, each in operations(document, "/v1/"):
        headers = {parameter["name"] for parameter in each.get("parameters", [])}
        created = {"201", "202"} & each["responses"].keys()
        if name.startswith("POST") and created and not name.endswith("/stop"):  # stopping twice is stopping once
            assert "Idempotency-Key" in headers, name


def test_every_operation_says_what_it_does(document: dict[str, Any]) -> None:
    assert [name for name, each in operations(document) if not each.get("description")] == []


def test_the_feed_of_clicks_says_that_it_shows_people_and_how_to_see_the_others(document: dict[str, Any]) -> None:
    feed = document["paths"]["/v1/clicks"]["get"]
    (verdict,) = (parameter["schema"] for parameter in feed["parameters"] if parameter["name"] == "verdict")
    shown = feed["description"].partition("\n\n")[0]  # what `docs/api.md` has of it
    assert (verdict["default"], "of people" in shown, "`?verdict=all`" in shown) == ("human", True, True)
    assert [each for each in verdict["enum"] if each != "human" and each not in shown] == []


def test_every_list_is_a_page(document: dict[str, Any]) -> None:
    lists = {}
    for name, each in operations(document, "/v1/"):
        answer = each["responses"].get("200", {}).get("content", {}).get("application/json", {}).get("schema", {})
        if {"items", "next_cursor"} <= resolved(document, answer).get("properties", {}).keys():
            lists[name] = {parameter["name"] for parameter in each.get("parameters", [])}
    assert len(lists) > 10
    assert [name for name, parameters in lists.items() if not {"cursor", "limit"} <= parameters] == []
