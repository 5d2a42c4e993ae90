#include "device/luks.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <libcryptsetup.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"

#define CHUNK_BYTES    (4u << 20)
#define SECTOR	       512u
#define PARTITIONS_MAX 128u

/* ---- reading ---- */

struct reading {
	uint8_t *buf;
	struct xp_extent range;
	bool given; /* the range was handed out */
	uint64_t unread;
};

static bool next_range(void *ctx, struct xp_extent *range)
{
	struct reading *r = ctx;

	if (r->given)
		return false;
	r->given = true;
	*range = r->range;
	return true;
}

static void deliver(void *ctx, const uint8_t *buf, uint64_t offset, size_t len)
{
	const struct reading *r = ctx;

	memcpy(r->buf + (offset - r->range.offset), buf, len);
}

static void failed(void *ctx, uint64_t offset, size_t len, int sys_errno)
{
	struct reading *r = ctx;

	(void)sys_errno;
	memset(r->buf + (offset - r->range.offset), 0, len);
	r->unread += len;
}

/* What cannot be read is zeros, and counted. */
static enum xp_rc read_range(struct reading *r, struct xp_extent_io *io, struct xp_err *err)
{
	const struct xp_extent_job job = {
		.ctx = r, .next = next_range, .deliver = deliver, .failed = failed};
	struct xp_extent_stats stats;

	return xp_extent_io_run(io, &job, &stats, err);
}

static enum xp_rc read_head(uint8_t **head, size_t *len, const struct xp_luks_volume *v,
			    struct xp_extent_io *io, struct xp_err *err)
{
	struct reading r;

	*len = v->room < XP_LUKS_HEAD_BYTES ? (size_t)v->room : XP_LUKS_HEAD_BYTES;
	*head = malloc(*len ? *len : 1);
	if (!*head)
		return xp_fail(err, XP_E_NOMEM, "a LUKS header");
	r = (struct reading){.buf = *head, .range = {v->offset, *len}};
	return read_range(&r, io, err);
}

enum xp_rc xp_luks_read(struct xp_luks_volume *out, struct xp_extent_io *io, struct xp_err *err)
{
	AUTO_MEM uint8_t *head = NULL;
	size_t len;

	TRY(read_head(&head, &len, out, io, err));
	return xp_luks_parse(out, head, len, err);
}

enum xp_rc xp_luks_digest(struct xp_luks_volume *v, struct xp_extent_io *io, struct xp_err *err)
{
	AUTO_MEM uint8_t *buf = malloc(CHUNK_BYTES);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint64_t end = v->offset + v->area_bytes;
	enum xp_rc rc = XP_OK;
	bool good = buf && md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1;

	v->unread_bytes = 0;
	for (uint64_t at = v->offset; good && rc == XP_OK && at < end;) {
		uint64_t left = end - at;
		size_t len = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
		struct reading r = {.buf = buf, .range = {at, len}};

		rc = read_range(&r, io, err);
		v->unread_bytes += r.unread;
		good = rc != XP_OK || EVP_DigestUpdate(md, buf, len) == 1;
		at += len;
	}
	if (good && rc == XP_OK)
		good = EVP_DigestFinal_ex(md, v->before_sha256, NULL) == 1;
	EVP_MD_CTX_free(md);
	return good ? rc : xp_fail(err, XP_E_NOMEM, "SHA-256 of a LUKS header");
}

/* ---- the second reader ---- */

static void be_silent(int level, const char *msg, void *ctx)
{
	(void)level;
	(void)msg;
	(void)ctx;
}

static void free_crypt(struct crypt_device **cd)
{
	crypt_free(*cd);
	*cd = NULL;
}

static bool write_all(int fd, const uint8_t *p, size_t len)
{
	while (len) {
		ssize_t n = write(fd, p, len);

		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

/* A file in memory as large as the volume, that begins as it does and that nobody can change. */
static int sealed_copy(const uint8_t *head, size_t len, uint64_t room)
{
	int fd = memfd_create("luks", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 && write_all(fd, head, len) && ftruncate(fd, (off_t)room) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool slots_agree(struct crypt_device *cd, const struct xp_luks_volume *v)
{
	int max = crypt_keyslot_max(crypt_get_type(cd));
	unsigned used = 0;

	for (int i = 0; i < max; i++) {
		uint64_t at = 0;
		uint64_t len = 0;

		if (crypt_keyslot_status(cd, i) < CRYPT_SLOT_ACTIVE)
			continue;
		used++;
		if (crypt_keyslot_area(cd, i, &at, &len) < 0 || at + len > v->slots_end)
			return false;
	}
	/* the slot of a reencryption is none to libcryptsetup */
	return used == v->slots || (v->reencrypting && used < v->slots);
}

static bool agrees(struct crypt_device *cd, const struct xp_luks_volume *v)
{
	const char *type = crypt_get_type(cd);
	const char *uuid = crypt_get_uuid(cd);
	bool same_type = type && strcmp(type, v->version == 1 ? CRYPT_LUKS1 : CRYPT_LUKS2) == 0;

	return same_type && v->layout_known && uuid && strcmp(uuid, v->uuid) == 0 &&
	       crypt_get_data_offset(cd) * SECTOR == v->data_offset && slots_agree(cd, v);
}

/* Where it cannot read what we can, that is another opinion, too. */
static void ask_library(struct xp_luks_volume *v, const uint8_t *head, size_t len)
{
	AUTO(free_crypt) struct crypt_device *cd = NULL;
	AUTO_FD int fd = sealed_copy(head, len, v->room);
	char path[64];

	v->library = XP_LUKS_UNREAD;
	if (fd < 0)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	crypt_set_log_callback(NULL, be_silent, NULL);
	if (crypt_init(&cd, path))
		return;
	crypt_set_log_callback(cd, be_silent, NULL);
	/* a plain load mends a damaged header; without locks, and on a sealed file, it cannot */
	(void)crypt_metadata_locking(cd, 0);
	if (crypt_load(cd, CRYPT_LUKS, NULL))
		v->library = v->layout_known ? XP_LUKS_DIFFERS : XP_LUKS_UNREAD;
	else
		v->library = agrees(cd, v) ? XP_LUKS_AGREES : XP_LUKS_DIFFERS;
}

/* ---- finding ---- */

static enum xp_rc look_at(struct xp_luks_volumes *out, struct xp_extent_io *io, uint64_t offset,
			  uint64_t room, struct xp_err *err)
{
	struct xp_luks_volume *v = &out->list[out->n];
	AUTO_MEM uint8_t *head = NULL;
	size_t len;
	enum xp_rc rc;

	if (out->n == XP_LUKS_VOLUMES_MAX)
		return XP_OK;
	*v = (struct xp_luks_volume){.offset = offset, .room = room};
	TRY(read_head(&head, &len, v, io, err));
	rc = xp_luks_parse(v, head, len, err);
	if (rc == XP_E_NOENT)
		return XP_OK;
	TRY(rc);
	ask_library(v, head, len);
	v->area_bytes = xp_luks_area_needed(v);
	out->n++;
	return XP_OK;
}

static void free_probe(blkid_probe *pr)
{
	if (*pr)
		blkid_free_probe(*pr);
	*pr = NULL;
}

/* Where partitions begin, by the table on the target itself; as many as there is room for. */
static size_t list_partitions(struct xp_extent *out, size_t max, int fd, uint64_t capacity)
{
	AUTO(free_probe) blkid_probe pr = blkid_new_probe();
	blkid_partlist list;
	size_t n = 0;
	int all;

	if (!pr || blkid_probe_set_device(pr, fd, 0, 0))
		return 0;
	list = blkid_probe_get_partitions(pr);
	all = list ? blkid_partlist_numof_partitions(list) : 0;
	for (int i = 0; i < all && n < max; i++) {
		blkid_partition p = blkid_partlist_get_partition(list, i);
		uint64_t start = (uint64_t)blkid_partition_get_start(p) * SECTOR;
		uint64_t len = (uint64_t)blkid_partition_get_size(p) * SECTOR;

		if (blkid_partition_is_extended(p) || start >= capacity || len == 0)
			continue;
		out[n++] =
			(struct xp_extent){start, len < capacity - start ? len : capacity - start};
	}
	return n;
}

static int by_offset(const void *a, const void *b)
{
	const struct xp_extent *x = a;
	const struct xp_extent *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

/* Partitions that overlap (a table that lies) are looked at once. */
static enum xp_rc look_at_partitions(struct xp_luks_volumes *out, struct xp_extent_io *io, int fd,
				     uint64_t capacity, struct xp_err *err)
{
	struct xp_extent parts[PARTITIONS_MAX];
	size_t n = list_partitions(parts, PARTITIONS_MAX, fd, capacity);
	uint64_t end = 0;

	qsort(parts, n, sizeof(*parts), by_offset);
	for (size_t i = 0; i < n; i++) {
		if (parts[i].offset < end || parts[i].offset == 0)
			continue;
		end = parts[i].offset + parts[i].len;
		TRY(look_at(out, io, parts[i].offset, parts[i].len, err));
	}
	return XP_OK;
}

enum xp_rc xp_luks_find(struct xp_luks_volumes *out, const struct xp_target *target,
			struct xp_err *err)
{
	AUTO(xp_extent_io_free) struct xp_extent_io *io = NULL;
	struct xp_extent_config cfg = {
		.capacity_bytes = target->identity.capacity_bytes,
		.logical_block_bytes = target->identity.logical_block_bytes,
	};
	AUTO_FD int fd = open(target->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	*out = (struct xp_luks_volumes){0};
	if (fd < 0)
		return xp_fail_errno(err, errno == EACCES || errno == EPERM ? XP_E_PERM : XP_E_IO,
				     "%s", target->path);
	cfg.fd = fd;
	TRY(xp_extent_io_new(&io, &cfg, err));
	TRY(look_at(out, io, 0, cfg.capacity_bytes, err));
	if (out->n || target->kind == XP_TARGET_PARTITION)
		return XP_OK;
	return look_at_partitions(out, io, fd, cfg.capacity_bytes, err);
}

bool xp_luks_begins_at(bool *read, const char *node)
{
	AUTO_FD int fd = open(node, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	uint8_t sector[SECTOR];

	*read = fd >= 0 && pread(fd, sector, sizeof(sector), 0) == (ssize_t)sizeof(sector);
	return *read && xp_luks_is_magic(sector);
}
