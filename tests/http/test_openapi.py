"""The OpenAPI document is true: schemathesis calls every route with what it allows and what it does not."""

from typing import Any, cast

import aiohttp
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from openapi_pydantic import OpenAPI
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from schemathesis.specs.openapi.schemas import OpenApiSchema

from server.organisations.roles import Role
from server.organisations.secretariat import secretariat
from tests.factories import make_member, make_token
from tests.harness.app import TOKEN, Server

EXAMPLES = settings().max_examples // 10  # of each route: two, with the drills ten


@pytest.fixture(scope="module")
def schema(server: Server) -> OpenApiSchema:
    refusals = [400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 428, 429, 431]
    config = SchemathesisConfig.from_dict(
        {
            "checks": {"negative_data_rejection": {"expected-statuses": refusals}},
            "generation": {"with-security-parameters": False},  # every call carries a token, so none lacks it
        }
    )
    return schemathesis.openapi.from_url(f"{server.base}/openapi.json", config=config)


@pytest.fixture(scope="module")
async def administrator(database: object) -> str:
    """The access token of an administrator of the secretariat."""
    del database
    return await make_token((await make_member(await secretariat(), Role.ADMIN)).person_id)


@pytest.mark.parametrize(
    "mode",
    # what is refused as it is read reaches no database, so one of the two is enough
    [GenerationMode.POSITIVE, pytest.param(GenerationMode.NEGATIVE, marks=pytest.mark.only("sqlite"))],
)
def test_every_route_keeps_its_word(schema: OpenApiSchema, mode: GenerationMode, administrator: str) -> None:
    """Valid calls are served as described, invalid ones refused as described, none with a server error.

    What a cursor or a fact must be is more than a schema can say, so a refused one breaks no word.
    """
    for result in schema.get_all_operations():
        operation = cast("Any", result).ok()
        fails_on_purpose = operation.path == "/probe/boom"
        if not fails_on_purpose and (mode is GenerationMode.POSITIVE or can_be_wrong(operation)):
            keeps_its_word(operation, mode, {"Authorization": f"Bearer {bearer(operation.path, administrator)}"})


def can_be_wrong(operation: Any) -> bool:
    """Whether there is more to send than words in the path, for which nonsense would be looked for in vain."""
    parts = [one.definition.get("schema", {}) for one in operation.path_parameters]
    return bool(operation.body or operation.query or operation.headers or any("format" in part for part in parts))


def bearer(path: str, administrator: str) -> str:
    """The operator's token, an administrator's, or none to the routes that would end its session."""
    if path == "/metrics" or path.startswith("/probe"):
        return TOKEN
    return "" if path.startswith("/api/v1/sessions") else administrator


def keeps_its_word(operation: Any, mode: GenerationMode, headers: dict[str, str]) -> None:
    excluded: list[Any] = [positive_data_acceptance]
    if any(body.media_type == "multipart/form-data" for body in operation.body):
        excluded.append(negative_data_rejection)  # all of a form is text: null arrives as a word like any other

    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def call(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(headers=headers, excluded_checks=excluded)

    call()


async def test_the_document_names_every_route(client: aiohttp.ClientSession) -> None:
    async with client.get("/openapi.json") as answer:
        document = await answer.json()
    OpenAPI.model_validate(document)
    assert "/api/v1/guide/{edition}/articles/{slug}" in document["paths"]
    assert "/api/v1/programmes/check" in document["paths"]
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)


async def test_the_docs_page_needs_nothing_from_elsewhere(client: aiohttp.ClientSession) -> None:
    async with client.get("/docs") as answer:
        page = await answer.text()
        policy = answer.headers["Content-Security-Policy"]
    assert "/api/v1/programmes/check" in page
    assert "<script" not in page
    assert "default-src 'none'" in policy
    assert "http://" not in page
    assert "https://" not in page
