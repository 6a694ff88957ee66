"""kv's objects in S3: what is too large for an item, and files on their way in and out.

values/<namespace id>/<object id>           the text of one large value, never changed; state=pending until an item
names it
answers/<namespace id>/<name>               an answer that is kept for a while
transfers/<namespace id>/<job>.ndjson       the result of an export
transfers/<namespace id>/<job>.upload       what is to be imported
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from kv_common.errors import Unavailable
from kv_common.s3 import ObjectNotFound, translate_errors
from kv_service.transfers.ports import Uploaded

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef, ObjectIdentifierTypeDef, PartTypeDef

PREFIXES = ("values", "answers", "transfers")
PENDING = "state=pending"
_DELETED_AT_ONCE = 1_000  # what one DeleteObjects takes
_NDJSON = "application/x-ndjson"


class ObjectStore:
    """Objects by namespace; every method is one round trip unless it says otherwise, and may raise Unavailable.

    `client_factory` is called when the first object is asked for: most requests need none. What writes in parts raises
    ObjectNotFound when that writing is complete or was given up.
    """

    def __init__(self, client_factory: Callable[[], S3Client], bucket: str) -> None:
        self._client_factory = client_factory
        self._bucket = bucket

    @cached_property
    def _client(self) -> S3Client:
        return self._client_factory()

    def put_value(self, namespace_id: str, object_id: str, text: bytes) -> None:
        """Store a value's text, as pending: it goes by itself unless an item comes to name it."""
        with translate_errors():
            self._client.put_object(
                Bucket=self._bucket, Key=_value(namespace_id, object_id), Body=text, Tagging=PENDING
            )

    def get_value(self, namespace_id: str, object_id: str) -> bytes | None:
        """Return a value's body, or None if it has been deleted."""
        return self._read(_value(namespace_id, object_id))

    def confirm(self, namespace_id: str, object_id: str) -> None:
        """Keep a value's body, because an item names it; no effect if it has been deleted."""
        try:
            with translate_errors():
                self._client.delete_object_tagging(Bucket=self._bucket, Key=_value(namespace_id, object_id))
        except ObjectNotFound:
            return

    def delete_value(self, namespace_id: str, object_id: str) -> None:
        """Remove a value's text, if it is there."""
        self._delete(_value(namespace_id, object_id))

    def delete_values(self, names: Sequence[tuple[str, str]]) -> None:
        """Remove the texts of values, by namespace and object id, if they are there; a round trip per thousand."""
        for start in range(0, len(names), _DELETED_AT_ONCE):
            self._delete_all([_value(*name) for name in names[start : start + _DELETED_AT_ONCE]])

    def put_answer(self, namespace_id: str, name: str, body: bytes) -> None:
        """Keep an answer for two days."""
        with translate_errors():
            self._client.put_object(
                Bucket=self._bucket, Key=_answer(namespace_id, name), Body=body, ContentType="application/json"
            )

    def get_answer(self, namespace_id: str, name: str) -> bytes | None:
        """Return a stored response, or None if it has been deleted."""
        return self._read(_answer(namespace_id, name))

    def presign_answer(self, namespace_id: str, name: str, *, expires_s: int) -> str:
        """Return a URL of a stored response; no round trip."""
        return self._presigned("get_object", _answer(namespace_id, name), expires_s)

    def delete_batch(self, namespace_id: str) -> int:
        """Remove up to a thousand of a namespace's objects of each kind, and return how many, 0 when none is left.

        Two round trips per kind.
        """
        deleted = 0
        for prefix in PREFIXES:
            with translate_errors():
                listing = self._client.list_objects_v2(
                    Bucket=self._bucket, Prefix=f"{prefix}/{namespace_id}/", MaxKeys=_DELETED_AT_ONCE
                )
            found = [one["Key"] for one in listing.get("Contents", [])]
            if found:
                self._delete_all(found)
            deleted += len(found)
        return deleted

    def delete_namespace(self, namespace_id: str) -> None:
        """Remove all of a namespace's objects, in as many round trips as it takes."""
        while self.delete_batch(namespace_id):
            pass

    def presign_download(self, namespace_id: str, job_id: str, *, expires_s: int) -> str:
        """Return a URL of an export's file; no round trip."""
        return self._presigned("get_object", _result(namespace_id, job_id), expires_s)

    def presign_upload(self, namespace_id: str, job_id: str, *, expires_s: int) -> str:
        """Return a URL that takes, by PUT, the file to import; no round trip."""
        return self._presigned("put_object", _upload(namespace_id, job_id), expires_s)

    def uploaded(self, namespace_id: str, job_id: str) -> Uploaded | None:
        """Return what was uploaded to be imported, None when nothing was."""
        try:
            with translate_errors():
                answer = self._client.head_object(Bucket=self._bucket, Key=_upload(namespace_id, job_id))
        except ObjectNotFound:
            return None
        return Uploaded(answer["ContentLength"], answer["ETag"])

    def read_range(self, namespace_id: str, job_id: str, first: int, last: int, *, etag: str) -> bytes | None:
        """Return the bytes `first` to `last`, both included, of the upload; None if it was deleted or replaced.

        `first` has to be within the file.
        """
        return self._read(_upload(namespace_id, job_id), Range=f"bytes={first}-{last}", IfMatch=etag)

    def begin(self, namespace_id: str, job_id: str) -> str:
        """Begin to write an export's result in parts; return the id of the writing."""
        with translate_errors():
            answer = self._client.create_multipart_upload(
                Bucket=self._bucket,
                Key=_result(namespace_id, job_id),
                ContentType=_NDJSON,
                ContentDisposition=f'attachment; filename="{job_id}.ndjson"',
            )
        return answer["UploadId"]

    def put_part(self, namespace_id: str, job_id: str, upload_id: str, number: int, data: bytes) -> None:
        """Store part `number` (1 to 10,000; at least 5 MiB each but the last)."""
        with translate_errors():
            self._client.upload_part(
                Bucket=self._bucket,
                Key=_result(namespace_id, job_id),
                UploadId=upload_id,
                PartNumber=number,
                Body=data,
            )

    def complete(self, namespace_id: str, job_id: str, upload_id: str, numbers: Collection[int]) -> None:
        """Complete the upload with the parts of these numbers only; a round trip per thousand parts, and one more."""
        key, wanted = _result(namespace_id, job_id), frozenset(numbers)
        pages = self._client.get_paginator("list_parts").paginate(Bucket=self._bucket, Key=key, UploadId=upload_id)
        with translate_errors():
            parts = [_completed(part) for page in pages for part in page.get("Parts", [])]
            self._client.complete_multipart_upload(
                Bucket=self._bucket,
                Key=key,
                UploadId=upload_id,
                MultipartUpload={"Parts": [part for part in parts if part["PartNumber"] in wanted]},
            )

    def has_result(self, namespace_id: str, job_id: str) -> bool:
        """Return whether an export's result is there."""
        try:
            with translate_errors():
                self._client.head_object(Bucket=self._bucket, Key=_result(namespace_id, job_id))
        except ObjectNotFound:
            return False
        return True

    def abort(self, namespace_id: str, job_id: str, upload_id: str) -> None:
        """Give up writing a result, and what was written of it."""
        try:
            with translate_errors():
                self._client.abort_multipart_upload(
                    Bucket=self._bucket, Key=_result(namespace_id, job_id), UploadId=upload_id
                )
        except ObjectNotFound:
            return

    def delete_transfer(self, namespace_id: str, job_id: str) -> None:
        """Remove a job's files, if they are there; two round trips."""
        self._delete(_result(namespace_id, job_id))
        self._delete(_upload(namespace_id, job_id))

    def _read(self, key: str, **asked: str) -> bytes | None:
        try:
            with translate_errors():
                answer = self._client.get_object(Bucket=self._bucket, Key=key, **asked)  # type: ignore[arg-type]
                return answer["Body"].read()
        except ObjectNotFound:
            return None

    def _delete(self, key: str) -> None:
        with translate_errors():
            self._client.delete_object(Bucket=self._bucket, Key=key)

    def _delete_all(self, keys: Sequence[str]) -> None:
        objects: list[ObjectIdentifierTypeDef] = [{"Key": key} for key in keys]
        with translate_errors():
            answer = self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": objects, "Quiet": True})
        if answer.get("Errors"):
            raise Unavailable

    def _presigned(self, method: str, key: str, expires_s: int) -> str:
        return self._client.generate_presigned_url(
            method, Params={"Bucket": self._bucket, "Key": key}, ExpiresIn=expires_s
        )


def _value(namespace_id: str, object_id: str) -> str:
    return f"values/{namespace_id}/{object_id}"


def _answer(namespace_id: str, name: str) -> str:
    return f"answers/{namespace_id}/{name}"


def _result(namespace_id: str, job_id: str) -> str:
    return f"transfers/{namespace_id}/{job_id}.ndjson"


def _upload(namespace_id: str, job_id: str) -> str:
    return f"transfers/{namespace_id}/{job_id}.upload"


def _completed(part: PartTypeDef) -> CompletedPartTypeDef:
    """Return a part as it is named when a file is made of it: with its checksum, where the client has sent one."""
    completed: CompletedPartTypeDef = {"PartNumber": part["PartNumber"], "ETag": part["ETag"]}
    if "ChecksumCRC32" in part:
        completed["ChecksumCRC32"] = part["ChecksumCRC32"]
    return completed
