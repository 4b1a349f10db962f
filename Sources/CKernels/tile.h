// One tile: up to CK_ROWS rows of the result by up to two vectors of columns, kept in registers
// while the products are summed.

typedef struct {
  const ck_epilogue *epilogue;  // Its pointers stand at the tile's first element.
  float *c;
  long ldc, columns;
  bool accumulate;
} FN(target);

INLINE vf FN(finish)(vf sum, const ck_epilogue *e, long row, long column, const float *residual, long live) {
  if (e->by_row) {
    if (e->scale) sum *= e->scale[row];
    if (e->shift) sum += e->shift[row];
  } else {
    if (e->scale) sum *= live >= CK_WIDTH ? load(e->scale + column) : load_some(e->scale + column, live);
    if (e->shift) sum += live >= CK_WIDTH ? load(e->shift + column) : load_some(e->shift + column, live);
  }
  if (residual) sum += live >= CK_WIDTH ? load(residual) : load_some(residual, live);
  switch (e->activation) {
    case CK_RELU: return relu_of(sum);
    case CK_RELU_UP_TO: {
      vf low = relu_of(sum);
      return choose(low > e->top, splat(e->top), low);
    }
    case CK_SILU: return silu_of(sum);
    default: return sum;
  }
}

INLINE void FN(tile_of)(const int rows, const int vectors, const float *const *a, long taps, long depth, const float *b,
                        long ldb, const FN(target) * t) {
  vf sum[CK_ROWS][2];
  UNROLLED for (int r = 0; r < rows; r++) UNROLLED for (int v = 0; v < vectors; v++) sum[r][v] = splat(0);
  for (long tap = 0; tap < taps; tap++) {
    const float *row[CK_ROWS];
    UNROLLED for (int r = 0; r < rows; r++) row[r] = a[r];
    a += rows;
    for (long k = 0; k < depth; k++) {
      vf column[2];
      UNROLLED for (int v = 0; v < vectors; v++) column[v] = load(b + v * CK_WIDTH);
      b += ldb;
      UNROLLED for (int r = 0; r < rows; r++) {
        vf x = splat(row[r][k]);
        UNROLLED for (int v = 0; v < vectors; v++) sum[r][v] += x * column[v];
      }
    }
  }
  const ck_epilogue *e = t->epilogue;
  UNROLLED for (int r = 0; r < rows; r++) {
    UNROLLED for (int v = 0; v < vectors; v++) {
      long live = t->columns - v * CK_WIDTH;
      float *c = t->c + r * t->ldc + v * CK_WIDTH;
      if (live <= 0) continue;
      if (live >= CK_WIDTH) {
        vf y = t->accumulate ? sum[r][v] + load(c) : sum[r][v];
        if (e) y = FN(finish)(y, e, r, v * CK_WIDTH, e->residual ? e->residual + r * t->ldc + v * CK_WIDTH : 0, CK_WIDTH);
        store(c, y);
      } else {
        vf y = t->accumulate ? sum[r][v] + load_some(c, live) : sum[r][v];
        if (e) y = FN(finish)(y, e, r, v * CK_WIDTH, e->residual ? e->residual + r * t->ldc + v * CK_WIDTH : 0, live);
        store_some(c, y, live);
      }
    }
  }
}

// One function for each number of rows and vectors, so that the sums stay in registers.
#define CK_TILE(rows, vectors)                                                                                 \
  static __attribute__((noinline)) void FN(tile_##rows##_##vectors)(const float *const *a, long taps, long depth, \
                                                                    const float *b, long ldb, const FN(target) * t) { \
    FN(tile_of)(rows, vectors, a, taps, depth, b, ldb, t);                                                     \
  }
#define CK_TILES(rows) CK_TILE(rows, 1) CK_TILE(rows, 2)
CK_TILES(1) CK_TILES(2) CK_TILES(3) CK_TILES(4)
#if CK_ROWS >= 6
CK_TILES(5) CK_TILES(6)
#endif
#if CK_ROWS >= 8
CK_TILES(7) CK_TILES(8)
#endif

typedef void (*FN(tile_function))(const float *const *, long, long, const float *, long, const FN(target) *);
static const FN(tile_function) FN(tiles)[CK_ROWS][2] = {
    {FN(tile_1_1), FN(tile_1_2)}, {FN(tile_2_1), FN(tile_2_2)}, {FN(tile_3_1), FN(tile_3_2)}, {FN(tile_4_1), FN(tile_4_2)},
#if CK_ROWS >= 6
    {FN(tile_5_1), FN(tile_5_2)}, {FN(tile_6_1), FN(tile_6_2)},
#endif
#if CK_ROWS >= 8
    {FN(tile_7_1), FN(tile_7_2)}, {FN(tile_8_1), FN(tile_8_2)},
#endif
};

// `a` holds taps * rows pointers, tap by tap.
INLINE void FN(tile)(long rows, const float *const *a, long taps, long depth, const float *b, long ldb,
                     const FN(target) * t) {
  FN(tiles)[rows - 1][t->columns > CK_WIDTH](a, taps, depth, b, ldb, t);
}

// The rows of the next tile when `left` remain: as equal as can be, not seven and one.
INLINE long FN(next_rows)(long left) {
  long tiles = (left + CK_ROWS - 1) / CK_ROWS;
  return (left + tiles - 1) / tiles;
}

INLINE ck_epilogue FN(epilogue_at)(const ck_epilogue *e, long row, long column, long ldc) {
  ck_epilogue moved = *e;
  long index = e->by_row ? row : column;
  if (moved.scale) moved.scale += index;
  if (moved.shift) moved.shift += index;
  if (moved.residual) moved.residual += row * ldc + column;
  return moved;
}
