"""What the steps of a plan cost: the numbers behind every choice that the compiler makes.

A step either passes over the whole state, which takes a time per amplitude that depends on where the state lies (in
a cache or in memory), or it computes: a matrix product on k qubits takes ``8 * 2**k`` floating-point operations per
amplitude. Both times were measured with torch on a CPU (one thread, AVX2) at 12 to 24 qubits; only ratios matter.
"""

from __future__ import annotations

from dataclasses import dataclass

_CPU_PASS_NS = 0.2
_CPU_MATMUL_NS = 0.08
_CPU_BOTTOM_MATMUL_NS = 0.034
_CPU_CALL_NS = 6_000.0
_CPU_CACHE_BYTES = 1 << 23
_CPU_CHUNK_BYTES = 1 << 21

_GPU_PASS_NS = 0.005
_GPU_MATMUL_NS = 0.0005
_GPU_CALL_NS = 8_000.0

MAX_PARKED = 5
"""A move is about as fast as a copy where runs of ``2**5`` amplitudes stay together, and gets slower below."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Times of steps for states of one size on one device, in nanoseconds.

    Attributes:
        n_qubits: the qubits.
        pass_ns: of reading and writing one amplitude.
        matmul_ns: of a matrix product on k qubits per amplitude, divided by ``2**k``.
        bottom_matmul_ns: the same on the lowest positions, for which there may be a faster way.
        call_ns: of starting a step, however short.
        n_chunk: a state that does not fit into a cache is worked on in chunks of so many qubits (else: all of them).
    """

    n_qubits: int
    pass_ns: float
    matmul_ns: float
    bottom_matmul_ns: float
    call_ns: float
    n_chunk: int

    @classmethod
    def of(cls, n_qubits: int, *, device: str = "cpu", single: bool = False) -> Costs:
        """The costs for ``n_qubits`` qubits on a device of type ``device`` (``cpu``, ``cuda``, ``mps``)."""
        width = 1 if single else 2  # an amplitude takes 8 bytes, or twice as much
        if device != "cpu":
            matmul_ns = width * _GPU_MATMUL_NS
            return cls(n_qubits, width * _GPU_PASS_NS, matmul_ns, matmul_ns, _GPU_CALL_NS, n_qubits)
        n_chunk = n_qubits
        if 2 * width << n_qubits + 3 > _CPU_CACHE_BYTES:  # the state and its second buffer
            n_chunk = (_CPU_CHUNK_BYTES // (8 * width)).bit_length() - 1
        matmul_ns = width * _CPU_MATMUL_NS
        bottom_ns = _CPU_BOTTOM_MATMUL_NS if single else matmul_ns
        return cls(n_qubits, width * _CPU_PASS_NS, matmul_ns, bottom_ns, _CPU_CALL_NS, n_chunk)

    @property
    def n_parked(self) -> int:
        """How many of the lowest positions are left alone by moves.

        Enough other positions must remain for a block of five, and as many again to change places with.
        """
        return max(0, min(MAX_PARKED, self.n_chunk - 8, (self.n_chunk - 4) // 2))

    def dense(self, n_wires: int, *, real: bool = False) -> float:
        """A matrix product on ``n_wires`` adjacent positions; a real matrix takes half of the work."""
        return self._step(self.pass_ns + self.matmul_ns * (1 << n_wires) * (0.5 if real else 1))

    def bottom(self, n_wires: int) -> float:
        """A matrix product on the lowest ``n_wires`` positions."""
        return self._step(self.pass_ns / 2 + self.bottom_matmul_ns * (1 << n_wires))

    def block(self, n_wires: int, *, real: bool = False) -> float:
        """A dense block on any positions, moves included; one to the top is shared with another block, on average."""
        at_top = self.dense(n_wires, real=real) + self.move() / 2
        return min(at_top, self.bottom(n_wires) + 2 * self.move()) if self.has_bottom else at_top

    @property
    def has_bottom(self) -> bool:
        """Whether products on the lowest positions are so fast that blocks may be brought there."""
        return self.bottom_matmul_ns < self.matmul_ns and self.n_parked == MAX_PARKED

    def move(self) -> float:
        """A move that leaves the parked positions alone."""
        return self._step(2 * self.pass_ns)

    def diagonal(self) -> float:
        """A multiplication by a table of factors."""
        return self._step(0.6 * self.pass_ns)

    def scale(self, n_wires: int) -> float:
        """A multiplication of one slice: the amplitudes with 1 in ``n_wires`` bits."""
        return self._step(0.6 * self.pass_ns * 0.5**n_wires)

    def exchange(self, n_controls: int, lowest: int) -> float:
        """An exchange of two slices; short runs (a low ``lowest`` position) make it slow."""
        return self._step((1.5 if lowest >= MAX_PARKED else 6.0) * self.pass_ns * 0.5**n_controls)

    def _step(self, per_amplitude: float) -> float:
        return self.call_ns + per_amplitude * (1 << self.n_qubits)
