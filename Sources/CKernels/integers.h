// Sums of products of 16-bit integers, and what brings them back to 8 or 16 bits. The loops are plain: compilers make multiply-adds
// of pairs of them.

static void FN(gemm_int16)(const int16_t *a, const int16_t *b, int32_t *c, long m, long n, long k, long stride) {
  for (long i = 0; i < m; i++) {
    const int16_t *x = a + i * stride;
    int32_t *y = c + i * n;
    long j = 0;
    for (; j + 4 <= n; j += 4) {
      const int16_t *w0 = b + j * stride, *w1 = w0 + stride, *w2 = w1 + stride, *w3 = w2 + stride;
      uint32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
      for (long p = 0; p < k; p++) {
        int32_t v = x[p];
        s0 += (uint32_t)(v * w0[p]);
        s1 += (uint32_t)(v * w1[p]);
        s2 += (uint32_t)(v * w2[p]);
        s3 += (uint32_t)(v * w3[p]);
      }
      y[j] = (int32_t)s0;
      y[j + 1] = (int32_t)s1;
      y[j + 2] = (int32_t)s2;
      y[j + 3] = (int32_t)s3;
    }
    for (; j < n; j++) {
      const int16_t *w = b + j * stride;
      uint32_t s = 0;
      for (long p = 0; p < k; p++) s += (uint32_t)((int32_t)x[p] * w[p]);
      y[j] = (int32_t)s;
    }
  }
}

static void FN(accumulate_int16)(const int16_t *x, const int16_t *w, int32_t *sums, long count) {
  for (long c = 0; c < count; c++) sums[c] = (int32_t)((uint32_t)sums[c] + (uint32_t)((int32_t)x[c] * w[c]));
}

static void FN(requantize)(int32_t *x, long rows, long n, const int32_t *bias, const int32_t *factor, const int32_t *left,
                           const int32_t *right, int32_t zero, int32_t low, int32_t high) {
  for (long r = 0; r < rows; r++) {
    int32_t *y = x + r * n;
    for (long c = 0; c < n; c++) {
      int32_t v = (int32_t)(((uint32_t)y[c] + (uint32_t)bias[c]) << left[c]);
      int32_t h = (int32_t)((uint64_t)((int64_t)v * factor[c] + (1 << 30)) >> 31);
      int32_t mask = (int32_t)((1u << right[c]) - 1), threshold = (mask >> 1) + (h < 0);
      int32_t q = (int32_t)((uint32_t)((h >> right[c]) + ((h & mask) > threshold)) + (uint32_t)zero);
      y[c] = q < low ? low : q > high ? high : q;
    }
  }
}

// The same with factors in float64: products are rounded once, halves away from zero.
static void FN(requantize_double)(int32_t *x, long rows, long n, const int32_t *bias, const double *factor, int32_t zero, int32_t low,
                                  int32_t high) {
#pragma clang fp contract(off)
  for (long r = 0; r < rows; r++) {
    int32_t *y = x + r * n;
    for (long c = 0; c < n; c++) {
      double v = (double)(int32_t)((uint32_t)y[c] + (uint32_t)bias[c]) * factor[c];
      // The largest number below one half: what is a half less one bit does not become one.
      v += __builtin_copysign(0.49999999999999994, v);
      v = v > -2147483648.0 ? v : -2147483648.0;
      v = v < 2147483647.0 ? v : 2147483647.0;
      int32_t q = (int32_t)((uint32_t)(int32_t)v + (uint32_t)zero);
      y[c] = q < low ? low : q > high ? high : q;
    }
  }
}

// The least and the greatest of numbers, and of zero; NaN is passed over.
static void FN(range_with_zero)(const float *x, long count, float *low, float *high) {
  vf least = splat(0), most = splat(0);
  for (long i = 0; i < count; i += CK_WIDTH) {
    const vf v = count - i >= CK_WIDTH ? load(x + i) : load_some(x + i, count - i);
    least = smaller(v, least);
    most = larger(v, most);
  }
  *low = *high = 0;
  for (int i = 0; i < CK_WIDTH; i++) {
    if (least[i] < *low) *low = least[i];
    if (most[i] > *high) *high = most[i];
  }
}
