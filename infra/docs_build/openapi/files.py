"""The files that are made of the described operations."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from infra.docs_build.openapi.document import document
from infra.docs_build.openapi.markdown import with_operations
from infra.docs_build.openapi.page import page

if TYPE_CHECKING:
    from infra.repository import Repository

_SERVED = "services/kv/kv_service/http/public"


def files(repository: Repository) -> dict[str, str]:
    """The text of every file by its path in the repository; docs/api.md keeps what is written by hand."""
    made = document()
    return {
        "docs/openapi.json": json.dumps(made, indent=2, ensure_ascii=False) + "\n",
        "docs/api.md": with_operations((repository.root / "docs" / "api.md").read_text()),
        # What kv serves is shipped with it: no byte more than needed.
        f"{_SERVED}/openapi.json": json.dumps(made, separators=(",", ":"), ensure_ascii=False),
        f"{_SERVED}/docs.html": page(made),
    }
