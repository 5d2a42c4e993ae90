/* cleanup: scope-bound ownership for C: AUTO(free function), STEAL(pointer). */
#pragma once
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The function takes a pointer to the variable, as every xp_x_free does. */
#define AUTO(fn) __attribute__((cleanup(fn)))

/* Hands a pointer over and forgets it. */
#define STEAL(p)                                                                                   \
	({                                                                                         \
		__typeof__(p) steal_tmp_ = (p);                                                    \
		(p) = NULL;                                                                        \
		steal_tmp_;                                                                        \
	})

/* Hands a descriptor over and forgets it. */
#define STEAL_FD(fd)                                                                               \
	({                                                                                         \
		int steal_fd_ = (fd);                                                              \
		(fd) = -1;                                                                         \
		steal_fd_;                                                                         \
	})

static inline void xp_free_mem(void *p)
{
	void **v = p;

	free(*v);
	*v = NULL;
}

static inline void xp_close_fd(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void xp_close_file(FILE **f)
{
	if (*f)
		fclose(*f);
	*f = NULL;
}

#define AUTO_MEM  AUTO(xp_free_mem)
#define AUTO_FD	  AUTO(xp_close_fd)
#define AUTO_FILE AUTO(xp_close_file)

#define XP_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
