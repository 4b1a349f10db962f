// What brings sums of 8-bit integers back to 8 bits with AVX2, where they stand: the rule of store_requantized in fewer steps.

// What a scheme must be like for those steps: shifts to the right only, and sums below 2^30 so that nothing wraps on the way.
static bool FN(suits_bytes)(const ck_requantization *q, long k, long n) {
  int32_t bad = k > 8192;
  for (long c = 0; c < n; c++)
    bad |= q->left[c] | (q->right[c] < 1) | (q->right[c] > 31) | (q->bias[c] > 1 << 29) | (q->bias[c] < -(1 << 29));
  return !bad;
}

typedef struct { __m256i bias, factor, odd_factor, even_nudge, odd_nudge, nudge, right; } FN(pair_scheme);

INLINE FN(pair_scheme) FN(pair_scheme_of)(__m256i bias, __m256i factor, __m256i right) {
  const __m256i one = _mm256_set1_epi32(1), half = _mm256_set1_epi64x(1LL << 31);
  // Lanes without a channel shift by nothing.
  const __m256i nudge = _mm256_sllv_epi32(one, _mm256_sub_epi32(_mm256_max_epi32(right, one), one));
  return (FN(pair_scheme)){bias, factor, _mm256_srli_epi64(factor, 32), _mm256_add_epi64(_mm256_slli_epi64(nudge, 32), half),
                           _mm256_add_epi64(_mm256_and_si256(nudge, _mm256_set1_epi64x(~0xFFFFFFFFLL)), half), nudge, right};
}

// The scaled sum without the zero point. High halves of products with twice the sum are those that are rounded at bit 31; half of what
// the shift drops is added to them in one go, and one less below zero.
INLINE __m256i FN(scaled_pairs)(__m256i sum, const FN(pair_scheme) * q) {
  const __m256i twice = _mm256_add_epi32(sum, sum);
  const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(twice, q->factor), q->even_nudge);
  const __m256i odd = _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(twice, 32), q->odd_factor), q->odd_nudge);
  const __m256i high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA);
  return _mm256_srav_epi32(_mm256_add_epi32(high, _mm256_cmpgt_epi32(q->nudge, high)), q->right);
}

// Two vectors hold 16 channels in the order in which packing their results takes them.
INLINE long FN(paired_channel)(long lane) { return lane % 8 / 4 * 8 + lane / 8 * 4 + lane % 4; }
// Entries of 16 channels, `live` of which there are, in that order.
INLINE void FN(paired_entries)(const int32_t *p, long live, __m256i y[2]) {
  const __m256i a = (__m256i)FN(load_some_int)(p, live), b = (__m256i)FN(load_some_int)(p + 8, live - 8);
  y[0] = _mm256_permute2x128_si256(a, b, 0x20);
  y[1] = _mm256_permute2x128_si256(a, b, 0x31);
}

// What is added and what bounds the results, 16 bits each.
typedef struct { __m256i zero, low, high; } FN(pair_range);
INLINE FN(pair_range) FN(pair_range_of)(const ck_requantization *q) {
  return (FN(pair_range)){_mm256_set1_epi16((short)q->zero), _mm256_set1_epi16((short)q->low), _mm256_set1_epi16((short)q->high)};
}
// 16 results, the first `live` of which are stored.
INLINE void FN(store_pairs)(__m256i first, __m256i second, const FN(pair_range) * range, int8_t *y, long live) {
  __m256i both = _mm256_adds_epi16(_mm256_packs_epi32(first, second), range->zero);
  both = _mm256_and_si256(_mm256_min_epi16(_mm256_max_epi16(both, range->low), range->high), _mm256_set1_epi16(255));
  const __m128i bytes = _mm256_castsi256_si128(_mm256_permute4x64_epi64(_mm256_packus_epi16(both, both), 0x08));
  if (live >= 16) {
    _mm_storeu_si128((__m128i *)y, bytes);
  } else {
    int8_t each[16];
    _mm_storeu_si128((__m128i *)each, bytes);
    for (long i = 0; i < live; i++) y[i] = each[i];
  }
}
