"""What services have in common in their templates, each part a file of its own that a service asks for by name.

`Metadata.Parts` of a service's resources.json:

    "table": {}         its table, with stream, point-in-time recovery, encryption and expiry
    "session": {}       what APIHandler needs to verify access tokens
    "publisher": {}     the settings of PublishOutbox, with the queue of what could not be published, and its alarms
    "redis": ["APIHandler"]
                        functions that talk to Redis, inside the VPC where the stage names one
    "buckets": ["Objects"]
                        buckets, encrypted, reached with this account's rights only and over TLS, where there is TLS
    "queues": {"Events": {"Function": "OnEvents", "From": {"kv.auth": ["AccountCreated"]}}}
                        a queue, its dead-letter queue and alarms, and the function that takes from it; with "From",
                        the rule that fills it from the bus, by source and event
    "streams": {"Due": {"Function": "QueueMails", "Filter": {"eventName": ["INSERT"]}}}
                        a function that takes what passes the filter from the table's stream, with the queue of what it
                        could not take, and its alarms

A name between two @ in a file stands for what the service says. The service's own resources are laid over the parts.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Any

from infra.cloudformation.merge import merge
from infra.packaging.errors import MergeError

if TYPE_CHECKING:
    from infra.cloudformation.merge import Template

_PLAIN = ("table", "session", "publisher")


def expand(wanted: dict[str, Any], service: str) -> Template:
    """Return the fragment that the parts make together; MergeError for a part there is none of."""
    known = (*_PLAIN, "redis", "buckets", "queues", "streams")
    unknown = set(wanted) - set(known)
    if unknown:
        raise MergeError(f"Metadata.Parts asks for {', '.join(sorted(unknown))}; there are {', '.join(known)}.")
    fragments = [_stream_part("Outbox", "PublishOutbox", service)] if "publisher" in wanted else []
    fragments += [_part(name, {"@service@": service}) for name in _PLAIN if name in wanted]
    fragments += [_part("redis", {"@Function@": function}) for function in wanted.get("redis", [])]
    fragments += [_part("bucket", {"@Bucket@": name}) for name in wanted.get("buckets", [])]
    for name, queue in wanted.get("queues", {}).items():
        fragments += _queue(name, queue, service)
    for name, stream in wanted.get("streams", {}).items():
        fragments.append(_stream(name, stream, service))
    whole: Template = {}
    for fragment in fragments:
        whole = merge(whole, fragment, partial=True)
    return whole


def _queue(name: str, queue: dict[str, Any], service: str) -> list[Template]:
    named = {"@service@": service, "@Queue@": name, "@queue@": name.lower(), "@Function@": queue["Function"]}
    fragments = [_part("queue", named)]
    if "From" in queue:
        rule = _part("rule", named)
        rule["Resources"][f"{name}Rule"]["Properties"]["EventPattern"] = {
            "source": sorted(queue["From"]),
            "detail-type": sorted({event for events in queue["From"].values() for event in events}),
        }
        fragments.append(rule)
    return fragments


def _stream(name: str, stream: dict[str, Any], service: str) -> Template:
    function = stream["Function"]
    part = _stream_part(name, function, service)
    source = part["Resources"][function]["Properties"]["Events"][f"{function}DynamodbEventSource"]
    source["Properties"]["FilterCriteria"] = {"Filters": [{"Pattern": json.dumps(stream["Filter"])}]}
    return part


def _stream_part(name: str, function: str, service: str) -> Template:
    named = {"@service@": service, "@Stream@": name, "@stream@": name.lower(), "@Function@": function}
    return _part("stream", named)


def _part(name: str, meanings: dict[str, str]) -> Template:
    text = resources.files(__name__).joinpath(f"{name}.json").read_text("utf-8")
    for mark, meaning in meanings.items():
        text = text.replace(mark, meaning)
    part: Template = json.loads(text)
    return part
