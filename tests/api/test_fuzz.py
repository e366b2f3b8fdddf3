"""Invented requests to every operation: whatever comes in, the answer is one that the OpenAPI document describes."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from models.database import Database
from models.organizations.organization import Organization
from tests.api.campaign_builders import add_contacts, new_campaign, new_sequence
from tests.builders import Caller

Document = dict[str, Any]
Operation = APIOperation[Any, Any, Any, Any]

EXAMPLES = 3  # of each operation, valid ones and as many invalid ones
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]

# What validation, Python or PostgreSQL could stumble over.
AWKWARD_JSON = ["", "\x00", "\ud800", "0001-01-01T00:00:00+14:00", "P99999999999D", 10**30, -1, 1e308, None, True, [], {"a": {}}]
AWKWARD_KEYS = ["", "\x00", "\ud800"]
AWKWARD_TEXT = ["", "\x00", "'", "0", "-1", "9" * 40, "NaN", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "ﬀ" * 300]
LONGEST_QUERY = 60_000
"""Characters of a query. Longer ones are refused by the server (431) before the application sees them, and httpx writes none."""
HALF_A_PAIR = "%ED%A0%80"  # of a surrogate pair, as UTF-8 would write it


@pytest.fixture
async def document(api: Caller) -> Document:
    answer: Document = (await api.client.get("/v1/openapi.json")).json()
    return answer


@pytest.fixture
async def known(api: Caller, database: Database, organization: tuple[Organization, str]) -> dict[str, str]:
    """An id that exists for each parameter of a path, so that invented requests come further than to a 404."""
    (contact,) = await add_contacts(database, organization[0].id, 1, tags=["a"])
    sequence = await new_sequence(api)
    enrolled = (await api.post(f"/sequences/{sequence}/enrollments", json={"contact_ids": [contact]})).json()
    launched = await new_campaign(api, audience={"tags": ["a"]})
    link = (await api.post(f"/campaigns/{launched}/launch")).json()["links"][0]["id"]
    imported = (await api.post("/contact-imports", content=b"email\na@example.com\n")).json()
    return {
        "contact_id": contact,
        "sequence_id": sequence,
        "version": "1",
        "enrollment_id": enrolled["results"][0]["enrollment_id"],
        "campaign_id": await new_campaign(api),
        "link_id": link,
        "import_id": imported["id"],
        "channel_id": (await api.get("/channels")).json()["items"][0]["id"],
    }


async def test_an_invented_request_gets_an_answer_that_is_described(
    api: Caller, document: Document, known: dict[str, str]
) -> None:
    wrong = []
    for operation in operations(document):
        for number, case in enumerate(invented(operation)):
            if number % 2 and case.method != "DELETE":
                case.path_parameters.update({name: known[name] for name in case.path_parameters.keys() & known.keys()})
            wrong += failures(case, await send(api, case))
    assert wrong == []


async def test_an_awkward_value_anywhere_in_a_body_is_no_error_of_the_server(
    api: Caller, document: Document, known: dict[str, str]
) -> None:
    for method, path, operation in described(document):
        for body in bodies(document, operation):
            answer = await request(api, method, filled(path, known), content=json.dumps(body))
            assert answer.status_code < 500, f"{method} {path} {body!r}: {answer.text}"


async def test_an_awkward_value_in_the_address_is_no_error_of_the_server(
    api: Caller, document: Document, known: dict[str, str]
) -> None:
    for method, path, operation in described(document):
        for address in addresses(path, operation, known):
            answer = await request(api, method, address)
            assert answer.status_code < 500, f"{method} {address}: {answer.text}"


def operations(document: Document) -> Iterator[Operation]:
    for result in schemathesis.openapi.from_dict(document).get_all_operations():
        assert isinstance(result, Ok)
        yield result.ok()


def invented(operation: Operation) -> list[Case[Any]]:
    """The same ones in every run."""
    cases: list[Case[Any]] = []
    for mode in GenerationMode:

        @given(operation.as_strategy(generation_mode=mode))
        @hypothesis_settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def collect(case: Case[Any]) -> None:
            if len(urlencode(case.query or {}, doseq=True)) <= LONGEST_QUERY:
                cases.append(case)

        try:
            collect()
        except Unsatisfiable:  # nothing can be wrong about an operation without parameters
            continue
    return cases


async def send(api: Caller, case: Case[Any]) -> httpx.Response:
    given_by_case = case.as_transport_kwargs(base_url="http://api.test")
    given_by_case.pop("cookies", None)
    headers = {name: value for name, value in given_by_case.pop("headers").items() if name.lower() != "authorization"}
    content = given_by_case.pop("data", None)
    return await api.client.request(
        headers={**headers, "Authorization": f"Bearer {api.key}"}, **given_by_case, **({"content": content} if content else {})
    )


def failures(case: Case[Any], answer: httpx.Response) -> list[str]:
    try:
        case.validate_response(answer, checks=CHECKS)
    except FailureGroup as group:
        return [f"{answer.request.method} {answer.request.url} {case.body!r}: {each}" for each in group.exceptions]
    return []


def described(document: Document) -> Iterator[tuple[str, str, Document]]:
    """Method, path and description of every operation that deletes nothing."""
    for path, methods in document["paths"].items():
        for method in methods.keys() & {"get", "post", "put", "patch"}:
            yield method.upper(), path, methods[method]


def filled(path: str, known: dict[str, str]) -> str:
    for name, value in known.items():
        path = path.replace(f"{{{name}}}", value)
    return path


def addresses(path: str, operation: Document, known: dict[str, str]) -> Iterator[str]:
    """Each parameter of the path and of the query in turn, the others as they should be."""
    texts = [*map(quote, AWKWARD_TEXT), HALF_A_PAIR]
    for parameter in operation.get("parameters", []):
        name = parameter["name"]
        if parameter["in"] == "path":
            yield from (filled(path.replace(f"{{{name}}}", text or "%20"), known) for text in texts)
        elif parameter["in"] == "query":
            yield from (f"{filled(path, known)}?{quote(name)}={text}" for text in texts)


def bodies(document: Document, operation: Document) -> Iterator[Any]:
    """The operation's examples, each with an awkward value in one place."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return
    for example in examples(document, content):
        for value in AWKWARD_JSON:
            yield from changed(example, partial(replaced, value))
        yield from changed(example, with_awkward_keys)


def examples(document: Document, content: Document) -> list[Any]:
    """Those of the body's model, or those of a body of several kinds, one of each."""
    if "examples" in content:
        return [each["value"] for each in content["examples"].values()]
    schema = document["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
    return list(schema["examples"])


def replaced(value: Any, _part: Any) -> list[Any]:
    return [value]


def with_awkward_keys(part: Any) -> list[Any]:
    return [{**part, key: 1} for key in AWKWARD_KEYS] if isinstance(part, dict) else []


def changed(whole: Any, change: Callable[[Any], list[Any]]) -> Iterator[Any]:
    """`whole` with each of its parts changed in turn, itself included."""
    yield from change(whole)
    if isinstance(whole, dict):
        for key, part in whole.items():
            yield from ({**whole, key: other} for other in changed(part, change))
    if isinstance(whole, list):
        for place, part in enumerate(whole):
            yield from ([*whole[:place], other, *whole[place + 1 :]] for other in changed(part, change))


async def request(api: Caller, method: str, path: str, **options: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {api.key}", "Content-Type": "application/json"}
    return await api.client.request(method, path, headers=headers, **options)
