#include "CKernels.h"
#include "table.h"
#include <stdatomic.h>
#include <string.h>

static _Atomic(const ck_table *) best;
// What this thread was told to use instead; loops take it along to the threads that share them.
static _Thread_local const ck_table *own;

static bool has(const char *name) {
#if CK_HAS_X86
  if (!strcmp(name, "avx512vnni")) return has("avx512") && __builtin_cpu_supports("avx512vnni");
  if (!strcmp(name, "avx512"))
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
  if (!strcmp(name, "avx2")) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
  return !strcmp(name, "portable");
}

static const ck_table *named(const char *name) {
#if CK_HAS_X86
  if (!strcmp(name, "avx512vnni")) return &ck_table_avx512vnni;
  if (!strcmp(name, "avx512")) return &ck_table_avx512;
  if (!strcmp(name, "avx2")) return &ck_table_avx2;
#endif
  return &ck_table_portable;
}

static const ck_table *table(void) {
  if (own) return own;
  const ck_table *known = atomic_load_explicit(&best, memory_order_acquire);
  if (known) return known;
  known = named(has("avx512vnni") ? "avx512vnni" : has("avx512") ? "avx512" : has("avx2") ? "avx2" : "portable");
  atomic_store_explicit(&best, known, memory_order_release);
  return known;
}

bool ck_use_instruction_set(const char *name) {
  if (!has(name)) return false;
  own = named(name);
  return true;
}

const void *ck_own_table(void) { return own; }
void ck_set_own_table(const void *other) { own = other; }

const char *ck_instruction_set(void) {
#if CK_HAS_X86
  if (table() == &ck_table_avx512vnni) return "avx512vnni";
  if (table() == &ck_table_avx512) return "avx512";
  if (table() == &ck_table_avx2) return "avx2";
#endif
  return "portable";
}

#define CK_FORWARD(result, name, parameters, arguments) \
  result ck_##name parameters { return table()->name arguments; }
CK_FUNCTIONS(CK_FORWARD)
