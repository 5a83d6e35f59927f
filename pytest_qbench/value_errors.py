"""What Python says of a text that is no number, in words for people."""

from __future__ import annotations

_MEANT = {
    "invalid literal for int()": "must be a whole number",
    "could not convert string to float": "must be a number",
}


def reason_of_value(error: ValueError) -> str:
    """The message of ``error``; what ``int`` and ``float`` themselves say is for programmers, and replaced."""
    text = str(error)
    return next((meant for start, meant in _MEANT.items() if text.startswith(start)), text)
