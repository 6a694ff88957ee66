"""docs/quickstart.md, executed as it stands."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infra.local.environment import LocalEnvironment

QUICKSTART = Path(__file__).parents[2] / "docs" / "quickstart.md"
_BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_every_line_of_the_quickstart_works(local: LocalEnvironment) -> None:
    blocks = _BLOCK.findall(QUICKSTART.read_text())
    assert len(blocks) > 5
    script = "set -euo pipefail\nset -x\n" + "\n".join(blocks)
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
    )
    assert done.returncode == 0, done.stdout + done.stderr
