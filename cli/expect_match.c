#include "cli/expect_match.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "device/probe_node.h"

#define NAMESPACES ":ns="

/* "1,2" behind SERIAL:ns= where the line is about namespaces of SERIAL; else NULL. */
static const char *namespaces_of(const struct xp_expected *e, const char *serial)
{
	size_t len = strlen(serial);

	if (!len || strncmp(e->serial, serial, len) != 0 ||
	    strncmp(e->serial + len, NAMESPACES, strlen(NAMESPACES)) != 0)
		return NULL;
	return e->serial + len + strlen(NAMESPACES);
}

/* The number at *AT, which is moved behind it and its comma; 0: none, or something else. */
static uint64_t next_number(const char **at)
{
	uint64_t n = 0;

	for (; **at >= '0' && **at <= '9'; (*at)++)
		if (__builtin_mul_overflow(n, 10U, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(**at - '0'), &n))
			return 0;
	if (**at == ',')
		(*at)++;
	else if (**at)
		return 0;
	return n;
}

static bool has_namespace(const char *list, uint64_t nsid)
{
	for (uint64_t n = next_number(&list); n; n = next_number(&list))
		if (n == nsid)
			return true;
	return false;
}

struct xp_expected *xp_expected_find(const struct xp_expect_list *list, const struct xp_target *t,
				     uint64_t nsid)
{
	struct xp_expected *found = NULL;

	for (size_t i = 0; i < list->n; i++) {
		struct xp_expected *e = &list->list[i];
		const char *of = namespaces_of(e, t->identity.serial);

		if (strcmp(e->serial, t->confirm) == 0)
			return e;
		if (!found && (strcmp(e->serial, t->identity.serial) == 0 ||
			       (nsid && of && has_namespace(of, nsid))))
			found = e;
	}
	return found;
}

bool xp_expected_is_set(const struct xp_expected *e)
{
	const char *list = strstr(e->serial, NAMESPACES);

	return list && strchr(list, ',');
}

bool xp_expect_is_met(const struct xp_expect_list *list, const struct xp_inventory *inv)
{
	for (size_t i = 0; i < list->n; i++)
		if (!list->list[i].seen)
			return false;
	return list->n == 0 || inv->complete == XP_COMPLETE_YES;
}

static enum xp_rc add(struct xp_expect_paths *p, const char *path, struct xp_err *err)
{
	char(*list)[80];

	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->list[i], path) == 0)
			return XP_OK;
	list = reallocarray(p->list, p->n + 1, sizeof(*list));
	if (!list)
		return xp_fail(err, XP_E_NOMEM, "list of targets");
	p->list = list;
	snprintf(list[p->n++], sizeof(*list), "%s", path);
	return XP_OK;
}

static enum xp_rc add_namespace(struct xp_expect_paths *p, const char *list,
				const struct xp_drive *d, const struct xp_sysroot *root,
				struct xp_err *err)
{
	uint64_t wanted = next_number(&list);
	char path[80];

	for (unsigned i = 0; wanted && i < d->nodes_n; i++) {
		if (xp_probe_nsid(root, d->nodes[i]) != wanted)
			continue;
		snprintf(path, sizeof(path), "/dev/%.70s", d->nodes[i]);
		return add(p, path, err);
	}
	return XP_OK;
}

static enum xp_rc add_drive(struct xp_expect_paths *p, const struct xp_expected *e,
			    const struct xp_drive *d, const struct xp_sysroot *root,
			    struct xp_err *err)
{
	const char *list = namespaces_of(e, d->identity.serial);

	if (!*d->path)
		return XP_OK;
	if (strcmp(e->serial, d->identity.serial) == 0 || strcmp(e->serial, d->confirm) == 0)
		return add(p, d->path, err);
	return list ? add_namespace(p, list, d, root, err) : XP_OK;
}

enum xp_rc xp_expect_paths_find(struct xp_expect_paths *out, const struct xp_expect_list *list,
				const struct xp_inventory *inv, const struct xp_sysroot *root,
				struct xp_err *err)
{
	AUTO(xp_expect_paths_free) struct xp_expect_paths p = {0};

	for (size_t i = 0; i < inv->drives_n; i++)
		for (size_t k = 0; k < list->n; k++)
			TRY(add_drive(&p, &list->list[k], &inv->drives[i], root, err));
	*out = p;
	p = (struct xp_expect_paths){0};
	return XP_OK;
}

void xp_expect_paths_free(struct xp_expect_paths *p)
{
	free(p->list);
	*p = (struct xp_expect_paths){0};
}
