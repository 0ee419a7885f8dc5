/*
 * Threads inside a step: a kernel cuts its work into tasks by the sizes of the problem alone, and the tasks are dealt to whoever is free.
 * Every result is therefore the same for any number of threads. Tasks of one kernel write to places of their own.
 */
#ifndef ALMA_POOL_H
#define ALMA_POOL_H

#include "kernel.h"

/* More than these are never started. */
#define THREADS_MAX 64

/* `scratch` is the running thread's own, SCRATCH_BYTES. */
typedef void (*Task)(void *context, int64_t index, float *scratch);

/*
 * A pool of `threads`, the caller being one of them, or NULL for one thread. `scratch` holds SCRATCH_BYTES per thread, the caller's
 * first. A thread that cannot be started is done without.
 */
Pool *start_pool(int threads, float *scratch);
void stop_pool(Pool *pool);

/* Runs task 0 ... count - 1, each once, on the calling thread and the pool's, and returns when all are done. Not from within a task. */
void run_tasks(Step *step, Task task, void *context, int64_t count);

#endif
