/* interlock_lab: an image that a test made, loop devices over it, and processes that use them. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "device/interlock.h"

#define INTERLOCK_IMAGE_BYTES (4u << 20)

struct interlock_lab {
	char dir[64];
	char image[128];
	char name[64]; /* of the image: no other test that runs now has one like it */
	struct xp_sysroot root;
	int loops[4]; /* descriptors, while the test wants to hold them */
	char nodes[4][32];
	unsigned loops_n;
};

/* Of each test; *STATE is the lab. */
int interlock_lab_new(void **state);
int interlock_lab_end(void **state);

/* Attaches BACKING to a free loop device; NODE gets "/dev/loopN". Skips the test where there is
 * none. */
void interlock_attach(struct interlock_lab *w, char node[32], const char *backing);

/* The test's own descriptor of a loop would count as a user of it. */
void interlock_let_go(struct interlock_lab *w);

/* Skips the test without root, or where sysfs and procfs do not show what there is. */
void interlock_need_root(void);

/* Resolves PATH, tries to acquire it confirmed with CONFIRM (NULL: its own string). */
enum xp_rc interlock_try(struct interlock_lab *w, const char *path, const char *confirm,
			 struct xp_permit **permit, struct xp_refusals *refusals);
void interlock_refused(struct interlock_lab *w, const char *path, const char *confirm,
		       enum xp_refusal_code code);
void interlock_granted(struct interlock_lab *w, const char *path);

/* A process that holds PATH open until it is killed. */
pid_t interlock_hold_open(const char *path, int flags, bool map, bool lock);
void interlock_let_die(pid_t pid);

/* Runs a program with its output thrown away. false: it failed or is not there. */
bool interlock_run(const char *const *argv);

/* FNV-1a over the whole image: refused means that not a byte changed. */
uint64_t interlock_digest(const char *path);
