"""The server as its own description has it: whatever is sent by it, nothing fails inside."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.server.conftest import echoing, served
from tunewright.deploy.admission import Admission
from tunewright.deploy.respond import open_specialist
from tunewright.deploy.spec import ServeSpec
from tunewright.runtime.models.local import local_checkpoint
from tunewright.runtime.settings import Settings
from tunewright.server.app import create_app
from tunewright.testing.checkpoint import tiny_model

CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of the tiny model, whose answers are short."""
    folder = tmp_path_factory.mktemp("described")
    how = Settings(cache=folder / "cache", threads=1, offline=True)
    opened = open_specialist(local_checkpoint(tiny_model(folder / "tiny")), how, name="desk")
    with served(opened, Admission(ServeSpec(answer_tokens=16))) as url:
        yield url.removesuffix("/v1")


SCHEMA = schemathesis.openapi.from_dict(create_app(echoing()[0]).openapi())


@SCHEMA.parametrize()
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_request_that_the_description_allows_fails_inside(case: schemathesis.Case, address: str) -> None:
    if isinstance(case.body, dict) and isinstance(case.body.get("model"), str):
        case.body["model"] = "desk"  # else nearly all would be of a model that is not there
    case.call_and_validate(base_url=address, checks=CHECKS)


def test_every_address_is_described(address: str) -> None:
    told = httpx.get(f"{address}/openapi.json").json()
    assert set(told["paths"]) == {
        "/health",
        "/ready",
        "/metrics",
        "/v1/models",
        "/v1/models/{name}",
        "/v1/chat/completions",
        "/v1/completions",
    }
    assert told["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
