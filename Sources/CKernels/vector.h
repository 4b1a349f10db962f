// One vector of CK_WIDTH floats, and the same of integers. `unaligned` is how they stand in memory.
typedef float vf __attribute__((vector_size(CK_WIDTH * 4)));
typedef int32_t vi __attribute__((vector_size(CK_WIDTH * 4)));
typedef float unaligned __attribute__((vector_size(CK_WIDTH * 4), aligned(4), may_alias));

INLINE vf load(const float *p) { return *(const unaligned *)p; }
INLINE void store(float *p, vf v) { *(unaligned *)p = v; }
INLINE vf splat(float x) { return x - (vf){0}; }
INLINE vf choose(vi mask, vf a, vf b) { return (vf)(((vi)a & mask) | ((vi)b & ~mask)); }
INLINE vf larger(vf a, vf b) { return choose(a > b, a, b); }
INLINE vf smaller(vf a, vf b) { return choose(a < b, a, b); }
INLINE vf magnitude(vf x) { return (vf)((vi)x & 0x7FFFFFFF); }

// The first n lanes; the others are zero.
INLINE vf load_some(const float *p, long n) {
  float lanes[CK_WIDTH] = {0};
  for (long i = 0; i < n; i++) lanes[i] = p[i];
  return load(lanes);
}
INLINE void store_some(float *p, vf v, long n) {
  float lanes[CK_WIDTH];
  store(lanes, v);
  for (long i = 0; i < n; i++) p[i] = lanes[i];
}
INLINE float sum_of(vf v) {
  float lanes[CK_WIDTH];
  store(lanes, v);
  for (int half = CK_WIDTH / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) lanes[i] += lanes[i + half];
  return lanes[0];
}
