// The C functions of single elements that exports carry with them, so that loops over them vectorise.
//
// libm's are calls, one element each. These are the approximations of the Cephes library (S. L. Moshier,
// netlib.org/cephes, single precision: expf.c, logf.c, tanhf.c), written without branches: a select in place of each.
// Their error against libm in double is measured in supportMaths.test.ts and stated here.

/** By name: what it needs, and its text. Order is that of the file. */
export const mathFunctions: Record<string, { needs: string[]; text: string }> = {
  madd: {
    needs: [],
    text: `/* a b + c, rounded once where the processor does so. */
INLINE float madd(const int fused, const float a, const float b, const float c)
{
  return fused ? fmaf(a, b, c) : a * b + c;
}`,
  },
  exp_: {
    needs: ["madd"],
    text: `/* Within 1.1 units in the last place; 0 below exp(-86.6) = 2.5e-38. After Cephes expf.c: x = n ln 2 + r, a polynomial
   of r, times 2^n. Adding 1.5 * 2^23 rounds to a whole number and leaves it in the lower bits. */
INLINE float exp_(const int fused, const float x)
{
  const float low = -86.6f, high = 88.72283f;
  const float bounded = x < low ? low : (x > high ? high : x);
  const float shifted = madd(fused, bounded, 1.44269504088896341f, 12582912.0f);
  const float n = shifted - 12582912.0f;
  const float r = madd(fused, n, 2.12194440e-4f, madd(fused, n, -0.693359375f, bounded));
  float p = 1.9875691500e-4f, result;
  uint32_t bits;
  p = madd(fused, p, r, 1.3981999507e-3f);
  p = madd(fused, p, r, 8.3334519073e-3f);
  p = madd(fused, p, r, 4.1665795894e-2f);
  p = madd(fused, p, r, 1.6666665459e-1f);
  p = madd(fused, p, r, 5.0000001201e-1f);
  p = madd(fused, p, r * r, r) + 1.0f;
  memcpy(&bits, &shifted, sizeof bits);
  bits = (bits << 23) + 0x3f000000u; /* 2^(n - 1), which is in range where 2^n may not be */
  memcpy(&result, &bits, sizeof result);
  result *= p + p;
  result = x < low ? 0.0f : result;
  return x > high ? INFINITY : result;
}`,
  },
  log_: {
    needs: ["madd"],
    text: `/* Within 1.0 units in the last place. After Cephes logf.c: x = 2^e m with m in [sqrt(1/2), sqrt(2)). */
INLINE float log_(const int fused, const float x)
{
  const float least = 1.17549435e-38f;
  const float raised = x * 8388608.0f;
  const float normal = x < least ? raised : x;
  const float lowered = x < least ? -150.0f : -127.0f;
  float e, m, f, z, p, y;
  uint32_t bits;
  memcpy(&bits, &normal, sizeof bits);
  bits += 0x3f800000u - 0x3f3504f3u;
  e = (float)(int32_t)(bits >> 23) + lowered;
  bits = (bits & 0x007fffffu) + 0x3f3504f3u;
  memcpy(&m, &bits, sizeof m);
  f = m - 1.0f;
  z = f * f;
  p = 7.0376836292e-2f;
  p = madd(fused, p, f, -1.1514610310e-1f);
  p = madd(fused, p, f, 1.1676998740e-1f);
  p = madd(fused, p, f, -1.2420140846e-1f);
  p = madd(fused, p, f, 1.4249322787e-1f);
  p = madd(fused, p, f, -1.6668057665e-1f);
  p = madd(fused, p, f, 2.0000714765e-1f);
  p = madd(fused, p, f, -2.4999993993e-1f);
  p = madd(fused, p, f, 3.3333331174e-1f);
  y = madd(fused, e, -2.12194440e-4f, p * f * z);
  y = madd(fused, e, 0.693359375f, f + madd(fused, z, -0.5f, y));
  y = x > 3.40282347e+38f ? x : y;
  y = x == 0.0f ? -INFINITY : y;
  return x < 0.0f || x != x ? NAN : y;
}`,
  },
  tanh_: {
    needs: ["exp_"],
    text: `/* Within 2.0 units in the last place. After Cephes tanhf.c: a polynomial below 0.625, 1 - 2 / (exp(2x) + 1) above. */
INLINE float tanh_(const int fused, const float x)
{
  const float size = fabsf(x), z = x * x;
  const float large = 1.0f - 2.0f / (exp_(fused, size + size) + 1.0f);
  const float negative = -large;
  float p = -5.70498872745e-3f;
  p = madd(fused, p, z, 2.06390887954e-2f);
  p = madd(fused, p, z, -5.37397155531e-2f);
  p = madd(fused, p, z, 1.33314422036e-1f);
  p = madd(fused, p, z, -3.33332819422e-1f);
  p = madd(fused, p * z, x, x);
  return size < 0.625f ? p : (x < 0.0f ? negative : large);
}`,
  },
  elu_: {
    needs: ["exp_"],
    text: `/* alpha (exp(x) - 1) below 0, as ONNX defines it. */
INLINE float elu_(const int fused, const float x, const float alpha)
{
  const float below = alpha * (exp_(fused, x) - 1.0f);
  return x < 0.0f ? below : x;
}`,
  },
  leaky_: {
    needs: [],
    text: `INLINE float leaky_(const float x, const float alpha)
{
  const float below = alpha * x;
  return x < 0.0f ? below : x;
}`,
  },
  softplus_: {
    needs: ["exp_", "log_"],
    text: `INLINE float softplus_(const int fused, const float x)
{
  const float positive = x < 0.0f ? 0.0f : x;
  return positive + log_(fused, 1.0f + exp_(fused, -fabsf(x)));
}`,
  },
};
