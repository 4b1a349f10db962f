#include "CKernels.h"
#include "table.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

// A loop's body, as Swift passes a closure that does not escape: its code and what it captures. Taken so, nothing is put on the heap for it.
typedef __attribute__((swiftcall)) void (*ck_body)(long first, long last, __attribute__((swift_context)) void *context);

struct ck_threads {
  pthread_mutex_t lock, turn;
  pthread_cond_t work, done;
  int count, sleeping;
  atomic_int working;
  atomic_bool stopping;
  atomic_ulong generation;
  // The job under way.
  ck_body body;
  void *context;
  const void *kernels;
  long total, grain;
  atomic_long next;
  pthread_t workers[];
};

static _Thread_local bool inside;

// A model's loops follow one another within microseconds, and waking a thread takes as long as many of them: so threads look for
// this long before they sleep.
#define CK_SPIN_NANOSECONDS 50000

static void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static bool is_out_of_time(const struct timespec *start) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (now.tv_sec - start->tv_sec) * 1000000000L + now.tv_nsec - start->tv_nsec > CK_SPIN_NANOSECONDS;
}

// Waits a little for a job that the thread has not seen.
static void look_for_work(ck_threads *t, unsigned long seen) {
  struct timespec start;
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (unsigned i = 1; atomic_load(&t->generation) == seen && !atomic_load(&t->stopping); i++) {
    relax();
    if (i % 32 == 0 && is_out_of_time(&start)) return;
  }
}

// Waits a little for the others to end.
static void look_for_end(ck_threads *t) {
  struct timespec start;
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (unsigned i = 1; atomic_load(&t->working) > 0; i++) {
    relax();
    if (i % 32 == 0 && is_out_of_time(&start)) return;
  }
}

static void take(ck_threads *t) {
  inside = true;
  for (;;) {
    long first = atomic_fetch_add(&t->next, t->grain);
    if (first >= t->total) break;
    long last = t->total - first < t->grain ? t->total : first + t->grain;
    t->body(first, last, t->context);
  }
  inside = false;
}

static void *worker(void *argument) {
  ck_threads *t = argument;
  unsigned long seen = 0;
  for (;;) {
    look_for_work(t, seen);
    pthread_mutex_lock(&t->lock);
    while (!t->stopping && t->generation == seen) {
      t->sleeping++;
      pthread_cond_wait(&t->work, &t->lock);
      t->sleeping--;
    }
    bool stopping = t->stopping;
    seen = t->generation;
    pthread_mutex_unlock(&t->lock);
    if (stopping) return 0;
    ck_set_own_table(t->kernels);
    take(t);
    if (atomic_fetch_sub(&t->working, 1) == 1) {
      pthread_mutex_lock(&t->lock);
      pthread_cond_signal(&t->done);
      pthread_mutex_unlock(&t->lock);
    }
  }
}

ck_threads *ck_threads_create(int count) {
  if (count < 1) count = 1;
  ck_threads *t = calloc(1, sizeof *t + (size_t)(count - 1) * sizeof(pthread_t));
  if (!t) return 0;
  pthread_mutex_init(&t->lock, 0);
  pthread_mutex_init(&t->turn, 0);
  pthread_cond_init(&t->work, 0);
  pthread_cond_init(&t->done, 0);
  t->count = 1;
  for (int i = 0; i < count - 1; i++) {
    if (pthread_create(&t->workers[i], 0, worker, t)) break;
    t->count++;
  }
  return t;
}

void ck_threads_destroy(ck_threads *t) {
  if (!t) return;
  pthread_mutex_lock(&t->lock);
  t->stopping = true;
  pthread_cond_broadcast(&t->work);
  pthread_mutex_unlock(&t->lock);
  for (int i = 0; i < t->count - 1; i++) pthread_join(t->workers[i], 0);
  pthread_mutex_destroy(&t->lock);
  pthread_mutex_destroy(&t->turn);
  pthread_cond_destroy(&t->work);
  pthread_cond_destroy(&t->done);
  free(t);
}

// Calls `body` on ranges of at most `grain` that together are 0..<count, on all threads, this one included.
// From inside a body, or while another call is under way, everything runs on this thread.
__attribute__((swiftcall)) void ck_threads_run(ck_threads *t, long count, long grain, ck_body body, void *context);
__attribute__((swiftcall)) void ck_threads_run(ck_threads *t, long count, long grain, ck_body body, void *context) {
  if (count <= 0) return;
  if (grain < 1) grain = 1;
  if (!t || t->count == 1 || count <= grain || inside || pthread_mutex_trylock(&t->turn)) {
    body(0, count, context);
    return;
  }
  pthread_mutex_lock(&t->lock);
  t->body = body;
  t->context = context;
  t->kernels = ck_own_table();
  t->total = count;
  t->grain = grain;
  atomic_store(&t->next, 0);
  t->working = t->count - 1;
  t->generation++;
  if (t->sleeping > 0) pthread_cond_broadcast(&t->work);
  pthread_mutex_unlock(&t->lock);
  take(t);
  look_for_end(t);
  pthread_mutex_lock(&t->lock);
  while (t->working > 0) pthread_cond_wait(&t->done, &t->lock);
  pthread_mutex_unlock(&t->lock);
  pthread_mutex_unlock(&t->turn);
}
