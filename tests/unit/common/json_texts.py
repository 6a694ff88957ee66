"""Strategies that make JSON as text, in every spelling the grammar allows."""

from __future__ import annotations

from hypothesis import strategies as st

whitespace = st.text(" \t\n\r", max_size=2)

numbers = st.one_of(
    st.sampled_from(["0", "-0", "1.0", "-0.0", "1e400", "1E+2", "-1e-400", "9" * 60, "0." + "1" * 60]),
    st.from_regex(r"-?(0|[1-9][0-9]{0,59})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?", fullmatch=True),
)

_unescaped = st.characters(min_codepoint=0x20, exclude_characters='"\\', exclude_categories=["Cs"])
_short_escapes = st.sampled_from([r"\"", r"\\", r"\/", r"\b", r"\f", r"\n", r"\r", r"\t"])
_code_units = st.one_of(st.integers(0, 0xFFFF), st.integers(0xD800, 0xDFFF))
_unicode_escapes = st.builds(
    lambda unit, upper: f"\\u{unit:04X}" if upper else f"\\u{unit:04x}", _code_units, st.booleans()
)
strings = st.lists(st.one_of(_unescaped, st.sampled_from("[]{},:"), _short_escapes, _unicode_escapes), max_size=6).map(
    lambda parts: '"' + "".join(parts) + '"'
)

scalars = st.one_of(st.sampled_from(["true", "false", "null"]), numbers, strings)


@st.composite
def _arrays(draw: st.DrawFn, items: st.SearchStrategy[str]) -> str:
    parts = [draw(whitespace) + draw(items) + draw(whitespace) for _ in range(draw(st.integers(0, 3)))]
    return "[" + (",".join(parts) or draw(whitespace)) + "]"


@st.composite
def _objects(draw: st.DrawFn, items: st.SearchStrategy[str]) -> str:
    # Few names, so that some repeat: below the envelope that is the caller's own affair.
    names = st.one_of(st.sampled_from(['"a"', '"value"', '""']), strings)
    parts = [
        draw(whitespace) + draw(names) + draw(whitespace) + ":" + draw(whitespace) + draw(items) + draw(whitespace)
        for _ in range(draw(st.integers(0, 3)))
    ]
    return "{" + (",".join(parts) or draw(whitespace)) + "}"


values = st.recursive(scalars, lambda items: st.one_of(_arrays(items), _objects(items)), max_leaves=8)


@st.composite
def spellings(draw: st.DrawFn, name: str) -> str:
    """Make a JSON string that means `name`, with any of its characters escaped."""
    return '"' + "".join(f"\\u{ord(c):04x}" if draw(st.booleans()) else c for c in name) + '"'


def envelope(draw: st.DrawFn, members: list[tuple[str, str]]) -> str:
    """Put members, given as name and text, into an object with whitespace wherever it may stand."""
    written = [
        draw(whitespace) + draw(spellings(name)) + draw(whitespace) + ":" + draw(whitespace) + text + draw(whitespace)
        for name, text in members
    ]
    return draw(whitespace) + "{" + (",".join(written) or draw(whitespace)) + "}" + draw(whitespace)
