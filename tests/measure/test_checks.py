"""What counts and durations must be."""

import collections
import math
import types

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_qbench.measure.checks import ProtocolError, check_counts, check_seconds


@given(
    st.integers(0, 6).flatmap(
        lambda n: st.tuples(st.just(n), st.dictionaries(st.text("01", min_size=n, max_size=n), st.integers(0, 99)))
    )
)
def test_good_counts_pass_unchanged(case):
    n_clbits, counts = case
    assert check_counts(counts, n_clbits, sum(counts.values())) == counts


def test_other_mappings_and_integers_become_plain():
    counts = check_counts(collections.Counter({"00": np.int64(3), np.str_("11"): np.uint8(4)}), 2, 7)
    assert counts == {"00": 3, "11": 4}
    assert {type(value) for item in counts.items() for value in item} == {str, int}
    assert check_counts(types.MappingProxyType({"1": 1}), 1, 1) == {"1": 1}


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"00": 5, "11": 4}, "counts sum to 9, not to the 10 shots asked for"),
        ({}, "counts sum to 0"),
        ({"000": 10}, "the key '000', not a string of 2 bits"),
        ({"0": 10}, "the key '0'"),
        ({"0x": 10}, "the key '0x'"),
        ({"0 ": 10}, "the key '0 '"),
        ({0: 10}, "the key 0,"),
        ({b"00": 10}, "the key b'00'"),
        ({"00": 11, "11": -1}, r"counts\['11'\] is -1, not a non-negative integer"),
        ({"00": 10.0}, r"counts\['00'\] is 10.0"),
        ({"00": math.nan}, r"counts\['00'\] is nan"),
        ({"00": None}, r"counts\['00'\] is None"),
        (["00"] * 10, "counts are a list, not a mapping"),
        (None, "counts are a NoneType"),
    ],
)
def test_bad_counts_say_what_came(counts, message):
    with pytest.raises(ProtocolError, match=message):
        check_counts(counts, 2, 10)


def test_a_long_or_unprintable_value_does_not_flood_the_message():
    class Silent:
        def __repr__(self):
            raise RuntimeError

    with pytest.raises(ProtocolError) as caught:
        check_counts("x" * 10_000, 2, 10)
    assert len(str(caught.value)) < 200
    with pytest.raises(ProtocolError, match="<Silent without a representation>"):
        check_counts(Silent(), 2, 10)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -1.0, -1e-12, 0, 0.0, None, "1.0"])
def test_bad_durations_are_refused(value):
    with pytest.raises(ProtocolError, match=r"a round is .*, not a duration"):
        check_seconds(value, "a round")


def test_good_durations_pass():
    assert check_seconds(1e-9, "a round") == 1e-9
    assert check_seconds(3, "a round") == 3.0
    assert check_seconds(0, "CPU time", zero=True) == 0.0
