// The functions that each instruction set has a version of: return type, name, parameters, arguments.
#define CK_FUNCTIONS(X)                                                                                             \
  X(long, panel_columns, (void), ())                                                                                \
  X(long, tile_rows, (void), ())                                                                                    \
  X(void, pack_panels, (const float *b, long k, long n, long row_stride, long column_stride, float *packed),        \
    (b, k, n, row_stride, column_stride, packed))                                                                   \
  X(long, packed_count, (long k, long n), (k, n))                                                                   \
  X(void, gemm_packed,                                                                                              \
    (const float *a, long lda, const float *packed, float *c, long ldc, long k, long n, long first_row,             \
     long last_row, long first_panel, long last_panel, bool accumulate, const ck_epilogue *epilogue),               \
    (a, lda, packed, c, ldc, k, n, first_row, last_row, first_panel, last_panel, accumulate, epilogue))             \
  X(void, gemm_plain,                                                                                               \
    (const float *a, long lda, const float *b, long ldb, float *c, long ldc, long k, long n, long first_row,        \
     long last_row, long first_column, long last_column, bool accumulate, const ck_epilogue *epilogue),             \
    (a, lda, b, ldb, c, ldc, k, n, first_row, last_row, first_column, last_column, accumulate, epilogue))           \
  X(void, gemm_dots,                                                                                                \
    (const float *a, long lda, const float *b, long ldb, float *c, long ldc, long m, long k, long first_column,     \
     long last_column, bool accumulate),                                                                            \
    (a, lda, b, ldb, c, ldc, m, k, first_column, last_column, accumulate))                                          \
  X(void, convolve_last,                                                                                            \
    (const ck_convolution *s, const float *x, const float *packed, float *y, const float *zeros, long group,        \
     long first_pixel, long last_pixel, long first_panel, long last_panel, const ck_epilogue *epilogue),            \
    (s, x, packed, y, zeros, group, first_pixel, last_pixel, first_panel, last_panel, epilogue))                    \
  X(void, convolve_first,                                                                                           \
    (const ck_convolution *s, const float *x, const float *w, float *y, float *scratch, long image, long group,     \
     long first_panel, long last_panel, long first_row, long last_row, const ck_epilogue *epilogue),                \
    (s, x, w, y, scratch, image, group, first_panel, last_panel, first_row, last_row, epilogue))                    \
  X(void, depthwise_last,                                                                                           \
    (const ck_convolution *s, const float *x, const float *w, float *y, long first_row, long last_row,              \
     const ck_epilogue *epilogue),                                                                                  \
    (s, x, w, y, first_row, last_row, epilogue))                                                                    \
  X(void, depthwise_first,                                                                                          \
    (const ck_convolution *s, const float *x, const float *w, float *y, float *scratch, long first, long last,      \
     const ck_epilogue *epilogue),                                                                                  \
    (s, x, w, y, scratch, first, last, epilogue))                                                                   \
  X(long, plane_scratch, (const ck_convolution *s), (s))                                                            \
  X(void, pool, (const ck_convolution *s, int kind, long lanes, const float *x, float *y, long first_row, long last_row), \
    (s, kind, lanes, x, y, first_row, last_row))                                                                    \
  X(void, unary, (int function, const float *x, float *y, long count), (function, x, y, count))                     \
  X(void, binary,                                                                                                   \
    (int function, const float *a, const float *b, float *y, long rows, long count, long a_row, long b_row,         \
     long a_step, long b_step),                                                                                     \
    (function, a, b, y, rows, count, a_row, b_row, a_step, b_step))                                                 \
  X(void, scale_shift,                                                                                              \
    (const float *x, const float *scale, const float *shift, float *y, long outer, long channels, long inner),      \
    (x, scale, shift, y, outer, channels, inner))                                                                   \
  X(void, softmax, (const float *x, float *y, long rows, long count, bool log), (x, y, rows, count, log))           \
  X(void, layer_norm,                                                                                               \
    (const float *x, const float *scale, const float *shift, float *y, long rows, long count, float epsilon),       \
    (x, scale, shift, y, rows, count, epsilon))                                                                     \
  X(void, reduce, (int kind, const float *x, float *y, long outer, long count, long inner),                         \
    (kind, x, y, outer, count, inner))                                                                              \
  X(void, transpose32, (const uint32_t *x, uint32_t *y, long rows, long columns, long first, long last),            \
    (x, y, rows, columns, first, last))                                                                             \
  X(void, gemm_outer,                                                                                                \
    (const float *a, long lda, long a_segment, const float *b, long ldb, long b_segment, long segments,              \
     long count, float *c, long ldc, long first_row, long last_row, long n, bool accumulate),                        \
    (a, lda, a_segment, b, ldb, b_segment, segments, count, c, ldc, first_row, last_row, n, accumulate))             \
  X(void, filter_gradient,                                                                                           \
    (const ck_convolution *s, const float *x, const float *g, float *w, long first_image, long last_image,           \
     long first_row, long last_row),                                                                                 \
    (s, x, g, w, first_image, last_image, first_row, last_row))                                                      \
  X(void, max_pool_gradient,                                                                                         \
    (const ck_convolution *s, long lanes_count, const float *x, const float *y, const float *g, float *dx,           \
     long first, long last),                                                                                         \
    (s, lanes_count, x, y, g, dx, first, last))                                                                      \
  X(void, column_sums,                                                                                               \
    (const float *x, const float *centre, const float *g, long rows, long columns, double *first, double *second),   \
    (x, centre, g, rows, columns, first, second))                                                                    \
  X(void, blend_columns,                                                                                             \
    (const float *g, const float *x, const float *a, const float *b, const float *d, float *y, long rows, long columns), \
    (g, x, a, b, d, y, rows, columns))                                                                               \
  X(void, lstm_cell,                                                                                                 \
    (float *gates, const float *before, float *cells, float *hidden, long rows, long units),                         \
    (gates, before, cells, hidden, rows, units))                                                                     \
  X(void, lstm_cell_gradient,                                                                                        \
    (const float *gates, const float *before, const float *cells, const float *dh, float *dc, float *dz,             \
     long rows, long units),                                                                                         \
    (gates, before, cells, dh, dc, dz, rows, units))                                                                 \
  X(void, philox,                                                                                                    \
    (uint64_t key, uint64_t low, uint64_t high, uint32_t *y, long blocks),                                           \
    (key, low, high, y, blocks))                                                                                     \
  X(void, gemm_int32, (const int32_t *a, const int32_t *b, int32_t *c, long m, long n, long k), (a, b, c, m, n, k)) \
  X(void, gemm_int16, (const int16_t *a, const int16_t *b, int32_t *c, long m, long n, long k, long stride),        \
    (a, b, c, m, n, k, stride))                                                                                     \
  X(void, accumulate_int16, (const int16_t *x, const int16_t *w, int32_t *sums, long count), (x, w, sums, count))   \
  X(void, requantize,                                                                                               \
    (int32_t *x, long rows, long n, const int32_t *bias, const int32_t *factor, const int32_t *left,                \
     const int32_t *right, int32_t zero, int32_t low, int32_t high),                                                \
    (x, rows, n, bias, factor, left, right, zero, low, high))                                                      \
  X(void, pack_integers, (const int16_t *w, long k, long n, int16_t *packed), (w, k, n, packed))                    \
  X(long, packed_integers, (long k, long n), (k, n))                                                                \
  X(long, integer_scratch, (const ck_convolution *s), (s))                                                          \
  X(void, convolve_integers,                                                                                        \
    (const ck_convolution *s, const void *x, int kind, int32_t zero, const int16_t *packed,                         \
     const ck_requantization *q, void *y, int y_kind, float *scratch, long group, long first_pixel, long last_pixel), \
    (s, x, kind, zero, packed, q, y, y_kind, scratch, group, first_pixel, last_pixel))                              \
  X(long, integer_depthwise_scratch, (const ck_convolution *s), (s))                                                \
  X(void, depthwise_integers,                                                                                       \
    (const ck_convolution *s, const void *x, int kind, int32_t zero, const float *w, const ck_requantization *q,    \
     void *y, int y_kind, float *scratch, long first_row, long last_row),                                           \
    (s, x, kind, zero, w, q, y, y_kind, scratch, first_row, last_row))                                              \
  X(void, requantize_double,                                                                                        \
    (int32_t * x, long rows, long n, const int32_t *bias, const double *factor, int32_t zero, int32_t low, int32_t high), \
    (x, rows, n, bias, factor, zero, low, high))                                                                    \
  X(void, range_with_zero, (const float *x, long count, float *low, float *high), (x, count, low, high))             \
  X(void, quantize_row, (const float *x, int8_t *y, long count, float inverse, float nudge, int32_t least),         \
    (x, y, count, inverse, nudge, least))                                                                           \
  X(void, fixed_point_gates, (int16_t * x, long count, int bits, bool tanh), (x, count, bits, tanh))                \
  X(bool, suits_bytes, (const ck_requantization *q, long k, long n), (q, k, n))                                      \
  X(long, packed_bytes, (long k, long n), (k, n))                                                                   \
  X(bool, pack_bytes, (const int16_t *w, long k, long n, int kind, int32_t zero, void *packed),                     \
    (w, k, n, kind, zero, packed))                                                                                  \
  X(long, byte_scratch, (const ck_convolution *s), (s))                                                             \
  X(void, convolve_bytes,                                                                                           \
    (const ck_convolution *s, const void *x, int kind, int32_t zero, const void *packed, const ck_requantization *q, \
     void *y, float *scratch, long group, long first_pixel, long last_pixel, long first_panel, long last_panel),    \
    (s, x, kind, zero, packed, q, y, scratch, group, first_pixel, last_pixel, first_panel, last_panel))             \
  X(long, packed_byte_taps, (const ck_convolution *s), (s))                                                         \
  X(bool, pack_byte_taps, (const ck_convolution *s, const int16_t *w, int kind, int32_t zero, void *packed),        \
    (s, w, kind, zero, packed))                                                                                     \
  X(long, byte_taps_scratch, (const ck_convolution *s), (s))                                                        \
  X(void, depthwise_bytes,                                                                                          \
    (const ck_convolution *s, const void *x, int kind, int32_t zero, const void *packed, const ck_requantization *q, \
     void *y, int y_kind, float *scratch, long first_row, long last_row),                                           \
    (s, x, kind, zero, packed, q, y, y_kind, scratch, first_row, last_row))                                         \
  X(void, combine_integers,                                                                                         \
    (const ck_integer_pair *p, const void *a, const void *b, void *y, int kind, long count, long a_step, long b_step), \
    (p, a, b, y, kind, count, a_step, b_step))

typedef struct {
#define CK_MEMBER(result, name, parameters, arguments) result(*name) parameters;
  CK_FUNCTIONS(CK_MEMBER)
#undef CK_MEMBER
} ck_table;

extern const ck_table ck_table_portable;
// The kernels that the calling thread was told to use by name, if it was.
const void *ck_own_table(void);
void ck_set_own_table(const void *table);
#if defined(__x86_64__) && defined(__clang__)
#define CK_HAS_X86 1
extern const ck_table ck_table_avx2, ck_table_avx512, ck_table_avx512vnni;
#else
#define CK_HAS_X86 0
#endif
