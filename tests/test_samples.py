"""read_samples: cells are what the file says, and everything that is wrong is named by line and column."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from batch_helpers import read_samples
from batch_helpers.errors import InvalidSamples

ROOT = Path(__file__).parent.parent
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(content: str | bytes, name: str = "samples.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def refusal(path: Path | str, **options: object) -> str:
    with pytest.raises(InvalidSamples) as caught:
        read_samples(path, **options)  # type: ignore[arg-type]
    return str(caught.value)


def test_the_table_at_the_root_is_the_census_of_the_fifty_states() -> None:
    samples = read_samples(ROOT / "samples.csv", required=["state", "population"])

    assert len(samples) == 50
    assert sum(int(sample["population"]) for sample in samples) == 331_449_281 - 689_545
    assert samples[0] == {"sample": "AL", "state": "Alabama", "population": "5024279"}


@pytest.mark.parametrize("name", ["NA", "NaN", "nan", "null", "None", "001", "1e5", "1.0", "TRUE", "-", "日本", "a,b"])
def test_a_cell_is_the_text_that_stands_there(write: Write, name: str) -> None:
    path = write(f'sample,x\n"{name}","{name}"\n')

    assert read_samples(path) == [{"sample": name, "x": name}]


def test_a_column_with_a_number_for_a_name_keeps_its_text_too(write: Write) -> None:
    assert read_samples(write("sample,2020\ns1,007\n")) == [{"sample": "s1", "2020": "007"}]


def test_blanks_around_cells_and_names_are_dropped(write: Write) -> None:
    assert read_samples(write("sample , x\n s1\t,\u00a0a b \n")) == [{"sample": "s1", "x": "a b"}]


@pytest.mark.parametrize("before", ["\n", ",,,,\n", "  ,\n\n", '"\n"\n'])
def test_blank_rows_before_the_header_do_not_count_as_one(write: Write, before: str) -> None:
    assert read_samples(write(before + "sample,x\ns1,1\n")) == [{"sample": "s1", "x": "1"}]


def test_blank_rows_are_skipped_and_still_counted(write: Write) -> None:
    path = write("\n  \nsample,x\n\ns1,1\n,\n   \ns2,2\n\n")
    assert [row["sample"] for row in read_samples(path)] == ["s1", "s2"]

    assert ", line 9: column 'x': the cell is empty" in refusal(write("\n  \nsample,x\n\ns1,1\n,\n   \ns2,2\ns3,\n"))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end_will_do(write: Write, end: str) -> None:
    assert read_samples(write(end.join(["sample,x", "s1,1", "s2,2"]))) == [
        {"sample": "s1", "x": "1"},
        {"sample": "s2", "x": "2"},
    ]
    assert "line 3: column 'x'" in refusal(write(end.join(["sample,x", "s1,1", "s2,"])))


def test_a_byte_order_mark_is_no_part_of_the_first_column(write: Write) -> None:
    assert read_samples(write("\ufeffsample\ns1\n")) == [{"sample": "s1"}]
    assert read_samples(write("\n\ufeffsample\ns1\n\ufeffs2\n")) == [{"sample": "s1"}, {"sample": "s2"}]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("s.tsv", "sample\tx,y,z\na,b\t1\n"),
        ("s.TSV", "sample\tx,y,z\na,b\t1\n"),
        ("s.tab", "sample\tx,y,z\na,b\t1\n"),
        ("s.csv", 'sample,x\ty\tz\n"a,b",1\n'),
        ("s.csv", "sample\tx\na,b\t1\n"),
        ("s.csv", "sample;x\na,b;1\n"),
        ("s.txt", "sample\tx\na,b\t1\n"),
        ("s.txt", "\n\nsample;x,y;z\na,b;1;2\n"),
    ],
)
def test_the_separator_is_that_of_the_extension_or_what_the_header_has_most(
    write: Write, name: str, content: str
) -> None:
    assert read_samples(write(content, name))[0]["sample"] == "a,b"


def test_optional_columns_may_be_absent_or_empty_and_read_as_empty_text(write: Write) -> None:
    path = write("sample,reads_2\ns1,\ns2,r2\n")

    samples = read_samples(path, optional=["reads_2", "notes"])

    assert samples == [
        {"sample": "s1", "reads_2": "", "notes": ""},
        {"sample": "s2", "reads_2": "r2", "notes": ""},
    ]
    assert "optional=['reads_2']" in refusal(path)


def test_the_key_column_is_never_optional(write: Write) -> None:
    assert "line 2: column 'sample': the cell is empty" in refusal(write("sample,x\n,1\n"), optional=["sample", "x"])
    assert "no column 'sample'" in refusal(write("x\n1\n"), optional=["sample"])


def test_samples_without_a_name_are_not_called_the_same(write: Write) -> None:
    text = refusal(write("sample,x\n,1\n,2\n"))

    assert "has 2 problems" in text
    assert text.count("the cell is empty") == 2


def test_one_name_is_as_good_as_a_list_of_one(write: Write) -> None:
    assert "no column 'reads'" in refusal(write("sample\ns1\n"), required="reads")
    assert read_samples(write("sample\ns1\n"), optional="reads") == [{"sample": "s1", "reads": ""}]


def test_another_column_may_name_the_samples(write: Write) -> None:
    path = write("id,x\na,1\na,2\n")

    assert "line 3: column 'id': sample 'a' is on line 2 too" in refusal(path, key="id")
    assert len(read_samples(path, key="x")) == 2


def test_a_missing_column_is_named_with_those_there_are_and_the_nearest(write: Write) -> None:
    text = refusal(write("Sample,reads\ns1,r\n"), required=["raeds"])

    assert "line 1: there is no column 'sample'; the columns are 'Sample', 'reads'; did you mean 'Sample'?" in text
    assert "there is no column 'raeds'" in text
    assert "did you mean 'reads'?" in text


def test_the_nearest_column_may_differ_in_case(write: Write) -> None:
    assert "no column 'READS'; the columns are 'sample', 'reads'; did you mean 'reads'?" in refusal(
        write("sample,reads\ns1,r\n"), required=["READS"]
    )


def test_nothing_is_suggested_when_nothing_is_near(write: Write) -> None:
    assert "did you mean" not in refusal(write("x,y\n1,2\n"))


def test_a_hundred_columns_are_not_all_listed(write: Write) -> None:
    text = refusal(write(",".join(f"c{number}" for number in range(100)) + "\n"))

    assert "'c19' and 80 more" in text
    assert "'c20'" not in text


def test_every_problem_of_the_header_is_told_at_once(write: Write) -> None:
    text = refusal(write("\nreads,reads,,x\n1,2,3,4\n"), required=["lane"])

    assert "has 4 problems:" in text
    assert "line 2: column 'reads' stands there twice" in text
    assert "line 2: column 3 has no name" in text
    assert "line 2: there is no column 'sample'" in text
    assert "line 2: there is no column 'lane'" in text


def test_a_sample_that_stands_twice_is_refused_with_both_lines(write: Write) -> None:
    assert "line 4: column 'sample': sample 's1' is on line 2 too" in refusal(write("sample\ns1\ns2\ns1\n"))


def test_names_that_are_one_after_sanitising_are_refused_with_both_lines(write: Write) -> None:
    text = refusal(write("sample\na b\nc\na/b\n"))

    assert "line 4: column 'sample': 'a/b' and 'a b' on line 2 are both 'a-b' in job names" in text


def test_every_problem_of_the_rows_is_told_at_once_in_the_order_of_the_lines(write: Write) -> None:
    text = refusal(write("sample,x,y\ns1,1,\ns2,,2\ns1,3,3\n"))

    assert "samples.csv has 3 problems:" in text
    assert [line.split(":")[0].strip() for line in text.splitlines()[1:]] == ["line 2", "line 3", "line 4"]


def test_ten_problems_are_told_and_the_rest_is_counted(write: Write) -> None:
    text = refusal(write("sample,x\n" + "".join(f"s{number},\n" for number in range(25))))

    assert len(text.splitlines()) == 12
    assert text.endswith("… and 15 more")


def test_rows_with_too_many_or_too_few_cells_are_told_at_once(write: Write) -> None:
    text = refusal(write("sample,x\ns1,1\ns2\ns3,3,3,3\n\ns4,4,\n"))

    assert "has 3 problems" in text
    assert "line 3: the number of cells is 1, but the header has 2" in text
    assert "line 4: the number of cells is 4, but the header has 2" in text
    assert "line 6: the number of cells is 3, but the header has 2" in text


def test_a_row_that_is_too_short_is_refused_even_when_the_missing_cell_is_optional(write: Write) -> None:
    assert "line 2: the number of cells is 1" in refusal(write("sample,notes\ns1\n"), optional=["notes"])


def test_lines_are_counted_as_an_editor_does_after_cells_of_several_lines(write: Write) -> None:
    content = 'sample,x\ns1,"one\ntwo\n\nfour"\ns2,\ns3,3\n'

    assert ", line 6: column 'x'" in refusal(write(content))
    assert "line 8: the number of cells is 3" in refusal(write(content + "s4,4,4\n"))
    assert ", line 3: column 'y'" in refusal(write('\nsample,x,y\ns1,"one\ntwo",\n'))
    assert read_samples(write(content), optional=["x"])[0]["x"] == "one\ntwo\n\nfour"


@pytest.mark.parametrize("row", ['s2,"never closed\ns3,3\n', 's2,"a"b\ns3,3\n'])
def test_a_stray_quote_is_an_error_on_its_line_and_loses_no_row(write: Write, row: str) -> None:
    text = refusal(write("sample,x\ns1,1\n" + row))

    assert "line 3: the row cannot be read" in text
    assert "quote" in text


def test_a_cell_that_is_longer_than_any_cell_should_be_is_an_error_on_its_line(write: Write) -> None:
    assert "line 2: the row cannot be read" in refusal(write("sample\n" + "x" * 200_000 + "\n"))


@pytest.mark.parametrize("content", ["", "\n \n", "\ufeff", ",,\n,,\n", '""\n'])
def test_an_empty_file_is_refused(write: Write, content: str) -> None:
    assert "is empty: its first line must name the columns" in refusal(write(content))


def test_a_header_without_samples_is_refused(write: Write) -> None:
    assert "line 1: there is a header, but no sample below it" in refusal(write("sample,x\n,\n"))


def test_a_file_that_is_not_there_is_named_with_the_place_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert refusal("smaples.csv") == f"smaples.csv: there is no such file (looked for {tmp_path / 'smaples.csv'})"


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert "is a folder" in refusal(tmp_path)


def test_what_the_system_refuses_to_open_is_refused(write: Write) -> None:
    assert "cannot be read: Not a directory" in refusal(write("sample\n") / "x.csv")


def test_a_table_in_a_bucket_is_not_looked_for_on_this_machine() -> None:
    assert "copy it here first" in refusal("s3://bucket/samples.csv")


def test_a_file_uri_is_a_local_file(write: Write) -> None:
    assert read_samples(write("sample\ns1\n").as_uri()) == [{"sample": "s1"}]


@pytest.mark.parametrize(("before", "line", "offset"), [(b"", 2, 8), (b"\xef\xbb\xbf", 2, 11), (b"\n\n", 4, 10)])
def test_text_that_is_not_utf_8_is_told_by_line_and_offset(write: Write, before: bytes, line: int, offset: int) -> None:
    text = refusal(write(before + b"sample\nM\xfcller\n"))

    assert f"line {line}: byte 0xfc at offset {offset} is not UTF-8" in text


def workbook() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (workbook(), "an Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook"),
        (gzip.compress(b"sample\ns1\n", mtime=0), "compressed with gzip"),
        ("sample\ns1\n".encode("utf-16"), "encoded in UTF-16"),
        (b"sample\n\0\1\2\n", "a binary file"),
    ],
)
def test_a_file_that_is_no_text_is_refused_for_what_it_is(write: Write, content: bytes, what: str) -> None:
    text = refusal(write(content))

    assert f"samples.csv is {what}" in text
    assert "save the table as CSV" in text


def test_many_samples_come_in_the_order_of_the_file(write: Write) -> None:
    names = [f"s{number}" for number in range(20_000)]

    assert [row["sample"] for row in read_samples(write("sample,x\n" + ",1\n".join(names) + ",1\n"))] == names


def written(records: list[list[str]], chance: random.Random) -> tuple[str, list[int]]:
    """The records as CSV with blank lines and quotes here and there, and the line on which each one starts."""
    text, lines = "", []
    for record in records:
        text += "".join(chance.choices(["", "\n", " \t\n", "," * (len(records[0]) - 1) + "\n"], [6, 2, 1, 1]))
        lines.append(text.count("\n") + 1)
        row = io.StringIO()
        csv.writer(row, lineterminator="\n", quoting=chance.choice([csv.QUOTE_ALL, csv.QUOTE_MINIMAL])).writerow(record)
        text += row.getvalue()
    return text, lines


@pytest.mark.parametrize("seed", range(100))
def test_any_table_is_read_as_it_was_written_or_refused_on_its_line(write: Write, seed: int) -> None:
    chance = random.Random(seed)
    odd = ["a", "NA", 'q"q', "c,d", "e\nf", " x ", "1.0", "#z", "ü", "'", "\\", "a\tb"]
    header = ["sample", "x", "y"][: chance.randint(1, 3)]
    rows = [[f"s{number}", *chance.choices(odd, k=len(header) - 1)] for number in range(chance.randint(1, 4))]
    spoilt = chance.randrange(len(rows))
    extra = chance.choice([0, 0, 1, 2, 7])
    rows[spoilt] += ["z"] * extra
    text, lines = written([header, *rows], chance)

    if extra:
        assert f", line {lines[spoilt + 1]}: the number of cells is {len(header) + extra}" in refusal(write(text))
    else:
        assert read_samples(write(text)) == [dict(zip(header, map(str.strip, row), strict=True)) for row in rows]


def test_whatever_the_file_holds_it_is_read_or_refused(write: Write) -> None:
    chance = random.Random(9)
    pieces = [
        b"sample",
        b",",
        b"\n",
        b"\r\n",
        b"\r",
        b'"',
        b" ",
        b"\t",
        b";",
        b"a",
        b"\xef\xbb\xbf",
        b"\xff",
        b"\0",
        b"\x0b",
    ]
    for _ in range(200):
        path = write(b"".join(chance.choices(pieces, k=chance.randint(0, 20))))
        with contextlib.suppress(InvalidSamples):
            assert all(isinstance(cell, str) for row in read_samples(path) for cell in row.values())
