"""The routes of exports and imports, which the API calls jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from kv_common import identifiers
from kv_common.clock import timestamp
from kv_common.http import json_response, no_content
from kv_common.json import strict as strict_json
from kv_service.http.authorization import owner_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from kv_common.http import Api, Request, Response
    from kv_service.container import Kv
    from kv_service.transfers.model import TransferJob
    from kv_service.transfers.service import Link, Transfers


class NoBody(msgspec.Struct):
    """The body of a request that says all in its path: none, or an empty object."""


def add_transfers(app: Api, kv: Callable[[], Kv]) -> None:
    """Register the routes."""

    @app.route("/v1/namespaces/{namespace}/exports", methods=["POST"])
    def begin_export(request: Request, namespace: str) -> Response:
        account_id = _owner(request, kv())
        name = identifiers.namespace(namespace)
        transfers = kv().transfers()
        transfer = transfers.begin_export(account_id, name, correlation_id=request.correlation_id)
        return json_response(show(transfer, transfers), 202)

    @app.route("/v1/namespaces/{namespace}/imports", methods=["POST"])
    def begin_import(request: Request, namespace: str) -> Response:
        account_id = _owner(request, kv())
        name = identifiers.namespace(namespace)
        transfers = kv().transfers()
        transfer = transfers.begin_import(account_id, name, correlation_id=request.correlation_id)
        return json_response(show(transfer, transfers), 201)

    @app.route("/v1/jobs/{job}/start", methods=["POST"])
    def start_import(request: Request, job: str) -> Response:
        account_id = _owner(request, kv())
        transfers = kv().transfers()
        return json_response(show(transfers.start(account_id, job), transfers), 202)

    @app.route("/v1/jobs", methods=["GET"])
    def list_jobs(request: Request) -> Response:
        account_id = _owner(request, kv())
        transfers = kv().transfers()
        return json_response({"jobs": [show(one, transfers) for one in transfers.newest(account_id)]})

    @app.route("/v1/jobs/{job}", methods=["GET"])
    def get_job(request: Request, job: str) -> Response:
        account_id = _owner(request, kv())
        transfers = kv().transfers()
        return json_response(show(transfers.get(account_id, job), transfers))

    @app.route("/v1/jobs/{job}", methods=["DELETE"])
    def delete_job(request: Request, job: str) -> Response:
        account_id = _owner(request, kv())
        kv().transfers().delete(account_id, job)
        return no_content()


def show(transfer: TransferJob, transfers: Transfers) -> dict[str, object]:
    """Return a transfer as the API shows it, with new links to its file."""
    shown: dict[str, object] = {
        "id": transfer.id,
        "kind": transfer.kind,
        "namespace": transfer.namespace,
        "status": transfer.status,
        "created_at": timestamp(transfer.created_at_ms),
        "updated_at": timestamp(transfer.updated_at_ms),
        "keys": transfer.keys,
        "bytes": transfer.bytes,
    }
    if transfer.skipped:
        shown["skipped"] = transfer.skipped
    if transfer.problem is not None:
        shown["error"] = transfer.problem
    if (result := transfers.result(transfer)) is not None:
        shown["result"] = {**_link(result), "size": transfer.size}
    if (upload := transfers.upload(transfer)) is not None:
        shown["upload"] = {**_link(upload), "method": "PUT", "headers": {"Content-Type": "application/x-ndjson"}}
    return shown


def _link(link: Link) -> dict[str, object]:
    return {"url": link.url, "expires_at": timestamp(link.expires_at_ms)}


def _owner(request: Request, kv: Kv) -> str:
    account_id = owner_of(request, kv)
    if request.body:
        strict_json.decode_object(request.body, NoBody)
    return account_id
