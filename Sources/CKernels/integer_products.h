// Products of integers of 8 and 16 bits, and what brings their sums back to such integers. Operands are widened to 16 bits and
// multiplied in pairs, which is exact: sums are of 32 bits and wrap. Everything computes as LiteRT's reference kernels do.

typedef uint32_t vu __attribute__((vector_size(CK_WIDTH * 4)));
typedef int32_t FN(unaligned_int) __attribute__((vector_size(CK_WIDTH * 4), aligned(2), may_alias));

typedef int16_t FN(unaligned_halves) __attribute__((vector_size(CK_WIDTH * 2), aligned(2), may_alias));

INLINE vi FN(load_int)(const void *p) { return *(const FN(unaligned_int) *)p; }
INLINE vi FN(splat_int)(int32_t x) { return x - (vi){0}; }

// sum + a[0] * b[0] + a[1] * b[1] of the 16-bit halves of each lane.
INLINE vi FN(add_products)(vi sum, vi a, vi b) {
#if CK_WIDTH == 16 && CK_VNNI
  return (vi)_mm512_dpwssd_epi32((__m512i)sum, (__m512i)a, (__m512i)b);
#elif CK_WIDTH == 16
  return (vi)_mm512_add_epi32((__m512i)sum, _mm512_madd_epi16((__m512i)a, (__m512i)b));
#elif CK_WIDTH == 8
  return (vi)_mm256_add_epi32((__m256i)sum, _mm256_madd_epi16((__m256i)a, (__m256i)b));
#else
  vi low = ((vi)((vu)a << 16) >> 16) * ((vi)((vu)b << 16) >> 16), high = (a >> 16) * (b >> 16);
  return (vi)((vu)sum + (vu)low + (vu)high);
#endif
}

// The high half of twice the product, rounded; no two factors are both the least number.
INLINE vi FN(high_product)(vi a, vi b) {
#if CK_WIDTH == 16
  const __m512i half = _mm512_set1_epi64(1 << 30), x = (__m512i)a, w = (__m512i)b;
  __m512i even = _mm512_add_epi64(_mm512_mul_epi32(x, w), half);
  __m512i odd = _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(x, 32), _mm512_srli_epi64(w, 32)), half);
  return (vi)_mm512_mask_blend_epi32(0xAAAA, _mm512_srli_epi64(even, 31), _mm512_slli_epi64(odd, 1));
#elif CK_WIDTH == 8
  const __m256i half = _mm256_set1_epi64x(1 << 30), x = (__m256i)a, w = (__m256i)b;
  __m256i even = _mm256_add_epi64(_mm256_mul_epi32(x, w), half);
  __m256i odd = _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(x, 32), _mm256_srli_epi64(w, 32)), half);
  return (vi)_mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_slli_epi64(odd, 1), 0xAA);
#else
  vi y;
  for (int i = 0; i < CK_WIDTH; i++) y[i] = (int32_t)((uint64_t)((int64_t)a[i] * b[i] + (1 << 30)) >> 31);
  return y;
#endif
}

// x / 2^right, halves away from zero, for `right` from 0 to 31.
INLINE vi FN(rounding_shift)(vi x, vi right) {
  vi mask = (vi)(((vu)FN(splat_int)(1) << (vu)right) - 1);
  vi threshold = (mask >> 1) - (x < 0);
  return (x >> right) - ((x & mask) > threshold);
}
INLINE vi FN(clamped)(vi x, vi low, vi high) { return __builtin_elementwise_min(__builtin_elementwise_max(x, low), high); }

// Integers of a kind less `zero`, as 16 bits and as floats.
static void FN(widen)(const void *x, int kind, int32_t zero, int16_t *y, long count) {
  const int8_t *s8 = x;
  const uint8_t *u8 = x;
  const int16_t *s16 = x;
  const int16_t z = (int16_t)zero;
  if (kind == CK_INT8) for (long i = 0; i < count; i++) y[i] = (int16_t)(s8[i] - z);
  else if (kind == CK_UINT8) for (long i = 0; i < count; i++) y[i] = (int16_t)(u8[i] - z);
  else for (long i = 0; i < count; i++) y[i] = (int16_t)(s16[i] - z);
}
static void FN(widen_to_floats)(const void *x, int kind, int32_t zero, float *y, long count) {
  const int8_t *s8 = x;
  const uint8_t *u8 = x;
  const int16_t *s16 = x;
  if (kind == CK_INT8) for (long i = 0; i < count; i++) y[i] = (float)(s8[i] - zero);
  else if (kind == CK_UINT8) for (long i = 0; i < count; i++) y[i] = (float)(u8[i] - zero);
  else for (long i = 0; i < count; i++) y[i] = (float)(s16[i] - zero);
}
INLINE const void *FN(element)(const void *x, int kind, long index) { return (const char *)x + (kind == CK_INT16 ? 2 * index : index); }

// The first `live` lanes, which fit the kind.
INLINE void FN(store_narrow)(void *y, int kind, long at, vi v, long live) {
#if CK_WIDTH == 16
  const lanes m = first_lanes(live);
  if (kind == CK_INT16) _mm512_mask_cvtepi32_storeu_epi16((int16_t *)y + at, m, (__m512i)v);
  else _mm512_mask_cvtepi32_storeu_epi8((int8_t *)y + at, m, (__m512i)v);
#else
#if CK_WIDTH == 8
  if (live >= CK_WIDTH) {
    // Of each 32 bits the lower ones, so that packing bounds nothing.
    const __m256i each = _mm256_shuffle_epi8((__m256i)v, kind == CK_INT16
      ? _mm256_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, -1, -1, -1, -1, -1, -1, -1, -1, 0, 1, 4, 5, 8, 9, 12, 13, -1, -1, -1, -1, -1, -1, -1, -1)
      : _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1));
    const __m128i low = _mm256_castsi256_si128(each), high = _mm256_extracti128_si256(each, 1);
    if (kind == CK_INT16) _mm_storeu_si128((__m128i *)((int16_t *)y + at), _mm_unpacklo_epi64(low, high));
    else _mm_storel_epi64((__m128i *)((int8_t *)y + at), _mm_unpacklo_epi32(low, high));
    return;
  }
#endif
  const long n = live < CK_WIDTH ? live : CK_WIDTH;
  if (kind == CK_INT16) for (long i = 0; i < n; i++) ((int16_t *)y)[at + i] = (int16_t)v[i];
  else for (long i = 0; i < n; i++) ((int8_t *)y)[at + i] = (int8_t)v[i];
#endif
}
// The first `live` lanes of integers or floats, bit by bit.
INLINE vi FN(load_some_int)(const void *p, long live) {
#if CK_WIDTH >= 8
  return (vi)load_some(p, live);
#else
  int32_t each[CK_WIDTH] = {0};
  memcpy(each, p, (size_t)(live < CK_WIDTH ? live : CK_WIDTH) * sizeof *each);
  return FN(load_int)(each);
#endif
}

// Sums of [rows, columns], `ld` apart, as stored integers. The scheme stands at the first column. Sums may be floats that are whole.
static void FN(store_requantized)(const void *sums, bool floats, long ld, long rows, long columns, const ck_requantization *q,
                                  long channel, void *y, int kind, long place, long ldy) {
  const vi zero = FN(splat_int)(q->zero), low = FN(splat_int)(q->low), high = FN(splat_int)(q->high);
  for (long c = 0; c < columns; c += CK_WIDTH) {
    const long live = columns - c, at = channel + c;
    const vi bias = FN(load_some_int)(q->bias + at, live), factor = FN(load_some_int)(q->factor + at, live);
    const vi left = FN(load_some_int)(q->left + at, live), right = FN(load_some_int)(q->right + at, live);
    for (long r = 0; r < rows; r++) {
      vi sum = FN(load_some_int)((const char *)sums + (r * ld + c) * 4, live);
      if (floats) sum = __builtin_convertvector((vf)sum, vi);
      vi scaled = FN(rounding_shift)(FN(high_product)((vi)((vu)((vu)sum + (vu)bias) << (vu)left), factor), right);
      FN(store_narrow)(y, kind, place + r * ldy + c, FN(clamped)((vi)((vu)scaled + (vu)zero), low, high), live);
    }
  }
}

// Columns in pairs of depth: [panel][depth / 2][column][2].
static void FN(pack_integers)(const int16_t *w, long k, long n, int16_t *packed) {
  const long pairs = (k + 1) / 2;
  for (long j = 0; j < n; j += COLUMNS, packed += pairs * COLUMNS * 2)
    for (long c = 0; c < COLUMNS; c++) {
      const int16_t *row = w + (j + c) * k;
      int16_t *to = packed + 2 * c;
      const long live = j + c < n ? k : 0;
      for (long p = 0; p < live / 2; p++) memcpy(to + p * COLUMNS * 2, row + 2 * p, 4);
      for (long i = live / 2 * 2; i < 2 * pairs; i++) to[i / 2 * COLUMNS * 2 + i % 2] = i < live ? row[i] : 0;
    }
}
static long FN(packed_integers)(long k, long n) { return (n + COLUMNS - 1) / COLUMNS * COLUMNS * ((k + 1) / 2) * 2; }

INLINE void FN(integer_tile_of)(const int rows, const int16_t *a, long lda, long pairs, const int16_t *b, int32_t *c) {
  vi sum[CK_ROWS][2];
  UNROLLED for (int r = 0; r < rows; r++) UNROLLED for (int v = 0; v < 2; v++) sum[r][v] = FN(splat_int)(0);
  for (long p = 0; p < pairs; p++, b += 2 * COLUMNS) {
    const vi left = FN(load_int)(b), right = FN(load_int)(b + COLUMNS);
    UNROLLED for (int r = 0; r < rows; r++) {
      int32_t pair;
      memcpy(&pair, a + r * lda + 2 * p, 4);
      const vi x = FN(splat_int)(pair);
      sum[r][0] = FN(add_products)(sum[r][0], x, left);
      sum[r][1] = FN(add_products)(sum[r][1], x, right);
    }
  }
  UNROLLED for (int r = 0; r < rows; r++) UNROLLED for (int v = 0; v < 2; v++)
    *(FN(unaligned_int) *)(c + r * COLUMNS + v * CK_WIDTH) = sum[r][v];
}
static __attribute__((noinline)) void FN(integer_tile)(long rows, const int16_t *a, long lda, long pairs, const int16_t *b, int32_t *c) {
  switch (rows) {
    case 1: FN(integer_tile_of)(1, a, lda, pairs, b, c); break;
    case 2: FN(integer_tile_of)(2, a, lda, pairs, b, c); break;
    case 3: FN(integer_tile_of)(3, a, lda, pairs, b, c); break;
#if CK_ROWS >= 6
    case 4: FN(integer_tile_of)(4, a, lda, pairs, b, c); break;
    case 5: FN(integer_tile_of)(5, a, lda, pairs, b, c); break;
#endif
#if CK_ROWS >= 8
    case 6: FN(integer_tile_of)(6, a, lda, pairs, b, c); break;
    case 7: FN(integer_tile_of)(7, a, lda, pairs, b, c); break;
#endif
    default: FN(integer_tile_of)(CK_ROWS, a, lda, pairs, b, c);
  }
}

// Rows that are worked on at once, so that they and their sums stay near.
INLINE long FN(integer_block)(long depth) {
  long rows = 32768 / (depth + 1) / CK_ROWS * CK_ROWS;
  return rows < CK_ROWS ? CK_ROWS : rows > 256 ? 256 : rows;
}
INLINE long FN(integer_depth)(const ck_convolution *s) {
  return (s->kernel[0] * s->kernel[1] * s->kernel[2] * (s->input_channels / s->groups) + 1) / 2 * 2;
}
static long FN(integer_scratch)(const ck_convolution *s) {
  const long depth = FN(integer_depth)(s);
  return (FN(integer_block)(depth) * depth + 1) / 2;
}

// What the taps of one pixel read, side by side; the padding is zero.
INLINE void FN(integer_window)(const ck_convolution *s, const void *x, int kind, int32_t zero, long group, const FN(pixel) * p,
                               int16_t *row) {
  const long inputs = s->input_channels / s->groups;
  const bool runs = s->groups == 1 && s->dilation[2] == 1;
  for (long kd = 0; kd < s->kernel[0]; kd++)
    for (long kh = 0; kh < s->kernel[1]; kh++) {
      const long d = p->place[0] * s->stride[0] + kd * s->dilation[0] - s->padding[0];
      const long h = p->place[1] * s->stride[1] + kh * s->dilation[1] - s->padding[1];
      const long left = p->place[2] * s->stride[2] - s->padding[2], count = s->kernel[2] * inputs;
      if (d < 0 || d >= s->input[0] || h < 0 || h >= s->input[1]) {
        memset(row, 0, (size_t)count * sizeof *row);
        row += count;
        continue;
      }
      const long line = ((p->image * s->input[0] + d) * s->input[1] + h) * s->input[2];
      if (runs && left >= 0 && left + s->kernel[2] <= s->input[2]) {
        FN(widen)(FN(element)(x, kind, (line + left) * inputs), kind, zero, row, count);
        row += count;
        continue;
      }
      for (long kw = 0; kw < s->kernel[2]; kw++, row += inputs) {
        const long w = left + kw * s->dilation[2];
        if (w < 0 || w >= s->input[2]) memset(row, 0, (size_t)inputs * sizeof *row);
        else FN(widen)(FN(element)(x, kind, (line + w) * s->input_channels + group * inputs), kind, zero, row, inputs);
      }
    }
}

// Whether each pixel of the result reads the pixel in its place alone.
INLINE bool FN(moves_nothing)(const ck_convolution *s) {
  return s->input[0] == s->output[0] && s->input[1] == s->output[1] && s->input[2] == s->output[2] &&
         s->stride[0] * s->stride[1] * s->stride[2] == 1 && !s->padding[0] && !s->padding[1] && !s->padding[2];
}
// What the pixels start..<end read, an even number of integers for each; `plain` where that is what stands in their places.
INLINE void FN(integer_rows)(const ck_convolution *s, const void *x, int kind, int32_t zero, long group, bool plain, long start, long end,
                             FN(pixel) * next, int16_t *rows) {
  const long k = s->kernel[0] * s->kernel[1] * s->kernel[2] * (s->input_channels / s->groups), depth = FN(integer_depth)(s);
  if (plain && k == depth) {
    FN(widen)(FN(element)(x, kind, start * k), kind, zero, rows, (end - start) * k);
    return;
  }
  for (long r = 0; r < end - start; r++) {
    int16_t *row = rows + r * depth;
    if (plain) FN(widen)(FN(element)(x, kind, (start + r) * k), kind, zero, row, k);
    else FN(integer_window)(s, x, kind, zero, group, next, row);
    if (k < depth) row[k] = 0;
    FN(advance)(s, next);
  }
}

static void FN(convolve_integers)(const ck_convolution *s, const void *x, int kind, int32_t zero, const int16_t *packed,
                                  const ck_requantization *q, void *y, int y_kind, float *scratch, long group, long first_pixel,
                                  long last_pixel) {
  const long inputs = s->input_channels / s->groups, outputs = s->output_channels / s->groups;
  const long k = s->kernel[0] * s->kernel[1] * s->kernel[2] * inputs, depth = FN(integer_depth)(s), block = FN(integer_block)(depth);
  const bool plain = k == inputs && s->groups == 1 && FN(moves_nothing)(s);
  int16_t *rows = (int16_t *)scratch;
  int32_t sums[CK_ROWS * COLUMNS] __attribute__((aligned(64)));
  FN(pixel) next = FN(pixel_at)(s, first_pixel);
  for (long start = first_pixel; start < last_pixel; start += block) {
    const long end = start + block < last_pixel ? start + block : last_pixel;
    FN(integer_rows)(s, x, kind, zero, group, plain, start, end, &next, rows);
    for (long column = 0; column < outputs; column += COLUMNS) {
      const long columns = outputs - column < COLUMNS ? outputs - column : COLUMNS, channel = group * outputs + column;
      for (long row = start, count; row < end; row += count) {
        count = FN(next_rows)(end - row);
        FN(integer_tile)(count, rows + (row - start) * depth, depth, depth / 2, packed + column * depth, sums);
        if (!q) {
          int32_t *to = (int32_t *)y + row * s->output_channels + channel;
          for (long r = 0; r < count; r++) memcpy(to + r * s->output_channels, sums + r * COLUMNS, (size_t)columns * sizeof *to);
          continue;
        }
        FN(store_requantized)(sums, false, COLUMNS, count, columns, q, channel, y, y_kind, row * s->output_channels + channel,
                              s->output_channels);
      }
    }
  }
}

// Sums of a few products of 8 bits are whole numbers below 2^24, so floats hold them exactly: the loop for floats does, over rows
// that are widened as they are needed. One image in two axes; `w` is [taps, channels].
#define CK_DEPTHWISE_FLOATS 24576
INLINE long FN(depthwise_inputs)(const ck_convolution *s, long rows) {
  long needed = (rows - 1) * s->stride[1] + (s->kernel[1] - 1) * s->dilation[1] + 1;
  return needed < s->input[1] ? needed : s->input[1];
}
INLINE long FN(depthwise_block)(const ck_convolution *s) {
  long rows = 1;
  while (rows < s->output[1] && (FN(depthwise_inputs)(s, rows + 1) * s->input[2] + (rows + 1) * s->output[2]) * s->output_channels <=
         CK_DEPTHWISE_FLOATS) rows++;
  return rows;
}
static long FN(integer_depthwise_scratch)(const ck_convolution *s) {
  const long rows = FN(depthwise_block)(s);
  return (FN(depthwise_inputs)(s, rows) * s->input[2] + rows * s->output[2]) * s->output_channels + CK_WIDTH;
}
static void FN(depthwise_integers)(const ck_convolution *s, const void *x, int kind, int32_t zero, const float *w,
                                   const ck_requantization *q, void *y, int y_kind, float *scratch, long first_row, long last_row) {
  const long channels = s->output_channels, block = FN(depthwise_block)(s);
  for (long row = first_row, rows; row < last_row; row += rows) {
    const long image = row / s->output[1], height = row % s->output[1];
    rows = s->output[1] - height;
    if (rows > block) rows = block;
    if (rows > last_row - row) rows = last_row - row;
    long low = height * s->stride[1] - s->padding[1];
    long high = low + (rows - 1) * s->stride[1] + (s->kernel[1] - 1) * s->dilation[1] + 1;
    ck_convolution part = *s;
    const long above = low < 0 ? -low : 0;
    if (low < 0) low = 0;
    if (low > s->input[1]) low = s->input[1];
    if (high > s->input[1]) high = s->input[1];
    if (high < low) high = low;
    part.batch = 1;
    part.input[1] = high - low;
    part.output[1] = rows;
    part.padding[1] = above;
    const long count = (high - low) * s->input[2] * channels;
    FN(widen_to_floats)(FN(element)(x, kind, (image * s->input[1] + low) * s->input[2] * channels), kind, zero, scratch, count);
    float *sums = scratch + count;
    const ck_epilogue none = {0};
    FN(depthwise_last)(&part, scratch, w, sums, 0, rows, &none);
    FN(store_requantized)(sums, true, channels, rows * s->output[2], channels, q, 0, y, y_kind, row * s->output[2] * channels, channels);
  }
}

// Both sides brought to one finer scale and added (b's factor may be negative), or multiplied; then to the result's. Steps are 0 or 1.
static void FN(combine_integers)(const ck_integer_pair *p, const void *a, const void *b, void *y, int kind, long count, long a_step,
                                 long b_step) {
  int16_t x[128], w[128];
  const vi fa = FN(splat_int)(p->factor[0]), fb = FN(splat_int)(p->factor[1]), f = FN(splat_int)(p->factor[2]);
  const vi ra = FN(splat_int)(p->right[0]), rb = FN(splat_int)(p->right[1]), r = FN(splat_int)(p->right[2]);
  const vu left = (vu)FN(splat_int)(p->left), first = (vu)FN(splat_int)(p->first);
  const vi zero = FN(splat_int)(p->zero), low = FN(splat_int)(p->low), high = FN(splat_int)(p->high);
  for (long start = 0; start < count; start += 128) {
    const long n = count - start < 128 ? count - start : 128;
    FN(widen)(FN(element)(a, kind, start * a_step), kind, p->zeros[0], x, a_step ? n : 1);
    FN(widen)(FN(element)(b, kind, start * b_step), kind, p->zeros[1], w, b_step ? n : 1);
    if (!a_step) for (long i = 1; i < n; i++) x[i] = x[0];
    if (!b_step) for (long i = 1; i < n; i++) w[i] = w[0];
    for (long i = n; i < 128 && i % CK_WIDTH; i++) x[i] = w[i] = 0;
    for (long i = 0; i < n; i += CK_WIDTH) {
      vi u = __builtin_convertvector(*(const FN(unaligned_halves) *)(x + i), vi), sum;
      vi v = __builtin_convertvector(*(const FN(unaligned_halves) *)(w + i), vi);
      if (p->multiplies) {
        sum = (vi)((vu)u * (vu)v);
      } else {
        u = FN(rounding_shift)(FN(high_product)((vi)((vu)u << first), fa), ra);
        v = FN(rounding_shift)(FN(high_product)((vi)((vu)v << first), fb), rb);
        sum = p->subtracts ? (vi)((vu)u - (vu)v) : (vi)((vu)u + (vu)v);
      }
      vi scaled = FN(rounding_shift)(FN(high_product)((vi)((vu)sum << left), f), r);
      FN(store_narrow)(y, kind, start + i, FN(clamped)((vi)((vu)scaled + (vu)zero), low, high), n - i);
    }
  }
}

// nudge + x * inverse, rounded with halves away from zero, from `least` to 127; NaN becomes `least`.
static void FN(quantize_row)(const float *x, int8_t *y, long count, float inverse, float nudge, int32_t least) {
#pragma clang fp contract(off)
  for (long i = 0; i < count; i += CK_WIDTH) {
    const vf each = count - i >= CK_WIDTH ? load(x + i) : load_some(x + i, count - i);
    const vf product = each * splat(inverse);
    // What lies beyond the range by far stays beyond it.
    const vf v = smaller(larger(splat(nudge) + product, splat(-1024)), splat(1024));
    const vf half = (vf)(((vi)v & (int32_t)0x80000000) | (vi)splat(0.49999997f));
    FN(store_narrow)(y, CK_INT8, i, FN(clamped)(__builtin_convertvector(v + half, vi), FN(splat_int)(least), FN(splat_int)(127)), count - i);
  }
}
