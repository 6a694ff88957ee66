"""Hand-written documents: links, make targets, and the form of decision records."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from infra.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path

ROOT = Repository.here().root
FOLDERS = ("", "docs", "docs/adr", "docs/events", "services/*")
PAGES = sorted(page for folder in FOLDERS for page in ROOT.glob(f"{folder}/*.md".lstrip("/")))
RECORDS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    broken = []
    for link in LINK.findall(page.read_text()):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)

    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_make_target_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = page.read_text()
    commands = re.findall(r"(?:^|`|\()make (?:-s )?([a-z][a-z-]*)", text, re.MULTILINE)

    assert set(commands) <= targets


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name[:4])
def test_decision_record_has_its_sections_and_is_listed(record: Path) -> None:
    text = record.read_text()
    title = re.match(r"# (\d+)\. (.+)\n", text)
    assert title is not None
    number, name = title.groups()

    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Status", "Context", "Decision", "Consequences"]
    assert re.search(r"^## Status\n\n(Accepted|Superseded by) ", text, re.MULTILINE)
    assert int(number) == int(record.name[:4])
    assert f"{number}. [{name}]({record.name})" in (record.parent / "README.md").read_text()


def test_decision_records_are_numbered_without_gaps() -> None:
    assert [int(record.name[:4]) for record in RECORDS] == list(range(1, len(RECORDS) + 1))
