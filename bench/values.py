"""Typical JSON values."""

from __future__ import annotations

import random
from functools import cache

_WORDS = [
    "alpha",
    "bravo",
    "charlie",
    "delta",
    "echo",
    "foxtrot",
    "golf",
    "hotel",
    "india",
    "juliett",
    "kilo",
    "lima",
    "mike",
    "november",
    "oscar",
    "papa",
]


@cache
def json_value(size: int) -> str:
    """Return a JSON object of exactly `size` bytes (at least 100), the same on every run."""
    chance = random.Random(size)  # noqa: S311  # not a secret
    members = [f'"id": "{chance.getrandbits(64):016x}"', '"name": "Ada Lovelace"', '"active": true']
    length = sum(map(len, members))
    while length + 2 * len(members) < size - 80:
        value = str(chance.randint(0, 10**6)) if len(members) % 2 else f'"{" ".join(chance.choices(_WORDS, k=3))}"'
        members.append(f'"{chance.choice(_WORDS)}_{len(members)}": {value}')
        length += len(members[-1])
    text = f'{{{", ".join(members)}, "note": "'
    return f'{text}{"x" * (size - len(text) - 2)}"}}'
