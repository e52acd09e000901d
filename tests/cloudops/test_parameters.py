"""A YAML file of parameters becomes commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from batch_helpers.cloudops.parameters import commands
from batch_helpers.errors import InvalidInput


def made(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    return commands("run", str(path))


def test_each_mapping_of_a_list_is_a_command(tmp_path: Path) -> None:
    assert made(tmp_path, "- {a: 1, b: two words}\n- {c: x}\n") == ["run --a 1 --b 'two words'", "run --c x"]


def test_what_varies_is_combined(tmp_path: Path) -> None:
    text = "parameters:\n  a: {vary: [1, 2]}\n  b: {vary: [x, y]}\n  c: {fix: z}\n"
    assert made(tmp_path, text) == [f"run --a {a} --b {b} --c z" for a in (1, 2) for b in ("x", "y")]


def test_conditions_leave_parameters_out_and_the_same_command_comes_once(tmp_path: Path) -> None:
    text = """
schema: v0.3
parameters:
  method: {vary: [newton, brent]}
  start_point:
    if: {equals: {method: newton}}
    vary: [0.25, 0.50]
  check(flag):
    if: {equals: {method: brent}}
    fix: x
"""
    assert made(tmp_path, text) == [
        "run --method newton --start_point 0.25",
        "run --method newton --start_point 0.5",
        "run --method brent --check",
    ]


def test_a_flag_that_is_off_is_left_out(tmp_path: Path) -> None:
    assert made(tmp_path, "- {'v(flag)': true, 'w(flag)': false, 'x(flag)': ''}\n") == ["run --v"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "write a list of mappings"),
        ("just text", "write a list of mappings"),
        ("- 1\n- 2\n", "write a list of mappings"),
        ("[]", "no set of parameters"),
        ("parameters: [1]", "must be a mapping"),
        ("parameters:\n  a: 1\n", "parameter 'a': write"),
        ("parameters:\n  a: {vary: []}\n", "parameter 'a': write"),
        ("parameters:\n  a: {vary: [1], fix: 2}\n", "parameter 'a': write"),
        ("a: [", "is no YAML"),
    ],
)
def test_what_is_no_set_of_parameters_is_refused_with_the_file(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(InvalidInput, match=rf"params\.yaml.*{problem}"):
        made(tmp_path, text)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="No such file"):
        commands("run", str(tmp_path / "none.yaml"))
    (tmp_path / "latin.yaml").write_bytes(b"- {a: \xe9}\n")
    with pytest.raises(InvalidInput, match="is no YAML"):
        commands("run", str(tmp_path / "latin.yaml"))
