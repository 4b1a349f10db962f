// 16-byte vectors, which every 64-bit processor has.
#define CK_SUFFIX portable
#define CK_WIDTH 4
#define CK_ROWS 4
#include "kernels.h"
