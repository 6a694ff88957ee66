"""Merging a CloudFormation fragment into a template."""

from __future__ import annotations

from typing import Any

from infra.packaging.errors import MergeError

Template = dict[str, Any]


def merge(template: Template, fragment: Template, *, partial: bool = False) -> Template:
    """The template with the fragment laid over it: objects merge member by member, lists and scalars replace.

    A fragment of a resource must either belong to a resource of the template or bring a Type of its own; anything else
    is a mistyped name, which CloudFormation would only find at deployment. A `partial` template is a fragment itself.
    """
    known = template.get("Resources", {})
    for name, resource in fragment.get("Resources", {}).items():
        if not partial and name not in known and "Type" not in resource:
            raise MergeError(
                f"resources.json changes the resource {name!r}, which the template does not have. "
                f"Give it a Type, or use one of: {', '.join(sorted(known))}."
            )
    merged = _overlay(template, fragment)
    if not isinstance(merged, dict):
        raise MergeError("resources.json has to hold a JSON object.")
    return merged


def _overlay(base: Any, top: Any) -> Any:
    if not (isinstance(base, dict) and isinstance(top, dict)):
        return top
    if _is_intrinsic(base) or _is_intrinsic(top):
        # {"Ref": …} and {"Fn::GetAtt": …} are values; two of them in one object mean nothing.
        return top
    return {**base, **{key: _overlay(base[key], value) if key in base else value for key, value in top.items()}}


def _is_intrinsic(value: dict[str, Any]) -> bool:
    return len(value) == 1 and next(iter(value)).startswith(("Ref", "Fn::"))
