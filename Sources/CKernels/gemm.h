static long FN(panel_columns)(void) { return COLUMNS; }
static long FN(tile_rows)(void) { return CK_ROWS; }

static long FN(packed_count)(long k, long n) { return (n + COLUMNS - 1) / COLUMNS * COLUMNS * k; }

static void FN(pack_panels)(const float *b, long k, long n, long row_stride, long column_stride, float *packed) {
  for (long j = 0; j < n; j += COLUMNS) {
    long live = n - j < COLUMNS ? n - j : COLUMNS;
    const float *from = b + j * column_stride;
    if (column_stride == 1) {
      for (long p = 0; p < k; p++, packed += COLUMNS, from += row_stride) {
        if (live == COLUMNS) {
          store(packed, load(from));
          store(packed + CK_WIDTH, load(from + CK_WIDTH));
        } else {
          for (long i = 0; i < live; i++) packed[i] = from[i];
          for (long i = live; i < COLUMNS; i++) packed[i] = 0;
        }
      }
    } else {
      // Columns are contiguous: walk them in blocks that stay in the cache.
      for (long p0 = 0; p0 < k; p0 += 64) {
        long p1 = p0 + 64 < k ? p0 + 64 : k;
        for (long i = 0; i < COLUMNS; i++) {
          const float *column = from + i * column_stride;
          if (i < live) for (long p = p0; p < p1; p++) packed[p * COLUMNS + i] = column[p * row_stride];
          else for (long p = p0; p < p1; p++) packed[p * COLUMNS + i] = 0;
        }
      }
      packed += k * COLUMNS;
    }
  }
}

// Rows whose elements fill about this many bytes are worked on for all panels before the next.
#define CK_BLOCK_BYTES (192 * 1024)
// Panels that take no more than this stay in the nearest cache: then each tile of rows meets all of them, and the result is
// written in one go.
#define CK_NEAR_BYTES (24 * 1024)

static void FN(gemm_packed)(const float *a, long lda, const float *packed, float *c, long ldc, long k, long n,
                            long first_row, long last_row, long first_panel, long last_panel, bool accumulate,
                            const ck_epilogue *epilogue) {
  long block = CK_BLOCK_BYTES / 4 / (k + 1) / CK_ROWS * CK_ROWS;
  if (block < CK_ROWS || (last_panel - first_panel) * k * COLUMNS * 4 <= CK_NEAR_BYTES) block = CK_ROWS;
  for (long start = first_row; start < last_row; start += block) {
    long end = start + block < last_row ? start + block : last_row;
    for (long panel = first_panel; panel < last_panel; panel++) {
      long column = panel * COLUMNS;
      for (long row = start, rows; row < end; row += rows) {
        rows = FN(next_rows)(end - row);
        const float *pointers[CK_ROWS];
        for (long r = 0; r < rows; r++) pointers[r] = a + (row + r) * lda;
        ck_epilogue moved;
        if (epilogue) moved = FN(epilogue_at)(epilogue, row, column, ldc);
        FN(target) t = {epilogue ? &moved : 0, c + row * ldc + column, ldc, n - column < COLUMNS ? n - column : COLUMNS, accumulate,
                        epilogue && epilogue->compensated};
        FN(tile)(rows, pointers, 1, k, packed + panel * k * COLUMNS, COLUMNS, &t);
      }
    }
  }
}

static void FN(gemm_plain)(const float *a, long lda, const float *b, long ldb, float *c, long ldc, long k, long n,
                           long first_row, long last_row, long first_column, long last_column, bool accumulate,
                           const ck_epilogue *epilogue) {
  (void)n;
  for (long column = first_column; column < last_column;) {
    long columns = last_column - column;
    if (columns >= COLUMNS) columns = COLUMNS;
    else if (columns > CK_WIDTH) columns = CK_WIDTH;
    for (long row = first_row, rows; row < last_row; row += rows) {
      rows = FN(next_rows)(last_row - row);
      if (columns < CK_WIDTH) {
        // What is less than a vector must not be read past the end.
        for (long r = 0; r < rows; r++) {
          for (long j = column; j < column + columns; j++) {
            float sum = accumulate ? c[(row + r) * ldc + j] : 0;
            for (long p = 0; p < k; p++) sum += a[(row + r) * lda + p] * b[p * ldb + j];
            c[(row + r) * ldc + j] = sum;
            if (epilogue) {
              ck_epilogue moved = FN(epilogue_at)(epilogue, row + r, j, ldc);
              store_some(c + (row + r) * ldc + j, FN(finish)(splat(sum), &moved, 0, 0, moved.residual, 1), 1);
            }
          }
        }
        continue;
      }
      const float *pointers[CK_ROWS];
      for (long r = 0; r < rows; r++) pointers[r] = a + (row + r) * lda;
      ck_epilogue moved;
      if (epilogue) moved = FN(epilogue_at)(epilogue, row, column, ldc);
      FN(target) t = {epilogue ? &moved : 0, c + row * ldc + column, ldc, columns, accumulate, epilogue && epilogue->compensated};
      FN(tile)(rows, pointers, 1, k, b + column, ldb, &t);
    }
    column += columns;
  }
}

static void FN(gemm_dots)(const float *a, long lda, const float *b, long ldb, float *c, long ldc, long m, long k,
                          long first_column, long last_column, bool accumulate) {
  for (long j = first_column; j < last_column; j += 4) {
    long columns = last_column - j < 4 ? last_column - j : 4;
    for (long i = 0; i < m; i++) {
      const float *row = a + i * lda;
      vf sum[4] = {splat(0), splat(0), splat(0), splat(0)};
      float tail[4] = {0};
      const float *column[4];
      for (long v = 0; v < 4; v++) column[v] = b + (j + (v < columns ? v : 0)) * ldb;
      long p = 0;
      for (; p + CK_WIDTH <= k; p += CK_WIDTH) {
        vf x = load(row + p);
        UNROLLED for (int v = 0; v < 4; v++) sum[v] += x * load(column[v] + p);
      }
      for (; p < k; p++) UNROLLED for (int v = 0; v < 4; v++) tail[v] += row[p] * column[v][p];
      for (long v = 0; v < columns; v++) {
        float y = sum_of(sum[v]) + tail[v];
        c[i * ldc + j + v] = accumulate ? c[i * ldc + j + v] + y : y;
      }
    }
  }
}

static void FN(gemm_int32)(const int32_t *a, const int32_t *b, int32_t *c, long m, long n, long k) {
  for (long i = 0; i < m; i++) {
    uint32_t *y = (uint32_t *)c + i * n;
    for (long p = 0; p < k; p++) {
      uint32_t x = (uint32_t)a[i * k + p];
      if (x == 0) continue;
      const uint32_t *row = (const uint32_t *)b + p * n;
      for (long j = 0; j < n; j++) y[j] += x * row[j];
    }
  }
}
