// Elementary functions of a vector. The polynomials were fitted at Chebyshev nodes; errors are at most about
// 2 units in the last place over the whole range.

INLINE vf power_of_two(vi n) { return (vf)((n + 127) << 23); }

// y * 2^n for whole n between -151 and 129.
INLINE vf scaled_by(vf y, vf n) {
#if CK_WIDTH == 16
  return (vf)_mm512_scalef_ps((__m512)y, (__m512)n);
#else
  vi whole = __builtin_convertvector(n, vi);
  vi half = whole >> 1;
  return y * power_of_two(half) * power_of_two(whole - half);
#endif
}

// 1 / x for x between 1 and 2. Where division is slow, an estimate and one step of Newton's do: within 1 unit in the last place.
INLINE vf reciprocal_of(vf x) {
#if CK_WIDTH == 16
  vf y = (vf)_mm512_rcp14_ps((__m512)x);
  return y + y * (1.0f - x * y);
#else
  return 1.0f / x;
#endif
}

// n = round(x / ln 2); e^x = 2^n (1 + r + r^2 p(r)), the factor in two halves so that both ends come out right.
INLINE vf exp_of(vf x) {
  vf bounded = smaller(larger(x, splat(-104.0f)), splat(89.0f));
  const float magic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer.
  vf shifted = bounded * 1.44269504f + magic;
  vf n = shifted - magic;
  vf r = bounded - n * 0.693359375f;
  r = r - n * -2.12194440e-4f;
  vf p = splat(1.989928508e-04f);
  p = p * r + 1.393365035e-03f;
  p = p * r + 8.333298470e-03f;
  p = p * r + 4.166646491e-02f;
  p = p * r + 1.666666672e-01f;
  p = p * r + 5.000000013e-01f;
  vf y = (p * r) * r + r + 1.0f;
  y = scaled_by(y, n);
  return choose(x == x, y, x);
}

// By the exponential of -|x|, which can't overflow.
INLINE vf sigmoid_of(vf x) {
  vf e = exp_of(-magnitude(x));
  return reciprocal_of(1.0f + e) * choose(x < 0, e, splat(1));
}
INLINE vf silu_of(vf x) { return x * sigmoid_of(x); }
// A NaN stays one.
INLINE vf relu_of(vf x) { return larger(splat(0), x); }

INLINE vf tanh_of(vf x) {
  vf a = magnitude(x), s = x * x;
  vf p = splat(-6.104948005e-03f);
  p = p * s + 2.100364122e-02f;
  p = p * s + -5.385249747e-02f;
  p = p * s + 1.333278226e-01f;
  p = p * s + -3.333332910e-01f;
  vf near = x + x * (s * p);
  vf far = 1.0f - 2.0f / (exp_of(a + a) + 1.0f);
  far = (vf)((vi)far | ((vi)x & (vi)splat(-0.0f)));
  return choose(x == x, choose(a < 0.625f, near, far), x);
}

INLINE vf erf_of(vf x) {
  vf a = smaller(magnitude(x), splat(4.0f)), s = x * x;
  vf p = splat(8.209796833e-05f);
  p = p * s + -8.104441947e-04f;
  p = p * s + 5.197642555e-03f;
  p = p * s + -2.685803196e-02f;
  p = p * s + 1.128367102e-01f;
  p = p * s + -3.761263217e-01f;
  p = p * s + 1.283791665e-01f;
  vf near = x + x * p;
  vf q = splat(-1.612904078e-06f);
  q = q * a + 4.556713853e-05f;
  q = q * a + -5.925663846e-04f;
  q = q * a + 4.739245969e-03f;
  q = q * a + -2.636187343e-02f;
  q = q * a + 1.099731186e-01f;
  q = q * a + 6.319426628e-01f;
  q = q * a + 1.130163351e+00f;
  q = q * a + -3.023804705e-04f;
  vf far = 1.0f - exp_of(-q);
  far = (vf)((vi)far | ((vi)x & (vi)splat(-0.0f)));
  return choose(x == x, choose(a < 0.93f, near, far), x);
}

INLINE vf log_of(vf x) {
  vi tiny = x < FLT_MIN;
  vf scaled = choose(tiny, x * 8388608.0f, x);
  vi bits = (vi)scaled;
  // The mantissa between sqrt(1/2) and sqrt(2).
  vi exponent = (bits - 0x3F3504F3) >> 23;
  vf m = (vf)(bits - (exponent << 23));
  vf e = __builtin_convertvector(exponent, vf) - choose(tiny, splat(23), splat(0));
  vf f = m - 1.0f;
  vf p = splat(7.149753748e-02f);
  p = p * f + -1.157120070e-01f;
  p = p * f + 1.166151110e-01f;
  p = p * f + -1.241105069e-01f;
  p = p * f + 1.424993653e-01f;
  p = p * f + -1.666848024e-01f;
  p = p * f + 2.000070748e-01f;
  p = p * f + -2.499998905e-01f;
  p = p * f + 3.333333119e-01f;
  vf s = f * f;
  vf y = s * f * p + e * -2.12194440e-4f;
  y = y - 0.5f * s;
  y = f + y;
  y = y + e * 0.693359375f;
  y = choose(x == INFINITY, x, y);
  y = choose(x == 0, splat(-INFINITY), y);
  return choose(x >= 0, y, splat(NAN));
}

INLINE vf sqrt_of(vf x) {
  return __builtin_elementwise_sqrt(x);
}
