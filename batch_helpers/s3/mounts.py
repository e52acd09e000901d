"""What a job wants copied from S3 before it runs, and to S3 after it has run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import TYPE_CHECKING, Any, cast

from batch_helpers.errors import InvalidInput
from batch_helpers.s3.plain import JSONText
from batch_helpers.samples.nearest import did_you_mean
from batch_helpers.uris import bucket_and_key

if TYPE_CHECKING:
    from batch_helpers.aws_client import AWSAccess

MARKER = "_SUCCESS"
"""What stands in a folder that has been uploaded whole."""

ENCRYPTIONS = ("AES256", "aws:kms", "aws:kms:dsse")
"""https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html"""

_RECURSIVE = "--recursive"
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")


@dataclass(frozen=True)
class S3Mount(JSONText):
    """One copy, as `aws s3 cp SOURCE DESTINATION` makes it.

    recursive: copy a folder with all that is in it; otherwise source and destination are one object and one file.
    sse: `AES256`, `aws:kms` or `aws:kms:dsse`; sse_kms_key_id: the key for the latter two.
    options: further options of `aws s3 cp`, quoted as in a shell.

    Raises InvalidInput for values of a wrong type, or that contradict each other.
    """

    source: str
    destination: str
    recursive: bool | None = None
    sse: str | None = None
    sse_kms_key_id: str | None = None
    options: str = "--quiet"

    def __post_init__(self) -> None:
        for name in ("source", "destination"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value.strip() or "\0" in value:
                raise _invalid(name, value, "give an s3:// URI or an absolute path")
        if self.recursive not in (None, True, False):
            raise _invalid("recursive", self.recursive, "give true or false, or leave it out")
        self._check_encryption()
        words = self._words()
        if self.recursive is False and _RECURSIVE in words:
            raise _invalid("options", self.options, f"recursive=False contradicts {_RECURSIVE}: leave one of them out")

    @property
    def is_recursive(self) -> bool:
        """Whether a folder is copied."""
        return bool(self.recursive) or _RECURSIVE in self._words()

    @property
    def arguments(self) -> list[str]:
        """All options for `aws s3 cp`."""
        words = [word for word in self._words() if word != _RECURSIVE]
        words += [_RECURSIVE] if self.is_recursive else []
        words += ["--sse", self.sse] if self.sse else []
        return words + (["--sse-kms-key-id", self.sse_kms_key_id] if self.sse_kms_key_id else [])

    @property
    def output(self) -> str:
        """The object whose presence tells that this write mount has been uploaded: for a folder its marker."""
        bucket, key = bucket_and_key(self.destination)
        if self.is_recursive:
            return f"s3://{bucket}/{key.rstrip('/') + '/' if key else ''}{MARKER}"
        if not key or key.endswith("/"):
            key += self.source.rstrip("/").rpartition("/")[2]
        return f"s3://{bucket}/{key}"

    def validate(self, access: AWSAccess | None = None) -> None:
        """Ask S3 whether this copy can be made; see S3Mounts.validate."""
        read = self.source.startswith("s3://")
        S3Mounts(read=[self] if read else [], write=[] if read else [self]).validate(access)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, without what is as it is by default."""
        return {key: value for key, value in vars(self).items() if key not in _DEFAULTS or value != _DEFAULTS[key]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> S3Mount:
        """The mount that to_dict was made from. Raises InvalidInput for unknown keys."""
        return _mount("mount", data)

    def _words(self) -> list[str]:
        if not isinstance(self.options, str):
            raise _invalid("options", self.options, "give a command line's options as one string")
        try:
            return shlex.split(self.options)
        except ValueError as exc:
            raise _invalid("options", self.options, f"not a command line's options: {exc}") from exc

    def _check_encryption(self) -> None:
        if self.sse is not None and self.sse not in ENCRYPTIONS:
            raise _invalid("sse", self.sse, f"give one of {', '.join(ENCRYPTIONS)}")
        if self.sse_kms_key_id is None:
            return
        if not isinstance(self.sse_kms_key_id, str) or not self.sse_kms_key_id.strip():
            raise _invalid("sse_kms_key_id", self.sse_kms_key_id, "give the key's id or ARN")
        if self.sse in (None, "AES256"):
            raise _invalid("sse_kms_key_id", self.sse_kms_key_id, "a key needs sse='aws:kms' or 'aws:kms:dsse'")


_KEYS = tuple(item.name for item in fields(S3Mount))
_DEFAULTS = {item.name: item.default for item in fields(S3Mount) if item.default is not MISSING}


@dataclass(frozen=True)
class S3Mounts(JSONText):
    """What is downloaded before a job's command runs (`read`), and uploaded after it has succeeded (`write`).

    Items are S3Mount objects, or mappings of their fields. Making one makes no call.

    Raises InvalidInput, with the place, for an unknown key, for a read source or write destination outside of S3, or a
    path in the container that is not absolute.
    """

    read: Sequence[S3Mount | Mapping[str, Any]] = field(default_factory=list)
    write: Sequence[S3Mount | Mapping[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for side in ("read", "write"):
            given = getattr(self, side)
            if isinstance(given, str | Mapping) or not isinstance(given, Sequence):
                raise _invalid(side, given, "give a list of mounts")
            mounts = [_mount(f"{side}[{place}]", item) for place, item in enumerate(given)]
            object.__setattr__(self, side, mounts)
            for place, mount in enumerate(mounts):
                _check_ends(f"{side}[{place}]", side, mount)

    @property
    def reads(self) -> Sequence[S3Mount]:
        """The read mounts, typed as what they are now."""
        return cast("Sequence[S3Mount]", self.read)

    @property
    def writes(self) -> Sequence[S3Mount]:
        """The write mounts, typed as what they are now."""
        return cast("Sequence[S3Mount]", self.write)

    def validate(self, access: AWSAccess | None = None) -> None:
        """Ask S3 whether every mount can be copied; leaves nothing behind.

        access: whose account and which endpoint; None is boto3's own configuration.

        Raises NotFound for a source or a bucket that is missing, AccessDenied for one that may not be read or written,
        CredentialsError, or ServiceError. When several mounts are bad the text names them all.
        """
        from batch_helpers.aws_client import AWSAccess
        from batch_helpers.s3.probe import validate

        validate(self, access or AWSAccess())

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; a side without mounts is left out."""
        sides = {"read": [mount.to_dict() for mount in self.reads], "write": [mount.to_dict() for mount in self.writes]}
        return {side: mounts for side, mounts in sides.items() if mounts}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> S3Mounts:
        """The mounts that to_dict was made from. Raises InvalidInput, with the place, for unknown keys."""
        if not isinstance(data, Mapping):
            raise InvalidInput(f"{data!r}: give a mapping with 'read' and 'write'")
        for key in data:
            if key not in ("read", "write"):
                hint = did_you_mean(str(key), ("read", "write"))
                raise InvalidInput(f"unknown key {key!r}{hint}; there are 'read' and 'write'")
        return cls(**data)


def _mount(place: str, given: object) -> S3Mount:
    if isinstance(given, S3Mount):
        return given
    if not isinstance(given, Mapping):
        raise _invalid(place, given, "give an S3Mount, or a mapping of its fields")
    for key in given:
        if key not in _KEYS:
            raise InvalidInput(f"{place}: unknown key {key!r}{did_you_mean(str(key), _KEYS)}")
    for key in ("source", "destination"):
        if key not in given:
            raise InvalidInput(f"{place}: {key!r} is missing")
    try:
        return S3Mount(**given)
    except InvalidInput as exc:
        raise InvalidInput(f"{place}.{exc}") from exc


def _check_ends(place: str, side: str, mount: S3Mount) -> None:
    """One end is in S3, the other one is a path in the container."""
    remote, local = ("source", "destination") if side == "read" else ("destination", "source")
    uri, path = getattr(mount, remote), getattr(mount, local)
    if not uri.startswith("s3://"):
        raise _invalid(f"{place}.{remote}", uri, f"the {remote} of a {side} mount is in S3: write s3://bucket/key")
    bucket, key = bucket_and_key(uri)
    if not _BUCKET.fullmatch(bucket):
        raise _invalid(f"{place}.{remote}", uri, "that is no bucket's name: write s3://bucket/key")
    if side == "read" and not mount.is_recursive and (not key or key.endswith("/")):
        raise _invalid(f"{place}.{remote}", uri, "that is a folder: name one object, or set recursive=True")
    if not path.startswith("/"):
        raise _invalid(f"{place}.{local}", path, "the path in the container must be absolute: begin it with /")


def _invalid(place: str, value: object, problem: str) -> InvalidInput:
    return InvalidInput(f"{place}={value!r}: {problem}")
