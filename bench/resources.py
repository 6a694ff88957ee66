"""Fixed resources and settings of a stage, from the deployed templates."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from bench.results import Resources
from infra.packaging.architecture import Architecture
from infra.packaging.build_cache import build
from infra.repository import PLATFORM_STACKS, Repository


def measure(*, quick: bool) -> Resources:
    """Count the resources that are charged by the month."""
    del quick  # always quick
    repository = Repository.here()
    templates: list[dict[str, Any]] = [
        json.loads(repository.platform_template(name).read_text()) for name in PLATFORM_STACKS
    ]
    kv: dict[str, Any] = {}
    for service in repository.services():
        template = json.loads(build(repository, service, Architecture.of_host()).template.read_text())
        templates.append(template)
        if service.name == "kv":
            kv = template
    kinds = Counter(one["Type"] for template in templates for one in template["Resources"].values())
    mappings = [
        one["Properties"]
        for template in templates
        for one in template["Resources"].values()
        if one["Type"] == "AWS::Lambda::EventSourceMapping" and "StartingPosition" not in one["Properties"]
    ]
    return Resources(
        alarms=kinds["AWS::CloudWatch::Alarm"],
        queues=len(mappings),
        secrets=kinds["AWS::SecretsManager::Secret"],
        memory_mb=kv["Resources"]["APIHandler"]["Properties"]["MemorySize"],
        storage_batch_s=kv["Parameters"]["StorageBatchSeconds"]["Default"],
    )
