// One tile: up to CK_ROWS rows of the result by up to two vectors of columns, kept in registers
// while the products are summed.

typedef struct {
  const ck_epilogue *epilogue;  // Its pointers stand at the tile's first element.
  float *c;
  long ldc, columns;
  bool accumulate, compensated;
} FN(target);

// Products that are summed as they come before their sum is added with what rounding lost (Kahan), where sums are compensated.
#define CK_PART 16

// One result of a depthwise loop.
INLINE vf FN(finish)(vf sum, const ck_epilogue *e, long row, long column, const float *residual, long live) {
  const lanes m = first_lanes(live);
  if (e->by_row) {
    if (e->scale) sum *= e->scale[row];
    if (e->shift) sum += e->shift[row];
  } else {
    if (e->scale) sum *= load_lanes(e->scale + column, m);
    if (e->shift) sum += load_lanes(e->shift + column, m);
  }
  if (residual) sum += load_lanes(residual, m);
  switch (e->activation) {
    case CK_RELU: return relu_of(sum);
    case CK_RELU_UP_TO: return smaller(splat(e->top), relu_of(sum));
    case CK_SILU: return silu_of(sum);
    default: return sum;
  }
}

// Long enough not to be repeated for each sum.
static __attribute__((noinline)) void FN(silu_vectors)(vf *v, int count) {
  for (int i = 0; i < count; i++) v[i] = silu_of(v[i]);
}

// The epilogue of a whole tile. Each choice is made once, not for each sum; `full` vectors have all their lanes.
INLINE void FN(finish_tile)(const int rows, const int vectors, const bool full, vf sum[CK_ROWS][2], const FN(target) * t) {
  const ck_epilogue *e = t->epilogue;
  const lanes masks[2] = {first_lanes(t->columns), first_lanes(t->columns - CK_WIDTH)};
#define CK_EACH UNROLLED for (int r = 0; r < rows; r++) UNROLLED for (int v = 0; v < vectors; v++)
#define CK_LOAD(p) (full ? load((p) + v * CK_WIDTH) : load_lanes((p) + v * CK_WIDTH, masks[v]))
  if (t->accumulate) CK_EACH sum[r][v] += CK_LOAD(t->c + r * t->ldc);
  if (e) {
    if (e->by_row) {
      if (e->scale) CK_EACH sum[r][v] *= e->scale[r];
      if (e->shift) CK_EACH sum[r][v] += e->shift[r];
    } else {
      vf each[2];
      if (e->scale) {
        UNROLLED for (int v = 0; v < vectors; v++) each[v] = CK_LOAD(e->scale);
        CK_EACH sum[r][v] *= each[v];
      }
      if (e->shift) {
        UNROLLED for (int v = 0; v < vectors; v++) each[v] = CK_LOAD(e->shift);
        CK_EACH sum[r][v] += each[v];
      }
    }
    if (e->residual) CK_EACH sum[r][v] += CK_LOAD(e->residual + r * t->ldc);
    if (e->activation == CK_RELU) {
      CK_EACH sum[r][v] = relu_of(sum[r][v]);
    } else if (e->activation == CK_RELU_UP_TO) {
      const vf top = splat(e->top);
      CK_EACH sum[r][v] = smaller(top, relu_of(sum[r][v]));
    } else if (e->activation == CK_SILU) {
      vf out[CK_ROWS * 2];
      CK_EACH out[r * vectors + v] = sum[r][v];
      FN(silu_vectors)(out, rows * vectors);
      CK_EACH sum[r][v] = out[r * vectors + v];
    }
  }
  CK_EACH {
    float *c = t->c + r * t->ldc + v * CK_WIDTH;
    if (full) store(c, sum[r][v]);
    else store_lanes(c, sum[r][v], masks[v]);
  }
#undef CK_LOAD
#undef CK_EACH
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
  if (t->columns >= vectors * CK_WIDTH) FN(finish_tile)(rows, vectors, true, sum, t);
  else FN(finish_tile)(rows, vectors, false, sum, t);
}

// The same with sums that are as good as exact, in up to a third more time.
INLINE void FN(compensated_tile_of)(const int rows, const int vectors, const float *const *a, long taps, long depth,
                                    const float *b, long ldb, const FN(target) * t) {
  vf sum[CK_ROWS][2], total[CK_ROWS][2], lost[CK_ROWS][2];
  UNROLLED for (int r = 0; r < rows; r++)
    UNROLLED for (int v = 0; v < vectors; v++) sum[r][v] = total[r][v] = lost[r][v] = splat(0);
  long held = 0;
  for (long tap = 0; tap < taps; tap++, a += rows) {
    for (long first = 0, last; first < depth; first = last) {
      last = depth - first > CK_PART - held ? first + CK_PART - held : depth;
      for (long k = first; k < last; k++) {
        vf column[2];
        UNROLLED for (int v = 0; v < vectors; v++) column[v] = load(b + v * CK_WIDTH);
        b += ldb;
        UNROLLED for (int r = 0; r < rows; r++) {
          vf x = splat(a[r][k]);
          UNROLLED for (int v = 0; v < vectors; v++) sum[r][v] += x * column[v];
        }
      }
      held += last - first;
      if (held < CK_PART && (tap + 1 < taps || last < depth)) continue;
      held = 0;
      UNROLLED for (int r = 0; r < rows; r++)
        UNROLLED for (int v = 0; v < vectors; v++) {
          vf part = sum[r][v] - lost[r][v], next = total[r][v] + part;
          lost[r][v] = (next - total[r][v]) - part;
          total[r][v] = next;
          sum[r][v] = splat(0);
        }
    }
  }
  if (t->columns >= vectors * CK_WIDTH) FN(finish_tile)(rows, vectors, true, total, t);
  else FN(finish_tile)(rows, vectors, false, total, t);
}

// One function for each number of rows and vectors, so that the sums stay in registers.
#define CK_TILE(rows, vectors)                                                                                 \
  static __attribute__((noinline)) void FN(tile_##rows##_##vectors)(const float *const *a, long taps, long depth, \
                                                                    const float *b, long ldb, const FN(target) * t) { \
    FN(tile_of)(rows, vectors, a, taps, depth, b, ldb, t);                                                     \
  }                                                                                                            \
  static __attribute__((noinline)) void FN(compensated_tile_##rows##_##vectors)(                               \
      const float *const *a, long taps, long depth, const float *b, long ldb, const FN(target) * t) {          \
    FN(compensated_tile_of)(rows, vectors, a, taps, depth, b, ldb, t);                                         \
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
#define CK_ENTRY(rows) \
  {{FN(tile_##rows##_1), FN(tile_##rows##_2)}, {FN(compensated_tile_##rows##_1), FN(compensated_tile_##rows##_2)}}
static const FN(tile_function) FN(tiles)[CK_ROWS][2][2] = {
    CK_ENTRY(1), CK_ENTRY(2), CK_ENTRY(3), CK_ENTRY(4),
#if CK_ROWS >= 6
    CK_ENTRY(5), CK_ENTRY(6),
#endif
#if CK_ROWS >= 8
    CK_ENTRY(7), CK_ENTRY(8),
#endif
};
#undef CK_ENTRY

// `a` holds taps * rows pointers, tap by tap.
INLINE void FN(tile)(long rows, const float *const *a, long taps, long depth, const float *b, long ldb,
                     const FN(target) * t) {
  FN(tiles)[rows - 1][t->compensated][t->columns > CK_WIDTH](a, taps, depth, b, ldb, t);
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
