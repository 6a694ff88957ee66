"""The routes of exports and imports, which the API calls jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kv_common import identifiers
from kv_common.clock import timestamp
from kv_common.http import json_response, no_content
from kv_service.http.authorization import owner_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from kv_common.http import Api, Request, Response
    from kv_common.http.models import NoBody
    from kv_service.container import Kv
    from kv_service.transfers.model import TransferJob
    from kv_service.transfers.service import Link, Transfers


JOB = "kv_service.http.response_models:Job"
JOBS = "kv_service.http.response_models:Jobs"
NO_BODY = "kv_common.http.models:NoBody"


def add_transfers(app: Api, kv: Callable[[], Kv]) -> None:
    """Register the routes."""
    _add_exports_and_imports(app, kv)

    def owner(request: Request) -> str:
        account_id = owner_of(request, kv())
        if request.body:
            # No method of a job takes a body; pydantic is imported for those that send one.
            from kv_common.http.models import read_body

            read_body(request, NO_BODY)
        return account_id

    @app.route("/v1/jobs", methods=["GET"], caller=owner, responses={200: JOBS})
    def list_jobs(_: Request, *, caller: str) -> Response:
        transfers = kv().transfers()
        return json_response({"jobs": [show(one, transfers) for one in transfers.newest(caller)]})

    @app.route("/v1/jobs/{job}", methods=["GET"], caller=owner, responses={200: JOB})
    def get_job(_: Request, job: str, *, caller: str) -> Response:
        transfers = kv().transfers()
        return json_response(show(transfers.get(caller, job), transfers))

    @app.route("/v1/jobs/{job}", methods=["DELETE"], caller=owner, responses={204: None})
    def delete_job(_: Request, job: str, *, caller: str) -> Response:
        kv().transfers().delete(caller, job)
        return no_content()


def _add_exports_and_imports(app: Api, kv: Callable[[], Kv]) -> None:
    begin: dict[str, Any] = {
        "methods": ["POST"],
        "caller": lambda request: owner_of(request, kv()),
        "body": NO_BODY,
        "body_required": False,
    }

    @app.route("/v1/namespaces/{namespace}/exports", **begin, responses={202: JOB})
    def begin_export(request: Request, namespace: str, *, caller: str, body: NoBody) -> Response:  # noqa: ARG001
        name, transfers = identifiers.namespace(namespace), kv().transfers()
        transfer = transfers.begin_export(caller, name, correlation_id=request.correlation_id)
        return json_response(show(transfer, transfers), 202)

    @app.route("/v1/namespaces/{namespace}/imports", **begin, responses={201: JOB})
    def begin_import(request: Request, namespace: str, *, caller: str, body: NoBody) -> Response:  # noqa: ARG001
        name, transfers = identifiers.namespace(namespace), kv().transfers()
        transfer = transfers.begin_import(caller, name, correlation_id=request.correlation_id)
        return json_response(show(transfer, transfers), 201)

    @app.route("/v1/jobs/{job}/start", **begin, responses={202: JOB})
    def start_import(_: Request, job: str, *, caller: str, body: NoBody) -> Response:  # noqa: ARG001
        transfers = kv().transfers()
        return json_response(show(transfers.start(caller, job), transfers), 202)


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
