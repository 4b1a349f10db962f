// Dense convolutions by products of bytes: tiles as tile.h has them, of rows that stand in the image itself or are laid out.

// One tile: sums, and what is stored of them.
typedef struct {
  FN(byte_scheme) scheme[2];
  __m512i zero, low, high;
  int8_t *y;
  long ldy, columns;
} FN(byte_target);

INLINE void FN(byte_tile_of)(const int rows, const int vectors, const int8_t *a, long lda, long quads, const uint8_t *b,
                             const int32_t *terms, const FN(byte_target) * t) {
  __m512i sum[CK_ROWS][2];
  UNROLLED for (int r = 0; r < rows; r++) UNROLLED for (int v = 0; v < vectors; v++)
    sum[r][v] = _mm512_add_epi32(t->scheme[v].bias, _mm512_set1_epi32(terms[r]));
  for (long q = 0; q < quads; q++, b += 4 * COLUMNS) {
    __m512i w[2];
    UNROLLED for (int v = 0; v < vectors; v++) w[v] = _mm512_loadu_si512(b + 64 * v);
    UNROLLED for (int r = 0; r < rows; r++) {
      int32_t four;
      memcpy(&four, a + r * lda + 4 * q, 4);
      const __m512i x = _mm512_set1_epi32(four);
      UNROLLED for (int v = 0; v < vectors; v++) sum[r][v] = _mm512_dpbusd_epi32(sum[r][v], w[v], x);
    }
  }
  const __m512i low = t->low, high = t->high, zero = t->zero;
  const __mmask32 m = t->columns >= 32 ? 0xFFFFFFFFu : (1u << t->columns) - 1;
  UNROLLED for (int r = 0; r < rows; r++) {
    if (vectors == 2) {
      __m512i both = _mm512_packs_epi32(FN(scaled_bytes)(sum[r][0], &t->scheme[0]), FN(scaled_bytes)(sum[r][1], &t->scheme[1]));
      both = _mm512_min_epi16(_mm512_max_epi16(_mm512_adds_epi16(both, zero), low), high);
      const __m256i bytes = _mm512_cvtepi16_epi8(both);
      if (t->columns >= 32) _mm256_storeu_si256((__m256i *)(t->y + r * t->ldy), bytes);
      else _mm256_mask_storeu_epi8(t->y + r * t->ldy, m, bytes);
    } else {
      // Pairs of 16 bits: what the upper ones get is not stored.
      __m512i one = _mm512_packs_epi32(FN(scaled_bytes)(sum[r][0], &t->scheme[0]), _mm512_setzero_si512());
      one = _mm512_min_epi16(_mm512_max_epi16(_mm512_adds_epi16(one, zero), low), high);
      const __m128i bytes = _mm512_cvtepi32_epi8(_mm512_unpacklo_epi16(one, one));
      if (t->columns >= 16) _mm_storeu_si128((__m128i *)(t->y + r * t->ldy), bytes);
      else _mm_mask_storeu_epi8(t->y + r * t->ldy, (__mmask16)m, bytes);
    }
  }
}
#define CK_BYTE_TILE(rows, vectors)                                                                                             \
  static __attribute__((noinline)) void FN(byte_tile_##rows##_##vectors)(const int8_t *a, long lda, long quads,                 \
                                                                         const uint8_t *b, const int32_t *terms,                \
                                                                         const FN(byte_target) * t) {                           \
    FN(byte_tile_of)(rows, vectors, a, lda, quads, b, terms, t);                                                                \
  }
#define CK_BYTE_TILES(rows) CK_BYTE_TILE(rows, 1) CK_BYTE_TILE(rows, 2)
CK_BYTE_TILES(1) CK_BYTE_TILES(2) CK_BYTE_TILES(3) CK_BYTE_TILES(4) CK_BYTE_TILES(5) CK_BYTE_TILES(6) CK_BYTE_TILES(7) CK_BYTE_TILES(8)
typedef void (*FN(byte_tile_function))(const int8_t *, long, long, const uint8_t *, const int32_t *, const FN(byte_target) *);
static const FN(byte_tile_function) FN(byte_tiles)[CK_ROWS][2] = {
    {FN(byte_tile_1_1), FN(byte_tile_1_2)}, {FN(byte_tile_2_1), FN(byte_tile_2_2)}, {FN(byte_tile_3_1), FN(byte_tile_3_2)},
    {FN(byte_tile_4_1), FN(byte_tile_4_2)}, {FN(byte_tile_5_1), FN(byte_tile_5_2)}, {FN(byte_tile_6_1), FN(byte_tile_6_2)},
    {FN(byte_tile_7_1), FN(byte_tile_7_2)}, {FN(byte_tile_8_1), FN(byte_tile_8_2)},
};

// Bytes with their highest bit turned round or not. Up to 63 bytes behind them are written over, by whole vectors.
INLINE void FN(copy_bytes)(const uint8_t *x, uint8_t flip, uint8_t *y, long count) {
  const __m512i turn = _mm512_set1_epi8((char)flip);
  long i = 0;
  for (; i + 64 <= count; i += 64) _mm512_storeu_si512(y + i, _mm512_xor_si512(_mm512_loadu_si512(x + i), turn));
  if (i < count) _mm512_storeu_si512(y + i, _mm512_xor_si512(_mm512_maskz_loadu_epi8((1ULL << (count - i)) - 1, x + i), turn));
}
INLINE int32_t FN(sum_of_bytes)(const int8_t *x, long count) {
  const __m512i ones = _mm512_set1_epi8(1);
  __m512i sum = _mm512_setzero_si512();
  for (long i = 0; i < count; i += 64) {
    const __mmask64 m = count - i >= 64 ? ~0ULL : (1ULL << (count - i)) - 1;
    sum = _mm512_dpbusd_epi32(sum, ones, _mm512_maskz_loadu_epi8(m, x + i));
  }
  return _mm512_reduce_add_epi32(sum);
}

// What the taps of one pixel read, side by side, as bytes with a sign; the padding is `zero`.
INLINE void FN(byte_window)(const ck_convolution *s, const uint8_t *x, uint8_t flip, int8_t zero, long group, const FN(pixel) * p,
                            uint8_t *row) {
  const long inputs = s->input_channels / s->groups;
  const bool runs = s->groups == 1 && s->dilation[2] == 1;
  const long top = p->place[1] * s->stride[1] - s->padding[1], left = p->place[2] * s->stride[2] - s->padding[2];
  const long count = s->kernel[2] * inputs;
  // The usual one, of a picture, away from its edges.
  if (runs && s->kernel[0] == 1 && s->input[0] == 1 && top >= 0 && top + (s->kernel[1] - 1) * s->dilation[1] < s->input[1] &&
      left >= 0 && left + s->kernel[2] <= s->input[2] && !s->padding[0] && s->output[0] == 1) {
    const uint8_t *from = x + ((p->image * s->input[1] + top) * s->input[2] + left) * inputs;
    const long step = s->dilation[1] * s->input[2] * inputs;
    for (long kh = 0; kh < s->kernel[1]; kh++, from += step, row += count) FN(copy_bytes)(from, flip, row, count);
    return;
  }
  for (long kd = 0; kd < s->kernel[0]; kd++)
    for (long kh = 0; kh < s->kernel[1]; kh++) {
      const long d = p->place[0] * s->stride[0] + kd * s->dilation[0] - s->padding[0];
      const long h = top + kh * s->dilation[1];
      if (d < 0 || d >= s->input[0] || h < 0 || h >= s->input[1]) {
        memset(row, zero, (size_t)count);
        row += count;
        continue;
      }
      const long line = ((p->image * s->input[0] + d) * s->input[1] + h) * s->input[2];
      if (runs && left >= 0 && left + s->kernel[2] <= s->input[2]) {
        FN(copy_bytes)(x + (line + left) * inputs, flip, row, count);
        row += count;
        continue;
      }
      for (long kw = 0; kw < s->kernel[2]; kw++, row += inputs) {
        const long w = left + kw * s->dilation[2];
        if (w < 0 || w >= s->input[2]) memset(row, zero, (size_t)inputs);
        else FN(copy_bytes)(x + (line + w) * s->input_channels + group * inputs, flip, row, inputs);
      }
    }
}

static void FN(convolve_bytes)(const ck_convolution *s, const void *x, int kind, int32_t zero, const void *packed,
                               const ck_requantization *q, void *y, float *scratch, long group, long first_pixel, long last_pixel,
                               long first_panel, long last_panel) {
  const long inputs = s->input_channels / s->groups, outputs = s->output_channels / s->groups;
  const long k = s->kernel[0] * s->kernel[1] * s->kernel[2] * inputs, quads = FN(byte_quads)(k);
  const FN(bytes_header) *header = packed;
  const int32_t *missing = (const int32_t *)(header + 1);
  const uint8_t *weights = (const uint8_t *)(missing + FN(byte_columns)(outputs)), flip = kind == CK_UINT8 ? 0x80 : 0;
  const bool plain = k == inputs && s->input[0] == s->output[0] && s->input[1] == s->output[1] && s->input[2] == s->output[2] &&
                     s->stride[0] * s->stride[1] * s->stride[2] == 1 && !s->padding[0] && !s->padding[1] && !s->padding[2];
  const bool in_place = plain && !flip && k % 4 == 0;
  const long lda = in_place ? s->input_channels : 4 * quads;
  int32_t terms[256];
  FN(byte_target) t;
  t.zero = _mm512_set1_epi16((short)q->zero);
  t.low = _mm512_set1_epi16((short)q->low);
  t.high = _mm512_set1_epi16((short)q->high);
  t.ldy = s->output_channels;
  FN(pixel) next = FN(pixel_at)(s, first_pixel);
  for (long start = first_pixel, end; start < last_pixel; start = end) {
    // As many rows as stay near, in whole tiles.
    long block = CK_BLOCK_OF_BYTES / lda / CK_ROWS * CK_ROWS;
    block = block < CK_ROWS ? CK_ROWS : block > 256 ? 256 : block;
    end = start + block < last_pixel ? start + block : last_pixel;
    const int8_t *rows = in_place ? (const int8_t *)x + start * lda + group * inputs : (const int8_t *)scratch;
    if (!in_place)
      for (long r = 0; r < end - start; r++) {
        uint8_t *row = (uint8_t *)scratch + r * lda;
        if (plain) FN(copy_bytes)((const uint8_t *)x + (start + r) * s->input_channels + group * inputs, flip, row, k);
        else FN(byte_window)(s, x, flip, (int8_t)(kind == CK_UINT8 ? zero - 128 : zero), group, &next, row);
        for (long i = k; i < lda; i++) row[i] = 0;
        FN(advance)(s, &next);
      }
    for (long r = 0; r < end - start; r++) terms[r] = -header->offset * FN(sum_of_bytes)(rows + r * lda, k);
    for (long panel = first_panel; panel < last_panel; panel++) {
      const long column = panel * COLUMNS, columns = outputs - column, channel = group * outputs + column;
      __m512i bias[2], factor[2], right[2], lack[2];
      if (columns > CK_WIDTH) {
        FN(paired_entries)(q->bias + channel, columns, bias);
        FN(paired_entries)(q->factor + channel, columns, factor);
        FN(paired_entries)(q->right + channel, columns, right);
        FN(paired_entries)(missing + column, columns, lack);
      } else {
        bias[0] = (__m512i)FN(load_some_int)(q->bias + channel, columns);
        factor[0] = (__m512i)FN(load_some_int)(q->factor + channel, columns);
        right[0] = (__m512i)FN(load_some_int)(q->right + channel, columns);
        lack[0] = (__m512i)FN(load_some_int)(missing + column, columns);
      }
      for (int v = 0; v < (columns > CK_WIDTH ? 2 : 1); v++)
        t.scheme[v] = FN(byte_scheme_of)(_mm512_add_epi32(bias[v], lack[v]), factor[v], right[v]);
      t.columns = columns < COLUMNS ? columns : COLUMNS;
      for (long row = 0, count; row < end - start; row += count) {
        count = FN(next_rows)(end - start - row);
        t.y = (int8_t *)y + (start + row) * t.ldy + channel;
        FN(byte_tiles)[count - 1][columns > CK_WIDTH](rows + row * lda, lda, quads, weights + panel * quads * 4 * COLUMNS, terms + row, &t);
      }
    }
  }
}
