// One vector of CK_WIDTH floats, and the same of integers. `unaligned` is how they stand in memory.
typedef float vf __attribute__((vector_size(CK_WIDTH * 4)));
typedef int32_t vi __attribute__((vector_size(CK_WIDTH * 4)));
typedef float unaligned __attribute__((vector_size(CK_WIDTH * 4), aligned(4), may_alias));

INLINE vf load(const float *p) { return *(const unaligned *)p; }
INLINE void store(float *p, vf v) { *(unaligned *)p = v; }
INLINE vf splat(float x) { return x - (vf){0}; }
INLINE vf choose(vi mask, vf a, vf b) { return (vf)(((vi)a & mask) | ((vi)b & ~mask)); }
// a > b ? a : b and a < b ? a : b, which x86 has instructions for.
#if CK_WIDTH == 16
INLINE vf larger(vf a, vf b) { return (vf)_mm512_max_ps((__m512)a, (__m512)b); }
INLINE vf smaller(vf a, vf b) { return (vf)_mm512_min_ps((__m512)a, (__m512)b); }
#elif CK_WIDTH == 8
INLINE vf larger(vf a, vf b) { return (vf)_mm256_max_ps((__m256)a, (__m256)b); }
INLINE vf smaller(vf a, vf b) { return (vf)_mm256_min_ps((__m256)a, (__m256)b); }
#else
INLINE vf larger(vf a, vf b) { return choose(a > b, a, b); }
INLINE vf smaller(vf a, vf b) { return choose(a < b, a, b); }
#endif
INLINE vf magnitude(vf x) { return (vf)((vi)x & 0x7FFFFFFF); }

// Which lanes of a vector are meant: the first n, at most all of them.
#if CK_WIDTH == 16
typedef __mmask16 lanes;
INLINE lanes first_lanes(long n) { return n >= 16 ? 0xFFFF : (lanes)((1u << n) - 1); }
INLINE vf load_lanes(const float *p, lanes m) { return (vf)_mm512_maskz_loadu_ps(m, p); }
INLINE void store_lanes(float *p, vf v, lanes m) { _mm512_mask_storeu_ps(p, m, (__m512)v); }
#elif CK_WIDTH == 8
typedef __m256i lanes;
INLINE lanes first_lanes(long n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n < 8 ? (int)n : 8), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
INLINE vf load_lanes(const float *p, lanes m) { return (vf)_mm256_maskload_ps(p, m); }
INLINE void store_lanes(float *p, vf v, lanes m) { _mm256_maskstore_ps(p, m, (__m256)v); }
#else
typedef long lanes;
INLINE lanes first_lanes(long n) { return n < CK_WIDTH ? n : CK_WIDTH; }
INLINE vf load_lanes(const float *p, lanes m) {
  float each[CK_WIDTH] = {0};
  for (long i = 0; i < m; i++) each[i] = p[i];
  return load(each);
}
INLINE void store_lanes(float *p, vf v, lanes m) {
  float each[CK_WIDTH];
  store(each, v);
  for (long i = 0; i < m; i++) p[i] = each[i];
}
#endif

// The first n lanes; the others are zero.
INLINE vf load_some(const float *p, long n) { return load_lanes(p, first_lanes(n)); }
INLINE void store_some(float *p, vf v, long n) { store_lanes(p, v, first_lanes(n)); }
INLINE float sum_of(vf v) {
  float lanes[CK_WIDTH];
  store(lanes, v);
  for (int half = CK_WIDTH / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) lanes[i] += lanes[i + half];
  return lanes[0];
}
