"""A setting comes from the environment, the profile, the file or the default, in this order, and says which."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from batch_helpers import AWSBatchHelper, connect
from batch_helpers.errors import InvalidInput
from batch_helpers.settings import Settings, config_path
from batch_helpers.settings.document import parse
from batch_helpers.settings.keys import KEYS

FILE = """
[Settings]
queue = "spot"
maxvCpus = 64
subnets = ["subnet-1", "subnet-2"]

[profiles.big]
maxvCpus = 1024
rate = 20

[profiles.small]
maxvCpus = 2
"""

AS_EZBATCH_WRITES_IT = """
[Settings]
executionRoleArn = "arn:aws:iam::123456789012:role/ecsTaskExecutionRole"
maxvCpus = 256
serviceRole = "arn:aws:iam::123456789012:role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch"
instanceRole = "arn:aws:iam::123456789012:role/ecsInstanceRole"
securityGroupIds = []
sse = "aws:kms"
sseKmsKeyId = ""
subnets = []
taskRoleArn = "arn:aws:iam::123456789012:role/ecsTaskExecutionRole"
"""


def loaded(folder: Path, text: str = FILE, profile: str | None = None, **environ: str) -> Settings:
    path = folder / "config.toml"
    path.write_text(text)
    return Settings.load(profile, {"BATCH_HELPERS_CONFIG": str(path), **environ})


def test_each_place_goes_before_the_next_and_says_which_it_was(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    environ = {"BATCH_HELPERS_MAX_VCPUS": "8"}
    for given, value, source in (
        (loaded(tmp_path, profile="big", **environ), 8, "BATCH_HELPERS_MAX_VCPUS"),
        (loaded(tmp_path, profile="big"), 1024, f"[profiles.big] of {path}"),
        (loaded(tmp_path), 64, f"[Settings] of {path}"),
        (loaded(tmp_path, ""), 256, "default"),
    ):
        setting = given.setting("maxvCpus")
        assert (setting.value, setting.source) == (value, source)
        assert given.first("maxvCpus", 4) == 4


def test_a_profile_adds_to_the_file_and_is_chosen_by_the_environment_too(tmp_path: Path) -> None:
    settings = loaded(tmp_path, BATCH_HELPERS_PROFILE="big")
    assert (settings.profile, settings["queue"], settings["rate"]) == ("big", "spot", 20.0)
    assert loaded(tmp_path, profile="small", BATCH_HELPERS_PROFILE="big")["maxvCpus"] == 2


def test_nothing_given_is_the_setting_and_something_given_is_itself(tmp_path: Path) -> None:
    settings = loaded(tmp_path)
    assert settings.first("subnets", ()) == ("subnet-1", "subnet-2")
    assert settings.first("subnets", ("subnet-9",)) == ("subnet-9",)
    assert settings.first("queue", None) == "spot"


def test_a_file_of_ezbatch_is_read_as_it_is_and_what_is_empty_in_it_says_nothing(tmp_path: Path) -> None:
    settings = loaded(tmp_path, AS_EZBATCH_WRITES_IT)
    assert settings["sse"] == "aws:kms"
    assert settings["instanceRole"] == "arn:aws:iam::123456789012:role/ecsInstanceRole"
    for name in ("securityGroupIds", "subnets", "sseKmsKeyId"):
        assert (settings[name], settings.setting(name).source) == (None, "default")


def test_every_setting_has_a_variable_and_lists_are_given_with_commas() -> None:
    given = {"maxvCpus": "7", "rate": "0.5", "engine": "local", "sse": "AES256", "subnets": "subnet-1, subnet-2"}
    given["array"] = "True"
    expected: dict[str, Any] = {"maxvCpus": 7, "rate": 0.5, "subnets": ("subnet-1", "subnet-2"), "array": True}
    for name, key in KEYS.items():
        settings = Settings.load(environ={"BATCH_HELPERS_CONFIG": os.devnull, key.variable: given.get(name, "x")})
        value = ("x",) if name == "securityGroupIds" else expected.get(name, given.get(name, "x"))
        assert (settings[name], settings.setting(name).source) == (value, key.variable)
    assert [KEYS[name].variable.removeprefix("BATCH_HELPERS_") for name in ("maxvCpus", "sseKmsKeyId", "queue")] == [
        "MAX_VCPUS",
        "SSE_KMS_KEY_ID",
        "QUEUE",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[Settings]\nqueue = spot\n", r"not TOML: .*\(at line 2, column 9\)"),
        ('[Settings]\nqueue = "spot', r"not TOML: .*line 2, column 14"),
        ("[Settings]\nqueue = [", r"not TOML: .*line 2, column 10"),
        ('[Settings]\nqueue="a"\nqueue="b"\n', r"not TOML: .*line 3, column 10"),
        ('[Settings]\nqeue = "spot"', r"\[Settings\] 'qeue' is not known; did you mean 'queue'\?"),
        ("[Settings]\nmaxVcpus = 3", r"'maxVcpus' is not known; did you mean 'maxvCpus'\?"),
        ("[Settings]\nzzz = 3", r"'zzz' is not known; there are 'engine', 'queue', .*'sseKmsKeyId'"),
        ("[profiles.big]\nrat = 1", r"\[profiles.big\] 'rat' is not known; did you mean 'rate'\?"),
        ("[settings]\n", r"'settings' is not known at the top; did you mean 'Settings'\?"),
        ('queue = "a"', r"'queue' is not known at the top: put it under \[Settings\]"),
        ("Settings = 3", r"Settings=3: this is a section"),
        ("[profiles]\nbig = 3", r"profiles.big=3: this is a section"),
        ('[Settings]\nmaxvCpus = "many"', r"maxvCpus='many': give a whole number, 1 or more"),
        ("[Settings]\nmaxvCpus = true", "maxvCpus=True: give a whole number"),
        ("[Settings]\nmaxvCpus = 0", "maxvCpus=0: give a whole number"),
        ("[Settings]\nmaxvCpus = 1.5", "maxvCpus=1.5: give a whole number"),
        ("[Settings]\nrate = 0", "rate=0: give requests per second"),
        ("[Settings]\nrate = inf", "rate=inf: give requests per second"),
        ("[Settings]\nrate = nan", "rate=nan: give requests per second"),
        ("[Settings]\nrate = true", "rate=True: give requests per second"),
        ('[Settings]\narray = "often"', "array='often': give true or false"),
        ("[Settings]\narray = 1", "array=1: give true or false"),
        ("[Settings]\nqueue = 3", "queue=3: give a text"),
        ("[Settings]\nsubnets = [1]", r"subnets=\[1\]: give a list of texts"),
        ("[Settings]\nsubnets = 1", "subnets=1: give a list of texts"),
        ('[Settings]\nengine = "awz"', "give one of 'aws', 'local', 'azure'; did you mean 'aws'"),
        ('[Settings]\nsse = "none"', "sse='none': give one of 'AES256'"),
        ("[Settings]\nengine = []\nqueue = 1979-05-27", "queue=.*give a text"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem) as told:
        parse("/config.toml", text)
    assert str(told.value).startswith("/config.toml: ")


def test_a_wrong_value_in_a_profile_that_is_not_used_is_told_too(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"\[profiles.small\] maxvCpus='x'"):
        loaded(tmp_path, FILE.replace("maxvCpus = 2", 'maxvCpus = "x"'), profile="big")


def test_a_wrong_value_in_the_environment_is_told_with_its_variable(tmp_path: Path) -> None:
    for variable, given in (("BATCH_HELPERS_MAX_VCPUS", "²"), ("BATCH_HELPERS_RATE", "fast")):
        with pytest.raises(InvalidInput, match=f"^{variable}='{given}': give"):
            loaded(tmp_path, **{variable: given})
    with pytest.raises(InvalidInput, match=r"BATCH_HELPERS_ENGINE='awss': .*did you mean 'aws'"):
        loaded(tmp_path, BATCH_HELPERS_ENGINE="awss")


def test_an_empty_variable_says_nothing(tmp_path: Path) -> None:
    assert loaded(tmp_path, BATCH_HELPERS_QUEUE="", BATCH_HELPERS_PROFILE="")["queue"] == "spot"


def test_a_profile_that_is_not_in_the_file_is_told_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"config.toml: there is no profile 'bgi'; did you mean 'big'\?"):
        loaded(tmp_path, profile="bgi")
    with pytest.raises(InvalidInput, match="there is no profile 'zzz'; there are: 'big', 'small'"):
        loaded(tmp_path, profile="zzz")
    with pytest.raises(InvalidInput, match="there are: none"):
        loaded(tmp_path, "", profile="big")
    with pytest.raises(InvalidInput, match=r"profile 'big': there is no .*/batch_helpers/config.toml to have one"):
        Settings.load("big", {"HOME": "/nonexistent"})


def test_a_file_that_is_not_there_or_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"BATCH_HELPERS_CONFIG=/nowhere.toml: there is no such file"):
        Settings.load(environ={"BATCH_HELPERS_CONFIG": "/nowhere.toml"})
    with pytest.raises(InvalidInput, match="cannot be read: Is a directory"):
        Settings.load(environ={"BATCH_HELPERS_CONFIG": str(tmp_path)})
    (tmp_path / "latin").write_bytes(b'[Settings]\nqueue = "\xe9"\n')
    with pytest.raises(InvalidInput, match="not TOML: line 2, column 10: byte 0xe9 is no UTF-8"):
        Settings.load(environ={"BATCH_HELPERS_CONFIG": str(tmp_path / "latin")})


def test_an_unknown_setting_is_asked_for_in_vain(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="'quee' is no setting; did you mean 'queue'"):
        loaded(tmp_path)["quee"]


def test_connection_is_what_connect_takes(tmp_path: Path) -> None:
    assert loaded(tmp_path, profile="big").connection() == {"engine": "aws", "job_queue": "spot", "rate": 20.0}
    assert loaded(tmp_path, "", BATCH_HELPERS_ENGINE="local", BATCH_HELPERS_RATE="3").connection() == {
        "engine": "local"
    }


@pytest.mark.slow
def test_the_file_is_where_this_system_keeps_such_files_and_loading_writes_nothing(tmp_path: Path) -> None:
    code = (
        "import os, batch_helpers.settings as s\n"
        "print(s.config_path(), s.Settings.load()['engine'], os.listdir(os.environ['HOME']))"
    )
    environ = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    ended = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    path, engine, there = ended.stdout.strip().split(" ", 2)
    assert path.startswith(str(tmp_path))
    assert path.endswith("/batch_helpers/config.toml")
    assert (engine, there) == ("aws", "[]")
    assert config_path({"BATCH_HELPERS_CONFIG": "/x.toml"}) == "/x.toml"


def test_making_a_helper_reads_no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("[")
    monkeypatch.setenv("BATCH_HELPERS_CONFIG", str(tmp_path / "broken.toml"))
    monkeypatch.setenv("BATCH_HELPERS_QUEUE", "env")
    assert AWSBatchHelper(region="us-east-1").job_queue is None
    assert connect("aws", job_queue="q").job_queue == "q"
