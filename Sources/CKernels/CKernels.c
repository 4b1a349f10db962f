#include "CKernels.h"
void ck_placeholder(void) {}
