#define CK_LOOP(expression)                                                \
  for (; i + CK_WIDTH <= count; i += CK_WIDTH) {                           \
    vf v = load(x + i);                                                    \
    store(y + i, expression);                                              \
  }                                                                        \
  if (i < count) {                                                         \
    vf v = load_some(x + i, count - i);                                    \
    store_some(y + i, expression, count - i);                              \
  }                                                                        \
  return;

static void FN(unary)(int function, const float *x, float *y, long count) {
  long i = 0;
  switch (function) {
    case CK_EXP: CK_LOOP(exp_of(v))
    case CK_TANH: CK_LOOP(tanh_of(v))
    case CK_SIGMOID: CK_LOOP(sigmoid_of(v))
    case CK_RELU_FUNCTION: CK_LOOP(relu_of(v))
    case CK_SILU_FUNCTION: CK_LOOP(silu_of(v))
    case CK_ERF: CK_LOOP(erf_of(v))
    case CK_GELU: CK_LOOP(0.5f * v * (1.0f + erf_of(v * 0.70710678f)))
    case CK_GELU_TANH: CK_LOOP(0.5f * v * (1.0f + tanh_of(0.7978845608f * (v + 0.044715f * v * v * v))))
    case CK_SQRT: CK_LOOP(sqrt_of(v))
    case CK_NEG: CK_LOOP(-v)
    case CK_ABS: CK_LOOP(magnitude(v))
    case CK_SQUARE: CK_LOOP(v * v)
    case CK_LOG: CK_LOOP(log_of(v))
  }
}
#undef CK_LOOP

INLINE vf FN(combine)(const int function, vf a, vf b) {
  switch (function) {
    case CK_ADD: return a + b;
    case CK_SUB: return a - b;
    case CK_MUL: return a * b;
    case CK_DIV: return a / b;
    case CK_MAXIMUM: return choose(a == a, choose(a > b, a, b), a);
    case CK_GATE: return (vf)((vi)a & (b > 0));
    default: return choose(a == a, choose(a < b, a, b), a);
  }
}

INLINE void FN(binary_row)(const int function, const float *a, const float *b, float *y, long count, long a_step, long b_step) {
  long i = 0;
  vf left = splat(a[0]), right = splat(b[0]);
  if (a_step && b_step) {
    for (; i + CK_WIDTH <= count; i += CK_WIDTH) store(y + i, FN(combine)(function, load(a + i), load(b + i)));
  } else if (a_step) {
    for (; i + CK_WIDTH <= count; i += CK_WIDTH) store(y + i, FN(combine)(function, load(a + i), right));
  } else {
    for (; i + CK_WIDTH <= count; i += CK_WIDTH) store(y + i, FN(combine)(function, left, load(b + i)));
  }
  if (i < count) {
    long live = count - i;
    vf u = a_step ? load_some(a + i, live) : left, v = b_step ? load_some(b + i, live) : right;
    store_some(y + i, FN(combine)(function, u, v), live);
  }
}

static void FN(binary)(int function, const float *a, const float *b, float *y, long rows, long count, long a_row,
                       long b_row, long a_step, long b_step) {
  if (count == 0) return;
#define CK_ROWS_OF(f) \
  case f: for (long r = 0; r < rows; r++) FN(binary_row)(f, a + r * a_row, b + r * b_row, y + r * count, count, a_step, b_step); break;
  switch (function) {
    CK_ROWS_OF(CK_ADD) CK_ROWS_OF(CK_SUB) CK_ROWS_OF(CK_MUL) CK_ROWS_OF(CK_DIV) CK_ROWS_OF(CK_MAXIMUM) CK_ROWS_OF(CK_MINIMUM)
    CK_ROWS_OF(CK_GATE)
  }
#undef CK_ROWS_OF
}

static void FN(scale_shift)(const float *x, const float *scale, const float *shift, float *y, long outer, long channels,
                            long inner) {
  for (long o = 0; o < outer; o++) {
    if (inner == 1) {
      const float *from = x + o * channels;
      float *to = y + o * channels;
      for (long c = 0; c < channels; c++) to[c] = from[c] * scale[c] + shift[c];
      continue;
    }
    for (long c = 0; c < channels; c++) {
      const float *from = x + (o * channels + c) * inner;
      const float factor = scale[c], summand = shift[c];
      float *to = y + (o * channels + c) * inner;
      for (long i = 0; i < inner; i++) to[i] = from[i] * factor + summand;
    }
  }
}
