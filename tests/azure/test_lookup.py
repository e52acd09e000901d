"""What is asked of Blob Storage, page by page, by the SDK's unmodified client."""

from __future__ import annotations

import pytest

from batch_helpers.azure_client import AzureAccess
from batch_helpers.errors import BatchHelpersError
from batch_helpers.stores.azure import AzureStore
from tests.azure.blob_lists import Lists, listing

pytestmark = pytest.mark.slow


def find(lists: Lists, wanted: list[str]) -> list[str]:
    with listing(lists) as endpoint:
        given = {"storage_account": "account", "storage_key": "a2V5", "storage_endpoint": endpoint}
        store = AzureStore(AzureAccess(given), sleep=lambda seconds: None)
        return [uri.removeprefix("az://box/") for uri in store.find([f"az://box/{name}" for name in wanted])]


def test_a_listing_starts_at_the_first_wanted_name_and_leaps_to_the_next() -> None:
    names = [f"run/{number:04}" for number in range(1000)]
    lists = Lists(names, page=10)
    wanted = ["run/0000", "run/0005", "run/0500", "run/0501", "run/0998", "run/0999"]
    assert find(lists, wanted) == wanted
    assert [query.get("startFrom") for query in lists.asked] == ["run/0000", "run/0500", "run/0998"]
    assert {query["prefix"] for query in lists.asked[:2]} == {"run/0"}
    assert {query["maxresults"] for query in lists.asked} == {"5000"}
    assert not any("marker" in query for query in lists.asked)


@pytest.mark.parametrize("page", [5000, 1000])
def test_many_wanted_names_take_a_page_each_few_thousand(page: int) -> None:
    names = [f"run/{number:05}" for number in range(12_000)]
    lists = Lists(names, page=page)
    assert len(find(lists, names)) == 12_000
    assert len(lists.asked) <= 12_000 // page + 2


def test_a_rerun_of_a_hundred_thousand_outputs_takes_25_lists_of_5000_or_110_of_1000() -> None:
    names = [f"run/out/{number:06}.bam" for number in range(100_000)]
    for page, most in ((5000, 25), (1000, 110)):
        lists = Lists(names, page=page)
        assert len(find(lists, names)) == 100_000
        assert len(lists.asked) <= most


def test_odd_names_come_back_as_they_are() -> None:
    names = ["a&b", "a<b>", 'a"b', "a b+c%20", "é/日本", "🧬", "a'b"]
    assert sorted(find(Lists([*names, "other"]), [*names, "none"])) == sorted(names)


def test_a_page_that_cannot_be_read_is_asked_for_again_and_never_believed() -> None:
    lists = Lists(["a", "b", "c"])
    lists.broken = [b"<?xml version='1.0'?><EnumerationResults><Blobs><Blob><Name>a</Na"]
    assert find(lists, ["a", "b", "c"]) == ["a", "b", "c"]
    lists.broken = [b"<html>"] * 20
    with pytest.raises(BatchHelpersError):
        find(lists, ["a", "b", "c"])
