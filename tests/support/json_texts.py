"""Strategies for JSON texts, in every notation that the grammar allows.

`values` are small and fast to generate; `texts` also include long numbers and strings and deep and wide arrays and
objects. Both contain surrogates only as escapes.
"""

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
    # Few names, so that some repeat, which is allowed within a value.
    names = st.one_of(st.sampled_from(['"a"', '"value"', '""']), strings)
    parts = [
        draw(whitespace) + draw(names) + draw(whitespace) + ":" + draw(whitespace) + draw(items) + draw(whitespace)
        for _ in range(draw(st.integers(0, 3)))
    ]
    return "{" + (",".join(parts) or draw(whitespace)) + "}"


values = st.recursive(scalars, lambda items: st.one_of(_arrays(items), _objects(items)), max_leaves=8)

MAX_DEPTH = 128
"""The maximum nesting depth of a value."""

_digits = st.text("0123456789", min_size=1, max_size=400)
_nothing = st.just("")
_long_numbers = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "-"]),
    st.one_of(st.just("0"), st.builds("{}{}".format, st.sampled_from("123456789"), _digits)),
    st.one_of(_nothing, _digits.map(".{}".format)),
    st.one_of(_nothing, st.builds("{}{}".format, st.sampled_from(["e", "E", "e+", "E-"]), _digits)),
)
_long_strings = st.builds(lambda part, times: '"' + part[1:-1] * times + '"', strings, st.integers(50, 500))
_levels = st.lists(st.sampled_from(["[", "[ ", "[{},", '{"a":', '{"": ']), min_size=8, max_size=MAX_DEPTH)


@st.composite
def _deep(draw: st.DrawFn) -> str:
    """Nested arrays and objects, up to the maximum depth."""
    text = draw(scalars)
    for opening in draw(_levels):
        text = opening + text + ("}" if opening[0] == "{" else "]")
    return text


@st.composite
def _wide(draw: st.DrawFn) -> str:
    """An array or object of up to a thousand entries, not sorted by name."""
    items = draw(st.lists(scalars, min_size=1, max_size=5)) * draw(st.integers(20, 200))
    if draw(st.booleans()):
        return "[" + ",".join(items) + "]"
    step = draw(st.sampled_from([1, 7, -1]))
    return "{" + ",".join(f'"{number * step % 1_009}": {item}' for number, item in enumerate(items)) + "}"


texts = st.one_of(values, values, _long_numbers, _long_strings, _deep(), _wide())


@st.composite
def spellings(draw: st.DrawFn, name: str) -> str:
    """A JSON string equal to `name`, with any of its characters escaped."""
    return '"' + "".join(f"\\u{ord(c):04x}" if draw(st.booleans()) else c for c in name) + '"'


def envelope(draw: st.DrawFn, members: list[tuple[str, str]]) -> str:
    """An object of members, given as name and text, with whitespace wherever it is allowed."""
    written = [
        draw(whitespace) + draw(spellings(name)) + draw(whitespace) + ":" + draw(whitespace) + text + draw(whitespace)
        for name, text in members
    ]
    return draw(whitespace) + "{" + (",".join(written) or draw(whitespace)) + "}" + draw(whitespace)
