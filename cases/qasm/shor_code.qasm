// Shor's nine-qubit code: encode, one arbitrary error, decode with coherent correction.
//
// Shor (Phys. Rev. A 52, 2493). The logical state ry(2 pi / 5)|0> is spread over nine qubits, qubit 4 undergoes a rotation
// about a tilted axis, and decoding with Toffoli gates brings the state back to qubit 0. What the error was is left
// on the other eight qubits. All are measured: bit 0 is 1 with probability sin^2(pi / 5), whatever the error.
OPENQASM 2.0;
include "qelib1.inc";

qreg q[9];
creg c[9];

ry(2*pi/5) q[0];

// Phase code over the blocks 0, 3, 6, then a bit-flip code in each block.
cx q[0], q[3];
cx q[0], q[6];
h q[0];
h q[3];
h q[6];
cx q[0], q[1];
cx q[0], q[2];
cx q[3], q[4];
cx q[3], q[5];
cx q[6], q[7];
cx q[6], q[8];

u3(0.9, 0.4, -1.3) q[4];

cx q[0], q[1];
cx q[0], q[2];
ccx q[2], q[1], q[0];
cx q[3], q[4];
cx q[3], q[5];
ccx q[5], q[4], q[3];
cx q[6], q[7];
cx q[6], q[8];
ccx q[8], q[7], q[6];
h q[0];
h q[3];
h q[6];
cx q[0], q[3];
cx q[0], q[6];
ccx q[6], q[3], q[0];

measure q -> c;
