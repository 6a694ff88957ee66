"""Base62: numbers as digits and letters, safe in URLs and logs and selected by a double click."""

from __future__ import annotations

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}


def encode(number: int, width: int) -> str:
    """Return `number` in exactly `width` characters, padded with zeros on the left.

    Raises ValueError if it is negative or does not fit.
    """
    if number < 0 or number >= 62**width:
        raise ValueError(f"the number does not fit {width} base62 characters")
    digits = []
    for _ in range(width):
        number, remainder = divmod(number, 62)
        digits.append(_ALPHABET[remainder])
    return "".join(reversed(digits))


def decode(text: str) -> int:
    """Return the number that `text` encodes; ValueError if a character is not base62."""
    number = 0
    for character in text:
        try:
            number = number * 62 + _VALUES[character]
        except KeyError as error:
            raise ValueError("the text has a character that is not base62") from error
    return number
