"""What the preloader promises, in every shell that an image may have as /bin/sh."""

from __future__ import annotations

import re
from typing import Any

import pytest

from batch_helpers import preloader
from batch_helpers.s3 import S3Mounts
from tests.preloader.conftest import Image, keys

pytestmark = pytest.mark.slow

DASH = ["dash"]


def folders(image: Image, **write: Any) -> S3Mounts:
    return S3Mounts(
        read=[{"source": "s3://bucket/input", "destination": image.path("data"), "recursive": True}],
        write=[
            {"source": image.path("output"), "destination": "s3://bucket/output", "recursive": True, **write},
        ],
    )


def folders_out(image: Image) -> S3Mounts:
    return S3Mounts(write=folders(image).write)


def test_data_comes_in_the_command_runs_and_its_results_go_out(shell: list[str], python_image: Image, s3: Any) -> None:
    s3.put_object(Bucket="bucket", Key="input/deep/a.txt", Body=b"hello")
    s3.put_object(Bucket="bucket", Key="input-not", Body=b"not me")
    command = "ls data && cat data/deep/a.txt > output/b.txt"
    ended = python_image.run(shell, command, folders(python_image))
    assert (ended.returncode, ended.stdout) == (0, "deep\n"), ended.stderr
    assert keys(s3) == ["input-not", "input/deep/a.txt", "output/_SUCCESS", "output/b.txt"]
    assert s3.get_object(Bucket="bucket", Key="output/b.txt")["Body"].read() == b"hello"
    assert python_image.leftovers == []


def test_the_exit_code_is_the_commands_and_nothing_is_uploaded_after_a_failure(
    shell: list[str], python_image: Image, s3: Any
) -> None:
    s3.put_object(Bucket="bucket", Key="input/a", Body=b"")
    ended = python_image.run(shell, f"echo half > {python_image.path('output')}/half; exit 7", folders(python_image))
    assert ended.returncode == 7
    assert keys(s3) == ["input/a"]


def test_a_failed_download_fails_the_job_before_the_command_runs(
    shell: list[str], python_image: Image, s3: Any
) -> None:
    mounts = S3Mounts(read=[{"source": "s3://bucket/absent", "destination": python_image.path("data")}])
    ended = python_image.run(shell, "echo it ran", mounts)
    assert (ended.returncode, ended.stdout) == (preloader.DOWNLOAD_FAILED, "")
    assert "download of s3://bucket/absent failed; the command is not run" in ended.stderr


def test_a_folder_with_nothing_in_it_is_a_failed_download(python_image: Image, s3: Any) -> None:
    ended = python_image.run(DASH, "echo it ran", folders(python_image))
    assert (ended.returncode, ended.stdout) == (preloader.DOWNLOAD_FAILED, "")
    assert "there is nothing under s3://bucket/input" in ended.stderr


def test_what_lay_in_a_folder_before_does_not_hide_that_nothing_came(python_image: Image, s3: Any) -> None:
    """Another mount, or the image itself, may have filled it; and may have had the same names in it."""
    s3.put_object(Bucket="bucket", Key="ref/genome.fa", Body=b"new")
    inner = {"source": "s3://bucket/ref", "destination": python_image.path("data/ref"), "recursive": True}
    outer = folders(python_image).reads[0]
    ended = python_image.run(DASH, "echo it ran", S3Mounts(read=[inner, outer]))
    assert (ended.returncode, ended.stdout) == (preloader.DOWNLOAD_FAILED, "")
    assert "there is nothing under s3://bucket/input" in ended.stderr
    (python_image.root / "data/ref/genome.fa").write_text("old")
    assert python_image.run(DASH, "cat data/ref/*", S3Mounts(read=[inner])).stdout == "new"


def test_a_failed_upload_fails_the_job_and_leaves_no_marker(shell: list[str], python_image: Image, s3: Any) -> None:
    mounts = S3Mounts(
        write=[
            {"source": python_image.path("output"), "destination": "s3://bucket/output", "recursive": True},
            {"source": python_image.path("absent.txt"), "destination": "s3://bucket/absent.txt"},
        ]
    )
    ended = python_image.run(shell, f"echo 1 > {python_image.path('output')}/one", mounts)
    assert ended.returncode == preloader.UPLOAD_FAILED
    assert keys(s3) == ["output/one"]


def test_a_marker_of_an_earlier_upload_is_gone_when_a_new_one_fails(python_image: Image, s3: Any) -> None:
    s3.put_object(Bucket="bucket", Key="output/_SUCCESS", Body=b"")
    mounts = S3Mounts(
        write=[
            {"source": python_image.path("output"), "destination": "s3://bucket/output", "recursive": True},
            {"source": python_image.path("absent.txt"), "destination": "s3://bucket/absent.txt"},
        ]
    )
    python_image.run(DASH, "true", mounts)
    assert keys(s3) == []


def test_a_marker_that_the_command_writes_itself_does_not_go_out_first(python_image: Image, s3: Any) -> None:
    """Spark writes a _SUCCESS of its own into its folder."""
    mounts = S3Mounts(
        write=[
            {"source": python_image.path("output"), "destination": "s3://bucket/output", "recursive": True},
            {"source": python_image.path("absent.txt"), "destination": "s3://bucket/absent.txt"},
        ]
    )
    ended = python_image.run(DASH, f"touch {python_image.path('output')}/_SUCCESS", mounts)
    assert ended.returncode == preloader.UPLOAD_FAILED
    assert keys(s3) == []


def test_markers_are_not_downloaded(python_image: Image, s3: Any) -> None:
    for key in ("input/_SUCCESS", "input/s1/_SUCCESS", "input/s1/a"):
        s3.put_object(Bucket="bucket", Key=key, Body=b"")
    ended = python_image.run(DASH, f"cd {python_image.path('data')}; find . -type f", folders(python_image))
    assert ended.stdout == "./s1/a\n"


def test_declared_outputs_are_uploaded_after_everything_else(python_image: Image, s3: Any) -> None:
    """The first upload fails, so the declared output, which would make the job look done, does not go out."""
    mounts = S3Mounts(
        write=[
            {"source": python_image.path("output"), "destination": "s3://bucket/output/", "recursive": True},
            {"source": python_image.path("absent.txt"), "destination": "s3://bucket/absent.txt"},
        ]
    )
    outputs = ["s3://bucket/output/deep/model.bin"]
    make = f"cd {python_image.path('output')}; mkdir deep; echo m > deep/model.bin; echo l > log"
    ended = python_image.run(DASH, make, mounts, outputs)
    assert ended.returncode == preloader.UPLOAD_FAILED
    assert keys(s3) == ["output/log"]
    ended = python_image.run(DASH, f"touch {python_image.path('absent.txt')}", mounts, outputs)
    assert (ended.returncode, keys(s3)) == (0, ["absent.txt", "output/deep/model.bin", "output/log"])


def test_a_declared_output_that_was_not_made_fails_the_job(python_image: Image, s3: Any) -> None:
    ended = python_image.run(
        DASH,
        "true",
        S3Mounts(write=[{"source": python_image.path("output"), "destination": "s3://bucket/o", "recursive": True}]),
        ["s3://bucket/o/model.bin"],
    )
    assert ended.returncode == preloader.UPLOAD_FAILED


def test_one_object_becomes_one_file_and_not_more(python_image: Image, s3: Any) -> None:
    """recursive=False once copied recursively all the same."""
    for key in ("ref.fa", "ref.fa.fai", "ref.fa/odd"):
        s3.put_object(Bucket="bucket", Key=key, Body=key.encode())
    mounts = S3Mounts(
        read=[{"source": "s3://bucket/ref.fa", "destination": python_image.path("in/r.fa"), "recursive": False}],
        write=[{"source": python_image.path("out/x.txt"), "destination": "s3://bucket/results/", "recursive": False}],
    )
    ended = python_image.run(
        DASH, f"find {python_image.path('in')} -type f; echo x > {python_image.path('out/x.txt')}", mounts
    )
    assert (ended.returncode, ended.stdout) == (0, f"{python_image.path('in/r.fa')}\n")
    assert "results/x.txt" in keys(s3)


def test_a_folder_is_refused_where_one_file_was_promised(python_image: Image, s3: Any) -> None:
    mounts = S3Mounts(
        write=[{"source": python_image.path("out"), "destination": "s3://bucket/out", "recursive": False}]
    )
    ended = python_image.run(DASH, f"mkdir -p {python_image.path('out')}; touch {python_image.path('out')}/a", mounts)
    assert (ended.returncode, keys(s3)) == (preloader.UPLOAD_FAILED, [])


def test_spaces_and_quotes_survive(shell: list[str], python_image: Image, s3: Any) -> None:
    name = """it's a "quoted"  name $HOME `id` back\\slash ünï """
    s3.put_object(Bucket="bucket", Key=f"in/{name}/{name}", Body=b"content")
    mounts = S3Mounts(
        read=[{"source": f"s3://bucket/in/{name}", "destination": python_image.path(name), "recursive": True}],
        write=[{"source": python_image.path(f"{name}.out"), "destination": f"s3://bucket/out/{name}"}],
    )
    command = ["cp", python_image.path(f"{name}/{name}"), python_image.path(f"{name}.out")]
    ended = python_image.run(shell, command, mounts)
    assert ended.returncode == 0, ended.stderr
    assert s3.get_object(Bucket="bucket", Key=f"out/{name}")["Body"].read() == b"content"


def test_the_command_keeps_its_shell_meaning(shell: list[str], python_image: Image, s3: Any) -> None:
    command = """set -e; x='a  b'; printf '%s|%s\\n' "$x" "it's" | tr a-z A-Z && (exit 3)"""
    ended = python_image.run(shell, command, S3Mounts())
    assert (ended.returncode, ended.stdout) == (3, "A  B|IT'S\n")


def test_the_command_gets_its_variables_as_they_were_given(shell: list[str], python_image: Image, s3: Any) -> None:
    """A shell exports again what it was given, so a variable of the script's of such a name would reach the command."""
    given = dict.fromkeys(set(re.findall(r"[a-z]+", preloader.script())), "mine")
    python_image.environment |= given
    ended = python_image.run(shell, "echo x >output/x; env", folders_out(python_image))
    assert ended.returncode == 0, ended.stderr
    assert set(given) <= {line.removesuffix("=mine") for line in ended.stdout.splitlines() if line.endswith("=mine")}


def test_a_folder_for_its_own_files_is_found_where_tmpdir_is_none(shell: list[str], python_image: Image) -> None:
    assert python_image.run(shell, "exit 7", S3Mounts(), TMPDIR="/nonexistent").returncode == 7


def test_a_list_reaches_the_program_word_by_word(shell: list[str], python_image: Image, s3: Any) -> None:
    ended = python_image.run(shell, ["printf", "%s.", "a b", "$HOME", "", "c'd", "*"], S3Mounts())
    assert ended.stdout == "a b.$HOME..c'd.*."


def test_encryption_and_options_reach_s3(python_image: Image, s3: Any) -> None:
    mounts = folders(
        python_image,
        sse="aws:kms",
        sse_kms_key_id="alias/my key",
        options="--quiet --exclude '*.tmp' --storage-class STANDARD_IA",
    )
    s3.put_object(Bucket="bucket", Key="input/a", Body=b"")
    ended = python_image.run(DASH, f"cd {python_image.path('output')}; touch a.tmp a.txt", mounts)
    assert ended.returncode == 0, ended.stderr
    assert keys(s3) == ["input/a", "output/_SUCCESS", "output/a.txt"]
    for key in ("output/a.txt", "output/_SUCCESS"):
        head = s3.head_object(Bucket="bucket", Key=key)
        assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", "alias/my key")
        assert head["StorageClass"] == "STANDARD_IA"


def test_an_option_that_nothing_here_knows_is_an_error_not_a_guess(python_image: Image, s3: Any) -> None:
    s3.put_object(Bucket="bucket", Key="a", Body=b"")
    mounts = S3Mounts(
        read=[{"source": "s3://bucket/a", "destination": python_image.path("a"), "options": "--request-payer"}]
    )
    ended = python_image.run(DASH, "echo it ran", mounts)
    assert (ended.returncode, ended.stdout) == (preloader.DOWNLOAD_FAILED, "")
    assert "--request-payer" in ended.stderr


def test_log_and_partial_results_of_a_failure_are_kept_when_that_is_asked_for(python_image: Image, s3: Any) -> None:
    s3.put_object(Bucket="bucket", Key="input/a", Body=b"")
    command = f"echo out; echo err >&2; echo half > {python_image.path('output')}/half; exit 5"
    asked = {"EZBATCH_KEEP": "s3://bucket/failed/", "AWS_BATCH_JOB_ID": "id-1", "AWS_BATCH_JOB_ATTEMPT": "2"}
    ended = python_image.run(DASH, command, folders(python_image), **asked)
    assert (ended.returncode, ended.stdout) == (5, "out\nerr\n")
    assert keys(s3) == ["failed/id-1/2/log.txt", "failed/id-1/2/output/half", "input/a"]
    log = s3.get_object(Bucket="bucket", Key="failed/id-1/2/log.txt")["Body"].read()
    assert log == b"out\nerr\n"


def test_a_process_that_the_command_leaves_behind_does_not_hold_the_job(
    shell: list[str], python_image: Image, s3: Any
) -> None:
    ended = python_image.run(shell, "sleep 600 & exit 4", S3Mounts(), EZBATCH_KEEP="s3://bucket/failed")
    assert ended.returncode == 4


def test_a_scratch_folder_is_empty_before_and_gone_after(shell: list[str], python_image: Image, s3: Any) -> None:
    scratch = python_image.root / "scratch"
    scratch.mkdir()
    (scratch / "of yesterday").touch()
    ended = python_image.run(shell, f"ls -A {scratch}; touch {scratch}/x", S3Mounts(), EZBATCH_SCRATCH=str(scratch))
    assert (ended.returncode, ended.stdout, scratch.exists()) == (0, "", False)
