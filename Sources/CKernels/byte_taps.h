// Depthwise convolutions by products of bytes: four neighbours of a row are interleaved, so that a lane holds four taps of a channel;
// 64 channels at once. What the four unpacked vectors hold is the order in which their results are packed again.
#define CK_BYTE_CHANNELS 64
// The channel of a chunk that stands in lane `lane` of vector `v`.
INLINE long FN(byte_channel)(long v, long lane) { return lane / 4 * 16 + v * 4 + lane % 4; }
INLINE bool FN(has_pairs)(const ck_convolution *s) {
  return s->kernel[2] == 3 && s->stride[2] == 1 && s->dilation[2] == 1 && s->output[2] > 1;
}

// Weights of [chunk][row of taps][place][quad][vector][lane][4], for one pixel or for two that share their neighbours.
static long FN(packed_byte_taps)(const ck_convolution *s) {
  const long chunks = (s->output_channels + CK_BYTE_CHANNELS - 1) / CK_BYTE_CHANNELS;
  const long vectors = s->kernel[1] * FN(byte_quads)(s->kernel[2]) * (FN(has_pairs)(s) ? 2 : 1);
  return (long)sizeof(FN(bytes_header)) + chunks * (CK_BYTE_CHANNELS * 4 + vectors * 256);
}
// `w` is [channels, taps].
static bool FN(pack_byte_taps)(const ck_convolution *s, const int16_t *w, int kind, int32_t zero, void *packed) {
  const long channels = s->output_channels, width = s->kernel[2], taps = s->kernel[1] * width, quads = FN(byte_quads)(width);
  const long chunks = (channels + CK_BYTE_CHANNELS - 1) / CK_BYTE_CHANNELS, places = FN(has_pairs)(s) ? 2 : 1;
  const int32_t moved = kind == CK_UINT8 ? zero : zero + 128;
  FN(bytes_header) *header = packed;
  header->fits = moved >= 0 && moved <= 255;
  for (long i = 0; i < channels * taps; i++) if (w[i] < -128 || w[i] > 127) header->fits = 0;
  if (!header->fits) return false;
  int32_t *missing = (int32_t *)(header + 1);
  int8_t *to = (int8_t *)(missing + chunks * CK_BYTE_CHANNELS);
  for (long c = 0; c < chunks * CK_BYTE_CHANNELS; c++) {
    int32_t sum = 0;
    if (c < channels) for (long i = 0; i < taps; i++) sum += w[c * taps + i];
    missing[c] = -moved * sum;
  }
  for (long chunk = 0; chunk < chunks; chunk++)
    for (long kh = 0; kh < s->kernel[1]; kh++)
      for (long place = 0; place < places; place++)
        for (long q = 0; q < quads; q++)
          for (long v = 0; v < 4; v++)
            for (long lane = 0; lane < CK_WIDTH; lane++) {
              const long c = chunk * CK_BYTE_CHANNELS + FN(byte_channel)(v, lane);
              for (long i = 0; i < 4; i++) {
                const long tap = 4 * q + i - place;
                *to++ = c < channels && tap >= 0 && tap < width ? (int8_t)w[c * taps + kh * width + tap] : 0;
              }
            }
  return true;
}
static long FN(byte_taps_scratch)(const ck_convolution *s) {
  return (s->output_channels + CK_BYTE_CHANNELS - 1) / CK_BYTE_CHANNELS * (long)(4 * sizeof(FN(byte_scheme)) + CK_BYTE_CHANNELS) / 4;
}

typedef struct {
  FN(byte_scheme) * schemes;
  __m512i zero, flip, low, high;
  bool is_signed;
} FN(byte_taps_target);

// `from` holds 4 * quads pixels for each row of taps.
INLINE void FN(byte_taps_of)(const int pixels, long height, long quads, const uint8_t *const *from, const int8_t *w,
                             const FN(byte_taps_target) * t, long chunk, long live, int8_t *y, long step) {
  const FN(byte_scheme) *scheme = t->schemes + 4 * chunk;
  const __mmask64 m = live >= 64 ? ~0ULL : (1ULL << live) - 1;
  const long at = chunk * CK_BYTE_CHANNELS;
  __m512i sum[2][4];
  UNROLLED for (int i = 0; i < pixels; i++) UNROLLED for (int v = 0; v < 4; v++) sum[i][v] = scheme[v].bias;
  for (long kh = 0; kh < height; kh++)
    for (long q = 0; q < quads; q++, from += 4) {
      __m512i x[4];
      UNROLLED for (int i = 0; i < 4; i++) x[i] = _mm512_xor_si512(_mm512_maskz_loadu_epi8(m, from[i] + at), t->flip);
      const __m512i a = _mm512_unpacklo_epi8(x[0], x[1]), b = _mm512_unpackhi_epi8(x[0], x[1]);
      const __m512i c = _mm512_unpacklo_epi8(x[2], x[3]), d = _mm512_unpackhi_epi8(x[2], x[3]);
      const __m512i four[4] = {_mm512_unpacklo_epi16(a, c), _mm512_unpackhi_epi16(a, c), _mm512_unpacklo_epi16(b, d),
                               _mm512_unpackhi_epi16(b, d)};
      UNROLLED for (int i = 0; i < pixels; i++) UNROLLED for (int v = 0; v < 4; v++, w += 64)
        sum[i][v] = _mm512_dpbusd_epi32(sum[i][v], four[v], _mm512_loadu_si512(w));
    }
  UNROLLED for (int i = 0; i < pixels; i++) {
    UNROLLED for (int v = 0; v < 4; v++) sum[i][v] = FN(scaled_bytes)(sum[i][v], scheme + v);
    const __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(sum[i][0], sum[i][1]), t->zero);
    const __m512i high = _mm512_adds_epi16(_mm512_packs_epi32(sum[i][2], sum[i][3]), t->zero);
    const __m512i bytes = t->is_signed
      ? _mm512_min_epi8(_mm512_max_epi8(_mm512_packs_epi16(low, high), t->low), t->high)
      : _mm512_min_epu8(_mm512_max_epu8(_mm512_packus_epi16(low, high), t->low), t->high);
    if (live >= 64) _mm512_storeu_si512(y + i * step + at, bytes);
    else _mm512_mask_storeu_epi8(y + i * step + at, m, bytes);
  }
}
static __attribute__((noinline)) void FN(byte_taps_1)(long height, long quads, const uint8_t *const *from, const int8_t *w,
                                                      const FN(byte_taps_target) * t, long chunk, long live, int8_t *y, long step) {
  FN(byte_taps_of)(1, height, quads, from, w, t, chunk, live, y, step);
}
static __attribute__((noinline)) void FN(byte_taps_2)(long height, const uint8_t *const *from, const int8_t *w,
                                                      const FN(byte_taps_target) * t, long chunk, long live, int8_t *y, long step) {
  if (height == 3) FN(byte_taps_of)(2, 3, 1, from, w, t, chunk, live, y, step);
  else FN(byte_taps_of)(2, height, 1, from, w, t, chunk, live, y, step);
}

static void FN(depthwise_bytes)(const ck_convolution *s, const void *x, int kind, int32_t zero, const void *packed,
                                const ck_requantization *q, void *y, int y_kind, float *scratch, long first_row, long last_row) {
  const long channels = s->output_channels, chunks = (channels + CK_BYTE_CHANNELS - 1) / CK_BYTE_CHANNELS;
  const long quads = FN(byte_quads)(s->kernel[2]), height = s->kernel[1], out = s->output[2];
  const long pixels = FN(has_pairs)(s) ? 2 : 1;
  const int32_t *missing = (const int32_t *)((const FN(bytes_header) *)packed + 1);
  const int8_t *weights = (const int8_t *)(missing + chunks * CK_BYTE_CHANNELS);
  const long each = height * quads * pixels * 256;
  FN(byte_taps_target) t = {(FN(byte_scheme) *)scratch, _mm512_set1_epi16((short)q->zero),
                            _mm512_set1_epi8(kind == CK_UINT8 ? 0 : -128), _mm512_set1_epi8((char)q->low),
                            _mm512_set1_epi8((char)q->high), y_kind == CK_INT8};
  for (long chunk = 0; chunk < chunks; chunk++)
    for (long v = 0; v < 4; v++) {
      int32_t bias[CK_WIDTH] = {0}, factor[CK_WIDTH] = {0}, right[CK_WIDTH] = {0};
      for (long lane = 0; lane < CK_WIDTH; lane++) {
        const long c = chunk * CK_BYTE_CHANNELS + FN(byte_channel)(v, lane);
        if (c >= channels) continue;
        bias[lane] = q->bias[c] + missing[c];
        factor[lane] = q->factor[c];
        right[lane] = q->right[c];
      }
      t.schemes[chunk * 4 + v] =
          FN(byte_scheme_of)(_mm512_loadu_si512(bias), _mm512_loadu_si512(factor), _mm512_loadu_si512(right));
    }
  // What the taps outside read, for all channels.
  uint8_t *outside = (uint8_t *)(t.schemes + chunks * 4);
  memset(outside, zero, (size_t)(chunks * CK_BYTE_CHANNELS));
  const uint8_t *from[1024];
  long moves[1024];
  for (long row = first_row; row < last_row; row++) {
    const uint8_t *image = (const uint8_t *)x + row / s->output[1] * s->input[1] * s->input[2] * channels;
    const long top = row % s->output[1] * s->stride[1] - s->padding[1];
    bool was_whole = false;
    for (long next_column = 0; next_column < out; next_column += pixels) {
      // The last one may be done twice.
      const long column = next_column + pixels > out ? out - pixels : next_column;
      const long left = column * s->stride[2] - s->padding[2];
      const bool whole = left >= 0 && left + (4 * quads - 1) * s->dilation[2] < s->input[2];
      // Between the edges all move alike.
      if (whole && was_whole && column == next_column) {
        for (long i = 0; i < height * 4 * quads; i++) from[i] += moves[i];
      } else for (long kh = 0; kh < height; kh++) {
        const long h = top + kh * s->dilation[1];
        const uint8_t *line = h < 0 || h >= s->input[1] ? 0 : image + h * s->input[2] * channels;
        for (long kw = 0; kw < 4 * quads; kw++) {
          const long w = left + kw * s->dilation[2], i = kh * 4 * quads + kw;
          from[i] = !line || w < 0 || w >= s->input[2] ? outside : line + w * channels;
          moves[i] = line ? pixels * s->stride[2] * channels : 0;
        }
      }
      was_whole = whole;
      int8_t *to = (int8_t *)y + (row * out + column) * channels;
      for (long chunk = 0; chunk < chunks; chunk++) {
        const long live = channels - chunk * CK_BYTE_CHANNELS;
        const int8_t *w = weights + chunk * each;
        if (pixels == 2) FN(byte_taps_2)(height, from, w, &t, chunk, live, to, channels);
        else FN(byte_taps_1)(height, quads, from, w, &t, chunk, live, to, channels);
      }
    }
  }
}
