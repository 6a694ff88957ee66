"""The gate before every operation on values: who it is, whether they may, and whether within their limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec
from msgspec.structs import replace

from kv_common import api_keys, identifiers
from kv_common.admission import AdmissionRequest, Decision, Source, rate_limit_headers, require_admitted
from kv_common.api_keys import Scope
from kv_common.auth.bearer import authenticated_account
from kv_common.errors import AppError, PayloadTooLarge, Unauthorized
from kv_service.namespaces.model import NamespaceRef

if TYPE_CHECKING:
    from collections.abc import Callable

    from kv_common.http import Request, Response
    from kv_service.container import Kv

Command = TypeVar("Command")


class Operation(msgspec.Struct, frozen=True):
    """An operation as keys are scoped for it and as usage counts it; it costs as much as so many requests."""

    name: str
    scopes: frozenset[Scope]
    cost: int = 1


_LOOK = Operation("limits", frozenset(), cost=0)


class Caller(msgspec.Struct, frozen=True):
    """An account, claimed by an API key (whose digest admission still has to look up) or proved by an access token."""

    account_id: str
    digest: str | None


def owner_of(request: Request, kv: Kv) -> str:
    """Return the account whose session the request belongs to; no route of the dashboard takes parameters."""
    account_id = authenticated_account(request, kv.verify_token)
    request.query(allowed=())
    return account_id


class Authorizer:
    """What every operation on values passes through."""

    def __init__(self, kv: Kv) -> None:
        self._kv = kv

    def serve(
        self,
        request: Request,
        namespace: str,
        operation: Operation,
        *,
        parse: Callable[[], Command],
        run: Callable[[NamespaceRef, Command], Response],
        priced: Callable[[Command], Operation] | None = None,
    ) -> Response:
        """Parse, admit and run one request; the answer carries the rate-limit headers, also when it is an error.

        A request is parsed before it is admitted and refused after, so that a refusal shows the limits too; it counts
        like any other, except where the body is too large. `priced` says, where the command decides it, what is needed
        in place of `operation`.
        """
        caller = self._identify(request)
        try:
            command = parse()
            bytes_in = len(request.body)
        except PayloadTooLarge as problem:
            self._admit(request, caller, namespace, replace(operation, cost=0))
            raise problem from None
        except AppError as problem:
            self._admit(request, caller, namespace, operation)
            raise problem from None
        if priced is not None:
            operation = priced(command)
        decision = self._admit(request, caller, namespace, operation, bytes_in=bytes_in)
        try:
            space = _space(caller, namespace, decision)
            return self._kv.delivery.deliver(request, space, run(space, command))
        except BaseException as problem:
            if not _counts(problem):
                self._kv.admission.refund(caller.account_id, decision)
            raise

    def look(self, request: Request) -> Decision:
        """Return the state of the caller's limits for any key or token; it counts nothing."""
        return self._admit(request, self._identify(request), "", _LOOK)

    def _identify(self, request: Request) -> Caller:
        """Return the caller of `x-api-key` or of the bearer token; malformed credentials are refused without I/O."""
        text = request.header("x-api-key")
        if text is None and request.bearer_token() is None:
            raise Unauthorized(
                "Send an API key as x-api-key, or an access token as Authorization: Bearer.",
                headers={"WWW-Authenticate": "Bearer"},
            )
        if text is None:
            return Caller(authenticated_account(request, self._kv.verify_token), None)
        key = api_keys.parse(text)
        if key is None:
            raise Unauthorized("The API key is not valid.")
        return Caller(key.account_id, key.digest)

    def _admit(
        self,
        request: Request,
        caller: Caller,
        namespace: str,
        operation: Operation,
        *,
        bytes_in: int = 0,
    ) -> Decision:
        ticket = AdmissionRequest(
            account_id=caller.account_id,
            digest=caller.digest,
            scopes=operation.scopes,
            namespace=namespace if identifiers.is_namespace(namespace) else "",
            operation=operation.name,
            cost=operation.cost,
            bytes_in=bytes_in,
        )
        decision = self._kv.admission.decide(ticket)
        _note(request, ticket, decision)
        require_admitted(ticket, decision)
        return decision


def _counts(problem: BaseException) -> bool:
    """Return whether a request counts that ends so; what fails on our side does not, nor what there is no room for."""
    return isinstance(problem, AppError) and not problem.is_server_error and not isinstance(problem, PayloadTooLarge)


def _space(caller: Caller, namespace: str, decision: Decision) -> NamespaceRef:
    """Return the caller's own namespace of that name: its id comes from the account's names, and from nowhere else."""
    if namespace not in identifiers.RESERVED_NAMESPACES:
        identifiers.namespace(namespace)
    if not decision.namespace_id:
        raise identifiers.no_such_namespace()
    room = decision.limits.storage - decision.stored if decision.limits else 0
    return NamespaceRef(caller.account_id, decision.namespace_id, max(0, room))


def _note(request: Request, ticket: AdmissionRequest, decision: Decision) -> None:
    request.response_headers.update(rate_limit_headers(decision))
    fields = {
        "key_id": decision.key_id,
        "namespace_id": decision.namespace_id,
        # An account that nothing has proved yet is only what somebody wrote into a key.
        "account_id": ticket.account_id if decision.limits is not None else None,
        "bytes_in": ticket.bytes_in,
        "limiter": decision.source if decision.source is not Source.REDIS else None,
    }
    request.log_fields.update({name: value for name, value in fields.items() if value})
