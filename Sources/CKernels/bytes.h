// Products of bytes, four of them in each lane (`vpdpbusd`): exact, in sums of 32 bits that wrap. One factor is without a sign, so
// that weights (of dense convolutions) or activations (of depthwise ones) are moved there by an offset, whose share is known and
// taken off again. Sums are brought back to 8 bits where they stand, by the rule of store_requantized in fewer steps.

// What a scheme must be like for those steps: shifts to the right only, and sums below 2^30 so that nothing wraps on the way.
static bool FN(suits_bytes)(const ck_requantization *q, long k, long n) {
  int32_t bad = k > 8192;
  for (long c = 0; c < n; c++)
    bad |= q->left[c] | (q->right[c] < 1) | (q->right[c] > 31) | (q->bias[c] > 1 << 29) | (q->bias[c] < -(1 << 29));
  return !bad;
}

// Bytes of rows that are worked on at once, so that they stay near.
#define CK_BLOCK_OF_BYTES 24576
typedef struct { int32_t offset, fits, unused[14]; } FN(bytes_header);

// What two vectors of channels are requantised with. Where results are packed, lanes stand as the packing takes them.
typedef struct { __m512i bias, factor, odd_factor, even_nudge, odd_nudge, nudge, right; } FN(byte_scheme);

INLINE FN(byte_scheme) FN(byte_scheme_of)(__m512i bias, __m512i factor, __m512i right) {
  const __m512i one = _mm512_set1_epi32(1), half = _mm512_set1_epi64(1LL << 31);
  // Lanes without a channel shift by nothing.
  const __m512i nudge = _mm512_sllv_epi32(one, _mm512_sub_epi32(_mm512_max_epi32(right, one), one));
  return (FN(byte_scheme)){bias, factor, _mm512_srli_epi64(factor, 32), _mm512_add_epi64(_mm512_slli_epi64(nudge, 32), half),
                           _mm512_add_epi64(_mm512_and_epi64(nudge, _mm512_set1_epi64(~0xFFFFFFFFLL)), half), nudge, right};
}

// The scaled sum without the zero point. High halves of products with twice the sum are those that are rounded at bit 31; half of what
// the shift drops is added to them in one go, and one less below zero.
INLINE __m512i FN(scaled_bytes)(__m512i sum, const FN(byte_scheme) * q) {
  const __m512i twice = _mm512_add_epi32(sum, sum);
  __m512i even = _mm512_add_epi64(_mm512_mul_epi32(twice, q->factor), q->even_nudge);
  __m512i odd = _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(twice, 32), q->odd_factor), q->odd_nudge);
  __m512i high = _mm512_mask_shuffle_epi32(odd, 0x5555, even, _MM_PERM_DDBB);
  high = _mm512_mask_sub_epi32(high, _mm512_cmplt_epi32_mask(high, q->nudge), high, _mm512_set1_epi32(1));
  return _mm512_srav_epi32(high, q->right);
}

// Entries of channels, `live` of which there are; pairs of vectors in the order in which their results are packed.
INLINE void FN(paired_entries)(const int32_t *p, long live, __m512i y[2]) {
  const __m512i low = _mm512_setr_epi32(0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
  const __m512i a = (__m512i)FN(load_some_int)(p, live), b = (__m512i)FN(load_some_int)(p + CK_WIDTH, live - CK_WIDTH);
  y[0] = _mm512_permutex2var_epi32(a, low, b);
  y[1] = _mm512_permutex2var_epi32(a, _mm512_add_epi32(low, _mm512_set1_epi32(4)), b);
}

INLINE long FN(byte_quads)(long k) { return (k + 3) / 4; }
INLINE long FN(byte_columns)(long n) { return (n + COLUMNS - 1) / COLUMNS * COLUMNS; }
// The column of a panel of two vectors that stands in a lane.
INLINE long FN(byte_column)(long lane, bool paired) {
  return paired ? lane % 16 / 4 * 8 + lane / 16 * 4 + lane % 4 : lane;
}

static long FN(packed_bytes)(long k, long n) {
  return (long)sizeof(FN(bytes_header)) + FN(byte_columns)(n) * (4 + 4 * FN(byte_quads)(k));
}
static long FN(byte_scratch)(const ck_convolution *s) {
  const long depth = 4 * FN(byte_quads)(s->kernel[0] * s->kernel[1] * s->kernel[2] * (s->input_channels / s->groups));
  return (CK_BLOCK_OF_BYTES > CK_ROWS * depth ? CK_BLOCK_OF_BYTES : CK_ROWS * depth) / 4 + 16;
}

// [header][what each column's sum lacks][panel][depth / 4][lane][4]
static bool FN(pack_bytes)(const int16_t *w, long k, long n, int kind, int32_t zero, void *packed) {
  int16_t low = 0, high = 0;
  for (long i = 0; i < k * n; i++) {
    low = w[i] < low ? w[i] : low;
    high = w[i] > high ? w[i] : high;
  }
  const int32_t moved = kind == CK_UINT8 ? zero - 128 : zero;
  FN(bytes_header) *header = packed;
  header->offset = low < -128 ? -low : 128;
  header->fits = high + header->offset <= 255 && moved >= -128 && moved <= 127;
  if (!header->fits) return false;
  int32_t *missing = (int32_t *)(header + 1);
  uint8_t *to = (uint8_t *)(missing + FN(byte_columns)(n));
  const long quads = FN(byte_quads)(k);
  for (long j = 0; j < n; j += COLUMNS) {
    const bool paired = n - j > CK_WIDTH;
    for (long c = 0; c < COLUMNS; c++) {
      uint32_t sum = 0;
      if (j + c < n) for (long p = 0; p < k; p++) sum += (uint32_t)w[(j + c) * k + p];
      missing[j + c] = (int32_t)(0u - (uint32_t)moved * sum);
    }
    for (long q = 0; q < quads; q++)
      for (long lane = 0; lane < COLUMNS; lane++) {
        const long c = j + FN(byte_column)(lane, paired);
        for (long i = 4 * q; i < 4 * q + 4; i++) *to++ = c < n && i < k ? (uint8_t)(w[c * k + i] + header->offset) : 0;
      }
  }
  return true;
}
