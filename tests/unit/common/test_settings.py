"""Settings."""

from __future__ import annotations

import pytest

from kv_common.settings import InvalidSettings, require, required
from kv_common.settings_model import SettingsModel


def test_a_setting_is_what_the_environment_says() -> None:
    assert required({"TABLE": "values"}, "TABLE") == "values"


@pytest.mark.parametrize("env", [{}, {"TABLE": ""}, {"table": "values"}], ids=["absent", "empty", "another case"])
def test_a_setting_that_is_absent_or_empty_is_named(env: dict[str, str]) -> None:
    with pytest.raises(InvalidSettings, match="TABLE"):
        required(env, "TABLE")


def test_error_lists_every_missing_variable() -> None:
    with pytest.raises(InvalidSettings, match="A is not set; C is not set"):
        require({"B": "1"}, "A", "B", "C")


class Example(SettingsModel):
    table: str
    timeout_s: float
    note: str = ""


def test_settings_model_reads_variables_in_capitals() -> None:
    env = {"TABLE": "t", "TIMEOUT_S": "1.5", "NOTE": "", "OTHER": "x"}

    assert Example.from_env(env) == Example(table="t", timeout_s=1.5, note="")


def test_settings_model_lists_every_missing_and_malformed_variable_without_its_value() -> None:
    with pytest.raises(InvalidSettings) as refusal:
        Example.from_env({"TABLE": "", "TIMEOUT_S": "hunter2"})

    assert "TABLE is not set" in str(refusal.value)
    assert "TIMEOUT_S is malformed" in str(refusal.value)
    assert "hunter2" not in str(refusal.value)
