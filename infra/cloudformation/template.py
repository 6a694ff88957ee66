"""The finished template: plain CloudFormation, from what Chalice describes and what the service adds."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from infra.cloudformation import functions, parts
from infra.cloudformation.alarms import with_alarms_heard
from infra.cloudformation.http_api import replace_rest_api
from infra.cloudformation.merge import Template, merge
from infra.isolated_session import isolated_session
from infra.packaging.errors import BuildError, MergeError

if TYPE_CHECKING:
    from pathlib import Path

#: The artifacts bucket belongs to the platform stack `artifacts`.
_BUCKET = {"Fn::ImportValue": {"Fn::Sub": "kv-${Stage}-artifacts-bucket"}}
_LAMBDA = "AWS::Lambda::Function"


def finish(sam: Template, fragment: Template, *, service: str, code_key: str) -> Template:
    """Turn Chalice's SAM template into the one that is deployed.

    `fragment` is the service's resources.json, `code_key` the zip's key in the artifacts bucket.
    """
    fragment = dict(fragment)
    metadata = fragment.pop("Metadata", {})
    template = functions.without_chalice_marks(sam)
    template = replace_rest_api(template, metadata.get("ExtraRoutes", []))
    template = functions.with_log_groups(template, service)
    template = merge(template, parts.expand(metadata.get("Parts", {}), service))
    template = merge(template, fragment)
    template = functions.with_dynamodb_client(template)
    template = functions.with_rights(template)
    template = with_alarms_heard(template)
    plain = without_sam(template)
    for resource in plain["Resources"].values():
        if resource["Type"] == _LAMBDA:
            resource["Properties"]["Code"] = {"S3Bucket": _BUCKET, "S3Key": code_key}
    return {"AWSTemplateFormatVersion": "2010-09-09", "Description": f"KV Storage: {service}", **_sorted(plain)}


def without_sam(template: Template) -> Template:
    """The template with every AWS::Serverless resource spelled out in CloudFormation."""
    source = copy.deepcopy(template)
    for function in functions.functions(source).values():
        # Replaced afterwards; the translator insists on an address.
        function["Properties"]["CodeUri"] = {"Bucket": "bucket", "Key": "key"}
    session = isolated_session("us-east-1")  # only decides the partition of ARNs
    translator = Translator({}, Parser(), boto_session=session)
    try:
        plain: Template = translator.translate(source, {})
    except InvalidDocumentException as error:
        reasons = "\n".join(f"- {cause.message}" for cause in error.causes)
        raise BuildError(f"The SAM template cannot be translated:\n{reasons}") from error
    finally:
        translator.metrics.publish()  # to nowhere; it complains otherwise
    return plain


def read_fragment(path: Path) -> Template:
    """The service's resources.json, or nothing when it has none."""
    if not path.exists():
        return {}
    try:
        fragment = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise MergeError(f"{path} is no JSON: {error}") from error
    if not isinstance(fragment, dict):
        raise MergeError(f"{path} has to hold a JSON object.")
    return fragment


def write(template: Template, path: Path) -> None:
    """Write a template so that people can read it and differences are small."""
    path.write_text(json.dumps(template, indent=2) + "\n")


def _sorted(template: Template) -> dict[str, Any]:
    order = ("Parameters", "Mappings", "Conditions", "Resources", "Outputs")
    return {section: dict(sorted(template[section].items())) for section in order if template.get(section)}
