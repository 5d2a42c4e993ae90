#include "base/secret.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void xp_wipe(void *p, size_t len)
{
	explicit_bzero(p, len);
}

enum xp_rc xp_secret_new(struct xp_secret *out, size_t len, struct xp_err *err)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t mapped = (len / page + 1) * page;
	void *p = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return xp_fail_errno(err, XP_E_NOMEM, "secret of %zu bytes", len);
	if (mlock(p, mapped)) {
		int e = errno;

		munmap(p, mapped);
		errno = e;
		return xp_fail_errno(err, XP_E_NOMEM, "cannot lock memory for a secret");
	}
	madvise(p, mapped, MADV_DONTDUMP);
	madvise(p, mapped, MADV_WIPEONFORK);
	*out = (struct xp_secret){.data = p, .len = len, .mapped = mapped};
	return XP_OK;
}

enum xp_rc xp_secret_read_line(struct xp_secret *out, int fd, struct xp_err *err)
{
	const size_t max = 1024;
	size_t used = 0;

	TRY(xp_secret_new(out, max, err));
	while (used < max) {
		ssize_t n = read(fd, out->data + used, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			enum xp_rc rc = xp_fail_errno(err, XP_E_IO, "reading a passphrase");

			xp_secret_free(out);
			return rc;
		}
		if (n == 0 || out->data[used] == '\n')
			break;
		used++;
	}
	if (used == max) {
		xp_secret_free(out);
		return xp_fail(err, XP_E_USAGE, "the passphrase is longer than %zu bytes", max - 1);
	}
	if (used && out->data[used - 1] == '\r')
		used--;
	xp_wipe(out->data + used, max - used);
	out->len = used;
	return XP_OK;
}

void xp_secret_free(struct xp_secret *s)
{
	if (s->data) {
		xp_wipe(s->data, s->mapped);
		munlock(s->data, s->mapped);
		munmap(s->data, s->mapped);
	}
	*s = (struct xp_secret){0};
}
