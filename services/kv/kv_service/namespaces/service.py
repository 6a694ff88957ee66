"""What callers can do with namespaces; stores, clocks and randomness come as parameters."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from kv_common.identifiers import no_such_namespace
from kv_common.redis import RedisUnavailable
from kv_service.jobs.model import Job, JobKind
from kv_service.namespaces.events import namespace_created
from kv_service.namespaces.model import EMPTY, Namespace, NamespaceStats, RandomBelow, new_token

if TYPE_CHECKING:
    from kv_common.admission.redis import RedisAdmission
    from kv_common.clock import Clock
    from kv_service.namespaces.ports import NamespaceStore


class Namespaces:
    """Operations on an account's namespaces."""

    def __init__(
        self, store: NamespaceStore, limiter: RedisAdmission, *, now_ms: Clock, random_below: RandomBelow
    ) -> None:
        self._store = store
        self._limiter = limiter
        self._now_ms = now_ms
        self._random_below = random_below

    def create(self, account_id: str, name: str, *, correlation_id: str) -> Namespace:
        """Make the namespace `name`; Conflict when it exists or the account has too many."""
        namespace = Namespace(name, new_token(self._random_below), self._now_ms())
        self._store.create(account_id, namespace, namespace_created(account_id, namespace, correlation_id))
        # Without Redis it is enough that the table knows the name: admission reads it there.
        with suppress(RedisUnavailable):
            self._limiter.remember_namespace(account_id, name, namespace.id)
        return namespace

    def get(self, account_id: str, name: str) -> tuple[Namespace, NamespaceStats]:
        """Return the namespace `name` and what it holds; NotFound when the account has none."""
        namespace = self._get(account_id, name)
        return namespace, self._store.stats(account_id, namespace.id)

    def all(self, account_id: str) -> list[tuple[Namespace, NamespaceStats]]:
        """Return the account's namespaces by name, and what they hold."""
        holdings = self._store.all_stats(account_id)
        return [(namespace, holdings.get(namespace.id, EMPTY)) for namespace in self._store.all(account_id)]

    def delete(self, account_id: str, name: str, *, correlation_id: str) -> None:
        """Close the namespace and begin the job that removes it; the name may be used again at once."""
        namespace = self._get(account_id, name)
        job = Job(account_id, namespace.id, JobKind.DELETE_NAMESPACE, name, self._now_ms(), correlation_id)
        self._store.close(account_id, namespace, job)
        # The job does it again before it removes anything; this closes it at once where Redis answers.
        with suppress(RedisUnavailable):
            self._limiter.forget_namespace(account_id, name, namespace.id)

    def _get(self, account_id: str, name: str) -> Namespace:
        namespace = self._store.get(account_id, name)
        if namespace is None:
            raise no_such_namespace()
        return namespace
