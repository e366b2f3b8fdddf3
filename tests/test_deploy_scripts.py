"""The one-shot jobs of the production-like stack: the namespace job on a real Temporal server, the schema job on a stand-in
for `temporal-sql-tool`, which only the image has."""

import os
import subprocess
from pathlib import Path

import pytest
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client

from models.wire.names import SEARCH_ATTRIBUTES
from tests.builders import temporal_binary

DEPLOY = Path(__file__).parent.parent / "deploy"


def run(script: str, tools: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """`environment` and the programs of `tools` are all that the script sees beside those of the system."""
    path = f"{tools}:{os.defpath}"
    command = ["/bin/sh", str(DEPLOY / script)]
    return subprocess.run(command, env={"PATH": path, **environment}, capture_output=True, text=True, timeout=60)  # noqa: S603


@pytest.fixture
def sql_tool(tmp_path: Path) -> Path:
    """A `temporal-sql-tool` that writes its arguments down and fails where the file `fail` says so."""
    tool = tmp_path / "temporal-sql-tool"
    tool.write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/calls\n! grep -qsF -- "$*" {tmp_path}/fail\n')
    tool.chmod(0o755)
    return tmp_path


def test_the_schema_job_fails_when_one_step_fails(sql_tool: Path) -> None:
    (sql_tool / "fail").write_text("--db temporal setup-schema -v 0.0\n")
    assert run("temporal-schema.sh", sql_tool).returncode != 0
    assert len((sql_tool / "calls").read_text().splitlines()) == 2


def test_the_schema_job_creates_and_updates_both_databases(sql_tool: Path) -> None:
    assert run("temporal-schema.sh", sql_tool).returncode == 0
    versioned = "/etc/temporal/schema/postgresql/v12/{}/versioned"
    assert (sql_tool / "calls").read_text().splitlines() == [
        "--db temporal create",
        "--db temporal setup-schema -v 0.0",
        f"--db temporal update-schema -d {versioned.format('temporal')}",
        "--db temporal_visibility create",
        "--db temporal_visibility setup-schema -v 0.0",
        f"--db temporal_visibility update-schema -d {versioned.format('visibility')}",
    ]


def test_the_namespace_job_wants_a_name() -> None:
    assert "TEMPORAL_NAMESPACE" in run("temporal-namespace.sh", Path(temporal_binary()).parent).stderr


async def test_the_namespace_job_can_run_again_and_again(temporal: Client) -> None:
    """The second run finds everything and changes nothing."""
    tools = Path(temporal_binary()).parent
    address = temporal.service_client.config.target_host
    for _ in range(2):
        done = run("temporal-namespace.sh", tools, TEMPORAL_ADDRESS=address, TEMPORAL_NAMESPACE="made-by-the-job")
        assert done.returncode == 0, done.stderr
    listed = await temporal.operator_service.list_search_attributes(ListSearchAttributesRequest(namespace="made-by-the-job"))
    assert set(listed.custom_attributes) == set(SEARCH_ATTRIBUTES)
    described = await temporal.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace="made-by-the-job"))
    assert described.config.workflow_execution_retention_ttl.ToTimedelta().days == 30
