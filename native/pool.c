/*
 * One job at a time, its tasks claimed by counting up. A helper that has nothing to do spins for the time a small kernel takes and then
 * sleeps. Its threads live as long as one run of a program, so that nobody waits for anything between runs.
 */
#include "pool.h"
#include <stdlib.h>

#define SCRATCH_FLOATS (SCRATCH_BYTES / sizeof(float))

#if defined(__wasm__)

Pool *start_pool(int threads, float *scratch) {
  (void)threads;
  (void)scratch;
  return NULL;
}

void stop_pool(Pool *pool) { (void)pool; }

void run_tasks(Step *step, Task task, void *context, int64_t count) {
  for (int64_t i = 0; i < count; i++) task(context, i, step->scratch);
}

#else

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

/* Looks at the counter before a thread sleeps (helpers) or lets others run (the caller): some tens of microseconds. */
#define SPINS 4000

typedef struct {
  Pool *pool;
  pthread_t thread;
  float *scratch;
} Helper;

struct Pool {
  /* The job: set while nobody is inside. */
  Task task;
  void *context;
  int64_t count;
  _Atomic int64_t next;
  /* Whether the job may be entered, and how many helpers did. */
  _Atomic int open, inside;
  /* Raised for every job and once more to stop. */
  _Atomic uint64_t jobs;
  _Atomic int stopping, sleepers;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  int helper_count;
  Helper helpers[THREADS_MAX - 1];
};

static inline void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static void take_tasks(Pool *pool, float *scratch) {
  const int64_t count = pool->count;
  for (int64_t i; (i = atomic_fetch_add(&pool->next, 1)) < count;) pool->task(pool->context, i, scratch);
}

static void wait_for_job(Pool *pool, uint64_t seen) {
  for (int i = 0; i < SPINS; i++) {
    if (atomic_load(&pool->jobs) != seen) return;
    relax();
  }
  pthread_mutex_lock(&pool->mutex);
  /* Counted before the look: whoever raises `jobs` after it sees the sleeper. */
  atomic_fetch_add(&pool->sleepers, 1);
  while (atomic_load(&pool->jobs) == seen) pthread_cond_wait(&pool->changed, &pool->mutex);
  atomic_fetch_sub(&pool->sleepers, 1);
  pthread_mutex_unlock(&pool->mutex);
}

static void *help(void *argument) {
  const Helper *helper = argument;
  Pool *pool = helper->pool;
  for (uint64_t seen = 0;;) {
    wait_for_job(pool, seen);
    seen = atomic_load(&pool->jobs);
    if (atomic_load(&pool->stopping)) return NULL;
    /* Announced before the look: the caller closes a job first and then waits for those inside. */
    atomic_fetch_add(&pool->inside, 1);
    if (atomic_load(&pool->open)) take_tasks(pool, helper->scratch);
    atomic_fetch_sub(&pool->inside, 1);
  }
}

static void announce(Pool *pool) {
  atomic_fetch_add(&pool->jobs, 1);
  if (atomic_load(&pool->sleepers) == 0) return;
  pthread_mutex_lock(&pool->mutex);
  pthread_cond_broadcast(&pool->changed);
  pthread_mutex_unlock(&pool->mutex);
}

Pool *start_pool(int threads, float *scratch) {
  Pool *pool = threads > 1 ? calloc(1, sizeof(Pool)) : NULL;
  if (pool == NULL) return NULL;
  pthread_mutex_init(&pool->mutex, NULL);
  pthread_cond_init(&pool->changed, NULL);
  for (int i = 0; i < threads - 1 && i < THREADS_MAX - 1; i++) {
    Helper *helper = &pool->helpers[i];
    *helper = (Helper){.pool = pool, .scratch = scratch + (size_t)(i + 1) * SCRATCH_FLOATS};
    if (pthread_create(&helper->thread, NULL, help, helper) != 0) break;
    pool->helper_count++;
  }
  return pool;
}

void stop_pool(Pool *pool) {
  if (pool == NULL) return;
  atomic_store(&pool->stopping, 1);
  announce(pool);
  for (int i = 0; i < pool->helper_count; i++) pthread_join(pool->helpers[i].thread, NULL);
  pthread_cond_destroy(&pool->changed);
  pthread_mutex_destroy(&pool->mutex);
  free(pool);
}

void run_tasks(Step *step, Task task, void *context, int64_t count) {
  Pool *pool = step->pool;
  if (pool == NULL || count < 2) {
    for (int64_t i = 0; i < count; i++) task(context, i, step->scratch);
    return;
  }
  pool->task = task;
  pool->context = context;
  pool->count = count;
  atomic_store(&pool->next, 0);
  atomic_store(&pool->open, 1);
  announce(pool);
  take_tasks(pool, step->scratch);
  atomic_store(&pool->open, 0);
  for (int i = 0; atomic_load(&pool->inside) != 0; i++) {
    if (i < SPINS) relax();
    else sched_yield();
  }
}

#endif
