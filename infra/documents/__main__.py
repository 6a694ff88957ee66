"""`python -m infra.documents`: write the generated documents anew."""

from __future__ import annotations

import sys

from infra.documents.events import documents
from infra.repository import Repository
from infra.terminal import say


def main() -> int:
    """Write every document, and remove those whose event is gone."""
    folder = Repository.here().root / "docs" / "events"
    folder.mkdir(exist_ok=True)
    wanted = documents()
    for path in folder.glob("*.json"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text)
        say(f"docs/events/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
