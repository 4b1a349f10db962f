// All kernels for one instruction set: CK_SUFFIX, CK_WIDTH floats a vector, CK_ROWS rows a tile.
// System headers come before the target pragma's functions; the includes below hold inline functions only.
#include "CKernels.h"
#include "table.h"
#include <float.h>
#include <math.h>
#include <string.h>

#define CK_PASTE2(a, b) a##_##b
#define CK_PASTE(a, b) CK_PASTE2(a, b)
#define FN(name) CK_PASTE(name, CK_SUFFIX)
#define INLINE static inline __attribute__((always_inline))
#define COLUMNS (2 * CK_WIDTH)
#define UNROLLED _Pragma("clang loop unroll(full)")

#include "vector.h"
#include "functions.h"
#include "tile.h"
#include "gemm.h"
#include "convolution.h"
#include "depthwise.h"
#include "pooling.h"
#include "elementwise.h"
#include "rows.h"
#include "outer.h"
#include "gradients.h"
#include "integers.h"
#include "integer_products.h"
#include "fixed_point.h"
#if CK_VNNI
#include "bytes.h"
#include "byte_tiles.h"
#include "byte_taps.h"
#elif CK_WIDTH == 8
#include "pairs.h"
#include "pair_tiles.h"
#include "pair_taps.h"
#else
#include "no_bytes.h"
#endif

#define CK_ENTRY(result, name, parameters, arguments) .name = FN(name),
const ck_table CK_PASTE(ck_table, CK_SUFFIX) = {CK_FUNCTIONS(CK_ENTRY)};
