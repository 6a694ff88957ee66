"""The figures that are kept are of the form that others read, and the documents show them."""

from __future__ import annotations

import json
import re
import socket
from typing import TYPE_CHECKING

import msgspec
import pytest

from bench import results
from bench.documents import DOCUMENTS, filled, parts
from bench.tables import OPERATIONS
from infra.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path

REPOSITORY = Repository.here()


def test_the_last_run_is_complete() -> None:
    latest = results.load()

    missing = [name for name in latest.__struct_fields__ if getattr(latest, name) is None]
    assert missing == []
    assert set(latest.measured) == set(latest.__struct_fields__) - {"machine", "measured"}
    assert set(latest.cold or ()) == {service.name for service in REPOSITORY.services()}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_has_its_trips_and_times(operation: str) -> None:
    latest = json.loads(results.LATEST.read_bytes())
    measured = latest["hot_path"][operation]

    assert set(measured["trips"]) == {"redis", "dynamodb"}
    assert measured["cpu_ms"] > 0
    assert measured["wall_ms"] > 0
    assert measured["wall_ms_at_5ms"] > 5 * measured["trips"]["dynamodb"]
    assert measured["ours_ms"] == pytest.approx(measured["cpu_ms"] - measured["client_ms"], abs=0.001)


def test_what_is_kept_names_no_machine_and_no_folder() -> None:
    text = results.LATEST.read_text()

    assert socket.gethostname() not in text
    assert re.findall(r'"[^"]*(?:/tmp|/home|/root|/Users|/work)[^"]*"', text) == []


def test_what_is_not_of_the_form_is_refused(tmp_path: Path) -> None:
    latest = json.loads(results.LATEST.read_bytes())
    latest["hot_path"]["get"]["cpu"] = 1
    changed = tmp_path / "latest.json"
    changed.write_text(json.dumps(latest))

    with pytest.raises(msgspec.ValidationError, match="cpu"):
        results.load(changed)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_documents_show_the_last_run(name: str) -> None:
    text = (REPOSITORY.root / "docs" / name).read_text()

    assert filled(text, parts()) == text, "run `make docs`"


def test_every_table_is_shown_somewhere() -> None:
    texts = "".join((REPOSITORY.root / "docs" / name).read_text() for name in DOCUMENTS)

    assert set(re.findall("made by `make docs`: ([a-z ]+) ", texts)) == set(parts())


def test_every_picture_is_there() -> None:
    text = (REPOSITORY.root / "docs" / "benchmarks.md").read_text()
    pictures = re.findall(r"\(\.\./(bench/results/[a-z_]+\.svg)\)", text)

    assert pictures
    assert [picture for picture in pictures if not (REPOSITORY.root / picture).is_file()] == []
