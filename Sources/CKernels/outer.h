// Products over the rows of two matrices, which is what gradients of weights are: c[i, j] = sum over p of a[p, i] * b[p, j].
// Both are read row by row as they stand. Rows come in segments: those of an image that a tap of a window sees.

INLINE void FN(outer_of)(const int rows, const int vectors, const float *a, long lda, long a_segment, const float *b, long ldb,
                         long b_segment, long segments, long count, const FN(target) * t) {
  vf sum[CK_ROWS][2];
  const lanes masks[2] = {first_lanes(t->columns), first_lanes(t->columns - CK_WIDTH)};
  const bool full = t->columns >= vectors * CK_WIDTH;
  UNROLLED for (int r = 0; r < rows; r++) UNROLLED for (int v = 0; v < vectors; v++) sum[r][v] = splat(0);
  for (long s = 0; s < segments; s++) {
    const float *left = a + s * a_segment, *right = b + s * b_segment;
    for (long p = 0; p < count; p++, left += lda, right += ldb) {
      vf row[2];
      UNROLLED for (int v = 0; v < vectors; v++)
        row[v] = full ? load(right + v * CK_WIDTH) : load_lanes(right + v * CK_WIDTH, masks[v]);
      UNROLLED for (int r = 0; r < rows; r++) {
        vf x = splat(left[r]);
        UNROLLED for (int v = 0; v < vectors; v++) sum[r][v] += x * row[v];
      }
    }
  }
  FN(finish_tile)(rows, vectors, full, sum, t);
}

#define CK_OUTER(rows, vectors)                                                                                             \
  static __attribute__((noinline)) void FN(outer_##rows##_##vectors)(                                                       \
      const float *a, long lda, long a_segment, const float *b, long ldb, long b_segment, long segments, long count,        \
      const FN(target) * t) {                                                                                               \
    FN(outer_of)(rows, vectors, a, lda, a_segment, b, ldb, b_segment, segments, count, t);                                  \
  }
#define CK_OUTERS(rows) CK_OUTER(rows, 1) CK_OUTER(rows, 2)
CK_OUTERS(1) CK_OUTERS(2) CK_OUTERS(3) CK_OUTERS(4)
#if CK_ROWS >= 6
CK_OUTERS(5) CK_OUTERS(6)
#endif
#if CK_ROWS >= 8
CK_OUTERS(7) CK_OUTERS(8)
#endif

typedef void (*FN(outer_function))(const float *, long, long, const float *, long, long, long, long, const FN(target) *);
static const FN(outer_function) FN(outers)[CK_ROWS][2] = {
    {FN(outer_1_1), FN(outer_1_2)}, {FN(outer_2_1), FN(outer_2_2)}, {FN(outer_3_1), FN(outer_3_2)}, {FN(outer_4_1), FN(outer_4_2)},
#if CK_ROWS >= 6
    {FN(outer_5_1), FN(outer_5_2)}, {FN(outer_6_1), FN(outer_6_2)},
#endif
#if CK_ROWS >= 8
    {FN(outer_7_1), FN(outer_7_2)}, {FN(outer_8_1), FN(outer_8_2)},
#endif
};

static void FN(gemm_outer)(const float *a, long lda, long a_segment, const float *b, long ldb, long b_segment, long segments,
                           long count, float *c, long ldc, long first_row, long last_row, long n, bool accumulate) {
  for (long column = 0; column < n; column += COLUMNS) {
    long columns = n - column < COLUMNS ? n - column : COLUMNS;
    for (long row = first_row, rows; row < last_row; row += rows) {
      rows = FN(next_rows)(last_row - row);
      FN(target) t = {0, c + row * ldc + column, ldc, columns, accumulate};
      FN(outers)[rows - 1][columns > CK_WIDTH](a + row, lda, a_segment, b + column, ldb, b_segment, segments, count, &t);
    }
  }
}

// `x` has its padding along the last axis in it: the taps of a row stand side by side, and s->kernel[2] of them are s->depth numbers.
static void FN(filter_gradient)(const ck_convolution *s, const float *x, const float *g, float *w, long first_image, long last_image,
                                long first_row, long last_row) {
  const long depth = s->depth, outputs = s->output_channels, line = s->input[2] * s->input_channels, width = s->output[2];
  for (long n = first_image; n < last_image; n++) {
    for (long od = 0; od < s->output[0]; od++) {
      for (long kd = 0; kd < s->kernel[0]; kd++) {
        long d = od * s->stride[0] + kd * s->dilation[0] - s->padding[0];
        if (d < 0 || d >= s->input[0]) continue;
        for (long kh = 0; kh < s->kernel[1]; kh++) {
          long low = (kd * s->kernel[1] + kh) * depth, from = first_row - low, to = last_row - low;
          if (from < 0) from = 0;
          if (to > depth) to = depth;
          if (from >= to) continue;
          // The rows of the result for which this tap lies inside.
          long start = kh * s->dilation[1] - s->padding[1], first = 0, last = s->output[1];
          while (first < last && first * s->stride[1] + start < 0) first++;
          while (last > first && (last - 1) * s->stride[1] + start >= s->input[1]) last--;
          if (first == last) continue;
          FN(gemm_outer)(x + ((n * s->input[0] + d) * s->input[1] + first * s->stride[1] + start) * line,
                         s->stride[2] * s->input_channels, s->stride[1] * line,
                         g + ((n * s->output[0] + od) * s->output[1] + first) * width * outputs, outputs, width * outputs, last - first,
                         width, w + low * outputs, outputs, from, to, outputs, true);
        }
      }
    }
  }
}
