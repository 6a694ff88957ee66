"""A table and a bucket in memory, and workers that die, stall or are overtaken at any of their calls."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from kv_common.admission import AdmissionData, Limits, Usage
from kv_common.plans import CATALOG
from kv_common.s3 import ObjectNotFound
from kv_service.namespaces.model import Namespace, NamespaceRef
from kv_service.persistence import ObjectStore, ValueStore, value_codec
from kv_service.persistence.transfers import TransferStore
from kv_service.persistence.value_bulk import BulkStore
from kv_service.transfers.model import TransferJob, TransferStatus
from kv_service.transfers.ports import StaleStep, Uploaded
from tests.unit.kv.fakes import ACCOUNT, NOW_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from kv_service.jobs.model import JobKind
    from kv_service.values.model import Version

HERE = NamespaceRef(ACCOUNT, "n1")
PAGE = 3
JOB_ID = "000000000001"


class ProcessCrashed(Exception):
    """The process is gone."""


@dataclass
class CrashPlan:
    """What befalls whoever makes a call: by its number, before it or after it, or after the next one of a name."""

    before: dict[int, Callable[[], object]] = field(default_factory=dict)
    after: dict[int, Callable[[], object]] = field(default_factory=dict)
    after_next: dict[str, Callable[[], object]] = field(default_factory=dict)
    calls: int = 0

    @contextmanager
    def call(self, name: str = "") -> Iterator[None]:
        self.calls += 1
        number = self.calls
        self.before.get(number, lambda: None)()
        yield
        self.after.get(number, lambda: None)()
        self.after_next.pop(name, lambda: None)()


def die() -> None:
    raise ProcessCrashed


class FakeBulkStore(BulkStore):
    """Versions of one namespace as items, and who wrote what, in order."""

    def __init__(self, crash_plan: CrashPlan, versions: Sequence[Version] = ()) -> None:
        self._table = "kv"
        self._fate = crash_plan
        self.versions = {one.key: one for one in versions}
        self.written: list[str] = []

    def scan(self, space: NamespaceRef, *, after: str | None, now_ms: int) -> Iterator[Version]:
        assert (space, now_ms) == (HERE, NOW_MS)
        while True:
            with self._fate.call():
                page = sorted(key for key in self.versions if key > (after or ""))[:PAGE]
                found = [self.versions[key] for key in page]
            yield from found
            if len(page) < PAGE:
                return
            after = page[-1]

    def metadata_of(self, space: NamespaceRef, keys: Sequence[str]) -> list[Version]:
        assert space == HERE
        with self._fate.call("heads"):
            return [self.versions[key] for key in keys if key in self.versions]

    def apply(self, effect: TransactWriteItemTypeDef) -> None:
        item: Any = effect["Put"]["Item"]
        assert item["PK"]["S"] == "V#n1"
        self.write(value_codec.decode(item["SK"]["S"], item))

    def write(self, version: Version) -> None:
        self.versions[version.key] = version
        self.written.append(version.key)


class FakeValueReader(ValueStore):
    """Gives the texts that stand in objects, unless they are gone: each its object's id."""

    def __init__(self, values: FakeBulkStore) -> None:
        self._values = values
        self.gone: set[str] = set()

    def get(self, space: NamespaceRef, key: str, *, consistent: bool = True) -> Version | None:
        assert space == HERE
        assert consistent
        return self._values.versions.get(key)

    def load(self, space: NamespaceRef, found: Version) -> Version | None:
        assert space == HERE
        if found.object_id in self.gone:
            return None
        return found if found.object_id is None else replace(found, text=f'"{found.object_id}"')


class FakeTransferStore(TransferStore):
    """Transfers by id."""

    def __init__(self, crash_plan: CrashPlan, values: FakeBulkStore) -> None:
        self._fate = crash_plan
        self._values = values
        self.transfers: dict[str, TransferJob] = {}

    def begin(self, transfer: TransferJob) -> None:
        self.transfers[transfer.id] = transfer

    def get(self, account_id: str, transfer_id: str) -> TransferJob | None:
        found = self.transfers.get(transfer_id)
        return found if found and found.account_id == account_id else None

    def newest(self, account_id: str) -> list[TransferJob]:
        return sorted(self.all(account_id), key=lambda one: one.id, reverse=True)

    def all(self, account_id: str) -> list[TransferJob]:
        return [one for one in self.transfers.values() if one.account_id == account_id]

    def take(self, account_id: str, transfer_id: str) -> TransferJob | None:
        with self._fate.call("take"):
            found = self.get(account_id, transfer_id)
            if found is None or found.status is not TransferStatus.RUNNING:
                return None
            self.transfers[transfer_id] = taken = replace(found, step=found.step + 1)
        return taken

    def save(self, transfer: TransferJob, effects: Sequence[TransactWriteItemTypeDef] = ()) -> TransferJob:
        with self._fate.call("save"):
            saved = self._step(transfer)
            for effect in effects:
                self._values.apply(effect)
        return saved

    def end(self, transfer: TransferJob) -> TransferJob:
        with self._fate.call():
            return self._step(transfer)

    def start(self, transfer: TransferJob) -> None:
        self._step(transfer, TransferStatus.WAITING)

    def cancel(self, transfer: TransferJob) -> None:
        if self.transfers[transfer.id].is_finished:
            raise StaleStep
        self.transfers[transfer.id] = transfer

    def remove(self, transfer: TransferJob) -> None:
        if self.transfers[transfer.id].status is not transfer.status:
            raise StaleStep
        del self.transfers[transfer.id]

    def forget(self, transfers: Sequence[TransferJob]) -> None:
        assert all(one.is_finished for one in transfers)
        for one in transfers:
            del self.transfers[one.id]

    def _step(self, transfer: TransferJob, status: TransferStatus = TransferStatus.RUNNING) -> TransferJob:
        found = self.transfers.get(transfer.id)
        if found is None or found.step != transfer.step or found.status is not status:
            raise StaleStep
        self.transfers[transfer.id] = saved = replace(transfer, step=transfer.step + 1)
        return saved


class FakeTransferFiles(ObjectStore):
    """Files by name; a part other than the last has at least `least_part` bytes."""

    def __init__(self, crash_plan: CrashPlan, least_part: int = 0) -> None:
        self._fate = crash_plan
        self._least_part = least_part
        self.files: dict[str, bytes] = {}
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.values: dict[str, bytes] = {}
        self.begun = 0

    def begin(self, namespace_id: str, job_id: str) -> str:
        with self._fate.call():
            self.begun += 1
            upload_id = f"{namespace_id}/{job_id}/{self.begun}"
            self.uploads[upload_id] = {}
        return upload_id

    def put_part(self, namespace_id: str, job_id: str, upload_id: str, number: int, data: bytes) -> None:
        assert upload_id.startswith(f"{namespace_id}/{job_id}/")
        with self._fate.call("put_part"):
            if upload_id not in self.uploads:
                raise ObjectNotFound
            self.uploads[upload_id][number] = data

    def complete(self, namespace_id: str, job_id: str, upload_id: str, numbers: Collection[int]) -> None:
        with self._fate.call():
            if upload_id not in self.uploads:
                raise ObjectNotFound
            parts = self.uploads.pop(upload_id)
            *whole, last = [parts[number] for number in sorted(numbers)]
            assert all(len(part) >= self._least_part for part in whole)
            self.files[f"{namespace_id}/{job_id}.ndjson"] = b"".join([*whole, last])

    def has_result(self, namespace_id: str, job_id: str) -> bool:
        return f"{namespace_id}/{job_id}.ndjson" in self.files

    def abort(self, namespace_id: str, job_id: str, upload_id: str) -> None:
        assert upload_id.startswith(f"{namespace_id}/{job_id}/")
        self.uploads.pop(upload_id, None)

    def uploaded(self, namespace_id: str, job_id: str) -> Uploaded | None:
        file = self.files.get(f"{namespace_id}/{job_id}.upload")
        return None if file is None else Uploaded(len(file), etag_of(file))

    def read_range(self, namespace_id: str, job_id: str, first: int, last: int, *, etag: str) -> bytes | None:
        with self._fate.call():
            file = self.files.get(f"{namespace_id}/{job_id}.upload")
            return file[first : last + 1] if file is not None and etag_of(file) == etag else None

    def delete_transfer(self, namespace_id: str, job_id: str) -> None:
        for name in ("ndjson", "upload"):
            self.files.pop(f"{namespace_id}/{job_id}.{name}", None)

    def put_value(self, namespace_id: str, object_id: str, text: bytes) -> None:
        with self._fate.call("put_value"):
            self.values[f"{namespace_id}/{object_id}"] = text

    def delete_value(self, namespace_id: str, object_id: str) -> None:
        self.values.pop(f"{namespace_id}/{object_id}", None)

    def presign_download(self, namespace_id: str, job_id: str, *, expires_s: int) -> str:
        return f"https://bucket/{namespace_id}/{job_id}.ndjson?expires={expires_s}"

    def presign_upload(self, namespace_id: str, job_id: str, *, expires_s: int) -> str:
        return f"https://bucket/{namespace_id}/{job_id}.upload?expires={expires_s}"


class Counted:
    """What an account has stored, and may store."""

    def __init__(self, stored: int = 0, storage: int = CATALOG["free"].storage_bytes) -> None:
        self.stored = stored
        self.storage = storage

    def load(self, account_id: str, digest: str | None, namespace: str) -> AdmissionData:
        assert (account_id, digest, namespace) == (ACCOUNT, None, "")
        limits = replace(Limits.of(CATALOG["free"]), storage=self.storage)
        return AdmissionData(key=None, limits=limits, namespace_id="", usage=Usage(stored=self.stored))


def etag_of(file: bytes) -> str:
    return f"etag-{hash(file)}"


def running(kind: JobKind, **changes: Any) -> TransferJob:
    transfer = TransferJob(ACCOUNT, JOB_ID, kind, "settings", "n1", "c1", TransferStatus.RUNNING, NOW_MS, NOW_MS)
    return replace(transfer, **changes)


SETTINGS = Namespace("settings", "n1", NOW_MS)
