"""What a cold start costs before the first request: `python -m bench.cold_start`.

Imports `app.py` of each packaged service in fresh interpreters that see the unpacked zip and what Lambda's runtime
provides. CPU is what the import adds to a bare interpreter; the median of several processes.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from infra.packaging.architecture import Architecture
from infra.packaging.pipeline import build
from infra.packaging.verify import provide_runtime
from infra.repository import Repository

RUNS = 9
_PROBE = """
import json, sys, time
sys.path[:0] = json.loads(sys.argv[1])
wall, cpu = time.perf_counter(), time.process_time()
import app
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
result = {
    "wall_ms": wall * 1000,
    "cpu_ms": cpu * 1000,
    "rss_mb": int(status["VmRSS"].split()[0]) / 1024,
    "modules": len(sys.modules),
}
print(json.dumps(result))
"""


def measure(zip_file: Path) -> dict[str, float]:
    """Return the medians over RUNS fresh processes, and the zip's size."""
    with tempfile.TemporaryDirectory() as temporary:
        code, runtime = Path(temporary) / "task", Path(temporary) / "runtime"
        with zipfile.ZipFile(zip_file) as archive:
            archive.extractall(code)
        provide_runtime(runtime)
        command = [sys.executable, "-I", "-S", "-B", "-c", _PROBE, json.dumps([str(code), str(runtime)])]
        runs = [json.loads(subprocess.check_output(command, env={})) for _ in range(RUNS)]
    medians = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    return {**medians, "zip_mb": zip_file.stat().st_size / 1e6}


def main() -> None:
    """Print a line per service."""
    repository = Repository.here()
    print(f"{'service':8} {'cpu ms':>8} {'wall ms':>8} {'rss MB':>7} {'modules':>8} {'zip MB':>7}")
    for service in repository.services():
        result = measure(build(repository, service, Architecture.of_host()).code)
        print(
            f"{service.name:8} {result['cpu_ms']:8.1f} {result['wall_ms']:8.1f} {result['rss_mb']:7.1f} "
            f"{result['modules']:8.0f} {result['zip_mb']:7.2f}"
        )


if __name__ == "__main__":
    main()
