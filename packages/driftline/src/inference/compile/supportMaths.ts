// The C functions of single elements that exports carry with them, so that loops over them vectorise.
//
// libm's are calls, one element each. The formulas are those of ONNX Runtime's own kernels (its MLAS, MIT licence, and
// Eigen), so that an export follows the runtime that it stands in for as closely as float32 allows; the logarithm is that
// of Cephes (S. L. Moshier, netlib.org/cephes, logf.c). They have no branches: nothing but constants and given numbers
// stands in the arms of a ?:, since what is computed there might trap and is not vectorised.
// supportMaths.test.ts measures the errors against libm in float64; docs/export.md has the figures.

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
  select_: {
    needs: [],
    text: `/* a where the mask is all ones, b where it is 0: by bits, since a compiler may make a branch of ?: and then not vectorise. */
INLINE float select_(const uint32_t mask, const float a, const float b)
{
  uint32_t u, v;
  float result;
  memcpy(&u, &a, sizeof u);
  memcpy(&v, &b, sizeof v);
  u = (u & mask) | (v & ~mask);
  memcpy(&result, &u, sizeof result);
  return result;
}`,
  },
  clamp_: {
    needs: ["select_"],
    text: `INLINE float clamp_(const float x, const float low, const float high)
{
  return select_(x < low ? 0xffffffffu : 0u, low, select_(x > high ? 0xffffffffu : 0u, high, x));
}`,
  },
  exp_form: {
    needs: ["madd", "clamp_"],
    text: `/* x = n ln 2 + r, a polynomial of r, times 2^n; the reduction is that of Cephes expf.c. Adding 1.5 * 2^23 rounds to a
   whole number and leaves it in the lower bits. Below exp(-87) = 1.6e-38 the result is 0. Two polynomials: that of
   MlasComputeExp, by which ONNX Runtime computes Exp and Softmax, and that of Eigen, without fused multiply-add, by which
   it computes Elu. */
INLINE float exp_form(const int fused, const int eigen, const float x)
{
  const float low = -87.3f, high = 89.0f; /* at low n is -126, and at high 2^n overflows to infinity */
  const float bounded = clamp_(x, low, high);
  const float shifted = madd(fused, bounded, 1.44269504088896341f, 12582912.0f);
  const float n = shifted - 12582912.0f;
  const float r = madd(fused, n, 2.12194440e-4f, madd(fused, n, -0.693359375f, bounded));
  float p, power;
  uint32_t bits;
  if (eigen) {
    const float square = r * r;
    const float odd = square * 8.36894474923610687255859375e-3f + 0.16666518151760101318359375f;
    float even = square * 1.37449637986719608306884765625e-3f + 4.166965186595916748046875e-2f;
    even = square * even + 0.49999988079071044921875f;
    p = square * (r * odd + even) + (r + 1.0f);
  } else {
    p = madd(fused, 0x1.694p-10f, r, 0x1.125edcp-7f);
    p = madd(fused, p, r, 0x1.555b5ap-5f);
    p = madd(fused, p, r, 0x1.55545p-3f);
    p = madd(fused, p, r, 0x1.fffff6p-2f);
    p = madd(fused, p, r, 1.0f);
    p = madd(fused, p, r, 1.0f);
  }
  memcpy(&bits, &shifted, sizeof bits);
  bits = (bits << 23) + 0x3f000000u; /* 2^(n - 1): in range where 2^n is not, and 0 for n = -126 */
  memcpy(&power, &bits, sizeof power);
  return (p + p) * power;
}`,
  },
  exp_: {
    needs: ["exp_form"],
    text: `INLINE float exp_(const int fused, const float x)
{
  return exp_form(fused, 0, x);
}`,
  },
  log_: {
    needs: ["madd"],
    text: `/* After Cephes logf.c: x = 2^e m with m in [sqrt(1/2), sqrt(2)). */
INLINE float log_(const int fused, const float x)
{
  const float factor = x < 1.17549435e-38f ? 8388608.0f : 1.0f;
  const float bias = x < 1.17549435e-38f ? -150.0f : -127.0f;
  const float normal = x * factor;
  float special = x > 3.40282347e+38f ? INFINITY : 0.0f;
  float e, m, f, z, p, y;
  uint32_t bits;
  memcpy(&bits, &normal, sizeof bits);
  bits += 0x3f800000u - 0x3f3504f3u;
  e = (float)(int32_t)(bits >> 23) + bias;
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
  special = x == 0.0f ? -INFINITY : special;
  special = x < 0.0f ? NAN : special;
  special = x != x ? x : special;
  return y + special;
}`,
  },
  tanh_: {
    needs: ["madd", "clamp_"],
    text: `/* An odd polynomial over an even one, as in ONNX Runtime's MlasComputeTanh; from 9 on it is 1. */
INLINE float tanh_(const int fused, const float x)
{
  const float v = clamp_(x, -9.0f, 9.0f), z = v * v;
  float p = -2.76076847742355e-16f, q = 1.19825839466702e-06f;
  p = madd(fused, p, z, 2.00018790482477e-13f);
  p = madd(fused, p, z, -8.60467152213735e-11f);
  p = madd(fused, p, z, 5.12229709037114e-08f);
  p = madd(fused, p, z, 1.48572235717979e-05f);
  p = madd(fused, p, z, 6.37261928875436e-04f);
  p = madd(fused, p, z, 4.89352455891786e-03f);
  q = madd(fused, q, z, 1.18534705686654e-04f);
  q = madd(fused, q, z, 2.26843463243900e-03f);
  q = madd(fused, q, z, 4.89352518554385e-03f);
  return p * v / q;
}`,
  },
  signed_part: {
    needs: [],
    text: `/* x where it is negative (or where it is not, for 0), else 0; by bits, since a compiler may make branches of ?:. */
INLINE float signed_part(const float x, const int negative)
{
  uint32_t bits, mask;
  float result;
  memcpy(&bits, &x, sizeof bits);
  mask = 0u - (bits >> 31);
  bits &= negative ? mask : ~mask;
  memcpy(&result, &bits, sizeof result);
  return result;
}`,
  },
  elu_: {
    needs: ["exp_form", "signed_part"],
    text: `/* x, or alpha (exp(x) - 1) below 0, as ONNX defines it. The part that does not count is 0. */
INLINE float elu_(const int fused, const float x, const float alpha)
{
  const float negative = signed_part(x, 1), positive = signed_part(x, 0);
  return positive + alpha * (exp_form(fused, 1, negative) - 1.0f);
}`,
  },
  leaky_: {
    needs: ["signed_part"],
    text: `/* x, or alpha x below 0. */
INLINE float leaky_(const float x, const float alpha)
{
  const float negative = signed_part(x, 1), positive = signed_part(x, 0);
  return positive + alpha * negative;
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
