"""The OpenAPI 3.1 document, made from what the handlers state about themselves."""

import re
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema
from sanic import Sanic

from miniprogram_api import multipart
from miniprogram_api.auth import Access, Permission
from miniprogram_api.idempotent import KEY_MAX_LENGTH
from miniprogram_api.web import Declaration, declaration_of

REF = "#/components/schemas/{model}"
NO_CONTENT, JSON = 204, Declaration().media
BINARY = {"type": "string", "format": "binary"}
PROBLEM = {"$ref": "#/components/responses/Problem"}
_KEY = {"type": "string", "maxLength": KEY_MAX_LENGTH}
_PARAMETER = re.compile(r"<(\w+)(?::(\w+))?>")
_PATH_TYPES = {"uuid": {"type": "string", "format": "uuid"}}
_PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "errors", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
        "request_id": {"type": "string"},
        "subject": {
            "type": "string",
            "description": "The record of one's own that stands in the way",
            "examples": ["referral:0190c0de-0000-7000-8000-000000000000"],
        },
    },
}


class _Named(GenerateJsonSchema):
    """Tells what has the same name apart by where it stands."""

    def normalize_name(self, name: str) -> str:
        """Return how a class is called in the document; `name` is its own, or its full one where others share it."""
        *modules, own = name.split(".")
        where = "_".join(one for one in modules[1:] if one != "models")
        return super().normalize_name(f"{where.title().replace('_', '')}{own}")


def document(app: Sanic[Any, Any]) -> dict[str, Any]:
    """Return the document for every route of `app`; that it is OpenAPI 3.1 is for the tests to say."""
    routes = [(route, declaration_of(route.handler)) for route in app.router.routes]
    stated = sorted(((r, d) for r, d in routes if d), key=lambda pair: (str(pair[0].path), sorted(pair[0].methods)))
    refs, schemas = _schemas([declaration for _, declaration in stated])
    paths: dict[str, dict[str, Any]] = {}
    for route, declaration in stated:
        path = "/" + _PARAMETER.sub(r"{\1}", route.path)
        for method in sorted(set(route.methods) - {"HEAD"}):
            paths.setdefault(path, {})[method.lower()] = _operation(route, declaration, refs)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "宜职通 API",
            "version": "1",
            "description": "安庆职业教育集团 · 就业创业指南与校企供求",
        },
        "paths": paths,
        "components": {
            "schemas": {**schemas, "Problem": _PROBLEM_SCHEMA},
            "responses": {"Problem": _content("A refusal, in Chinese", "application/problem+json", "Problem")},
            "securitySchemes": {
                "operator": {"type": "http", "scheme": "bearer", "description": "YZT_METRICS_TOKEN"},
                "person": {"type": "http", "scheme": "bearer", "description": "access_token of POST /sessions"},
            },
        },
    }


def _schemas(declarations: list[Declaration]) -> tuple[dict[type[BaseModel], Any], dict[str, Any]]:
    models: dict[tuple[type[BaseModel], Any], None] = {}
    for declaration in declarations:
        inputs = [model for model in (declaration.body, declaration.query) if model]
        models |= {(model, "validation"): None for model in inputs}
        models |= {(view, "serialization"): None for view in declaration.answers.values() if view}
    refs, definitions = models_json_schema(list(models), ref_template=REF, schema_generator=_Named)
    return {model: refs[model, mode] for model, mode in models}, definitions.get("$defs", {})


def _operation(route: Any, declaration: Declaration, refs: dict[type[BaseModel], Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": route.name.split(".", 1)[-1].replace(".", "_"),
        "tags": [route.name.split(".")[1]],
        "summary": declaration.summary,
        "parameters": [*_path_parameters(route.path), *_query_parameters(declaration)],
        "responses": {
            str(status): _answer(view, declaration.media if status != NO_CONTENT else JSON, refs)
            for status, view in declaration.answers.items()
        }
        | {"default": PROBLEM},
    }
    if declaration.permission and declaration.permission.access is not Access.PUBLIC:
        found |= _security(declaration.permission)
        found["responses"] |= _refusals(declaration.permission)
    if declaration.body or declaration.upload:
        found["requestBody"] = {"required": not declaration.body_optional, "content": _sent(declaration, refs)}
    if declaration.if_match is not None:
        found["parameters"].append(
            _parameter("If-Match", "header", {"type": "string", "examples": ['"3"']}, required=declaration.if_match)
        )
    if declaration.rebuild:
        found["parameters"].append(_parameter("Idempotency-Key", "header", _KEY, required=declaration.key_required))
    return found


def _sent(declaration: Declaration, refs: dict[type[BaseModel], Any]) -> dict[str, Any]:
    """Return by media type what a body holds: JSON, a file, or a form with one."""
    if not declaration.upload:
        return {"application/json": {"schema": refs[declaration.body]}} if declaration.body else {}
    if not declaration.body:
        return {media: {"schema": BINARY} for media in declaration.upload.media}
    schema = declaration.body.model_json_schema(ref_template=REF)
    schema.pop("$defs", None)
    schema["properties"] = {**schema.get("properties", {}), multipart.FILE: BINARY}
    if declaration.upload.required:
        schema["required"] = [*schema.get("required", ()), multipart.FILE]
    kinds = {multipart.FILE: {"contentType": ", ".join(declaration.upload.media)}}
    return {multipart.MEDIA: {"schema": schema, "encoding": kinds}}


def _security(permission: Permission) -> dict[str, Any]:
    scheme = "operator" if permission.access is Access.OPERATOR else "person"
    return {"security": [{scheme: []}], "description": permission.words}


def _refusals(permission: Permission) -> dict[str, Any]:
    statuses = ("401", *(("403",) if permission.rights else ()), *(("404",) if permission.owner else ()))
    return dict.fromkeys(statuses, PROBLEM)


def _answer(view: type[BaseModel] | None, media: tuple[str, ...], refs: dict[type[BaseModel], Any]) -> dict[str, Any]:
    if view is None and media == Declaration().media:
        return {"description": "Nothing to say"}
    content = {name: {"schema": refs[view] if view and "json" in name else {"type": "string"}} for name in media}
    return {"description": (view.__doc__ or "").strip() if view else "Text", "content": content}


def _path_parameters(path: str) -> list[dict[str, Any]]:
    found = ((name, _PATH_TYPES.get(kind, {"type": "string"})) for name, kind in _PARAMETER.findall(path))
    return [_parameter(name, "path", schema, required=True) for name, schema in found]


def _query_parameters(declaration: Declaration) -> list[dict[str, Any]]:
    if not declaration.query:
        return []
    schema = declaration.query.model_json_schema(ref_template=REF)
    required = set(schema.get("required", []))
    return [_parameter(name, "query", field, required=name in required) for name, field in schema["properties"].items()]


def _parameter(name: str, where: str, schema: dict[str, Any], *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": where, "required": required, "schema": schema}


def _content(description: str, media: str, model: str) -> dict[str, Any]:
    return {"description": description, "content": {media: {"schema": {"$ref": REF.format(model=model)}}}}
