"""Whole objects: their content read, written and deleted; every answer is whole or an error."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from batch_helpers.aws_client import required_member
from batch_helpers.errors import AccessDenied, AmbiguousAnswer, ServiceError, Throttled
from batch_helpers.stores.s3.client import Gate

_DELETED_AT_ONCE = 1000
"""https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html"""

_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_PASSING = frozenset({"InternalError", "OperationAborted", "ServiceUnavailable", "SlowDown"})


class Objects:
    """Reads, writes and deletes through a gate, from any thread; sends again what is safe to send again."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def get(self, bucket: str, key: str) -> bytes:
        """The content; NotFound when there is no such object."""
        return self._gate.patiently(self._get, bucket, key)

    def put(self, bucket: str, key: str, data: bytes) -> None:
        """Write, whatever was there."""
        self._gate.patiently(self._put, bucket, key, data)

    def create(self, bucket: str, key: str, data: bytes) -> bool:
        """Write what is not there yet, or return False.

        When an answer was lost on the way, the object that is in the way may be our own: its content tells.
        """
        lost = False

        def attempt() -> bool:
            nonlocal lost
            try:
                return self._put(bucket, key, data, IfNoneMatch="*")
            except AmbiguousAnswer:
                lost = True
                raise

        created = self._gate.patiently(attempt)
        return created or (lost and self.get(bucket, key) == data)

    def delete(self, bucket: str, keys: Collection[str]) -> None:
        """Remove these keys, in thousands; one by one where XML has no way to write the key."""
        odd = [key for key in keys if _NOT_IN_XML.search(key)]
        plain = [key for key in keys if key not in odd] if odd else list(keys)
        for start in range(0, len(plain), _DELETED_AT_ONCE):
            self._gate.patiently(self._delete_many, bucket, plain[start : start + _DELETED_AT_ONCE])
        for key in odd:
            self._gate.patiently(self._delete_one, bucket, key)

    def _get(self, bucket: str, key: str) -> bytes:
        doing = f"read s3://{bucket}/{key}"
        with self._gate.turn(doing) as client:
            answer = client.get_object(Bucket=bucket, Key=key)
            required_member(answer, "ContentLength", doing)
            content: bytes = answer["Body"].read()
            return content

    def _put(self, bucket: str, key: str, data: bytes, **condition: str) -> bool:
        doing = f"write s3://{bucket}/{key}"
        try:
            with self._gate.turn(doing) as client:
                answer = client.put_object(Bucket=bucket, Key=key, Body=data, **condition)
                required_member(answer, "ETag", doing)
        except ServiceError as exc:
            refusal = getattr(exc.__cause__, "response", {}).get("Error", {}).get("Code")
            if refusal == "PreconditionFailed":
                return False
            if refusal == "ConditionalRequestConflict":
                raise Throttled(f"could not {doing}: it is being written by somebody else at this moment") from exc
            raise
        return True

    def _delete_many(self, bucket: str, keys: Sequence[str]) -> None:
        doing = f"delete {len(keys)} objects of s3://{bucket}"
        with self._gate.turn(doing) as client:
            answer = client.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys]})
            if refused := answer.get("Errors", []):
                raise _refusal(bucket, refused)
        if len(answer.get("Deleted", ())) < len(keys):
            raise AmbiguousAnswer(f"could not {doing}: the answer does not name them all, so it was cut short")

    def _delete_one(self, bucket: str, key: str) -> None:
        with self._gate.turn(f"delete s3://{bucket}/{key}") as client:
            client.delete_object(Bucket=bucket, Key=key)


def _refusal(bucket: str, refused: Sequence[Mapping[str, str]]) -> ServiceError:
    """The error of a whole answer in which some keys were refused; what will pass counts only if it is all."""
    first = next((error for error in refused if error.get("Code") not in _PASSING), refused[0])
    code = first.get("Code", "")
    kind = Throttled if code in _PASSING else AccessDenied if code == "AccessDenied" else ServiceError
    return kind(
        f"could not delete s3://{bucket}/{first.get('Key')}: {first.get('Message')} ({code}); {len(refused)} refused"
    )
