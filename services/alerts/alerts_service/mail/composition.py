"""A mail made from a template: subject, text and HTML that say the same.

A template (templates/<name>.txt) begins with the subject. Paragraphs follow, apart by an empty line; lines that are
indented are facts, "label: value". So the wording stands in one place, and the HTML is the layout's alone. Values come
from outside: they change neither the structure nor the markup.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from string import Template
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_FOLDER = resources.files("alerts_service.mail") / "templates"
_SPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_LONGEST_VALUE = 300


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of a mail's table."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Wording:
    """What an alert says: its title, and paragraphs and groups of facts in order."""

    title: str
    blocks: tuple[str | tuple[Fact, ...], ...]

    @property
    def message(self) -> str:
        """The first paragraph, which says what happened."""
        return next(block for block in self.blocks if isinstance(block, str))


@dataclass(frozen=True, slots=True)
class Links:
    """Where a mail leads: to end such mails, and to the dashboard, if there is one."""

    unsubscribe: str
    dashboard: str | None


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail, ready to be sent."""

    subject: str
    text: str
    html: str


def wording(template: str, values: Mapping[str, str]) -> Wording:
    """Return what the template says with `values`; KeyError when it asks for one that is not given."""
    clean = {name: _one_line(value) for name, value in values.items()}
    subject, *blocks = _read(f"{template}.txt").strip().split("\n\n")
    return Wording(
        title=Template(subject).substitute(clean),
        blocks=tuple(_facts(block, clean) if block.startswith(" ") else _fill(block, clean) for block in blocks),
    )


def compose(said: Wording, links: Links) -> Mail:
    """Return the mail that says it."""
    return Mail(said.title, _text(said, links), _html(said, links))


def _text(said: Wording, links: Links) -> str:
    blocks = [
        block if isinstance(block, str) else "\n".join(f"  {fact.label}: {fact.value}" for fact in block)
        for block in said.blocks
    ]
    if links.dashboard is not None:
        blocks.append(f"Open the dashboard: {links.dashboard}")
    return _layout("mail.txt", body="\n\n".join(blocks), unsubscribe=links.unsubscribe)


def _html(said: Wording, links: Links) -> str:
    body = "".join(
        _layout("paragraph.html", text=html.escape(block)) if isinstance(block, str) else _table(block)
        for block in said.blocks
    )
    if links.dashboard is not None:
        body += _layout("button.html", url=html.escape(links.dashboard))
    title = html.escape(said.title)
    return _layout("mail.html", title=title, body=body, unsubscribe=html.escape(links.unsubscribe))


def _table(facts: tuple[Fact, ...]) -> str:
    rows = (_layout("fact.html", label=html.escape(fact.label), value=html.escape(fact.value)) for fact in facts)
    return _layout("facts.html", rows="".join(rows))


def _fill(block: str, values: Mapping[str, str]) -> str:
    return Template(" ".join(block.splitlines())).substitute(values)


def _facts(block: str, values: Mapping[str, str]) -> tuple[Fact, ...]:
    pairs = (line.strip().split(": ", 1) for line in block.splitlines())
    return tuple(Fact(_fill(label, values), _fill(value, values)) for label, value in pairs)


def _one_line(value: str) -> str:
    """Keep a value from beginning a line of its own, and from filling the mail."""
    line = _SPACE.sub(" ", value).strip()
    return line if len(line) <= _LONGEST_VALUE else f"{line[: _LONGEST_VALUE - 1]}…"


def _layout(name: str, **parts: str) -> str:
    return Template(_read(f"layout/{name}")).substitute(parts)


@cache
def _read(name: str) -> str:
    return _FOLDER.joinpath(name).read_text("utf-8")
