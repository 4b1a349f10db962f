// What combines the elements of a row or a column. Long sums are kept in blocks, so that an error
// does not grow with the length.

static void FN(softmax)(const float *x, float *y, long rows, long count, bool log) {
  for (long row = 0; row < rows; row++, x += count, y += count) {
    vf top = splat(-INFINITY);
    long i = 0;
    for (; i + CK_WIDTH <= count; i += CK_WIDTH) top = larger(top, load(x + i));
    float lanes[CK_WIDTH], largest = -INFINITY;
    store(lanes, top);
    for (int j = 0; j < CK_WIDTH; j++) largest = lanes[j] > largest ? lanes[j] : largest;
    for (; i < count; i++) largest = x[i] > largest ? x[i] : largest;
    vf sums = splat(0);
    float total = 0;
    for (i = 0; i + CK_WIDTH <= count; i += CK_WIDTH) {
      vf e = exp_of(load(x + i) - largest);
      if (!log) store(y + i, e);
      sums += e;
    }
    if (i < count) {
      vf e = exp_of(load_some(x + i, count - i) - largest);
      float rest[CK_WIDTH];
      store(rest, e);
      for (long j = 0; j < count - i; j++) {
        if (!log) y[i + j] = rest[j];
        total += rest[j];
      }
    }
    total += sum_of(sums);
    if (log) {
      float shift = largest, logarithm = logf(total);
      for (i = 0; i < count; i++) y[i] = x[i] - shift - logarithm;
    } else {
      for (i = 0; i < count; i++) y[i] /= total;
    }
  }
}

// Blocks of this many vectors are summed in float, and the blocks in double.
#define CK_BLOCK 64

INLINE double FN(row_sum)(const float *x, long count, float centre, bool square) {
  double total = 0;
  long i = 0;
  while (i + CK_WIDTH <= count) {
    vf sum = splat(0);
    for (int n = 0; n < CK_BLOCK && i + CK_WIDTH <= count; n++, i += CK_WIDTH) {
      vf v = load(x + i) - centre;
      sum += square ? v * v : v;
    }
    float lanes[CK_WIDTH];
    store(lanes, sum);
    for (int j = 0; j < CK_WIDTH; j++) total += lanes[j];
  }
  for (; i < count; i++) {
    double v = x[i] - centre;
    total += square ? v * v : v;
  }
  return total;
}

static void FN(layer_norm)(const float *x, const float *scale, const float *shift, float *y, long rows, long count,
                           float epsilon) {
  for (long row = 0; row < rows; row++, x += count, y += count) {
    float mean = (float)(FN(row_sum)(x, count, 0, false) / (double)count);
    float variance = (float)(FN(row_sum)(x, count, mean, true) / (double)count);
    float inverse = 1.0f / sqrtf(variance + epsilon);
    if (scale && shift) for (long i = 0; i < count; i++) y[i] = (x[i] - mean) * inverse * scale[i] + shift[i];
    else if (scale) for (long i = 0; i < count; i++) y[i] = (x[i] - mean) * inverse * scale[i];
    else for (long i = 0; i < count; i++) y[i] = (x[i] - mean) * inverse + (shift ? shift[i] : 0);
  }
}

INLINE float FN(row_extreme)(int kind, const float *x, long count) {
  float best = kind == CK_REDUCE_MAX ? -INFINITY : INFINITY;
  long i = 0;
  vf lanes = splat(best);
  for (; i + CK_WIDTH <= count; i += CK_WIDTH) {
    vf v = load(x + i);
    vf y = kind == CK_REDUCE_MAX ? choose(v > lanes, v, lanes) : choose(v < lanes, v, lanes);
    lanes = choose(v == v, y, v);
  }
  float each[CK_WIDTH];
  store(each, lanes);
  for (int j = 0; j < CK_WIDTH; j++) {
    float v = each[j];
    if (v != v || (kind == CK_REDUCE_MAX ? v > best : v < best)) best = v;
  }
  for (; i < count; i++) {
    float v = x[i];
    if (v != v || (kind == CK_REDUCE_MAX ? v > best : v < best)) best = v;
  }
  return best;
}

INLINE void FN(reduce_columns)(const int kind, const float *x, float *y, long count, long inner) {
  for (long c = 0; c < inner; c += CK_WIDTH) {
    long live = inner - c;
    bool full = live >= CK_WIDTH;
    vf result = splat(kind == CK_REDUCE_MAX ? -INFINITY : kind == CK_REDUCE_MIN ? INFINITY : 0);
    for (long start = 0; start < count; start += 128) {
      long end = start + 128 < count ? start + 128 : count;
      vf part = splat(0);
      for (long n = start; n < end; n++) {
        vf v = full ? load(x + n * inner + c) : load_some(x + n * inner + c, live);
        switch (kind) {
          case CK_REDUCE_SUM: part += v; break;
          case CK_REDUCE_SUM_SQUARE: part += v * v; break;
          case CK_REDUCE_MAX: result = choose(v == v, choose(v > result, v, result), v); break;
          default: result = choose(v == v, choose(v < result, v, result), v);
        }
      }
      if (kind == CK_REDUCE_SUM || kind == CK_REDUCE_SUM_SQUARE) result += part;
    }
    if (full) store(y + c, result);
    else store_some(y + c, result, live);
  }
}

static void FN(reduce)(int kind, const float *x, float *y, long outer, long count, long inner) {
  for (long o = 0; o < outer; o++, x += count * inner, y += inner) {
    if (inner == 1) {
      switch (kind) {
        case CK_REDUCE_SUM: y[0] = (float)FN(row_sum)(x, count, 0, false); break;
        case CK_REDUCE_SUM_SQUARE: y[0] = (float)FN(row_sum)(x, count, 0, true); break;
        default: y[0] = FN(row_extreme)(kind, x, count);
      }
      continue;
    }
    switch (kind) {
      case CK_REDUCE_SUM: FN(reduce_columns)(CK_REDUCE_SUM, x, y, count, inner); break;
      case CK_REDUCE_SUM_SQUARE: FN(reduce_columns)(CK_REDUCE_SUM_SQUARE, x, y, count, inner); break;
      case CK_REDUCE_MAX: FN(reduce_columns)(CK_REDUCE_MAX, x, y, count, inner); break;
      default: FN(reduce_columns)(CK_REDUCE_MIN, x, y, count, inner);
    }
  }
}

static void FN(transpose32)(const uint32_t *x, uint32_t *y, long rows, long columns, long first, long last) {
  for (long j0 = first; j0 < last; j0 += 16) {
    long j1 = j0 + 16 < last ? j0 + 16 : last;
    for (long i0 = 0; i0 < rows; i0 += 16) {
      long i1 = i0 + 16 < rows ? i0 + 16 : rows;
      for (long j = j0; j < j1; j++)
        for (long i = i0; i < i1; i++) y[j * rows + i] = x[i * columns + j];
    }
  }
}
