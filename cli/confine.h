/*
 * confine: a program that reads hostile files gives away what it does not need to read them. From
 * then on the process can read the inputs that it named, use memory and threads, and write to what
 * is open; it cannot open for writing, run programs, reach the network, or look at other processes.
 */
#pragma once
#include "base/err.h"

struct xp_confined {
	bool by_seccomp;
	bool by_landlock; /* false: the kernel has none; then every file can still be read */
};

/*
 * INPUTS: files and folders, NULL-terminated; a folder stands for all that lies in it, a file for
 * itself. One that is not there is left out. To be called before threads are made: they inherit it.
 * Where the kernel has neither, nothing changes. Errors: XP_E_IO where the kernel has it and says
 * no.
 */
MUST_USE enum xp_rc xp_confine(struct xp_confined *out, const char *const *inputs,
			       struct xp_err *err);
/* The same, but connections to other hosts can be made: for the process that does nothing else. */
MUST_USE enum xp_rc xp_confine_net(struct xp_confined *out, const char *const *inputs,
				   struct xp_err *err);
