"""Deleting a namespace, or all that an account has here: first nobody new gets in, then the values go.

Requests that were admitted before may still be writing when the values are already deleted. So the last sweep waits
until they are over. Objects go after the items that name them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kv_service.namespaces.events import namespace_deleted
from kv_service.namespaces.model import Namespace, NamespaceRef

if TYPE_CHECKING:
    from collections.abc import Callable

    from kv_common.admission.redis import RedisAdmission
    from kv_common.clock import Clock
    from kv_service.deletion.ports import AccountStore, ObjectDeleter, ValueDeleter
    from kv_service.jobs.model import Job, KeepGoing
    from kv_service.namespaces.ports import NamespaceStore
    from kv_service.transfers.service import Transfers


class Deletions:
    """The works of jobs that delete; each raises Unavailable or RedisUnavailable where it cannot go on now.

    `in_flight_grace_s` is how long a request can last, `wait` sleeps for seconds.
    """

    def __init__(
        self,
        *,
        accounts: AccountStore,
        namespaces: NamespaceStore,
        values: ValueDeleter,
        objects: ObjectDeleter,
        transfers: Transfers,
        limiter: RedisAdmission,
        now_ms: Clock,
        in_flight_grace_s: float,
        wait: Callable[[float], None],
    ) -> None:
        self._accounts = accounts
        self._namespaces = namespaces
        self._values = values
        self._objects = objects
        self._transfers = transfers
        self._limiter = limiter
        self._now_ms = now_ms
        self._settle_s = in_flight_grace_s
        self._wait = wait

    def namespace(self, job: Job, keep_going: KeepGoing) -> bool:
        """Remove a closed namespace: its values, then itself; its id is the job's, its name the job's subject."""
        self._limiter.forget_namespace(job.account_id, job.subject, job.id)
        self._transfers.end_all(job.account_id, [job.id])
        if not self._values_gone(job, [job.id], keep_going):
            return False
        event = namespace_deleted(job, job.subject, now_ms=self._now_ms())
        self._namespaces.remove(job.account_id, Namespace(job.subject, job.id, job.created_at_ms), event)
        return True

    def account(self, job: Job, keep_going: KeepGoing) -> bool:
        """Remove everything of a deleted account."""
        self._limiter.close_account(job.account_id)
        namespace_ids = list(self._namespaces.all_stats(job.account_id))
        self._transfers.end_all(job.account_id, namespace_ids)
        if not self._values_gone(job, namespace_ids, keep_going):
            return False
        self._accounts.forget(job.account_id, namespace_ids)
        return True

    def _values_gone(self, job: Job, namespace_ids: list[str], keep_going: KeepGoing) -> bool:
        spaces = [NamespaceRef(job.account_id, namespace_id) for namespace_id in namespace_ids]
        for space in spaces:
            while self._values.delete_batch(space) or self._objects.delete_batch(space.namespace_id):
                if not keep_going():
                    return False
        self._wait(max(0.0, job.created_at_ms / 1000 + self._settle_s - self._now_ms() / 1000))
        for space in spaces:
            self._values.delete_all(space)
            self._objects.delete_namespace(space.namespace_id)
        return True
