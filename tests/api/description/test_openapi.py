"""What the OpenAPI document promises about every operation.

The rules of `redocly lint` that it could break are here too, because that program needs Node.js, which a machine may lack.
`CONTRIBUTING.md` says how to run it by hand.
"""

import re
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


def unions(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "discriminator" in value:
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from unions(each)


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


def test_an_operation_id_is_the_area_and_a_verb(document: dict[str, Any]) -> None:
    """Generated clients and the audit log show them."""
    named = {name: each["operationId"] for name, each in operations(document)}
    areas = {name: each["tags"][0].replace(" ", "_") for name, each in operations(document)}
    assert {name: each for name, each in named.items() if not re.fullmatch(rf"{areas[name]}\.[a-z]+(_[a-z]+)*", each)} == {}
    assert len(set(named.values())) == len(named)
    assert named["POST /v1/campaigns/{campaign_id}/launch"] == "campaigns.launch"
    assert named["GET /v1/sequences/{sequence_id}/versions/{version}"] == "sequences.get_version"


def test_a_summary_is_written_for_its_operation(document: dict[str, Any]) -> None:
    """FastAPI would call every list "List All"."""
    summaries = [each["summary"] for _, each in operations(document)]
    assert [each for each in summaries if each == each.title() or each.endswith(".")] == []
    assert sorted(set(summaries)) == sorted(summaries)


def test_every_operation_of_v1_describes_its_problem_document(document: dict[str, Any]) -> None:
    for name, each in operations(document, "/v1/"):
        content = each["responses"]["4XX"]["content"]
        assert list(content) == ["application/problem+json"], name
        assert content["application/problem+json"]["schema"] == {"$ref": "#/components/schemas/Problem"}, name
        assert "422" not in each["responses"], name


def test_every_operation_but_health_needs_a_key(document: dict[str, Any]) -> None:
    (scheme,) = document["components"]["securitySchemes"]
    open_to_all = [name for name, each in operations(document) if each["security"] != [{scheme: []}]]
    assert sorted(open_to_all) == ["GET /health", "GET /health/live", "GET /health/ready"]
    assert [each["security"] for name, each in operations(document) if name in open_to_all] == [[], [], []]


def test_every_operation_describes_success_and_the_callers_mistakes(document: dict[str, Any]) -> None:
    codes = {name: {str(code)[0] for code in each["responses"]} for name, each in operations(document)}
    assert {name: each for name, each in codes.items() if not {"2", "4"} <= each} == {}


def test_it_names_its_server_and_its_licence(document: dict[str, Any]) -> None:
    """With an address that leads back to whatever host the document was read from."""
    assert [each["url"] for each in document["servers"]] == ["/"]
    assert document["info"]["license"] == {"name": "Apache License 2.0", "identifier": "Apache-2.0"}


def test_every_tag_is_described_once(document: dict[str, Any]) -> None:
    described = [each["name"] for each in document["tags"] if each["description"]]
    assert sorted(described) == sorted({tag for _, each in operations(document) for tag in each["tags"]})


def test_no_two_paths_can_be_mistaken_for_each_other(document: dict[str, Any]) -> None:
    """They differ in more than the names of their parameters."""
    shapes = [re.sub(r"{\w+}", "{}", path) for path in document["paths"]]
    assert len(shapes) == len({*shapes})


def test_every_parameter_of_a_path_is_declared(document: dict[str, Any]) -> None:
    for name, each in operations(document):
        declared = {parameter["name"] for parameter in each.get("parameters", []) if parameter["in"] == "path"}
        assert declared == {*re.findall(r"{(\w+)}", name)}, name


def test_what_a_union_is_told_apart_by_is_required(document: dict[str, Any]) -> None:
    """A client that may leave `kind` out cannot know which step it has read, or would write."""
    found = [*unions(document)]
    assert len(found) >= 5
    for union in found:
        kind = union["discriminator"]["propertyName"]
        for member in union["oneOf"]:
            schema = resolved(document, member)
            assert kind in schema["required"], schema["title"]
            assert "default" not in schema["properties"][kind], schema["title"]


def test_a_model_has_a_name_that_a_client_can_show(document: dict[str, Any]) -> None:
    names = document["components"]["schemas"]
    assert [each for each in names if not re.fullmatch(r"[A-Z][A-Za-z]{2,29}", each) or each.endswith("View")] == []
    assert {"Contact", "ContactPage", "ContactImport", "ConversationPage", "CampaignDetail"} <= {*names}
    assert [name for name, each in names.items() if each["title"] != name] == []


def test_every_answer_is_a_model_of_its_own(document: dict[str, Any]) -> None:
    """A schema without a name gets one from the generator, such as `HealthLiveResponseHealthLive`."""
    for name, each in operations(document):
        for status, response in each["responses"].items():
            for media_type, content in response.get("content", {}).items():
                if media_type not in (
                    "text/csv",
                    "application/x-ndjson",
                    "text/event-stream",
                ):  # files and a stream, read line by line
                    assert "$ref" in content["schema"], f"{name} {status}"


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
    words = resolved(document, verdict)["enum"]
    assert [each for each in words if each != "human" and each not in shown] == []


def test_every_list_is_a_page(document: dict[str, Any]) -> None:
    lists = {}
    for name, each in operations(document, "/v1/"):
        answer = each["responses"].get("200", {}).get("content", {}).get("application/json", {}).get("schema", {})
        if {"items", "next_cursor"} <= resolved(document, answer).get("properties", {}).keys():
            lists[name] = {parameter["name"] for parameter in each.get("parameters", [])}
    assert len(lists) > 10
    assert [name for name, parameters in lists.items() if not {"cursor", "limit"} <= parameters] == []
