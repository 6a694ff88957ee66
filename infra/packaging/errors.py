"""What can go wrong while packaging.

PackagingError
├── MergeError         a fragment of resources.json fits nothing in the template
├── BuildError         an outside tool (uv, chalice, the SAM translator) failed, loudly or silently
├── LintError          the finished template is not valid CloudFormation
└── VerificationError  the finished zip would not run on Lambda
"""

from __future__ import annotations


class PackagingError(Exception):
    """A service cannot be packaged; the message says why and what to change."""


class MergeError(PackagingError):
    """A fragment of resources.json fits nothing in the template."""


class BuildError(PackagingError):
    """An outside tool failed, loudly or silently."""


class LintError(PackagingError):
    """The finished template is not valid CloudFormation."""


class VerificationError(PackagingError):
    """The finished zip would not run on Lambda."""
