#include "base/thread.h"

#include <signal.h>
#include <stddef.h>

int xp_thread_start(pthread_t *out, void *(*work)(void *), void *what)
{
	pthread_attr_t attr;
	pthread_t unjoined;
	sigset_t all;
	sigset_t old;
	int rc;

	sigfillset(&all);
	pthread_attr_init(&attr);
	if (!out)
		pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(out ? out : &unjoined, &attr, work, what);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return rc;
}
