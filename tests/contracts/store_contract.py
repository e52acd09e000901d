"""What every store promises. A subclass gives the fixtures `store` and `place`, which makes a URI from a name."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from batch_helpers.errors import NotFound
from batch_helpers.stores.base import Store

Place = Callable[[str], str]

ODD_NAMES = [
    "a b.txt",
    "a+b.txt",
    "100%.txt",
    "a%20b.txt",
    "a&b;c=d.txt",
    "quote'\".txt",
    "hash#1.txt",
    "what?.txt",
    "é/ü.txt",
    "日本語/サンプル.bam",
    "🧬.txt",
    "~tilde.txt",
    "-dash.txt",
    "sub/.hidden",
    "back\\slash.txt",
    "[x].txt",
]


class StoreContract:
    """Run for each store."""

    def test_what_was_written_is_read_and_found(self, store: Store, place: Place) -> None:
        before = time.time()
        uri = place("out/a.txt")
        assert store.write(uri, b"content\n") is True
        assert store.read(uri) == b"content\n"
        found = store.find([uri])
        assert list(found) == [uri]
        assert found[uri].size == 8
        modified = found[uri].modified
        assert modified is not None
        assert before - 2 <= modified <= time.time() + 2

    def test_writing_again_replaces_the_whole(self, store: Store, place: Place) -> None:
        store.write(place("a"), b"longer than what follows")
        assert store.write(place("a"), b"short") is True
        assert store.read(place("a")) == b"short"

    def test_an_empty_object_is_there(self, store: Store, place: Place) -> None:
        store.write(place("empty"), b"")
        assert store.find([place("empty")])[place("empty")].size == 0
        assert store.read(place("empty")) == b""

    def test_any_bytes_come_back_as_they_were(self, store: Store, place: Place) -> None:
        data = bytes(range(256)) * 5000
        store.write(place("bytes"), data)
        assert store.read(place("bytes")) == data

    def test_only_what_is_there_is_found(self, store: Store, place: Place) -> None:
        store.write(place("out/a"), b"")
        assert list(store.find([place("out/a"), place("out/b"), place("a"), place("out/a/a")])) == [place("out/a")]
        assert store.find([place("nothing/here")]) == {}
        assert store.find([]) == {}

    def test_no_name_is_found_for_another_that_is_like_it(self, store: Store, place: Place) -> None:
        for name in ("out/a.txt.bak", "out/a", "out/A.txt", "out2/a.txt", "out/nested/a.txt", "xout/a.txt", "outa.txt"):
            store.write(place(name), b"")
        assert store.find([place("out/a.txt")]) == {}
        assert store.find([place("out/a.txt"), place("out/b.txt"), place("out/nested")]) == {}

    def test_a_folder_is_not_an_output(self, store: Store, place: Place) -> None:
        store.write(place("out/nested/a.txt"), b"")
        assert store.find([place("out"), place("out/nested")]) == {}
        assert store.find([place("out/nested")]) == {}
        with pytest.raises(NotFound):
            store.read(place("out/nested"))

    @pytest.mark.parametrize("count", [3, 72])
    def test_many_are_found_exactly(self, store: Store, place: Place, count: int) -> None:
        uris = [place(f"many/{number:04}/{part}") for number in range(count // 2) for part in ("x", "y")]
        uris += [place(f"flat/{number:04}") for number in range(count)]
        present = set(uris[::3])
        for uri in present:
            store.write(uri, b"")
        assert set(store.find(uris)) == present
        assert set(store.find(set(uris))) == present

    @pytest.mark.parametrize("name", ODD_NAMES)
    def test_odd_names_are_names_like_any_other(self, store: Store, place: Place, name: str) -> None:
        uri = place(f"odd/{name}")
        assert store.find([uri]) == {}
        store.write(uri, name.encode())
        assert store.read(uri) == name.encode()
        assert list(store.find([uri])) == [uri]
        assert list(store.find([uri, place("odd/none")])) == [uri]
        store.delete([uri])
        assert store.find([uri, place("odd/none")]) == {}

    def test_odd_names_are_told_apart_in_one_question(self, store: Store, place: Place) -> None:
        uris = [place(f"odd/{name}") for name in ODD_NAMES]
        for uri in uris[::2]:
            store.write(uri, b"")
        assert set(store.find(uris)) == set(uris[::2])

    def test_reading_what_is_not_there_is_not_found(self, store: Store, place: Place) -> None:
        with pytest.raises(NotFound):
            store.read(place("none"))

    def test_what_is_there_already_is_kept_when_only_absent_ones_are_written(self, store: Store, place: Place) -> None:
        assert store.write(place("once"), b"first", only_if_absent=True) is True
        assert store.write(place("once"), b"second", only_if_absent=True) is False
        assert store.read(place("once")) == b"first"
        store.delete([place("once")])
        assert store.write(place("once"), b"third", only_if_absent=True) is True

    def test_of_many_who_write_at_once_one_wins(self, store: Store, place: Place) -> None:
        claims = [f"claim {number}".encode() for number in range(8)]
        won: list[bytes] = []
        start = threading.Barrier(len(claims))

        def claim(data: bytes) -> None:
            start.wait()
            if store.write(place("claim"), data, only_if_absent=True):
                won.append(data)

        threads = [threading.Thread(target=claim, args=(data,)) for data in claims]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert won == [store.read(place("claim"))]

    def test_what_was_deleted_is_gone_and_the_rest_is_not(self, store: Store, place: Place) -> None:
        names = ["out/a", "out/b", "out/b.txt", "b"]
        for name in names:
            store.write(place(name), b"")
        store.delete([place("out/b"), place("never/there")])
        assert set(store.find([place(name) for name in names])) == {place(name) for name in names} - {place("out/b")}
        store.delete([])

    def test_size_and_date_of_many_are_told_when_they_are_asked_for(self, store: Store, place: Place) -> None:
        uris = [place(f"measured/{number:03}") for number in range(70)]
        for uri in uris[::2]:
            store.write(uri, b"four")
        found = store.find(uris, measured=uris)
        assert set(found) == set(uris[::2])
        assert all(seen.size == 4 and seen.modified is not None for seen in found.values())

    def test_what_lies_below_a_folder_is_counted_up_to_enough(self, store: Store, place: Place) -> None:
        for name in ("parts/1", "parts/2", "parts/deep/er/3", "parts2/4", "part", "xparts/5"):
            store.write(place(name), b"")
        parts, others, none = place("parts/"), place("parts2/"), place("none/")
        assert store.count({parts: 10, others: 1, none: 5}) == {parts: 3, others: 1, none: 0}
        assert store.count({parts: 2}) == {parts: 2}
        assert store.count({}) == {}
