"""A client that `openapi-python-client` generates from the OpenAPI document, used against the real application."""

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from models.organizations.organization import Organization
from tests.builders import Caller

PACKAGE = "generated_linkwake_client"
STEPS = [
    {"kind": "send", "key": "hello", "channel": "simulator-sms", "message": {"body": "Hello"}},
    {"kind": "wait", "key": "pause", "duration": "P1D"},
    {"kind": "end", "key": "done", "outcome": "greeted"},
]


@pytest.fixture(scope="module")
def generated(api_app: FastAPI, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The package's directory. Its code is not formatted, which would take longer than all else."""
    home = tmp_path_factory.mktemp("client")
    (home / "openapi.json").write_text(json.dumps(api_app.openapi()))
    (home / "config.json").write_text(json.dumps({"post_hooks": []}))
    options = ["--path", "openapi.json", "--config", "config.json", "--meta", "none", "--output-path", PACKAGE]
    command = [sys.executable, "-m", "openapi_python_client", "generate", *options]
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, timeout=120)  # noqa: S603 - our own interpreter
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(home))
    yield home / PACKAGE
    sys.path.remove(str(home))
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


@pytest.fixture
def client(generated: Path, api: Caller, api_app: FastAPI, organization: tuple[Organization, str]) -> Any:
    transport = {"transport": httpx.ASGITransport(api_app)}
    return part().AuthenticatedClient(base_url="http://api.test", token=organization[1], httpx_args=transport)


def part(name: str = "") -> Any:
    return importlib.import_module(f"{PACKAGE}{name}")


def test_it_has_a_function_for_every_operation(generated: Path, api_app: FastAPI) -> None:
    made = {path.stem for path in (generated / "api").glob("*/*.py")} - {"__init__"}
    operations = {each["operationId"] for path in api_app.openapi()["paths"].values() for each in path.values()}
    assert made == {each.replace(".", "_") for each in operations}
    assert {"campaigns_launch", "contact_imports_create"} <= made


async def test_it_writes_a_sequence_and_reads_every_kind_of_step_back(client: Any) -> None:
    body = part(".models").SequenceCreate.from_dict({"name": "Welcome", "steps": STEPS})
    created = await part(".api.sequences.sequences_create").asyncio(client=client, body=body)
    found = await part(".api.sequences.sequences_get").asyncio(created.id, client=client)
    assert [type(step).__name__ for step in found.steps] == ["SendStep", "WaitStep", "EndStep"]
    assert found.steps[2].outcome == "greeted"


async def test_it_imports_a_csv_file(client: Any) -> None:
    # As bytes: an open file is sent by the client's synchronous functions only.
    file = part(".types").File(payload=b"external_id,first_name\ncrm-1,Ada\n")
    imported = await part(".api.contact_imports.contact_imports_create").asyncio(client=client, body=file)
    assert (type(imported).__name__, imported.total) == ("ContactImport", 1)
    page = await part(".api.contact_imports.contact_imports_list").asyncio(client=client)
    assert [each.id for each in page.items] == [imported.id]


async def test_it_reads_a_refusal_as_a_problem(client: Any) -> None:
    body = part(".models").ContactInput.from_dict({"phone": "12"})
    answer = await part(".api.contacts.contacts_create").asyncio_detailed(client=client, body=body)
    assert (answer.status_code, type(answer.parsed).__name__, answer.parsed.errors[0].field) == (422, "Problem", "phone")
