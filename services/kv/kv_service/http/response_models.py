"""The schemas of kv's response bodies, which no route imports; tests check the dashboard's responses against them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from kv_common.http.models import Count, Details, KeyName, NamespaceName, PlanName, ResponseModel, Timestamp
from kv_service.namespaces.model import NamespaceStatus
from kv_service.transfers.model import JOB_ID_PATTERN, TransferStatus
from kv_service.values.model import GREATEST_INTEGER, LEAST_INTEGER


class Namespace(ResponseModel):
    """A namespace and its size."""

    name: NamespaceName
    status: NamespaceStatus
    created_at: Timestamp
    keys: Count
    bytes: Annotated[Count, Field(description="Of keys, values and metadata.")]


class Namespaces(ResponseModel):
    """All namespaces of the account, by name."""

    namespaces: tuple[Namespace, ...]


class DeletingNamespace(ResponseModel):
    """A namespace that is being deleted."""

    name: NamespaceName
    status: Literal["deleting"]


class JobError(ResponseModel):
    """Why a job failed."""

    code: str
    message: str
    details: Details = None


class JobResult(ResponseModel):
    """The link to an export's file, valid for a while."""

    url: str
    expires_at: Timestamp
    size: Count


class Upload(ResponseModel):
    """The link to which an import's file is uploaded, and the headers to send."""

    url: str
    method: Literal["PUT"]
    expires_at: Timestamp
    headers: dict[str, str]


class Job(ResponseModel):
    """An export or an import."""

    id: Annotated[str, Field(pattern=f"^(?:{JOB_ID_PATTERN.pattern})$")]
    kind: Literal["export", "import"]
    namespace: NamespaceName
    status: TransferStatus
    created_at: Timestamp
    updated_at: Timestamp
    keys: Annotated[Count, Field(description="Lines of the file that are processed.")]
    bytes: Annotated[Count, Field(description="Bytes of the file that are processed.")]
    skipped: Annotated[Count | None, Field(description="Lines that had already expired.")] = None
    error: JobError | None = None
    result: JobResult | None = None
    upload: Upload | None = None


class Jobs(ResponseModel):
    """The account's jobs, newest first."""

    jobs: tuple[Job, ...]


class Key(ResponseModel):
    """A key without its value."""

    key: KeyName
    size: Annotated[Count, Field(description="The size of the value's JSON text in bytes.")]
    created_at: Timestamp
    updated_at: Timestamp
    expires_at: Annotated[Timestamp, Field(description="Absent when it never expires.")] | None = None
    metadata: Annotated[dict[str, Any], Field(description="Absent when there is none.")] | None = None


class Value(ResponseModel):
    """A value."""

    value: Annotated[Any, Field(description="Byte for byte as it was put.")]


class ListedKey(Key):
    """A key in a list; `metadata` and `etag` come with `include=metadata`."""

    etag: str | None = None


class Keys(ResponseModel):
    """A page of keys; without a `cursor` it is the last. It may be shorter than asked for though a cursor follows."""

    keys: tuple[ListedKey, ...]
    cursor: str | None = None


class Incremented(Key):
    """The number, and its key."""

    value: Annotated[int, Field(ge=LEAST_INTEGER, le=GREATEST_INTEGER)]


class RateNow(ResponseModel):
    """Requests a second."""

    limit: Count
    burst: Annotated[Count, Field(description="Requests at once.")]
    remaining: Count
    reset_ms: Annotated[Count, Field(description="Milliseconds until the bucket is full.")]


class QuotaNow(ResponseModel):
    """Requests a month."""

    limit: Count
    used: Count
    remaining: Count
    resets_at: Timestamp


class StorageNow(ResponseModel):
    """Bytes of keys, values and metadata."""

    limit: Count
    used: Count


class LimitsNow(ResponseModel):
    """What the account may do, and how much of it is left."""

    plan: PlanName
    rate: RateNow
    quota: QuotaNow
    storage: StorageNow


class Refusal(ResponseModel):
    """Why an operation of a batch was not done."""

    code: str
    message: str
    details: Details = None


class Result(ResponseModel):
    """What became of one operation: its status, and what its own route would have answered with."""

    status: Annotated[int, Field(ge=200, le=599)]
    etag: str | None = None
    value: Annotated[Any, Field(description="Of a get, byte for byte; of an increment, the number.")] | None = None
    key: KeyName | None = None
    size: Count | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None
    expires_at: Timestamp | None = None
    metadata: dict[str, Any] | None = None
    error: Refusal | None = None


class Results(ResponseModel):
    """What became of a batch, in the order of its operations."""

    results: tuple[Result, ...]
