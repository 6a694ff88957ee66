"""kv's operations that take their time: exports and imports of a namespace."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from infra.docs_build.openapi.errors import DETAILS
from infra.docs_build.openapi.operation import Access, Answer, Example, Operation, Parameter
from infra.docs_build.openapi.schemas import struct_body, text
from infra.docs_build.openapi.shared import NAMESPACE, NAMESPACE_NAME, Count, Timestamp, errors
from kv_service.http.jobs import NoBody
from kv_service.jobs.model import JobKind
from kv_service.persistence.transfers import MAX_A_DAY
from kv_service.transfers.model import _ID, TransferStatus

JOB = Parameter("job", "path", text(_ID), "The id of a job.", required=True)
TOO_MANY = f"A day has {MAX_A_DAY[JobKind.EXPORT]} exports and {MAX_A_DAY[JobKind.IMPORT]} imports (`jobs_per_day`)."
NOTHING = struct_body(NoBody, required=False)


class JobError(msgspec.Struct):
    """Why a job failed."""

    code: str
    message: str
    details: Annotated[Any, Meta(extra_json_schema=DETAILS)] = UNSET


class JobResult(msgspec.Struct):
    """Where an export's file is, for a while."""

    url: str
    expires_at: Timestamp
    size: Count


class Upload(msgspec.Struct):
    """Where an import's file is put, with the headers that go with it."""

    url: str
    method: Literal["PUT"]
    expires_at: Timestamp
    headers: dict[str, str]


class Job(msgspec.Struct):
    """An export or an import."""

    id: Annotated[str, Meta(extra_json_schema=text(_ID))]
    kind: Literal["export", "import"]
    namespace: Annotated[str, Meta(extra_json_schema=NAMESPACE_NAME)]
    status: TransferStatus
    created_at: Timestamp
    updated_at: Timestamp
    keys: Annotated[Count, Meta(description="How many lines of the file are done.")]
    bytes: Annotated[Count, Meta(description="How many bytes of the file are done.")]
    skipped: Annotated[Count, Meta(description="How many lines had expired already.")] | UnsetType = UNSET
    error: JobError | UnsetType = UNSET
    result: JobResult | UnsetType = UNSET
    upload: Upload | UnsetType = UNSET


class Jobs(msgspec.Struct):
    """The account's jobs, newest first."""

    jobs: tuple[Job, ...]


OPERATIONS = (
    Operation(
        route="POST /v1/namespaces/{namespace}/exports",
        id="exportNamespace",
        tag="Exports and imports",
        summary="Export a namespace",
        says="Into a file with a line of JSON for each key. What is written meanwhile may or may not be in it.",
        access=Access.SESSION,
        parameters=(NAMESPACE,),
        body=NOTHING,
        example=Example("/v1/namespaces/app/exports", gives={"JOB": "id"}),
        answers={202: Answer("The job.", Job)},
        errors=errors(401, 404, 413, _409="Another is not finished yet (`job_running`).", _429=TOO_MANY),
    ),
    Operation(
        route="POST /v1/namespaces/{namespace}/imports",
        id="importNamespace",
        tag="Exports and imports",
        summary="Begin an import",
        says="Send the file to `upload.url` with `upload.headers`, then start the job. Its lines are like an export's.",
        access=Access.SESSION,
        parameters=(NAMESPACE,),
        body=NOTHING,
        example=Example("/v1/namespaces/app/imports", gives={"IMPORT": "id", "UPLOAD_URL": "upload.url"}),
        answers={201: Answer("The job, which waits for its file.", Job)},
        errors=errors(401, 404, 413, _409="Another is not finished yet (`job_running`).", _429=TOO_MANY),
    ),
    Operation(
        route="POST /v1/jobs/{job}/start",
        id="startJob",
        tag="Exports and imports",
        summary="Start an import whose file is there",
        access=Access.SESSION,
        parameters=(JOB,),
        body=NOTHING,
        example=Example("/v1/jobs/$IMPORT/start", needs="the import's file to be there"),
        answers={202: Answer("The job.", Job)},
        errors=errors(
            401,
            404,
            413,
            _409="The file is not there (`not_uploaded`), or the job does not wait for one (`not_waiting`).",
        ),
    ),
    Operation(
        route="GET /v1/jobs/{job}",
        id="getJob",
        tag="Exports and imports",
        summary="How far a job is",
        access=Access.SESSION,
        parameters=(JOB,),
        example=Example("/v1/jobs/$JOB"),
        answers={200: Answer("The job.", Job)},
        errors=errors(401, 404),
    ),
    Operation(
        route="GET /v1/jobs",
        id="listJobs",
        tag="Exports and imports",
        summary="List the jobs",
        access=Access.SESSION,
        example=Example("/v1/jobs"),
        answers={200: Answer("The jobs.", Jobs)},
        errors=errors(401),
    ),
    Operation(
        route="DELETE /v1/jobs/{job}",
        id="deleteJob",
        tag="Exports and imports",
        summary="Cancel or forget a job",
        says="One that is under way stops where it is.",
        access=Access.SESSION,
        parameters=(JOB,),
        example=Example("/v1/jobs/$JOB"),
        answers={204: Answer("It is gone.")},
        errors=errors(401, 404, _409="It has changed this very moment (`job_changed`)."),
    ),
)
