from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from batch_helpers.errors import InvalidInput, MissingExtra
from batch_helpers.stores import StoreRouter
from tests.stores.wire import Bucket, Wire


def test_each_uri_goes_to_its_store(tmp_path: Path) -> None:
    (tmp_path / "a b").touch()
    uris = [f"{tmp_path}/a b", f"file://{tmp_path}/a%20b", "s3://bucket/a", "s3://bucket/none", f"{tmp_path}/none"]
    assert set(StoreRouter(Wire(Bucket(["a"])).access).find(uris)) == set(uris[:3])


def test_nothing_is_asked_for_nothing() -> None:
    assert StoreRouter().find([]) == {}
    StoreRouter().delete([])


def test_reading_writing_and_deleting_reach_the_store(tmp_path: Path) -> None:
    router, uri = StoreRouter(), f"{tmp_path}/a"
    assert router.write(uri, b"1")
    assert not router.write(uri, b"2", only_if_absent=True)
    assert router.read(uri) == b"1"
    router.delete([uri])
    assert router.find([uri]) == {}


@pytest.mark.parametrize("uri", ["gs://bucket/key", "http://host/x", "S4://bucket/key", "memory://x"])
def test_an_unknown_scheme_is_refused_with_the_known_ones(uri: str, tmp_path: Path) -> None:
    router = StoreRouter()
    for attempt in (
        lambda: router.check([f"{tmp_path}/a", uri]),
        lambda: router.find([f"{tmp_path}/a", uri]),
        lambda: router.read(uri),
        lambda: router.write(uri, b""),
        lambda: router.delete([uri]),
    ):
        with pytest.raises(InvalidInput) as caught:
            attempt()
        for part in (uri, f"{uri.partition(':')[0].lower()}://", "s3://", "file://"):
            assert part in str(caught.value)


def test_nothing_is_deleted_when_one_scheme_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(InvalidInput):
        StoreRouter().delete([f"{tmp_path}/a", "gs://bucket/key"])
    assert (tmp_path / "a").exists()


@pytest.mark.parametrize("missing", ["azure", "azure.storage", "azure.storage.blob"])
def test_az_without_its_packages_names_the_extra(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for loaded in ("azure.storage.blob", "azure.storage", "azure"):
        monkeypatch.delitem(sys.modules, loaded, raising=False)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingExtra, match=r"az://container/a.*pip install 'batch_helpers\[azure\]'"):
        StoreRouter().check(["az://container/a"])


@pytest.mark.parametrize("uri", ["az://container/a", "https://account.blob.core.windows.net/container/a"])
def test_a_blob_may_be_given_in_two_ways(uri: str) -> None:
    StoreRouter().check([uri])


def test_any_other_address_is_no_store() -> None:
    with pytest.raises(InvalidInput, match="there is no store for https://"):
        StoreRouter().check(["https://example.com/container/a"])


def test_checking_touches_nothing() -> None:
    wire = Wire(Bucket([]))
    StoreRouter(wire.access).check(["s3://nowhere/key", "/no/such/folder/a", "relative", "FILE:///a"])
    assert wire.requests == []


@pytest.mark.slow
def test_a_router_of_local_files_loads_no_sdk(tmp_path: Path) -> None:
    script = (
        "import sys; from batch_helpers.stores import StoreRouter\n"
        f"StoreRouter().find([{str(tmp_path)!r} + '/a']); StoreRouter().check(['s3://b/k'])\n"
        "print([name for name in ('boto3', 'botocore', 'tenacity', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
