#if defined(__x86_64__) && defined(__clang__)
#include <immintrin.h>
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi,bmi2,f16c"))), apply_to = function)
#define CK_SUFFIX avx512
#define CK_WIDTH 16
#define CK_ROWS 8
#include "kernels.h"
#pragma clang attribute pop
#endif
