"""docs/api.md's part that is made: every operation with a line for the shell."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from infra.docs_build.openapi.curl import curl
from infra.docs_build.openapi.document import TAGS, operations
from infra.docs_build.openapi.operation import Access

if TYPE_CHECKING:
    from infra.docs_build.openapi.operation import Operation

_BEGIN, _END = "<!-- made by `make docs` -->", "<!-- end -->"
_BETWEEN = re.compile(f"(?<={re.escape(_BEGIN)}\n).*?(?={re.escape(_END)})", re.DOTALL)
_ACCESS = {
    Access.PUBLIC: "public",
    Access.SESSION: "session",
    Access.KEY_OR_SESSION: "API key or session",
    Access.SIGNED: "signed by Paddle",
}


def with_operations(text: str) -> str:
    """The page with the operations as they are now."""
    return _BETWEEN.sub(lambda _: operations_as_markdown(), text)


def operations_as_markdown() -> str:
    """Every operation under its tag."""
    described = operations()
    parts: list[str] = []
    for tag, says in TAGS.items():
        parts.append(f"## {tag}\n\n{says}\n")
        parts += [_section(one) for one in described if one.tag == tag]
    return "\n".join(parts)


def _section(one: Operation) -> str:
    said = [f"### {one.summary}", f"`{one.route}` · {_ACCESS[one.access]}"]
    if one.says:
        said.append(one.says)
    if one.example.needs:
        said.append(f"The line needs {one.example.needs}.")
    said.append(f"```bash\n{curl(one)}\n```")
    (status, expected), *others = one.answers.items()
    gives = "".join(f" `${name}` is its `{member}`." for name, member in one.example.gives.items())
    said.append(f"→ **{status}** {expected.says}{gives}")
    also = [(status, answer.says) for status, answer in others]
    also += [(status, says) for status, says in one.errors.items() if says]
    if also:
        said.append("\n".join(f"- {status}: {says}" for status, says in sorted(also)))
    return "\n\n".join(said) + "\n"
