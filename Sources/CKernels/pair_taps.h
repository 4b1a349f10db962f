// Depthwise convolutions of 8-bit integers with AVX2: two taps of a channel stand in a lane, 16 channels and up to four neighbouring
// pixels are done at once. Where channels are not a multiple of 16, the last chunk takes some of the one before it again.
#define CK_PAIR_CHANNELS 16
#define CK_PAIR_PIXELS 4

INLINE long FN(pair_chunks)(long channels) { return (channels + CK_PAIR_CHANNELS - 1) / CK_PAIR_CHANNELS; }
INLINE long FN(pair_chunk)(long channels, long chunk) {
  const long at = chunk * CK_PAIR_CHANNELS;
  return at + CK_PAIR_CHANNELS <= channels || channels < CK_PAIR_CHANNELS ? at : channels - CK_PAIR_CHANNELS;
}
INLINE long FN(tap_pairs)(const ck_convolution *s) { return (s->kernel[1] * s->kernel[2] + 1) / 2; }

// Weights of [chunk][pair of taps][lane][2].
static long FN(packed_byte_taps)(const ck_convolution *s) {
  return FN(pair_chunks)(s->output_channels) * FN(tap_pairs)(s) * CK_PAIR_CHANNELS * 4;
}
// `w` is [channels, taps].
static bool FN(pack_byte_taps)(const ck_convolution *s, const int16_t *w, int kind, int32_t zero, void *packed) {
  (void)kind, (void)zero;
  const long channels = s->output_channels, taps = s->kernel[1] * s->kernel[2];
  int16_t *to = packed;
  for (long chunk = 0; chunk < FN(pair_chunks)(channels); chunk++)
    for (long p = 0; p < FN(tap_pairs)(s); p++)
      for (long lane = 0; lane < CK_PAIR_CHANNELS; lane++) {
        const long c = FN(pair_chunk)(channels, chunk) + FN(paired_channel)(lane);
        for (long i = 2 * p; i < 2 * p + 2; i++) *to++ = c < channels && i < taps ? w[c * taps + i] : 0;
      }
  return true;
}
// Two schemes for each chunk, and what the taps outside read.
static long FN(byte_taps_scratch)(const ck_convolution *s) {
  return FN(pair_chunks)(s->output_channels) * (long)(2 * sizeof(FN(pair_scheme)) + CK_PAIR_CHANNELS) / 4;
}

// 16 channels of a pixel, as 16 bits; of fewer channels those that there are.
INLINE __m256i FN(wide_pixel)(const uint8_t *p, const bool whole, long live, const bool is_signed) {
  __m128i bytes;
  if (whole) {
    bytes = _mm_loadu_si128((const __m128i *)p);
  } else {
    uint8_t each[16] = {0};
    for (long i = 0; i < live; i++) each[i] = p[i];
    bytes = _mm_loadu_si128((const __m128i *)each);
  }
  return is_signed ? _mm256_cvtepi8_epi16(bytes) : _mm256_cvtepu8_epi16(bytes);
}

// `from` holds where the taps of each pixel are read, two for each pair.
INLINE void FN(pair_taps_of)(const int pixels, const bool whole, const bool is_signed, long pairs, const uint8_t *const *from,
                             const int16_t *w, const FN(pair_scheme) * scheme, const FN(pair_range) * range, long at, long live,
                             int8_t *y, long step) {
  __m256i sum[CK_PAIR_PIXELS][2];
  UNROLLED for (int i = 0; i < pixels; i++) UNROLLED for (int v = 0; v < 2; v++) sum[i][v] = scheme[v].bias;
  for (long p = 0; p < pairs; p++, w += 32) {
    const __m256i first = (__m256i)FN(load_int)(w), second = (__m256i)FN(load_int)(w + 16);
    UNROLLED for (int i = 0; i < pixels; i++) {
      const uint8_t *const *two = from + (i * pairs + p) * 2;
      const __m256i a = FN(wide_pixel)(two[0] + at, whole, live, is_signed), b = FN(wide_pixel)(two[1] + at, whole, live, is_signed);
      sum[i][0] = _mm256_add_epi32(sum[i][0], _mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), first));
      sum[i][1] = _mm256_add_epi32(sum[i][1], _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), second));
    }
  }
  UNROLLED for (int i = 0; i < pixels; i++)
    FN(store_pairs)(FN(scaled_pairs)(sum[i][0], scheme), FN(scaled_pairs)(sum[i][1], scheme + 1), range, y + i * step + at,
                    whole ? CK_PAIR_CHANNELS : live);
}
#define CK_PAIR_TAPS(name, pixels, is_signed)                                                                                    \
  static __attribute__((noinline)) void FN(name)(long pairs, const uint8_t *const *from, const int16_t *w,                       \
                                                 const FN(pair_scheme) * scheme, const FN(pair_range) * range, long channels,    \
                                                 int8_t *y) {                                                                    \
    if (channels < CK_PAIR_CHANNELS) {                                                                                           \
      FN(pair_taps_of)(pixels, false, is_signed, pairs, from, w, scheme, range, 0, channels, y, channels);                       \
      return;                                                                                                                    \
    }                                                                                                                            \
    for (long chunk = 0; chunk < FN(pair_chunks)(channels); chunk++)                                                             \
      FN(pair_taps_of)(pixels, true, is_signed, pairs, from, w + chunk * pairs * 32, scheme + 2 * chunk, range,                  \
                       FN(pair_chunk)(channels, chunk), 0, y, channels);                                                         \
  }
CK_PAIR_TAPS(pair_taps_signed, CK_PAIR_PIXELS, true) CK_PAIR_TAPS(pair_taps_unsigned, CK_PAIR_PIXELS, false)
CK_PAIR_TAPS(pair_taps_signed_1, 1, true) CK_PAIR_TAPS(pair_taps_unsigned_1, 1, false)

static void FN(depthwise_bytes)(const ck_convolution *s, const void *x, int kind, int32_t zero, const void *packed,
                                const ck_requantization *q, void *y, int y_kind, float *scratch, long first_row, long last_row) {
  (void)y_kind;
  const long channels = s->output_channels, chunks = FN(pair_chunks)(channels), pairs = FN(tap_pairs)(s), out = s->output[2];
  const long width = s->kernel[2];
  const int16_t *weights = packed;
  const FN(pair_range) range = FN(pair_range_of)(q);
  FN(pair_scheme) *schemes = (FN(pair_scheme) *)scratch;
  for (long chunk = 0; chunk < chunks; chunk++)
    for (long v = 0; v < 2; v++) {
      int32_t bias[8] = {0}, factor[8] = {0}, right[8] = {0};
      for (long lane = 0; lane < 8; lane++) {
        const long c = FN(pair_chunk)(channels, chunk) + FN(paired_channel)(8 * v + lane);
        if (c >= channels) continue;
        // What the zero point of what is read adds to the sum.
        int32_t sum = 0;
        for (long p = 0; p < pairs; p++)
          for (long i = 0; i < 2; i++) sum += weights[((chunk * pairs + p) * CK_PAIR_CHANNELS + 8 * v + lane) * 2 + i];
        bias[lane] = q->bias[c] - zero * sum;
        factor[lane] = q->factor[c];
        right[lane] = q->right[c];
      }
      schemes[chunk * 2 + v] = FN(pair_scheme_of)((__m256i)FN(load_int)(bias), (__m256i)FN(load_int)(factor), (__m256i)FN(load_int)(right));
    }
  uint8_t *outside = (uint8_t *)(schemes + chunks * 2);
  memset(outside, zero, (size_t)(chunks * CK_PAIR_CHANNELS));
  // The last of an odd number of taps is multiplied by nothing.
  const uint8_t *from[CK_PAIR_PIXELS * 256];
  for (long i = 0; i < CK_PAIR_PIXELS * 2 * pairs; i++) from[i] = outside;
  for (long row = first_row; row < last_row; row++) {
    const uint8_t *image = (const uint8_t *)x + row / s->output[1] * s->input[1] * s->input[2] * channels;
    const long top = row % s->output[1] * s->stride[1] - s->padding[1];
    const long pixels = out >= CK_PAIR_PIXELS ? CK_PAIR_PIXELS : 1;
    for (long next = 0; next < out; next += pixels) {
      // The last ones may be done twice.
      const long column = next + pixels > out ? out - pixels : next;
      for (long i = 0; i < pixels; i++) {
        const long left = (column + i) * s->stride[2] - s->padding[2];
        const uint8_t **to = from + i * 2 * pairs;
        for (long kh = 0; kh < s->kernel[1]; kh++) {
          const long h = top + kh * s->dilation[1];
          const uint8_t *line = h < 0 || h >= s->input[1] ? 0 : image + h * s->input[2] * channels;
          for (long kw = 0; kw < width; kw++) {
            const long at = left + kw * s->dilation[2];
            *to++ = !line || at < 0 || at >= s->input[2] ? outside : line + at * channels;
          }
        }
      }
      int8_t *to = (int8_t *)y + (row * out + column) * channels;
      if (kind == CK_UINT8) {
        (pixels == 1 ? FN(pair_taps_unsigned_1) : FN(pair_taps_unsigned))(pairs, from, weights, schemes, &range, channels, to);
      } else {
        (pixels == 1 ? FN(pair_taps_signed_1) : FN(pair_taps_signed))(pairs, from, weights, schemes, &range, channels, to);
      }
    }
  }
}
