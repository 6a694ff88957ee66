"""Log lines."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from kv_common import logs

if TYPE_CHECKING:
    import pytest


class Stream(io.StringIO):
    """A stream that remembers what had been flushed."""

    def __init__(self) -> None:
        super().__init__()
        self.flushed = ""

    def flush(self) -> None:
        super().flush()
        self.flushed = self.getvalue()


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.text(st.characters(exclude_categories=["Cs"]))
)
fields = st.dictionaries(st.text("abc_", min_size=1), st.one_of(scalars, st.lists(scalars)))


@given(fields)
def test_fields_become_one_line_of_json_that_is_flushed_at_once(written: dict[str, object]) -> None:
    stream = Stream()

    logs.write(written, stream)

    assert stream.flushed.endswith("\n")
    assert stream.flushed.count("\n") == 1
    assert "\r" not in stream.flushed
    assert json.loads(stream.flushed) == written


def test_lines_go_to_standard_output_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    logs.write({"status": 200})
    logs.write({"status": 404})

    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [{"status": 200}, {"status": 404}]
