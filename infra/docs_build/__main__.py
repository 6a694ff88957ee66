"""`python -m infra.docs_build`: write the generated documents anew."""

from __future__ import annotations

import sys

from infra.docs_build.events import documents
from infra.docs_build.openapi.files import files
from infra.docs_build.table import with_table
from infra.repository import Repository
from infra.terminal import say


def main() -> int:
    """Write every document, and remove those of events that are gone."""
    repository = Repository.here()
    folder = repository.root / "docs" / "events"
    wanted = documents()
    for path in folder.glob("*.json"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text)
        say(f"docs/events/{name}")
    readme = folder / "README.md"
    readme.write_text(with_table(readme.read_text(), repository))
    say("docs/events/README.md")
    for name, text in files(repository).items():
        path = repository.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        say(name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
