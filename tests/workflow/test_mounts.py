"""S3Mounts: what is refused when one is made, and what S3 is asked when that is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from batch_helpers.aws_client import AWSAccess
from batch_helpers.errors import AccessDenied, CredentialsError, InvalidInput, NotFound
from batch_helpers.s3 import S3Mount, S3Mounts
from tests.servers import session

READ = {"source": "s3://bucket/input", "destination": "/mnt/data", "recursive": True}
WRITE = {"source": "/mnt/output", "destination": "s3://bucket/output", "recursive": True}


@pytest.fixture
def access() -> Iterator[AWSAccess]:
    with mock_aws():
        yield AWSAccess(session=session())


@pytest.fixture
def s3(access: AWSAccess) -> Any:
    client = access.client("s3")
    client.create_bucket(Bucket="bucket")
    return client


def test_mappings_become_mounts_with_the_documented_defaults() -> None:
    mounts = S3Mounts(read=[{"source": "s3://b-1/x", "destination": "/x"}], write=[S3Mount(**WRITE)])
    assert mounts.reads[0] == S3Mount("s3://b-1/x", "/x", None, None, None, "--quiet")
    assert S3Mounts() == S3Mounts(read=[], write=[])


@pytest.mark.parametrize(
    ("side", "mount", "message"),
    [
        ("read", {**READ, "source": "/mnt/in"}, r"read\[0\].source='/mnt/in': the source of a read mount is in S3"),
        ("read", {**READ, "source": "https://bucket/x"}, "write s3://bucket/key"),
        ("read", {**READ, "source": "s3:///key"}, "that is no bucket's name"),
        ("read", {**READ, "destination": "data"}, r"read\[0\].destination='data': the path .* must be absolute"),
        ("read", {**READ, "source": "s3://bucket/x/", "recursive": False}, "set recursive=True"),
        ("read", {"source": "s3://bucket", "destination": "/x"}, "that is a folder"),
        ("write", {**WRITE, "destination": "/mnt/out"}, r"write\[0\].destination='/mnt/out': .* is in S3"),
        ("write", {**WRITE, "source": "out"}, r"write\[0\].source='out': .* must be absolute"),
        ("write", {**WRITE, "destnation": "x"}, r"write\[0\]: unknown key 'destnation'; did you mean 'destination'\?"),
        ("read", {"source": "s3://bucket/x"}, r"read\[0\]: 'destination' is missing"),
        ("read", {**READ, "source": 3}, r"read\[0\].source=3: give an s3:// URI"),
        ("read", {**READ, "recursive": "yes"}, r"read\[0\].recursive='yes': give true or false"),
        ("read", {**READ, "options": "--exclude 'x"}, "not a command line's options"),
        ("read", {**READ, "options": None}, "give a command line's options"),
        ("read", {**READ, "recursive": False, "options": "--recursive"}, "recursive=False contradicts --recursive"),
        ("write", {**WRITE, "sse": "aes"}, "give one of AES256, aws:kms, aws:kms:dsse"),
        ("write", {**WRITE, "sse_kms_key_id": "k"}, "a key needs sse='aws:kms'"),
        ("write", {**WRITE, "sse": "AES256", "sse_kms_key_id": "k"}, "a key needs sse='aws:kms'"),
        ("write", {**WRITE, "sse": "aws:kms", "sse_kms_key_id": ""}, "give the key's id or ARN"),
        ("write", "s3://bucket/x", r"write\[0\]='s3://bucket/x': give an S3Mount, or a mapping of its fields"),
    ],
)
def test_a_mount_that_cannot_work_is_refused_with_its_place(side: str, mount: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        S3Mounts(**{side: [mount]})


@pytest.mark.parametrize("given", ["s3://bucket/x", {"source": "s3://bucket/x"}, 3])
def test_mounts_that_are_no_list_are_refused(given: Any) -> None:
    with pytest.raises(InvalidInput, match=r"read=.*: give a list of mounts"):
        S3Mounts(read=given)


@pytest.mark.parametrize(
    ("mount", "output"),
    [
        (WRITE, "s3://bucket/output/_SUCCESS"),
        ({**WRITE, "destination": "s3://bucket/output/"}, "s3://bucket/output/_SUCCESS"),
        ({**WRITE, "destination": "s3://bucket"}, "s3://bucket/_SUCCESS"),
        ({**WRITE, "recursive": None, "options": "--recursive"}, "s3://bucket/output/_SUCCESS"),
        ({"source": "/o/a.txt", "destination": "s3://bucket/b.txt"}, "s3://bucket/b.txt"),
        ({"source": "/o/a.txt", "destination": "s3://bucket/deep/"}, "s3://bucket/deep/a.txt"),
        ({"source": "/o/a.txt", "destination": "s3://bucket"}, "s3://bucket/a.txt"),
    ],
)
def test_the_object_that_tells_that_a_mount_is_uploaded(mount: dict[str, Any], output: str) -> None:
    assert S3Mount(**mount).output == output


def test_json_and_back() -> None:
    mounts = S3Mounts(read=[READ], write=[{**WRITE, "sse": "aws:kms", "sse_kms_key_id": "key"}])
    assert S3Mounts.from_json(mounts.to_json()) == mounts
    assert S3Mounts(read=[READ]).to_dict() == {"read": [READ]}
    assert S3Mount.from_json(mounts.reads[0].to_json()) == mounts.reads[0]
    with pytest.raises(InvalidInput, match="unknown key 'reed'; did you mean 'read'"):
        S3Mounts.from_json('{"reed": []}')
    with pytest.raises(InvalidInput, match="give a mapping with 'read' and 'write'"):
        S3Mounts.from_json("[]")


@pytest.mark.slow
class TestValidate:
    """The asked-for step: each trouble has its own error, and nothing is left behind."""

    def test_good_mounts_pass_and_leave_nothing(self, s3: Any, access: AWSAccess) -> None:
        s3.put_object(Bucket="bucket", Key="input/a")
        s3.put_object(Bucket="bucket", Key="one")
        s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
        S3Mounts(read=[READ, {"source": "s3://bucket/one", "destination": "/one"}], write=[WRITE]).validate(access)
        assert len(s3.list_object_versions(Bucket="bucket")["Versions"]) == 2
        assert "DeleteMarkers" not in s3.list_object_versions(Bucket="bucket")
        assert "Uploads" not in s3.list_multipart_uploads(Bucket="bucket")

    def test_an_object_that_is_to_be_written_stays_as_it_is(self, s3: Any, access: AWSAccess) -> None:
        s3.put_object(Bucket="bucket", Key="result", Body=b"old")
        S3Mount("/x", "s3://bucket/result").validate(access)
        assert s3.get_object(Bucket="bucket", Key="result")["Body"].read() == b"old"

    @pytest.mark.parametrize("recursive", [True, False])
    def test_a_missing_source(self, s3: Any, access: AWSAccess, recursive: bool) -> None:
        s3.put_object(Bucket="bucket", Key="input2/a")
        s3.put_object(Bucket="bucket", Key="input.txt")
        with pytest.raises(NotFound, match=r"read\[0\]: source s3://bucket/input is missing"):
            S3Mounts(read=[{**READ, "recursive": recursive}]).validate(access)

    @pytest.mark.parametrize("recursive", [True, False])
    def test_a_missing_bucket(self, s3: Any, access: AWSAccess, recursive: bool) -> None:
        mount = {"source": "s3://nowhere/x", "destination": "/x", "recursive": recursive}
        with pytest.raises(NotFound, match=r"read\[0\]: bucket nowhere is missing"):
            S3Mounts(read=[mount]).validate(access)
        with pytest.raises(NotFound, match=r"write\[0\]: destination s3://nowhere/x cannot be written"):
            S3Mounts(write=[{"source": "/x", "destination": "s3://nowhere/x"}]).validate(access)

    def test_every_bad_mount_is_named(self, s3: Any, access: AWSAccess) -> None:
        with pytest.raises(NotFound) as caught:
            S3Mounts(read=[READ, {**READ, "source": "s3://nowhere/x"}]).validate(access)
        assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == ["read[0]", "read[1]"]

    def test_no_credentials(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
        with pytest.raises(CredentialsError):
            S3Mounts(read=[READ]).validate(AWSAccess(region="us-east-1"))

    def test_denied_and_unwritable_are_told_apart_from_missing(self) -> None:
        """The server allows a user to read one prefix, and nothing else."""
        from tests.workflow.denying import denying_s3

        with denying_s3(readable="bucket", writable="other") as url:
            access = AWSAccess(session=session(), endpoint_url=url)
            with pytest.raises(AccessDenied, match=r"read\[0\]: bucket secret is denied"):
                S3Mounts(read=[{**READ, "source": "s3://secret/x"}]).validate(access)
            with pytest.raises(AccessDenied, match=r"write\[0\]: destination s3://bucket/o cannot be written"):
                S3Mounts(write=[{**WRITE, "destination": "s3://bucket/o"}]).validate(access)
