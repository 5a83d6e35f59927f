"""Framing: what goes in comes out, however it is cut; anything else is noticed."""

import json
import math
import os
import struct
import threading
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_qbench.measure.wire import MAX_PAYLOAD, FrameDecoder, WireError, encode, read_frame, write_frame

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(st.lists(values, max_size=4), st.data())
def test_frames_survive_any_cutting(messages, data):
    stream = b"".join(map(encode, messages))
    decoder = FrameDecoder()
    received = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        received += decoder.feed(stream[:size])
        stream = stream[size:]
    assert received == messages


@given(values, st.data())
def test_a_damaged_frame_is_never_taken_for_a_message(message, data):
    frame = bytearray(encode(message))
    position = data.draw(st.integers(0, len(frame) - 1))
    frame[position] ^= data.draw(st.integers(1, 255))
    try:
        received = FrameDecoder().feed(bytes(frame))
    except WireError:
        return
    assert received == []  # the length was damaged: the frame seems to go on


@given(st.binary(min_size=1).filter(lambda data: not b"qbn\x01".startswith(data[:4])))
def test_garbage_is_noticed_at_its_first_byte(garbage):
    with pytest.raises(WireError, match="not a message"):
        FrameDecoder().feed(garbage)


def test_garbage_between_two_frames_is_noticed():
    decoder = FrameDecoder()
    with pytest.raises(WireError, match="not a message: b'segfault!'"):
        decoder.feed(encode({"a": 1}) + b"segfault!")


def test_non_finite_floats_pass():
    (received,) = FrameDecoder().feed(encode([math.nan, math.inf, -math.inf]))
    assert math.isnan(received[0])
    assert received[1:] == [math.inf, -math.inf]


def test_what_json_does_not_know_goes_as_text():
    assert FrameDecoder().feed(encode({"path": 1 + 2j})) == [{"path": "(1+2j)"}]


def test_an_absurd_length_is_not_waited_for():
    header = struct.pack(">4sII", b"qbn\x01", MAX_PAYLOAD + 1, 0)
    with pytest.raises(WireError, match=f"{MAX_PAYLOAD + 1} bytes announced"):
        FrameDecoder().feed(header)


def test_a_payload_that_is_not_json_is_noticed():
    payload = b"{'a': 1}"
    with pytest.raises(WireError, match="not JSON"):
        FrameDecoder().feed(struct.pack(">4sII", b"qbn\x01", len(payload), zlib.crc32(payload)) + payload)


def test_a_message_larger_than_the_pipe_passes():
    read, write = os.pipe()
    message = {"counts": {format(i, "020b"): i for i in range(20_000)}}
    assert len(json.dumps(message)) > 1 << 18
    writer = threading.Thread(target=write_frame, args=(write, message))
    writer.start()
    decoder = FrameDecoder()
    assert read_frame(read, decoder) == message
    writer.join()
    os.close(write)
    assert read_frame(read, decoder) is None
    os.close(read)
