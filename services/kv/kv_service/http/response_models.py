"""The response bodies of kv's dashboard routes: their schemas, which tests check every response against."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from kv_common.http.models import Count, Details, NamespaceName, ResponseModel, Timestamp
from kv_service.namespaces.model import NamespaceStatus
from kv_service.transfers.model import JOB_ID_PATTERN, TransferStatus


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
