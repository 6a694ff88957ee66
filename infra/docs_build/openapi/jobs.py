"""The prose and the examples of kv's exports and imports."""

from __future__ import annotations

from infra.docs_build.openapi.operation import Answer, Example, Operation
from kv_service.jobs.model import JobKind
from kv_service.persistence.transfers import MAX_A_DAY

_BEGIN = {
    409: "Another job is not finished yet (`job_running`).",
    429: f"A day has {MAX_A_DAY[JobKind.EXPORT]} exports and {MAX_A_DAY[JobKind.IMPORT]} imports (`jobs_per_day`).",
}

OPERATIONS = (
    Operation(
        route="POST /v1/namespaces/{namespace}/exports",
        id="exportNamespace",
        tag="Exports and imports",
        summary="Export namespace",
        says="To a file with a line of JSON for each key. Concurrent writes may or may not be in it.",
        example=Example("/v1/namespaces/app/exports", gives={"JOB": "id"}),
        answers={202: Answer("The job.")},
        errors=_BEGIN,
    ),
    Operation(
        route="POST /v1/namespaces/{namespace}/imports",
        id="importNamespace",
        tag="Exports and imports",
        summary="Create import",
        says="Upload the file to `upload.url` with `upload.headers`, then start the job. Lines are as in an export.",
        example=Example("/v1/namespaces/app/imports", gives={"IMPORT": "id", "UPLOAD_URL": "upload.url"}),
        answers={201: Answer("The job, which is waiting for its file.")},
        errors=_BEGIN,
    ),
    Operation(
        route="POST /v1/jobs/{job}/start",
        id="startJob",
        tag="Exports and imports",
        summary="Start import",
        example=Example("/v1/jobs/$IMPORT/start", needs="the import's file to be there"),
        answers={202: Answer("The job.")},
        errors={409: "The file is not uploaded (`not_uploaded`), or the job is not waiting for one (`not_waiting`)."},
    ),
    Operation(
        route="GET /v1/jobs/{job}",
        id="getJob",
        tag="Exports and imports",
        summary="Get job",
        example=Example("/v1/jobs/$JOB"),
        answers={200: Answer("The job.")},
    ),
    Operation(
        route="GET /v1/jobs",
        id="listJobs",
        tag="Exports and imports",
        summary="List jobs",
        example=Example("/v1/jobs"),
        answers={200: Answer("The jobs.")},
    ),
    Operation(
        route="DELETE /v1/jobs/{job}",
        id="deleteJob",
        tag="Exports and imports",
        summary="Cancel or delete job",
        says="A running job stops where it is.",
        example=Example("/v1/jobs/$JOB"),
        answers={204: Answer("The job is deleted.")},
        errors={409: "The job changed concurrently (`job_changed`)."},
    ),
)
