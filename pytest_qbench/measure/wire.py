"""Framing of JSON messages on a pipe between the supervisor and a worker.

A frame is a magic number, the length and the CRC-32 of the payload, and the payload: one JSON value in ASCII. Bytes
that are not a frame (a simulator that writes to descriptors it does not own) are noticed at once instead of being
waited for or misread. JSON, so that two Python versions understand each other and nothing needs to be picklable;
Python's JSON carries NaN and the infinities too. Standard library only.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from typing import Any

_HEADER = struct.Struct(">4sII")
_MAGIC = b"qbn\x01"
_CHUNK = 1 << 16

MAX_PAYLOAD = 1 << 30
"""The largest payload in bytes; a header that announces more is garbage."""


class WireError(Exception):
    """What came through the pipe is not a frame."""


def encode(value: Any) -> bytes:
    """``value`` as one frame; what JSON does not know goes as its text.

    Raises:
        ValueError: the payload is larger than :data:`MAX_PAYLOAD`.
    """
    payload = json.dumps(value, separators=(",", ":"), default=str).encode("ascii")
    if len(payload) > MAX_PAYLOAD:
        raise ValueError(f"a message of {len(payload)} bytes is too large; at most {MAX_PAYLOAD}")
    return _HEADER.pack(_MAGIC, len(payload), zlib.crc32(payload)) + payload


class FrameDecoder:
    """Collects bytes as they come and gives back the values of complete frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Any]:
        """Add ``data``; return the values of the frames that are complete now, in order.

        Raises:
            WireError: the bytes are not a frame. The decoder is of no use afterwards.
        """
        buffer = self._buffer
        buffer += data
        values = []
        while buffer:
            if not _MAGIC.startswith(buffer[: len(_MAGIC)]):
                raise WireError(f"not a message: {_excerpt(buffer)}")
            if len(buffer) < _HEADER.size:
                break
            _, length, checksum = _HEADER.unpack_from(buffer)
            if length > MAX_PAYLOAD:
                raise WireError(f"a message of {length} bytes announced: {_excerpt(buffer)}")
            end = _HEADER.size + length
            if len(buffer) < end:
                break
            values.append(_decode(bytes(buffer[_HEADER.size : end]), checksum))
            del buffer[:end]
        return values


def _decode(payload: bytes, checksum: int) -> Any:
    if zlib.crc32(payload) != checksum:
        raise WireError(f"damaged message: {_excerpt(payload)}")
    try:
        return json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise WireError(f"not JSON ({error}): {_excerpt(payload)}") from None


def read_frame(descriptor: int, decoder: FrameDecoder) -> Any:
    """Wait for the next frame from ``descriptor``; None at the end of the stream.

    For a peer that answers each message before the next one is sent: one frame at a time is under way.

    Raises:
        WireError: the bytes are not a frame.
    """
    while data := os.read(descriptor, _CHUNK):
        if values := decoder.feed(data):
            return values[0]
    return None


def write_frame(descriptor: int, value: Any) -> None:
    """Write ``value`` as one frame, waiting until the pipe has taken all of it."""
    rest = memoryview(encode(value))
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _excerpt(data: bytes | bytearray, length: int = 60) -> str:
    """The beginning of ``data`` for an error message."""
    text = repr(bytes(data[:length]))
    return text if len(data) <= length else f"{text}..."
