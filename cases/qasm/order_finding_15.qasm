// Shor's order finding for 7 modulo 15 on eight qubits.
//
// Four counting qubits control the multiplications by 7 and 7^2 = 4 modulo 15 (7^4 = 1, so that the two highest powers
// multiply by 1), and an inverse QFT reads the phases k/4 of the order 4: the counting register gives 0, 4, 8 and 12,
// a quarter of the shots each. Multiplications by 2^k permute the work bits; 7 = 15 - 8 is such a permutation
// and an inversion (Beckman et al., Phys. Rev. A 54, 1034; Markov and Saeedi, arXiv:1202.6614).
OPENQASM 2.0;
include "qelib1.inc";

gate times_4 c, w0, w1, w2, w3
{
  cswap c, w0, w2;
  cswap c, w1, w3;
}

// x -> 8x rotates the four bits by three places; 15 - y inverts them.
gate times_7 c, w0, w1, w2, w3
{
  cswap c, w0, w1;
  cswap c, w1, w2;
  cswap c, w2, w3;
  cx c, w0;
  cx c, w1;
  cx c, w2;
  cx c, w3;
}

qreg count[4];
qreg work[4];
creg result[4];

x work[0];
h count;

times_7 count[0], work[0], work[1], work[2], work[3];
times_4 count[1], work[0], work[1], work[2], work[3];

swap count[0], count[3];
swap count[1], count[2];
h count[0];
cu1(-pi/2) count[0], count[1];
h count[1];
cu1(-pi/4) count[0], count[2];
cu1(-pi/2) count[1], count[2];
h count[2];
cu1(-pi/8) count[0], count[3];
cu1(-pi/4) count[1], count[3];
cu1(-pi/2) count[2], count[3];
h count[3];

measure count -> result;
