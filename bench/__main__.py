"""`python -m bench [part …]`: measure all parts or some, print them, and keep them in bench/results/latest.json.

Parts that were not measured stay as they were in the file. With --quick everything takes less long, and the figures
go to build/bench/quick.json instead.
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
    """Measure."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="part", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="in under three minutes, with less certainty")
    parser.add_argument("--profile", metavar="OPERATION", help="print where an operation's time goes, and nothing else")
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
        kept = _kept(path)
        setattr(kept, part, measured)
        kept.measured[part] = results.now()
        results.save(kept, path)
        tables.show(part, kept)
        print(f"({time.monotonic() - started:.0f} s)\n", flush=True)
    if not arguments.quick:
        for drawn in plots.draw(_kept(path), path.parent):
            print(drawn.relative_to(Repository.here().root))
        print("Now `make docs`: docs/benchmarks.md and docs/cost.md show these figures.")


def _kept(path: Path) -> results.Results:
    kept = results.load(path) if path.exists() else results.Results(results.this_machine(), {})
    kept.machine = results.this_machine()
    return kept


if __name__ == "__main__":
    main()
