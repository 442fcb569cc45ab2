// The C code of the noise: Philox4x32-10, uniforms and normals as packages/client/src/noise.ts defines them.
//
// Normals are computed in float64 by the operations of the TypeScript, in its order. Its one library function is the
// logarithm, which V8 takes from fdlibm (e_log.c); the same is written out here, so that not even libm can differ.

export const noiseText = `/* One block of Philox4x32-10: Salmon et al., SC11, doi 10.1145/2063384.2063405. */
static void philox(uint32_t c0, uint32_t c1, uint32_t c2, uint32_t c3, uint32_t k0, uint32_t k1, uint32_t out[4])
{
  for (int round = 0; round < 10; round++) {
    const uint64_t p0 = (uint64_t)0xd2511f53u * c0, p1 = (uint64_t)0xcd9e8d57u * c2;
    c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
    c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
    c1 = (uint32_t)p1;
    c3 = (uint32_t)p0;
    k0 += 0x9e3779b9u;
    k1 += 0xbb67ae85u;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/* Natural logarithm of a normal number above 0, after fdlibm's e_log.c:
   Copyright (C) 1993 by Sun Microsystems, Inc. All rights reserved. Developed at SunPro, a Sun Microsystems, Inc.
   business. Permission to use, copy, modify, and distribute this software is freely granted, provided that this notice
   is preserved. */
static double logarithm(double x)
{
  const double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;
  uint64_t bits;
  int32_t high, k, i, j;
  double f, s, z, w, r, t1, t2, dk, half;
  memcpy(&bits, &x, sizeof bits);
  high = (int32_t)(bits >> 32);
  k = (high >> 20) - 1023;
  high &= 0x000fffff;
  i = (high + 0x95f64) & 0x100000;
  bits = ((uint64_t)(uint32_t)(high | (i ^ 0x3ff00000)) << 32) | (bits & 0xffffffffu);
  memcpy(&x, &bits, sizeof x);
  k += i >> 20;
  f = x - 1.0;
  dk = (double)k;
  if ((0x000fffff & (2 + high)) < 3) {
    if (f == 0.0) return k == 0 ? 0.0 : dk * ln2_high + dk * ln2_low;
    r = f * f * (0.5 - 0.33333333333333333 * f);
    return k == 0 ? f - r : dk * ln2_high - ((r - dk * ln2_low) - f);
  }
  s = f / (2.0 + f);
  z = s * s;
  i = high - 0x6147a;
  w = z * z;
  j = 0x6b851 - high;
  t1 = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
  t2 = z * (6.666666666666735130e-01 +
            w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)));
  r = t2 + t1;
  if ((i | j) > 0) {
    half = 0.5 * f * f;
    return k == 0 ? f - (half - s * (half + r)) : dk * ln2_high - ((half - (s * (half + r) + dk * ln2_low)) - f);
  }
  return k == 0 ? f - s * (f - r) : dk * ln2_high - ((s * (f - r) - dk * ln2_low) - f);
}

/* Standard normals of (seed, event, row): Box-Muller in float64, each rounded once to float32. */
static void normals(uint64_t seed, int64_t event, uint32_t row, int count, float *out)
{
  static const double quarters[7] = {1.0, 0.0, -1.0, 0.0, 1.0, 0.0, -1.0};
  const double unit = 0x1p-32;
  for (int i = 0; i < count; i += 4) {
    uint32_t block[4];
    philox((uint32_t)(i >> 2), row, (uint32_t)(uint64_t)event, (uint32_t)((uint64_t)event >> 32), (uint32_t)seed,
           (uint32_t)(seed >> 32), block);
    for (int pair = 0; pair < 4 && i + pair < count; pair += 2) {
      const double r = sqrt(-2.0 * logarithm((block[pair] + 0.5) * unit));
      /* 4u = k + x with x in [-1/2, 1/2]: both exact, so the angle pi/2 x is better than 2 pi u rounded. */
      const double turn = (block[pair + 1] + 0.5) * (4.0 * unit);
      const int quarter = (int)(turn + 0.5);
      const double angle = (turn - quarter) * (3.141592653589793 / 2.0), z = angle * angle;
      /* Taylor series to x^15 and x^16; the rest is below 2^-53. */
      const double sine =
          angle +
          angle * z *
              (-1.0 / 6.0 +
               z * (1.0 / 120.0 +
                    z * (-1.0 / 5040.0 +
                         z * (1.0 / 362880.0 +
                              z * (-1.0 / 39916800.0 + z * (1.0 / 6227020800.0 - z / 1307674368000.0))))));
      const double cosine =
          1.0 - 0.5 * z +
          z * z *
              (1.0 / 24.0 +
               z * (-1.0 / 720.0 +
                    z * (1.0 / 40320.0 +
                         z * (-1.0 / 3628800.0 +
                              z * (1.0 / 479001600.0 + z * (-1.0 / 87178291200.0 + z / 20922789888000.0))))));
      const double c = quarters[quarter & 3], s = quarters[(quarter & 3) + 3];
      out[i + pair] = (float)(r * (cosine * c - sine * s));
      if (i + pair + 1 < count) out[i + pair + 1] = (float)(r * (sine * c + cosine * s));
    }
  }
}`;
