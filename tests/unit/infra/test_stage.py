"""Stage files and the parameters that they give."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra.deploy.errors import DeploymentError
from infra.deploy.stage import Stage, read
from infra.packaging.architecture import Architecture
from infra.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path

TEMPLATE = {
    "Parameters": {
        "Stage": {"Type": "String"},
        "RedisUrl": {"Type": "String", "Description": "Where Redis is"},
        "LogRetentionDays": {"Type": "Number", "Default": 30},
    }
}


def stage_file(folder: Path, text: str) -> Path:
    path = folder / "dev.toml"
    path.write_text(text)
    return path


def test_a_stage_has_a_region_an_architecture_and_parameters(tmp_path: Path) -> None:
    text = '[stage]\nregion = "eu-west-1"\n[parameters]\nOrigins = ["https://a", "https://b"]\nDays = 3\nOn = true\n'

    stage = read(stage_file(tmp_path, text), "dev")

    assert (stage.region, stage.architecture) == ("eu-west-1", Architecture.ARM64)
    assert stage.parameters == {"Origins": "https://a,https://b", "Days": "3", "On": "true"}
    assert stage.stack("kv") == "kv-dev-kv"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", r"needs a region"),
        ("[stage", r"dev\.toml is no TOML"),
        ('[stage]\nregion = "eu-west-1"\narchitecture = "sparc"', r"one of x86_64, arm64, not 'sparc'"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_name(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(DeploymentError, match=complaint) as raised:
        read(stage_file(tmp_path, text), "dev")
    assert "dev.toml" in str(raised.value)


def test_a_missing_file_and_an_impossible_name_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match=r"copy .*dev\.toml\.example to .*prod\.toml"):
        read(tmp_path / "prod.toml", "prod")
    with pytest.raises(DeploymentError, match="lower-case"):
        read(tmp_path / "x.toml", "My Stage")


def test_a_template_gets_the_parameters_that_it_declares_and_no_others() -> None:
    stage = Stage("dev", "eu-west-1", Architecture.ARM64, {"RedisUrl": "redis://x", "Unrelated": "1"}, "dev.toml")

    assert stage.parameters_of(TEMPLATE, "kv-dev-kv") == {"Stage": "dev", "RedisUrl": "redis://x"}


def test_a_missing_parameter_names_the_file_and_the_key() -> None:
    stage = Stage("dev", "eu-west-1", Architecture.ARM64, {}, "infra/stages/dev.toml")

    with pytest.raises(DeploymentError, match=r"(?s)RedisUrl \(Where Redis is\).*infra/stages/dev\.toml.*RedisUrl = "):
        stage.parameters_of(TEMPLATE, "kv-dev-kv")


def test_the_example_is_a_valid_stage() -> None:
    example = Repository.here().stage_file("dev").with_name("dev.toml.example")

    assert read(example, "dev").parameters["RedisUrl"].startswith("rediss://")
