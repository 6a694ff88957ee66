"""Routes and the OpenAPI document name the same operations, and every file made of it is up to date."""

from __future__ import annotations

import importlib.util
import json
import re
from typing import TYPE_CHECKING

import jsonschema
import pytest
import schemathesis
from hypothesis import given
from hypothesis import strategies as st

from infra.docs_build.openapi.document import document, operations
from infra.docs_build.openapi.files import files
from infra.docs_build.openapi.models import declared
from infra.docs_build.openapi.operation import Access, Operation
from infra.docs_build.openapi.page import page
from infra.repository import Repository, Service
from kv_common import identifiers
from kv_common.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable

REPOSITORY = Repository.here()
DOCUMENT = document()
SERVICES = {service.name: service for service in REPOSITORY.services()}


def routes(service: Service) -> set[str]:
    """Return what the service's application serves."""
    spec = importlib.util.spec_from_file_location(f"{service.name}_app", service.folder / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {f"{method} {pattern}" for pattern, methods in module.app.routes.items() for method in methods}


def described() -> set[str]:
    return {f"{method.upper()} {path}" for path, methods in DOCUMENT["paths"].items() for method in methods}


def test_the_document_describes_exactly_the_routes_that_the_services_have() -> None:
    assert described() == set().union(*(routes(service) for service in SERVICES.values()))


def test_the_files_in_the_repository_are_those_the_code_makes() -> None:
    for name, text in files(REPOSITORY).items():
        assert (REPOSITORY.root / name).read_text() == text, f"{name}: run `make docs`"


def test_the_document_is_openapi() -> None:
    schema = schemathesis.openapi.from_dict(DOCUMENT)
    schema.validate()
    assert schema.specification.version.startswith("3.1")


@pytest.mark.parametrize("operation", operations(), ids=lambda operation: operation.id)
def test_operation_describes_exactly_the_responses_that_its_route_declares(operation: Operation) -> None:
    models = declared().get(operation.route)
    if models is not None:
        assert set(operation.answers) == set(models.responses)
        assert (operation.access is Access.PUBLIC) == (models.caller is None)
        assert models.body is None or operation.body is not None


def test_bounds_are_written_in_json_schema_and_not_in_pydantics_words() -> None:
    assert not re.search(r'"(ge|le|gt|lt|min_length|max_length|x-component)":', json.dumps(DOCUMENT))


def references(node: object) -> set[str]:
    """Return whatever a part of the document refers to."""
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(references(one) for one in node.values()))
    if isinstance(node, list):
        return set().union(*(references(one) for one in node))
    return set()


def test_every_component_is_referred_to_and_every_reference_leads_to_one() -> None:
    kinds = ("schemas", "responses", "headers")
    there = {f"#/components/{kind}/{name}" for kind in kinds for name in DOCUMENT["components"][kind]}
    assert references(DOCUMENT) == there


@pytest.mark.parametrize("operation", operations(), ids=lambda operation: operation.id)
def test_every_operation_says_what_it_answers_to_a_bad_request_and_when_all_goes_wrong(operation: Operation) -> None:
    statuses = {*operation.answers, *operation.errors}
    assert {400, 500, 503} <= statuses
    assert (operation.access is not Access.PUBLIC) <= (401 in statuses)
    assert (operation.body is not None and operation.body.required) <= (413 in statuses)
    assert ("{" in operation.path) <= (404 in statuses)
    # What is in braces is a parameter, and no other parameter is in the path.
    in_path = {parameter.name for parameter in operation.parameters if parameter.where == "path"}
    assert in_path == set(re.findall(r"\{(\w+)\}", operation.path))


def valid(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(DOCUMENT["components"]["schemas"][name])


def takes(rule: Callable[[str], str], text: str) -> bool:
    try:
        rule(text)
    except ValidationError:
        return False
    return True


NAMES = st.one_of(
    st.text(max_size=60),
    st.text("abcXYZ019-_.:", max_size=300),
    st.sampled_from(sorted(identifiers.RESERVED_NAMESPACES)),
    st.sampled_from([".", "..", "a", "-"]),
)


# `$` of Python's expressions also stands before a last line feed, unlike JSON Schema's.
@given(NAMES.filter(lambda text: not text.endswith("\n")))
def test_the_names_that_the_document_allows_are_those_that_the_code_takes(text: str) -> None:
    assert valid("NamespaceName").is_valid(text) == takes(identifiers.namespace, text)
    assert valid("KeyName").is_valid(text) == takes(identifiers.key, text)


PAGE = page(DOCUMENT)


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    assert not re.search(
        r"<(script|link|img|iframe|object|embed|form|base)\b|\bon\w+=|\bsrc=|\bstyle=|url\(|@import", PAGE
    )
    assert set(re.findall(r'href="([^"#]*)', PAGE)) == {"", "/v1/openapi.json"}


def test_every_link_of_the_page_leads_to_a_place_on_it() -> None:
    places = re.findall(r'id="([^"]+)"', PAGE)
    assert len(places) == len(set(places))
    assert set(re.findall(r'href="#([^"]+)"', PAGE)) <= set(places)
    assert {operation.id for operation in operations()} <= set(places)


def test_what_the_document_says_cannot_become_markup_of_the_page() -> None:
    changed = {**DOCUMENT, "info": {**DOCUMENT["info"], "description": "<b>`</code><script>`"}}
    assert "&lt;b&gt;<code>&lt;/code&gt;&lt;script&gt;</code>" in page(changed)
