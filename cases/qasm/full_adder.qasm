// A one-bit full adder on all inputs at once.
//
// The inputs a, b and the carry are in superposition (the carry not evenly, so that the eight outcomes do not all
// have the same probability); q[3] receives the outgoing carry and the carry's qubit the sum. The textbook circuit
// of two Toffoli gates and CNOTs (Vedral, Barenco and Ekert, Phys. Rev. A 54, 147). The classical bits are permuted
// on purpose: a reader that ignores them gets a wrong distribution.
OPENQASM 2.0;
include "qelib1.inc";

qreg q[4];  // a, b, carry in and then sum, carry out
creg c[4];

h q[0];
ry(pi/3) q[1];
ry(2*pi/5) q[2];

ccx q[0], q[1], q[3];
cx q[0], q[1];
ccx q[1], q[2], q[3];
cx q[1], q[2];
cx q[0], q[1];

measure q[0] -> c[2];
measure q[1] -> c[0];
measure q[2] -> c[3];
measure q[3] -> c[1];
