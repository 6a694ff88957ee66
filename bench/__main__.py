"""`python -m bench [part …]`: measure all parts or some, print the figures and store them in bench/results/latest.json.

Other parts keep their figures in the file. With --quick, measuring takes less time, and the figures are written to
build/bench/quick.json instead.
"""

from __future__ import annotations

import argparse
import importlib
import time
from typing import TYPE_CHECKING

from bench import plots, results, tables
from infra.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path

PARTS = {
    "hot_path": "hot_path",
    "cold": "cold_start",
    "admission": "admission",
    "peers": "peer",
    "growth": "growth",
    "front_door": "front_door",
    "event_path": "event_path",
    "resources": "resources",
}


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="part", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="less accurate, in under three minutes")
    parser.add_argument("--profile", metavar="OPERATION", help="print a CPU profile of an operation and exit")
    arguments = parser.parse_args()
    if arguments.profile:
        from bench.hot_path import profiled

        tables.show_profile(profiled(arguments.profile))
        return
    path = Repository.here().build / "bench" / "quick.json" if arguments.quick else results.LATEST
    if arguments.quick:
        path.unlink(missing_ok=True)
    for part in [name for name in PARTS if not arguments.parts or name in arguments.parts]:
        started = time.monotonic()
        measured = importlib.import_module(f"bench.{PARTS[part]}").measure(quick=arguments.quick)
        stored = _stored(path)
        setattr(stored, part, measured)
        stored.measured[part] = results.now()
        results.save(stored, path)
        tables.show(part, stored)
        print(f"({time.monotonic() - started:.0f} s)\n", flush=True)
    if not arguments.quick:
        for drawn in plots.draw(_stored(path), path.parent):
            print(drawn.relative_to(Repository.here().root))
        print("Run `make docs` to write these figures into docs/benchmarks.md and docs/cost.md.")


def _stored(path: Path) -> results.Results:
    stored = results.load(path) if path.exists() else results.Results(results.this_machine(), {})
    stored.machine = results.this_machine()
    return stored


if __name__ == "__main__":
    main()
