"""Outputs in Blob Storage, on Azurite."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from azure.core.exceptions import ServiceResponseError

from batch_helpers.azure_client import AzureAccess
from batch_helpers.errors import AccessDenied, AmbiguousAnswer, CredentialsError, NotFound, Unreachable
from batch_helpers.stores.azure import AzureStore
from batch_helpers.stores.base import Store
from tests.azure.azurite import ACCOUNT, azurite, blob_access, blob_settings
from tests.contracts.store_contract import ODD_NAMES, Place, StoreContract

pytestmark = pytest.mark.slow

NAMES = [name for name in ODD_NAMES if "\\" not in name]
"""Blob Storage takes a backslash for a slash, so such names are refused."""


@pytest.fixture(scope="module")
def blobs() -> Iterator[AzureAccess]:
    with azurite() as endpoint:
        yield blob_access(endpoint)


@pytest.fixture
def container(blobs: AzureAccess) -> str:
    name = f"c{uuid.uuid4().hex}"
    blobs.blobs().create_container(name)
    return name


@pytest.fixture
def store(blobs: AzureAccess) -> AzureStore:
    return AzureStore(blobs, sleep=lambda seconds: None)


class TestAzureStore(StoreContract):
    @pytest.fixture
    def place(self, container: str) -> Place:
        return lambda name: f"az://{container}/project/{name}"

    @pytest.mark.parametrize("name", NAMES)
    def test_odd_names_are_names_like_any_other(self, store: Store, place: Place, name: str) -> None:
        super().test_odd_names_are_names_like_any_other(store, place, name)

    def test_odd_names_are_told_apart_in_one_question(self, store: Store, place: Place) -> None:
        uris = [place(f"odd/{name}") for name in NAMES]
        for uri in uris[::2]:
            store.write(uri, b"")
        assert set(store.find(uris)) == set(uris[::2])


class TestAzureStoreByUrl(TestAzureStore):
    @pytest.fixture
    def place(self, container: str) -> Place:
        from urllib.parse import quote

        return lambda name: f"https://{ACCOUNT}.blob.core.windows.net/{container}/project/{quote(name)}"


def test_both_spellings_mean_one_blob(store: AzureStore, container: str) -> None:
    store.write(f"az://{container}/a b", b"x")
    url = f"https://{ACCOUNT}.blob.core.windows.net/{container}/a%20b"
    assert list(store.find([url])) == [url]


@pytest.mark.parametrize("count", [1, 2])
def test_a_missing_container_is_an_error_and_no_answer(store: AzureStore, count: int) -> None:
    uris = [f"az://no-such-container/{number}" for number in range(count)]
    with pytest.raises(NotFound, match=r"no-such-container.*ContainerNotFound"):
        store.find(uris)
    with pytest.raises(NotFound, match="no-such-container"):
        store.write(uris[0], b"")
    with pytest.raises(NotFound, match="no-such-container"):
        store.delete(uris)


def test_a_wrong_key_is_an_error_and_no_answer(blobs: AzureAccess, container: str) -> None:
    endpoint = blobs.settings.storage_endpoint
    wrong = AzureAccess({**blob_settings(endpoint or ""), "storage_key": "d3Jvbmc="})
    for uris in ([f"az://{container}/a"], [f"az://{container}/a", f"az://{container}/b"]):
        with pytest.raises((CredentialsError, AccessDenied)):
            AzureStore(wrong, sleep=lambda seconds: None).find(uris)


def test_a_connection_string_is_enough(blobs: AzureAccess, container: str) -> None:
    endpoint = blobs.settings.storage_endpoint
    text = f"AccountName={ACCOUNT};AccountKey={blobs.settings.storage_key};BlobEndpoint={endpoint};"
    store = AzureStore(AzureAccess({"connection_string": text}))
    store.write(f"az://{container}/a", b"x")
    url = f"https://{ACCOUNT}.blob.core.windows.net/{container}/a"
    assert list(store.find([url])) == [url]


def test_a_service_that_is_not_there_is_unreachable() -> None:
    nobody = AzureAccess(
        {"storage_account": "x", "storage_key": "d3Jvbmc=", "storage_endpoint": "http://127.0.0.1:9/x"}
    )
    with pytest.raises(Unreachable):
        AzureStore(nobody, sleep=lambda seconds: None).find(["az://box/a"])


def test_one_blob_is_asked_for_alone_and_many_by_a_list(blobs: AzureAccess, store: AzureStore, container: str) -> None:
    requests = count_requests(blobs)
    store.find([f"az://{container}/a"])
    assert [request.method for request in requests] == ["HEAD"]
    requests.clear()
    store.find([f"az://{container}/out/{number}" for number in range(500)])
    assert [request.method for request in requests] == ["GET"]


@pytest.mark.parametrize("ours", [True, False])
def test_a_claim_whose_answer_was_lost_is_settled_by_its_content(
    blobs: AzureAccess, store: AzureStore, container: str, ours: bool
) -> None:
    uri = f"az://{container}/claim"
    if not ours:
        store.write(uri, b"theirs")
    with lost_answers(blobs, "PUT", 2) as sent:
        assert store.write(uri, b"ours", only_if_absent=True) is ours
    assert len(sent) == 2
    assert store.read(uri) == (b"ours" if ours else b"theirs")


def test_lost_answers_to_questions_are_asked_again_and_are_never_read_as_absence(
    blobs: AzureAccess, store: AzureStore, container: str
) -> None:
    uris = [f"az://{container}/a", f"az://{container}/b"]
    for uri in uris:
        store.write(uri, b"x")
    with lost_answers(blobs, "HEAD", 2):
        assert list(store.find(uris[:1])) == uris[:1]
    with lost_answers(blobs, "GET", 2):
        assert sorted(store.find(uris)) == uris
    with lost_answers(blobs, "GET", 99), pytest.raises(AmbiguousAnswer):
        store.find(uris)
    with lost_answers(blobs, "DELETE", 1):
        store.delete(uris)
    assert store.find(uris) == {}


@contextmanager
def lost_answers(access: AzureAccess, method: str, count: int) -> Iterator[list[Any]]:
    """The next requests of this method are carried out, and their answers are lost."""
    transport: Any = access.blobs()._pipeline._transport
    transport = getattr(transport, "_transport", transport)
    send, sent = transport.send, []

    def losing(request: Any, **options: Any) -> Any:
        answer = send(request, **options)
        if request.method == method and len(sent) < count:
            sent.append(request)
            raise ServiceResponseError("the connection broke")
        return answer

    transport.send = losing
    try:
        yield sent
    finally:
        transport.send = send


def count_requests(access: AzureAccess) -> list[Any]:
    """The requests that the account's client sends from now on."""
    sent: list[Any] = []
    transport: Any = access.blobs()._pipeline._transport
    transport = getattr(transport, "_transport", transport)
    send = transport.send
    transport.send = lambda request, **options: sent.append(request) or send(request, **options)
    return sent
