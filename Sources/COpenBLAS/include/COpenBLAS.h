// OpenBLAS, loaded when a product first needs it: most commands compute nothing, and the library starts threads as it is loaded.
#ifndef COPENBLAS_H
#define COPENBLAS_H
#include <stdbool.h>

// c = alpha * op(a) * op(b) + beta * c, row-major, on so many threads: CBLAS's sgemm and dgemm. Sizes and strides fit an int.
// Returns false, with nothing done, where the library is not installed.
bool copenblas_sgemm(int threads, bool transpose_a, bool transpose_b, int m, int n, int k, float alpha, const float *a, int lda,
                     const float *b, int ldb, float beta, float *c, int ldc);
bool copenblas_dgemm(int threads, bool transpose_a, bool transpose_b, int m, int n, int k, double alpha, const double *a, int lda,
                     const double *b, int ldb, double beta, double *c, int ldc);
#endif
