"""docs/quickstart.md and docs/export-import.md, executed line by line."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infra.local.environment import LocalEnvironment

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_every_line_of_the_quickstart_works(local: LocalEnvironment, tmp_path: Path) -> None:
    *blocks, clean_up = _BLOCK.findall((DOCS / "quickstart.md").read_text())
    assert len(blocks) > 5
    more = _BLOCK.findall((DOCS / "export-import.md").read_text())
    assert len(more) == 2
    script = "set -euo pipefail\nset -x\n" + "\n".join([*blocks, *more, clean_up])
    done = subprocess.run(
        ["bash", "-c", script],
        env={
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "KV_URL": local.base_url,
            "NO_PROXY": "*",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
