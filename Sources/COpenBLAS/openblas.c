#include "COpenBLAS.h"
#include <cblas.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>

// The functions as OpenBLAS's own header declares them, bound when the library is loaded.
static __typeof__(&openblas_set_num_threads) set_threads;
static __typeof__(&cblas_sgemm) sgemm;
static __typeof__(&cblas_dgemm) dgemm;
static pthread_once_t once = PTHREAD_ONCE_INIT;

// The name of the binary interface first, then what packages for developers install.
static void load(void) {
  static const char *const names[] = {"libopenblas.so.0", "libopenblas.so", "libopenblas.dylib", "/opt/homebrew/opt/openblas/lib/libopenblas.dylib",
                                      "/usr/local/opt/openblas/lib/libopenblas.dylib"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!library) continue;
    *(void **)&set_threads = dlsym(library, "openblas_set_num_threads");
    *(void **)&sgemm = dlsym(library, "cblas_sgemm");
    *(void **)&dgemm = dlsym(library, "cblas_dgemm");
    if (set_threads && sgemm && dgemm) return;
    dlclose(library);
  }
  sgemm = NULL;
  dgemm = NULL;
}

bool copenblas_sgemm(int threads, bool transpose_a, bool transpose_b, int m, int n, int k, float alpha, const float *a, int lda,
                     const float *b, int ldb, float beta, float *c, int ldc) {
  pthread_once(&once, load);
  if (!sgemm) return false;
  set_threads(threads);
  sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans, transpose_b ? CblasTrans : CblasNoTrans, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  return true;
}

bool copenblas_dgemm(int threads, bool transpose_a, bool transpose_b, int m, int n, int k, double alpha, const double *a, int lda,
                     const double *b, int ldb, double beta, double *c, int ldc) {
  pthread_once(&once, load);
  if (!dgemm) return false;
  set_threads(threads);
  dgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans, transpose_b ? CblasTrans : CblasNoTrans, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  return true;
}
