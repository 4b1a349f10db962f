// Dense convolutions of 8-bit integers with AVX2: operands are widened to 16 bits and multiplied in pairs (`vpmaddwd`), which is exact.

static long FN(packed_bytes)(long k, long n) { return FN(packed_integers)(k, n) * 2; }
static long FN(byte_scratch)(const ck_convolution *s) { return FN(integer_scratch)(s); }

// [panel][depth / 2][lane][2]
static bool FN(pack_bytes)(const int16_t *w, long k, long n, int kind, int32_t zero, void *packed) {
  (void)kind, (void)zero;
  int16_t *to = packed;
  for (long j = 0; j < n; j += COLUMNS)
    for (long p = 0; p < (k + 1) / 2; p++)
      for (long lane = 0; lane < COLUMNS; lane++) {
        const long c = j + FN(paired_channel)(lane);
        for (long i = 2 * p; i < 2 * p + 2; i++) *to++ = c < n && i < k ? w[c * k + i] : 0;
      }
  return true;
}

INLINE void FN(pair_tile_of)(const int rows, const int16_t *a, long lda, long pairs, const int16_t *b, const FN(pair_scheme) * scheme,
                             const FN(pair_range) * range, int8_t *y, long ldy, long live) {
  __m256i sum[CK_ROWS][2];
  UNROLLED for (int r = 0; r < rows; r++) UNROLLED for (int v = 0; v < 2; v++) sum[r][v] = scheme[v].bias;
  for (long p = 0; p < pairs; p++, b += 2 * COLUMNS) {
    const __m256i left = (__m256i)FN(load_int)(b), right = (__m256i)FN(load_int)(b + COLUMNS);
    UNROLLED for (int r = 0; r < rows; r++) {
      int32_t pair;
      memcpy(&pair, a + r * lda + 2 * p, 4);
      const __m256i x = _mm256_set1_epi32(pair);
      sum[r][0] = _mm256_add_epi32(sum[r][0], _mm256_madd_epi16(x, left));
      sum[r][1] = _mm256_add_epi32(sum[r][1], _mm256_madd_epi16(x, right));
    }
  }
  UNROLLED for (int r = 0; r < rows; r++)
    FN(store_pairs)(FN(scaled_pairs)(sum[r][0], scheme), FN(scaled_pairs)(sum[r][1], scheme + 1), range, y + r * ldy, live);
}
#define CK_PAIR_TILE(rows)                                                                                                       \
  static __attribute__((noinline)) void FN(pair_tile_##rows)(const int16_t *a, long lda, long pairs, const int16_t *b,           \
                                                             const FN(pair_scheme) * scheme, const FN(pair_range) * range,       \
                                                             int8_t *y, long ldy, long live) {                                   \
    FN(pair_tile_of)(rows, a, lda, pairs, b, scheme, range, y, ldy, live);                                                       \
  }
CK_PAIR_TILE(1) CK_PAIR_TILE(2) CK_PAIR_TILE(3) CK_PAIR_TILE(4) CK_PAIR_TILE(5) CK_PAIR_TILE(6)
typedef void (*FN(pair_tile_function))(const int16_t *, long, long, const int16_t *, const FN(pair_scheme) *, const FN(pair_range) *,
                                       int8_t *, long, long);
static const FN(pair_tile_function) FN(pair_tiles)[CK_ROWS] = {FN(pair_tile_1), FN(pair_tile_2), FN(pair_tile_3),
                                                               FN(pair_tile_4), FN(pair_tile_5), FN(pair_tile_6)};

static void FN(convolve_bytes)(const ck_convolution *s, const void *x, int kind, int32_t zero, const void *packed,
                               const ck_requantization *q, void *y, float *scratch, long group, long first_pixel, long last_pixel,
                               long first_panel, long last_panel) {
  const long inputs = s->input_channels / s->groups, outputs = s->output_channels / s->groups;
  const long k = s->kernel[0] * s->kernel[1] * s->kernel[2] * inputs, depth = FN(integer_depth)(s), block = FN(integer_block)(depth);
  const bool plain = k == inputs && s->groups == 1 && FN(moves_nothing)(s);
  const FN(pair_range) range = FN(pair_range_of)(q);
  const int16_t *weights = packed;
  int16_t *rows = (int16_t *)scratch;
  FN(pixel) next = FN(pixel_at)(s, first_pixel);
  for (long start = first_pixel, end; start < last_pixel; start = end) {
    end = start + block < last_pixel ? start + block : last_pixel;
    FN(integer_rows)(s, x, kind, zero, group, plain, start, end, &next, rows);
    for (long panel = first_panel; panel < last_panel; panel++) {
      const long column = panel * COLUMNS, live = outputs - column, channel = group * outputs + column;
      __m256i bias[2], factor[2], right[2];
      FN(paired_entries)(q->bias + channel, live, bias);
      FN(paired_entries)(q->factor + channel, live, factor);
      FN(paired_entries)(q->right + channel, live, right);
      const FN(pair_scheme) scheme[2] = {FN(pair_scheme_of)(bias[0], factor[0], right[0]),
                                         FN(pair_scheme_of)(bias[1], factor[1], right[1])};
      for (long row = start, count; row < end; row += count) {
        count = FN(next_rows)(end - row);
        FN(pair_tiles)[count - 1](rows + (row - start) * depth, depth, depth / 2, weights + column * depth, scheme, &range,
                                  (int8_t *)y + row * s->output_channels + channel, s->output_channels, live);
      }
    }
  }
}
