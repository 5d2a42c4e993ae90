#include "device/release.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "device/block.h"
#include "device/dm_control.h"
#include "device/interlock_checks.h"
#include "device/luks_close.h"
#include "device/usage_scan.h"

static const char *const kind_names[] = {"swap", "dm", "crypt", "md"};

const char *xp_release_kind_name(enum xp_release_kind v)
{
	return kind_names[v];
}

void xp_release_plan_free(struct xp_release_plan *p)
{
	free(p->list);
	*p = (struct xp_release_plan){0};
}

/* ---- what stands on the target ---- */

struct stack {
	const struct xp_scan *s;
	const struct xp_target *target;
	struct xp_nodeset nodes; /* the target's own */
	struct xp_nodeset drive;
	struct xp_nodeset above; /* what stands on them, partitions of it too */
	struct xp_refusals *refusals;
	struct xp_release_plan *plan;
	struct xp_err *err;
};

static void stack_free(struct stack *k)
{
	xp_nodeset_free(&k->nodes);
	xp_nodeset_free(&k->drive);
	xp_nodeset_free(&k->above);
}

static bool is_dm(const struct xp_block_node *n)
{
	return !n->partition && fnmatch("dm-[0-9]*", n->name, 0) == 0;
}

static bool is_md(const struct xp_block_node *n)
{
	return !n->partition && fnmatch("md[0-9_]*", n->name, 0) == 0;
}

/* Does ABOVE stand on BELOW directly? An array that is not active has no links, but its members. */
static bool stands_on(const struct stack *k, const struct xp_block_node *above,
		      const struct xp_block_node *below)
{
	const struct xp_sysroot *root = k->s->root;

	return (above->partition && strcmp(above->disk, below->name) == 0) ||
	       xp_sysroot_has(root, "%s/slaves/%s", above->syspath, below->name) ||
	       xp_sysroot_has(root, "%s/md/dev-%s", above->syspath, below->name) ||
	       xp_sysroot_has(root, "%s/holders/%s", below->syspath, above->name);
}

static bool is_known(const struct stack *k, const struct xp_block_node *n)
{
	return xp_nodeset_has(&k->nodes, &k->s->map, n) || xp_nodeset_has(&k->above, &k->s->map, n);
}

/* Takes in what stands on what is known, until nothing more does. */
static void climb(struct stack *k)
{
	const struct xp_blockmap *map = &k->s->map;
	bool again = true;

	while (again) {
		again = false;
		for (size_t i = 0; i < map->n; i++)
			for (size_t b = 0; b < map->n && !is_known(k, &map->list[i]); b++)
				if (is_known(k, &map->list[b]) &&
				    stands_on(k, &map->list[i], &map->list[b]))
					again = xp_nodeset_add(&k->above, map, &map->list[i]);
	}
}

static enum xp_rc refuse(struct stack *k, enum xp_refusal_code code, const char *remedy,
			 const char *what, const char *node)
{
	return xp_refusals_add(k->refusals, k->err, code, remedy, "%s: %s%s", k->target->path, what,
			       node);
}

/* A node above may stand on the target, on what stands there, and on nothing else. */
static enum xp_rc check_below(struct stack *k, const struct xp_block_node *n)
{
	const struct xp_blockmap *map = &k->s->map;
	char what[XP_NODE_LEN + 64];

	for (size_t i = 0; i < map->n; i++) {
		if (is_known(k, &map->list[i]) || !stands_on(k, n, &map->list[i]))
			continue;
		snprintf(what, sizeof(what), "%s also stands on ", n->name);
		TRY(refuse(k, XP_REFUSED_HOLDER, "take it down by hand, if that is meant", what,
			   map->list[i].name));
	}
	return XP_OK;
}

/* Who has something above open would keep it up; better told before anything goes. */
static enum xp_rc check_openers(struct stack *k)
{
	char what[160];
	char remedy[128];

	for (size_t i = 0; i < k->s->openers_n; i++) {
		const struct xp_opener *o = &k->s->openers[i];

		if (!o->node || !xp_nodeset_has(&k->above, &k->s->map, o->node))
			continue;
		snprintf(what, sizeof(what), "%s, pid %d, has open ", o->comm, (int)o->pid);
		snprintf(remedy, sizeof(remedy), "end process %d (%s)", (int)o->pid, o->comm);
		TRY(refuse(k, XP_REFUSED_OPEN_ELSEWHERE, remedy, what, o->name));
	}
	return XP_OK;
}

/* ---- the steps ---- */

static enum xp_rc add_step(struct stack *k, const struct xp_release_step *step)
{
	struct xp_release_step *list =
		reallocarray(k->plan->list, k->plan->n + 1, sizeof(*k->plan->list));

	if (!list)
		return xp_fail(k->err, XP_E_NOMEM, "what is to be released");
	k->plan->list = list;
	list[k->plan->n++] = *step;
	return XP_OK;
}

/* Swap goes first: it keeps what it stands on open. A file's swap space goes with its file system.
 */
static enum xp_rc add_swaps(struct stack *k)
{
	for (size_t i = 0; i < k->s->swaps.n; i++) {
		const struct xp_swap *swap = &k->s->swaps.list[i];
		const struct xp_block_node *n =
			swap->is_file ? NULL
				      : xp_blockmap_by_path(&k->s->map, k->s->root, swap->path);
		struct xp_release_step step = {.kind = XP_RELEASE_SWAP};

		if (!n || !is_known(k, n))
			continue;
		snprintf(step.node, sizeof(step.node), "%s", n->name);
		snprintf(step.name, sizeof(step.name), "%s", swap->path);
		step.dev = n->dev;
		TRY(add_step(k, &step));
	}
	return XP_OK;
}

static enum xp_rc add_node(struct stack *k, const struct xp_block_node *n)
{
	const struct xp_sysroot *root = k->s->root;
	struct xp_release_step step = {.kind = is_md(n) ? XP_RELEASE_MD : XP_RELEASE_DM,
				       .dev = n->dev};

	snprintf(step.node, sizeof(step.node), "%s", n->name);
	snprintf(step.name, sizeof(step.name), "%s", n->name);
	if (step.kind == XP_RELEASE_MD)
		return add_step(k, &step);
	xp_sysroot_read_text(step.uuid, sizeof(step.uuid), root, "%s/dm/uuid", n->syspath);
	if (strncmp(step.uuid, "CRYPT-LUKS", 10) == 0)
		step.kind = XP_RELEASE_CRYPT;
	if (!xp_sysroot_read_text(step.name, sizeof(step.name), root, "%s/dm/name", n->syspath))
		return refuse(k, XP_REFUSED_UNKNOWN, "look at it with dmsetup",
			      "the kernel does not say the name of ", n->name);
	return add_step(k, &step);
}

static bool carries(const struct stack *k, const struct xp_nodeset *left,
		    const struct xp_block_node *n)
{
	const struct xp_blockmap *map = &k->s->map;

	for (size_t i = 0; i < map->n; i++)
		if (left->in[i] && &map->list[i] != n && stands_on(k, &map->list[i], n))
			return true;
	return false;
}

/* The topmost first. Partitions of an array or of a mapping go with it. */
static enum xp_rc add_nodes(struct stack *k)
{
	const struct xp_blockmap *map = &k->s->map;
	AUTO(xp_nodeset_free) struct xp_nodeset left = {0};
	bool again = true;

	TRY(xp_nodeset_new(&left, map, k->err));
	memcpy(left.in, k->above.in, map->n * sizeof(*left.in));
	while (again) {
		again = false;
		for (size_t i = 0; i < map->n; i++) {
			const struct xp_block_node *n = &map->list[i];

			if (!left.in[i] || carries(k, &left, n))
				continue;
			left.in[i] = false;
			again = true;
			if (!n->partition)
				TRY(add_node(k, n));
		}
	}
	for (size_t i = 0; i < map->n; i++)
		if (left.in[i])
			TRY(refuse(k, XP_REFUSED_UNKNOWN, "take it down by hand",
				   "no order is known in which to take down ", map->list[i].name));
	return XP_OK;
}

/* ---- the plan ---- */

/* Is the use one of those that the stack itself answers for? */
static bool is_of_stack(const struct stack *k, const struct xp_use *u)
{
	static const char *const kinds[] = {"dm", "lvm", "crypt", "multipath", "md"};

	if (u->code == XP_REFUSED_SWAP) {
		const struct xp_block_node *n =
			xp_blockmap_by_path(&k->s->map, k->s->root, u->where);

		return n && is_known(k, n);
	}
	for (size_t i = 0; u->code == XP_REFUSED_HOLDER && i < XP_ARRAY_LEN(kinds); i++)
		if (strcmp(u->kind, kinds[i]) == 0)
			return true;
	return false;
}

static enum xp_rc check_uses(struct stack *k)
{
	const struct xp_scan_question q = {.nodes = &k->nodes, .drive = &k->drive};
	AUTO(xp_uses_free) struct xp_uses uses = {0};

	TRY(xp_scan_ask(&uses, k->s, &q, k->err));
	for (size_t i = 0; i < uses.n; i++)
		if (!is_of_stack(k, &uses.list[i]))
			TRY(xp_refusals_add(k->refusals, k->err, uses.list[i].code,
					    uses.list[i].remedy, "%s: in use (%s): %s",
					    k->target->path, uses.list[i].kind,
					    uses.list[i].where));
	return XP_OK;
}

static enum xp_rc find(struct stack *k)
{
	const struct xp_blockmap *map = &k->s->map;

	TRY(xp_scan_nodes_of(&k->nodes, &k->drive, k->s, k->target->node, k->err));
	TRY(xp_nodeset_new(&k->above, map, k->err));
	climb(k);
	TRY(check_uses(k));
	for (size_t i = 0; i < map->n; i++) {
		const struct xp_block_node *n = &map->list[i];

		if (!k->above.in[i])
			continue;
		TRY(check_below(k, n));
		if (!n->partition && !is_dm(n) && !is_md(n))
			TRY(refuse(k, XP_REFUSED_HOLDER, "take it down by hand",
				   "neither device-mapper nor md: ", n->name));
	}
	TRY(check_openers(k));
	TRY(add_swaps(k));
	return add_nodes(k);
}

enum xp_rc xp_release_find(struct xp_release_plan *out, struct xp_refusals *refusals,
			   const struct xp_sysroot *root, const struct xp_target *target,
			   struct xp_err *err)
{
	const struct xp_scan_request req = {.root = root, .exempt_pid = getpid()};
	AUTO(xp_scan_free) struct xp_scan s = {0};
	AUTO(stack_free)
	struct stack k = {.s = &s, .target = target, .refusals = refusals, .plan = out, .err = err};
	enum xp_rc rc;

	*out = (struct xp_release_plan){0};
	if (target->kind == XP_TARGET_IMAGE)
		return xp_fail(err, XP_E_UNSUPPORTED, "%s: nothing stands on a file but loops",
			       target->path);
	TRY(xp_scan_read(&s, &req, err));
	rc = find(&k);
	if (rc != XP_OK)
		xp_release_plan_free(out);
	return rc;
}

/* ---- taking down ---- */

static enum xp_rc turn_swap_off(const struct xp_release_step *s, struct xp_err *err)
{
	if (swapoff(s->name) == 0)
		return XP_OK;
	return xp_fail_errno(err,
			     errno == EPERM    ? XP_E_PERM
			     : errno == ENOMEM ? XP_E_REFUSED
					       : XP_E_IO,
			     "swap on %s stays on", s->name);
}

static enum xp_rc stop_array(const struct xp_release_step *s, struct xp_err *err)
{
	char path[XP_NODE_LEN + 8];
	struct stat st;

	xp_block_node_path(path, sizeof(path), s->node);
	AUTO_FD int fd = open(path, O_RDWR | O_EXCL | O_CLOEXEC);

	if (fd < 0 && errno == EBUSY)
		return xp_fail(err, XP_E_REFUSED, "the array %s is in use", s->node);
	if (fd < 0)
		return xp_fail_errno(err, errno == EACCES || errno == EPERM ? XP_E_PERM : XP_E_IO,
				     "%s", path);
	if (fstat(fd, &st) || st.st_rdev != s->dev)
		return xp_fail(err, XP_E_REFUSED, "%s is another device by now", path);
	if (xp_block_md_stop(fd))
		return XP_OK;
	return xp_fail_errno(err,
			     errno == EBUSY   ? XP_E_REFUSED
			     : errno == EPERM ? XP_E_PERM
					      : XP_E_IO,
			     "the array %s does not stop", s->node);
}

static enum xp_rc close_luks(const struct xp_release_step *s, const struct xp_sysroot *root,
			     struct xp_err *err)
{
	struct xp_luks_mapping m = {0};
	struct xp_dm_status now;

	TRY(xp_dm_status_read(&now, s->dev, err));
	if (strcmp(now.name, s->name) != 0 || strcmp(now.uuid, s->uuid) != 0)
		return xp_fail(err, XP_E_REFUSED, "%s is another mapping by now", s->name);
	snprintf(m.node, sizeof(m.node), "%s", s->node);
	if (strlen(s->name) >= sizeof(m.name))
		return xp_fail(err, XP_E_UNSUPPORTED, "%s: the name is too long", s->node);
	memcpy(m.name, s->name, strlen(s->name) + 1);
	return xp_luks_close(&m, root, err);
}

enum xp_rc xp_release_do(const struct xp_release_step *s, const struct xp_sysroot *root,
			 struct xp_err *err)
{
	if (!root->is_live)
		return xp_fail(err, XP_E_REFUSED, "%s: a captured tree has nothing to release",
			       s->name);
	switch (s->kind) {
	case XP_RELEASE_SWAP:
		return turn_swap_off(s, err);
	case XP_RELEASE_DM:
		return xp_dm_remove(s->dev, s->name, err);
	case XP_RELEASE_CRYPT:
		return close_luks(s, root, err);
	case XP_RELEASE_MD:
		return stop_array(s, err);
	}
	return xp_fail(err, XP_E_INTERNAL, "release");
}

/* ---- before ---- */

static enum xp_rc demand_same(struct xp_refusals *refusals, const struct xp_sysroot *root,
			      const struct xp_target *t, struct xp_err *err)
{
	AUTO(xp_identity_free) struct xp_identity now = {0};
	const char *difference = "";
	char path[XP_NODE_LEN + 8];

	xp_block_node_path(path, sizeof(path), t->node);
	AUTO_FD int node = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (node < 0)
		return xp_fail_errno(err, errno == EACCES || errno == EPERM ? XP_E_PERM : XP_E_IO,
				     "%s", path);
	TRY(xp_target_identify_fd(&now, root, node, t->path, err));
	if (xp_identity_same(&t->identity, &now, &difference))
		return XP_OK;
	return xp_refusals_add(refusals, err, XP_REFUSED_IDENTITY_CHANGED,
			       "list the drives again and look at what is there now",
			       "%s: not what was named: %s differs", t->path, difference);
}

enum xp_rc xp_release_lock(int *fd, struct xp_refusals *refusals, const struct xp_sysroot *root,
			   const struct xp_target *target, const char *const *confirms,
			   struct xp_err *err)
{
	const struct xp_interlock_request req = {
		.root = root, .target = target, .confirms = confirms};
	char path[XP_NODE_LEN + 8];

	*fd = -1;
	TRY(xp_interlock_check_confirm(refusals, &req, err));
	if (refusals->n)
		return xp_fail(err, XP_E_REFUSED, "%s", refusals->list[0].message);
	xp_block_node_path(path, sizeof(path), target->disk);
	*fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (*fd < 0)
		return xp_fail_errno(err, errno == EACCES || errno == EPERM ? XP_E_PERM : XP_E_IO,
				     "%s", path);
	if (flock(*fd, LOCK_EX | LOCK_NB))
		TRY(xp_refusals_add(refusals, err, XP_REFUSED_OPEN_ELSEWHERE,
				    "end the other program, or wait for it",
				    "%s: another program has locked %s", target->path, path));
	else
		TRY(demand_same(refusals, root, target, err));
	return refusals->n ? xp_fail(err, XP_E_REFUSED, "%s", refusals->list[0].message) : XP_OK;
}
