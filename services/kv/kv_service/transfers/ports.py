"""What exports and imports need of their stores, and the failures that they handle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from kv_service.namespaces.model import Namespace, NamespaceRef
    from kv_service.transfers.model import TransferJob
    from kv_service.values.model import Version

    Effect = Any
    """A part of a store's transaction: made by one store, written by another, opaque in between."""


class StaleStep(Exception):
    """Another worker has continued or ended the transfer. Nothing was written."""


@dataclass(frozen=True, slots=True)
class Uploaded:
    """An uploaded file: its size in bytes and its ETag."""

    size: int
    etag: str


class TransferStore(Protocol):
    """Exports and imports; every method may raise Unavailable."""

    def begin(self, transfer: TransferJob) -> None:
        """Add a transfer, and its job if it can run at once.

        Raises Conflict while another of its kind is unfinished, RateLimited when the day's are used up.
        """

    def get(self, account_id: str, transfer_id: str) -> TransferJob | None:
        """Return a transfer as it is now."""

    def newest(self, account_id: str) -> list[TransferJob]:
        """Return the account's hundred newest transfers, the newest first."""

    def all(self, account_id: str) -> list[TransferJob]:
        """Return every transfer of the account."""

    def take(self, account_id: str, transfer_id: str) -> TransferJob | None:
        """Take over a running transfer from any other worker; None if it does not run."""

    def save(self, transfer: TransferJob, effects: Sequence[Effect] = ()) -> TransferJob:
        """Store the progress of a running transfer with `effects`; return it at its next step. Raises StaleStep."""

    def end(self, transfer: TransferJob) -> TransferJob:
        """Store how a transfer ended, and allow the next one of its kind. Raises StaleStep."""

    def start(self, transfer: TransferJob) -> None:
        """Store that a waiting transfer runs, and start its job. Raises StaleStep."""

    def cancel(self, transfer: TransferJob) -> None:
        """Cancel a transfer at whatever step it is. Raises StaleStep if it has ended."""

    def remove(self, transfer: TransferJob) -> None:
        """Delete a transfer, finished or not. Raises StaleStep if it has started or ended since it was read."""

    def forget(self, transfers: Sequence[TransferJob]) -> None:
        """Delete finished transfers."""


class NamespaceReader(Protocol):
    """Looks up namespaces; may raise Unavailable."""

    def get(self, account_id: str, name: str) -> Namespace | None:
        """Return the namespace `name`, also one being deleted."""


class BodyReader(Protocol):
    """Reads the bodies of large values; may raise Unavailable."""

    def get(self, space: NamespaceRef, key: str, *, consistent: bool = True) -> Version | None:
        """Return the version under `key`; a large value's body is read by `load`."""

    def load(self, space: NamespaceRef, found: Version) -> Version | None:
        """Return a version with its body; None if the key has been overwritten since it was read."""


class BulkStore(Protocol):
    """Many values of a namespace; may raise Unavailable."""

    def scan(self, space: NamespaceRef, *, after: str | None, now_ms: int) -> Iterator[Version]:
        """Yield every version in the order of keys, after the key `after`."""

    def metadata_of(self, space: NamespaceRef, keys: Sequence[str]) -> list[Version]:
        """Return the existing versions under up to a hundred keys, without their bodies."""

    def write_of(self, space: NamespaceRef, version: Version) -> Effect:
        """Return the part of a transaction that stores `version` in place of any other."""


class ValueBodies(Protocol):
    """Moves large bodies into objects; may raise Unavailable."""

    def offload(self, space: NamespaceRef, version: Version) -> Version:
        """Return a version that fits into an item: a larger body is stored as an object, pending until it is named."""

    def discard(self, space: NamespaceRef, placed: Version) -> None:
        """Delete the object of a version whose item was not written."""


class TransferFiles(Protocol):
    """The files of exports and imports; every method may raise Unavailable.

    Methods that write parts raise ObjectNotFound when the upload is complete or aborted.
    """

    def presign_download(self, namespace_id: str, job_id: str, *, expires_s: int) -> str:
        """Return a URL of an export's file."""

    def presign_upload(self, namespace_id: str, job_id: str, *, expires_s: int) -> str:
        """Return a URL that accepts the file to import by PUT."""

    def uploaded(self, namespace_id: str, job_id: str) -> Uploaded | None:
        """Return the file to import, or None."""

    def read_range(self, namespace_id: str, job_id: str, first: int, last: int, *, etag: str) -> bytes | None:
        """Return the bytes `first` to `last`, inclusive, of the file to import; None if it was replaced or deleted."""

    def begin(self, namespace_id: str, job_id: str) -> str:
        """Start the multipart upload of an export's file; return its id."""

    def put_part(self, namespace_id: str, job_id: str, upload_id: str, number: int, data: bytes) -> None:
        """Store part `number` (1 to 10,000; at least 5 MiB each but the last)."""

    def complete(self, namespace_id: str, job_id: str, upload_id: str, numbers: Collection[int]) -> None:
        """Complete the upload with the parts of these numbers only."""

    def has_result(self, namespace_id: str, job_id: str) -> bool:
        """Return whether an export's file exists."""

    def abort(self, namespace_id: str, job_id: str, upload_id: str) -> None:
        """Abort an upload and delete its parts."""

    def delete_transfer(self, namespace_id: str, job_id: str) -> None:
        """Delete a job's files, if they exist."""
