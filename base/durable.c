#include "base/durable.h"

#include <string.h>

enum xp_rc xp_durable_append(const struct xp_durable *d, const char *path, uint64_t offset,
			     const void *bytes, size_t len, struct xp_err *err)
{
	return d ? d->append(d->ctx, path, offset, bytes, len, err) : XP_OK;
}

enum xp_rc xp_durable_replace(const struct xp_durable *d, const char *path, const void *bytes,
			      size_t len, struct xp_err *err)
{
	return d ? d->replace(d->ctx, path, bytes, len, err) : XP_OK;
}

enum xp_rc xp_durable_remove(const struct xp_durable *d, const char *path, struct xp_err *err)
{
	return d ? d->remove(d->ctx, path, err) : XP_OK;
}

enum xp_rc xp_durable_flush(const struct xp_durable *d, struct xp_err *err)
{
	return d ? d->flush(d->ctx, err) : XP_OK;
}

bool xp_durable_is_secret(const char *path)
{
	return strcmp(path, "log.key") == 0 || strcmp(path, "host.key") == 0;
}

static enum xp_rc chain_append(void *ctx, const char *path, uint64_t offset, const void *bytes,
			       size_t len, struct xp_err *err)
{
	const struct xp_durable_chain *chain = ctx;

	for (unsigned i = 0; i < chain->n; i++)
		TRY(xp_durable_append(chain->links[i], path, offset, bytes, len, err));
	return XP_OK;
}

static enum xp_rc chain_replace(void *ctx, const char *path, const void *bytes, size_t len,
				struct xp_err *err)
{
	const struct xp_durable_chain *chain = ctx;

	for (unsigned i = 0; i < chain->n; i++)
		TRY(xp_durable_replace(chain->links[i], path, bytes, len, err));
	return XP_OK;
}

static enum xp_rc chain_remove(void *ctx, const char *path, struct xp_err *err)
{
	const struct xp_durable_chain *chain = ctx;

	for (unsigned i = 0; i < chain->n; i++)
		TRY(xp_durable_remove(chain->links[i], path, err));
	return XP_OK;
}

static enum xp_rc chain_flush(void *ctx, struct xp_err *err)
{
	const struct xp_durable_chain *chain = ctx;

	for (unsigned i = 0; i < chain->n; i++)
		TRY(xp_durable_flush(chain->links[i], err));
	return XP_OK;
}

struct xp_durable xp_durable_chain_of(struct xp_durable_chain *chain)
{
	return (struct xp_durable){
		.ctx = chain,
		.append = chain_append,
		.replace = chain_replace,
		.remove = chain_remove,
		.flush = chain_flush,
	};
}
