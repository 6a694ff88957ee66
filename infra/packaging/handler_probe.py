"""Import handlers as Lambda does. Runs alone in a bare interpreter: standard library only, request on stdin."""

from __future__ import annotations

import importlib
import json
import sys
import traceback


def main() -> int:
    """Import every handler; report each that fails, with its traceback."""
    request = json.load(sys.stdin)
    sys.path[:0] = request["path"]
    failures = 0
    for function, handler in request["handlers"].items():
        module, _, attribute = handler.rpartition(".")
        try:
            if not callable(getattr(importlib.import_module(module), attribute)):
                raise TypeError(f"{handler} cannot be called")  # noqa: TRY301 - reported like any other failure
        except BaseException:  # noqa: BLE001 - whatever an import raises is the finding
            failures += 1
            print(f"{function} ({handler}):\n{traceback.format_exc()}")
    return 1 if failures else 0


sys.exit(main())
