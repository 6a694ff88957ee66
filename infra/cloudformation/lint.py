"""cfn-lint over a finished template."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfnlint.api import lint as cfn_lint
from cfnlint.config import ManualArgs

from infra.packaging.errors import LintError

if TYPE_CHECKING:
    from pathlib import Path


def lint(path: Path) -> None:
    """Refuse a template that cfn-lint has anything to say about."""
    findings = cfn_lint(path.read_text(), config=ManualArgs(regions=["us-east-1"]))
    if findings:
        lines = "\n".join(f"- {found.rule.id} line {found.linenumber}: {found.message}" for found in findings)
        raise LintError(f"cfn-lint on {path}:\n{lines}")
