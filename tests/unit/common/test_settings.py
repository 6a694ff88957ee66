"""Settings."""

from __future__ import annotations

import pytest

from kv_common.settings import MissingSetting, required


def test_a_setting_is_what_the_environment_says() -> None:
    assert required({"TABLE": "values"}, "TABLE") == "values"


@pytest.mark.parametrize("env", [{}, {"TABLE": ""}, {"table": "values"}], ids=["absent", "empty", "another case"])
def test_a_setting_that_is_absent_or_empty_is_named(env: dict[str, str]) -> None:
    with pytest.raises(MissingSetting, match="TABLE"):
        required(env, "TABLE")
