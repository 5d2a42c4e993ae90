/*
 * thread: threads that take no signals. They are for the thread that began them all, and the flag
 * that it sets is seen by every one.
 */
#pragma once
#include <pthread.h>

/* OUT NULL: nobody will join it. 0, or what pthread_create says. */
int xp_thread_start(pthread_t *out, void *(*work)(void *), void *what);
