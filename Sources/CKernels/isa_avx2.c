#if defined(__x86_64__) && defined(__clang__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx2,fma,bmi,bmi2,f16c"))), apply_to = function)
#define CK_SUFFIX avx2
#define CK_WIDTH 8
#define CK_ROWS 6
#include "kernels.h"
#pragma clang attribute pop
#endif
