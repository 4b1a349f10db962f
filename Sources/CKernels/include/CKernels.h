// The hot loops of the engine. Each is compiled for several instruction sets; the best one that the
// processor has is chosen when the first is called. Without x86 there is one portable version.
//
// Buffers are dense unless a stride is named; strides and counts are in elements. Nothing here
// checks sizes: the Swift side does.
#ifndef CKERNELS_H
#define CKERNELS_H
#include <stdbool.h>
#include <stdint.h>

// The instruction set in use: "avx512vnni", "avx512", "avx2" or "portable".
const char *ck_instruction_set(void);
// Lets tests run a lesser version in this thread and the loops it shares: returns whether the processor has it.
bool ck_use_instruction_set(const char *name);
// Columns of one packed panel, and the most rows of one tile.
long ck_panel_columns(void);
long ck_tile_rows(void);

enum ck_activation_code { CK_NONE, CK_RELU, CK_RELU_UP_TO, CK_SILU };

// y = activation(sum * scale + shift + residual). Scale and shift are indexed by the column, or by the
// row with `by_row`; the residual stands as the result does. Sums that are `compensated` are as good as exact, which takes longer.
typedef struct {
  const float *scale, *shift, *residual;
  bool by_row;
  int activation;
  float top;
  bool compensated;
} ck_epilogue;

// Packs columns of `b` (k x n; element (p, j) at b[p * row_stride + j * column_stride]) into panels of
// ck_panel_columns() columns, each k x columns, the last one filled up with zeros.
void ck_pack_panels(const float *b, long k, long n, long row_stride, long column_stride, float *packed);
// The floats that takes.
long ck_packed_count(long k, long n);

// c = a * b for packed `b`: rows of `a` are `lda` apart; panels first_panel..<last_panel of rows first_row..<last_row.
// The epilogue's pointers are those of the whole result. `accumulate` adds to c.
void ck_gemm_packed(const float *a, long lda, const float *packed, float *c, long ldc, long k, long n,
                    long first_row, long last_row, long first_panel, long last_panel, bool accumulate,
                    const ck_epilogue *epilogue);
// The same with a `b` that is not packed (k x n, rows ldb apart).
void ck_gemm_plain(const float *a, long lda, const float *b, long ldb, float *c, long ldc, long k, long n,
                   long first_row, long last_row, long first_column, long last_column, bool accumulate,
                   const ck_epilogue *epilogue);
// c[i, j] = a[i, :] . b[j, :], for few rows of `a`; columns first_column..<last_column.
void ck_gemm_dots(const float *a, long lda, const float *b, long ldb, float *c, long ldc, long m, long k,
                  long first_column, long last_column, bool accumulate);

// Three spatial axes each; see ConvolutionShape.
typedef struct {
  long batch, input[3], kernel[3], output[3], stride[3], dilation[3], padding[3];
  long input_channels, output_channels, groups;
  // What one tap of one group reads, contiguous: the inputs per group, or several taps of a row at once.
  long depth;
} ck_convolution;

// Channels last. `packed` holds for each group the panels of [taps * inputs per group, outputs per group].
// Output pixels first_pixel..<last_pixel (over batch and space), panels first_panel..<last_panel of `group`.
// `zeros` holds at least as many zeros as a group has input channels.
void ck_convolve_last(const ck_convolution *s, const float *x, const float *packed, float *y, const float *zeros,
                      long group, long first_pixel, long last_pixel, long first_panel, long last_panel,
                      const ck_epilogue *epilogue);
// Channels first: `w` is [out, in per group, taps] or a row-major equal of it. Panels of output pixels of one image,
// rows (output channels of the group) first_row..<last_row. `scratch` takes ck_panel_columns() * taps * inputs per group floats.
void ck_convolve_first(const ck_convolution *s, const float *x, const float *w, float *y, float *scratch,
                       long image, long group, long first_panel, long last_panel, long first_row, long last_row,
                       const ck_epilogue *epilogue);
// One input channel for each output channel. Channels last: `w` is [taps, channels]; rows of output (batch * depth *
// height) first_row..<last_row.
void ck_depthwise_last(const ck_convolution *s, const float *x, const float *w, float *y, long first_row, long last_row,
                       const ck_epilogue *epilogue);
// Channels first: planes (batch * channels) first..<last; `w` is [channels, taps]. `scratch` takes
// ck_plane_scratch(s) floats.
void ck_depthwise_first(const ck_convolution *s, const float *x, const float *w, float *y, float *scratch,
                        long first, long last, const ck_epilogue *epilogue);
long ck_plane_scratch(const ck_convolution *s);

enum ck_pool_code { CK_MAX, CK_SUM };
// Pooling windows without the division of an average. Channels last: rows of output; `lanes` channels.
// Channels first: lanes is 1 and the batch counts planes.
void ck_pool(const ck_convolution *s, int kind, long lanes, const float *x, float *y, long first_row, long last_row);

enum ck_unary_code {
  CK_EXP, CK_TANH, CK_SIGMOID, CK_RELU_FUNCTION, CK_SILU_FUNCTION, CK_ERF, CK_GELU, CK_GELU_TANH, CK_SQRT, CK_NEG, CK_ABS,
  CK_SQUARE, CK_LOG
};
void ck_unary(int function, const float *x, float *y, long count);

enum ck_binary_code { CK_ADD, CK_SUB, CK_MUL, CK_DIV, CK_MAXIMUM, CK_MINIMUM, CK_GATE };
// Each of `rows` rows of `count` elements; operands advance by a_row, b_row a row; within a row they are contiguous
// (step 1) or one element (step 0).
void ck_binary(int function, const float *a, const float *b, float *y, long rows, long count, long a_row, long b_row,
               long a_step, long b_step);
// y = x * scale[c] + shift[c] for x of [outer, channels, inner].
void ck_scale_shift(const float *x, const float *scale, const float *shift, float *y, long outer, long channels, long inner);
void ck_softmax(const float *x, float *y, long rows, long count, bool log);
// (x - mean) / sqrt(variance + epsilon) * scale + shift of each row; scale and shift may be null.
void ck_layer_norm(const float *x, const float *scale, const float *shift, float *y, long rows, long count, float epsilon);

enum ck_reduction_code { CK_REDUCE_SUM, CK_REDUCE_MAX, CK_REDUCE_MIN, CK_REDUCE_SUM_SQUARE };
// x of [outer, count, inner] to y of [outer, inner].
void ck_reduce(int kind, const float *x, float *y, long outer, long count, long inner);
// y[j, i] = x[i, j] for x of [rows, columns] with 4-byte elements; rows first..<last of y.
void ck_transpose32(const uint32_t *x, uint32_t *y, long rows, long columns, long first, long last);

// What gradients need. c[i, j] = sum over segments s and p < count of a[s * a_segment + p * lda + i] * b[s * b_segment + p * ldb + j];
// rows first_row..<last_row of c, all n columns.
void ck_gemm_outer(const float *a, long lda, long a_segment, const float *b, long ldb, long b_segment, long segments,
                   long count, float *c, long ldc, long first_row, long last_row, long n, bool accumulate);
// Adds to the gradient `w` of a convolution's weights, [taps * inputs, outputs], channels last and one group, what images
// first_image..<last_image give; rows first_row..<last_row of it. `x` holds the padding of its last axis: s->input[2] and s->padding[2]
// are those of that copy, and s->depth = kernel[2] * inputs; that axis is not dilated.
void ck_filter_gradient(const ck_convolution *s, const float *x, const float *g, float *w, long first_image, long last_image,
                        long first_row, long last_row);
// Channels last; `y` is what the pooling gave. Fills images first..<last of dx.
void ck_max_pool_gradient(const ck_convolution *s, long lanes_count, const float *x, const float *y, const float *g, float *dx,
                          long first, long last);
// Adds sums over rows: of x - centre and its square, or with `g` of g and g * (x - centre). `centre` may be null.
void ck_column_sums(const float *x, const float *centre, const float *g, long rows, long columns, double *first, double *second);
// y = g * a[c] + x * b[c] + d[c].
void ck_blend_columns(const float *g, const float *x, const float *a, const float *b, const float *d, float *y, long rows, long columns);
// One step of an LSTM: rows of gates i, o, f, c are activated in place. `before` and `cells` may be the same.
void ck_lstm_cell(float *gates, const float *before, float *cells, float *hidden, long rows, long units);
// And back: `gates` as activated, `dc` becomes the gradient of the cells before, `dz` that of the gates before activation.
void ck_lstm_cell_gradient(const float *gates, const float *before, const float *cells, const float *dh, float *dc, float *dz,
                           long rows, long units);
// Philox4x32-10: four numbers for each block from the counter (low, high) on.
void ck_philox(uint64_t key, uint64_t low, uint64_t high, uint32_t *y, long blocks);

// c += a * b of int32, row-major.
void ck_gemm_int32(const int32_t *a, const int32_t *b, int32_t *c, long m, long n, long k);
/// c[i, j] = sum of a[i, p] * b[j, p] over k of the stride elements of a row.
void ck_gemm_int16(const int16_t *a, const int16_t *b, int32_t *c, long m, long n, long k, long stride);
/// sums[c] += x[c] * w[c].
void ck_accumulate_int16(const int16_t *x, const int16_t *w, int32_t *sums, long count);
/// Sums of [rows, n] with a bias, times a factor of 31 bits and a power of two, each for a column; rounded twice.
void ck_requantize(int32_t *x, long rows, long n, const int32_t *bias, const int32_t *factor, const int32_t *left,
                   const int32_t *right, int32_t zero, int32_t low, int32_t high);

// The same with factors in float64, whose products are rounded once, halves away from zero.
void ck_requantize_double(int32_t *x, long rows, long n, const int32_t *bias, const double *factor, int32_t zero, int32_t low,
                          int32_t high);

// The least and the greatest of `count` numbers and of zero; NaN is passed over.
void ck_range_with_zero(const float *x, long count, float *low, float *high);
// nudge + x * inverse, rounded with halves away from zero, from `least` to 127; NaN becomes `least`.
void ck_quantize_row(const float *x, int8_t *y, long count, float inverse, float nudge, int32_t least);

// The hyperbolic tangent (of 0 to 6 integer bits) or the logistic function (of 1 to 7) of fixed-point numbers with `bits` integer bits,
// in place; the results have none.
void ck_fixed_point_gates(int16_t *x, long count, int bits, bool tanh);

// Integers as they are stored.
enum ck_integer_code { CK_INT8, CK_UINT8, CK_INT16 };
// How sums become stored integers, one entry for each channel; as for ck_requantize.
typedef struct {
  const int32_t *bias, *factor, *left, *right;
  int32_t zero, low, high;
} ck_requantization;

// Packs weights of 8 bits, widened to 16, of [n, k] for ck_convolve_integers, and the integers that takes.
void ck_pack_integers(const int16_t *w, long k, long n, int16_t *packed);
long ck_packed_integers(long k, long n);
// A convolution, channels last, of integers less `zero` (which fit 16 bits). `packed` is the group's, of [outputs, taps * inputs].
// `scratch` takes ck_integer_scratch(s) floats. Output pixels first_pixel..<last_pixel (over batch and space) of `group`. Without `q`
// `y` gets the sums, 32 bits each.
void ck_convolve_integers(const ck_convolution *s, const void *x, int kind, int32_t zero, const int16_t *packed,
                          const ck_requantization *q, void *y, int y_kind, float *scratch, long group, long first_pixel,
                          long last_pixel);
long ck_integer_scratch(const ck_convolution *s);
// One input channel for each output channel, two spatial axes, at most 256 taps of integers of 8 bits. `w` is [taps, channels], whole
// numbers. `scratch` takes ck_integer_depthwise_scratch(s) floats. Rows of output (batch * height) first_row..<last_row.
void ck_depthwise_integers(const ck_convolution *s, const void *x, int kind, int32_t zero, const float *w,
                           const ck_requantization *q, void *y, int y_kind, float *scratch, long first_row, long last_row);
long ck_integer_depthwise_scratch(const ck_convolution *s);

// The same for integers of 8 bits by products of bytes, where the instruction set has them: ck_suits_bytes says whether they take this
// scheme for `n` channels of sums of `k` products, the packing whether they take these weights for activations of a kind and zero point.
bool ck_suits_bytes(const ck_requantization *q, long k, long n);
// `w` is [n, k]; `packed` takes ck_packed_bytes(k, n) bytes.
bool ck_pack_bytes(const int16_t *w, long k, long n, int kind, int32_t zero, void *packed);
long ck_packed_bytes(long k, long n);
// Panels first_panel..<last_panel of the group's outputs.
void ck_convolve_bytes(const ck_convolution *s, const void *x, int kind, int32_t zero, const void *packed, const ck_requantization *q,
                       void *y, float *scratch, long group, long first_pixel, long last_pixel, long first_panel, long last_panel);
long ck_byte_scratch(const ck_convolution *s);
// `w` is [channels, taps].
bool ck_pack_byte_taps(const ck_convolution *s, const int16_t *w, int kind, int32_t zero, void *packed);
long ck_packed_byte_taps(const ck_convolution *s);
void ck_depthwise_bytes(const ck_convolution *s, const void *x, int kind, int32_t zero, const void *packed, const ck_requantization *q,
                        void *y, int y_kind, float *scratch, long first_row, long last_row);
long ck_byte_taps_scratch(const ck_convolution *s);

// Sums or products of two tensors of integers less `zeros`. Summands are first shifted left by `first` and scaled by factor[0] and
// factor[1] (31 bits, then right); the result by 2^left, factor[2] and right[2], with `zero` added, clamped.
typedef struct {
  bool multiplies, subtracts;
  int32_t zeros[2], factor[3], right[3], first, left, zero, low, high;
} ck_integer_pair;
void ck_combine_integers(const ck_integer_pair *p, const void *a, const void *b, void *y, int kind, long count, long a_step,
                         long b_step);

// Memory of this thread for `count` floats, 64-byte aligned; the next call may move it. Null when there is none.
float *ck_scratch(long count);

// A pool of threads that sleep while there is nothing to do.
typedef struct ck_threads ck_threads;
ck_threads *ck_threads_create(int count);
void ck_threads_destroy(ck_threads *threads);
// `ck_threads_run`, which shares a loop out, takes a Swift closure: it is declared where it is called, in ComputeBackend/ThreadPool.swift.
#endif
