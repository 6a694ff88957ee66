"""Request and response models of the dashboard routes: pydantic models that the routes and the OpenAPI document share.

How a service uses them:

1. Put the models in `<service>/http/request_models.py` (subclasses of `RequestModel` for bodies, `QueryModel` for query
   strings) and `<service>/http/response_models.py` (subclasses of `ResponseModel`). Only these modules import pydantic.
2. A rule of the domain stays a function there, which returns the value or raises `field_error(field, code, message)`.
   `Annotated[str, Rule(domain.email, PATTERN)]` (kv_common.http.rules) makes it a part of a model and of its schema.
3. A route names its models by reference, so that none is imported before a request needs it:

       @app.route(
           "/v1/api-keys",
           methods=["POST"],
           caller=owner,  # called first; it raises Unauthorized, and the view gets what it returns
           body="auth_service.http.request_models:CreateApiKey",
           responses={201: "auth_service.http.response_models:IssuedApiKey"},
       )
       def create_key(request: Request, *, caller: str, body: CreateApiKey) -> Response:
           return json_response(responses.IssuedApiKey(...), 201)

   `body_required=False` reads an absent body as `{}`; `query=` passes a model as `query`. A route that declares any of
   these refuses query parameters that it does not name. `lazy_module` (kv_common.lazy) defers the import of the module
   that builds the responses.
4. The OpenAPI generator takes parameters, bodies, responses and schemas from the routes.

A 400 has an entry in `details` for every wrong field. Codes are ours and stable; no message repeats a value.
"""

from __future__ import annotations

import pkgutil
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import pydantic
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from kv_common import identifiers
from kv_common.errors import WHOLE_BODY, FieldError, ValidationError
from kv_common.http.rules import Rule
from kv_common.json.strict import malformed_json, require_model_size, split_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kv_common.http.request import Request

Model = TypeVar("Model", bound=BaseModel)

_CODES = {
    "missing": "required",
    "extra_forbidden": "unknown_field",
    "string_too_short": "too_short",
    "string_too_long": "too_long",
    "too_short": "too_short",
    "too_long": "too_long",
    "string_pattern_mismatch": "invalid_format",
    "greater_than": "out_of_range",
    "greater_than_equal": "out_of_range",
    "less_than": "out_of_range",
    "less_than_equal": "out_of_range",
    "enum": "not_allowed",
    "literal_error": "not_allowed",
    "int_parsing": "wrong_type",
    "int_from_float": "wrong_type",
    "bool_parsing": "wrong_type",
}
"""Our codes of pydantic's error types; other types that end in `_type` are `wrong_type`, the rest `invalid_format`."""


class RequestModel(BaseModel):
    """A request body: nothing is coerced and unknown fields are refused."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class QueryModel(RequestModel):
    """The query parameters of a route; a parameter that is no string is an `Integer` or a `Literal`."""


class ResponseModel(BaseModel):
    """A response body. A field with the default None is left out of the body when it is None."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def to_json(self) -> str:
        """Return the body."""
        return self.model_dump_json(exclude_defaults=True)


class OperationStatus(ResponseModel):
    """The state that an operation has led to."""

    status: str


class Health(ResponseModel):
    """A service and what it depends on."""

    service: str
    version: str
    status: Literal["ok", "degraded", "down"]
    dependencies: dict[str, Literal["ok", "down"]]


def _integer(text: object) -> object:
    # int() takes signs, spaces and underscores too.
    return int(text) if isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) <= 18 else text


FROM_TEXT = BeforeValidator(_integer)
"""Reads a whole number of a query string; it comes after the bounds: `Annotated[int, Field(ge=1), FROM_TEXT]`."""
Integer = Annotated[int, FROM_TEXT]

Timestamp = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
"""A time in ISO 8601 and UTC."""

Count = Annotated[int, Field(ge=0)]

NAMESPACE_NAME: dict[str, Any] = {"x-component": "NamespaceName"}
"""The schema of a namespace's name: the generator makes a reference to the document's component of it."""
NamespaceName = Annotated[str, Rule(identifiers.namespace), WithJsonSchema(NAMESPACE_NAME)]
KeyName = Annotated[str, WithJsonSchema({"x-component": "KeyName"})]
PlanName = Annotated[str, WithJsonSchema({"x-component": "PlanName"})]


def optional() -> Any:
    """Return the default of a field that may be absent but, unless its type says so, not null.

    `model_fields_set` has the fields that were sent.
    """
    return Field(default=None, json_schema_extra=_without_default)


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


Cursor = Annotated[str, WithJsonSchema({"type": "string", "pattern": "^(?:[A-Za-z0-9_-]+)$"})]
"""Where a page ends, as a response gave it."""

Details = Annotated[Any, WithJsonSchema({"x-component": "Details"})]
"""The `details` of an error."""


class NoBody(RequestModel):
    """The body of a request that has none, or an empty object."""


def resolve(reference: str) -> type[BaseModel]:
    """Return the model that `module:Class` names."""
    model: type[BaseModel] = pkgutil.resolve_name(reference)
    return model


def read_body(request: Request, reference: str, *, required: bool = True) -> BaseModel:
    """Return the request's body as the model that `reference` names; PayloadTooLarge, ValidationError."""
    return decode_body(request.body if required else request.body or b"{}", resolve(reference))


def decode_body(body: bytes, model: type[Model]) -> Model:
    """Return `body`, one JSON object in strict JSON, as a `model`; PayloadTooLarge, ValidationError."""
    require_model_size(body)
    split_object(body, allowed=None)
    try:
        return model.model_validate_json(body)
    except pydantic.ValidationError as error:
        raise _translate(error) from None


def read_query(request: Request, reference: str) -> BaseModel:
    """Return the request's query parameters as the model that `reference` names; ValidationError."""
    model = resolve(reference)
    names = {field.alias or name for name, field in model.model_fields.items()}
    try:
        return model.model_validate(request.query(allowed=names))
    except pydantic.ValidationError as error:
        raise _translate(error) from None


def _translate(error: pydantic.ValidationError) -> ValidationError:
    """Return our error with an entry for each of pydantic's; pydantic's own holds the input and goes no further."""
    found = error.errors(include_url=False, include_input=False)
    if found[0]["type"] == "json_invalid":
        # What split_object leaves open: escaped lone surrogates below the first level.
        return malformed_json("request body", "invalid escape")
    fields = [_field_error(one["loc"], one["type"], one["msg"], one.get("ctx", {})) for one in found]
    if len(fields) == 1:
        return ValidationError(fields[0].message, fields=fields)
    names = ", ".join(dict.fromkeys(one.field or "body" for one in fields))
    return ValidationError(f"{len(fields)} fields are invalid: {names}.", fields=fields)


def _field_error(path: tuple[int | str, ...], kind: str, message: str, context: Mapping[str, Any]) -> FieldError:
    field = ".".join(map(str, path)) or WHOLE_BODY
    own = context.get("error")
    if isinstance(own, ValidationError) and own.fields:
        return FieldError(field, own.fields[0].code, own.fields[0].message)
    code = _CODES.get(kind) or ("wrong_type" if kind.endswith("_type") else "invalid_format")
    return FieldError(field, code, f"{field or 'body'}: {message}.")
