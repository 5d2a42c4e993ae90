#include "tests/fake/log_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"

int log_fixture_dir(char path[256])
{
	const char *tmp = getenv("TMPDIR");
	int fd;

	/* many small files, thrown away at once: in memory where there is such a place */
	if (access("/dev/shm", W_OK | X_OK) == 0)
		tmp = "/dev/shm";
	snprintf(path, 256, "%.200s/expunge-log-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(path));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void log_fixture_remove(const char *path, int fd)
{
	close(fd);
	assert_int_equal(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT), 0);
}

static void copy_file(int from_fd, int to_fd, const char *name, mode_t mode)
{
	AUTO_MEM char *data = NULL;
	size_t len = 0;
	int fd;

	assert_int_equal(xp_file_read_at(&data, &len, from_fd, name, 32U << 20, NULL), XP_OK);
	fd = openat(to_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	assert_true(fd >= 0);
	assert_int_equal(xp_fd_write_all(fd, data, len, NULL), XP_OK);
	close(fd);
}

void log_fixture_copy(int from_fd, int to_fd)
{
	DIR *dir = fdopendir(openat(from_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	const struct dirent *e;

	assert_non_null(dir);
	while ((e = readdir(dir))) {
		struct stat st;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		assert_int_equal(fstatat(from_fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW), 0);
		if (S_ISDIR(st.st_mode)) {
			int from = openat(from_fd, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			int to;

			mkdirat(to_fd, e->d_name, 0755);
			to = openat(to_fd, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			log_fixture_copy(from, to);
			close(from);
			close(to);
		} else {
			copy_file(from_fd, to_fd, e->d_name, st.st_mode & 0777);
		}
	}
	closedir(dir);
}

struct xp_log_bytes log_fixture_leaf(char text[512], unsigned i)
{
	uint8_t hash[32] = {(uint8_t)i, (uint8_t)(i >> 8), 7};
	AUTO_MEM char *leaf = NULL;
	char id[XP_UUID_LEN];
	size_t len = 0;

	snprintf(id, sizeof(id), "01980000-0000-7000-8000-%012x", i / 2);
	if (i % 2)
		assert_int_equal(xp_log_leaf_record(&leaf, &len, id, hash,
						    (const uint8_t(*)[32])hash, 1, NULL),
				 XP_OK);
	else
		assert_int_equal(xp_log_leaf_start(&leaf, &len, id, hash, 1795305600 + i, NULL),
				 XP_OK);
	assert_true(len < 512);
	memcpy(text, leaf, len + 1);
	return (struct xp_log_bytes){text, len};
}

static enum xp_rc counting(void *ctx, void *out, size_t len, struct xp_err *err)
{
	uint8_t *p = out;

	(void)err;
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)((*(unsigned *)ctx)++ * 37 + 11);
	return XP_OK;
}

struct xp_rng log_fixture_rng(unsigned *seed)
{
	return (struct xp_rng){counting, seed};
}

void log_fixture_audit(int state_fd, const char *old, const char *const *codes)
{
	AUTO_FD int log_fd = openat(state_fd, "log", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_MEM char *text = NULL;
	struct xp_findings findings = {0};
	struct xp_log_audit audit;
	struct xp_note_vkey vkey;
	size_t len = 0;
	size_t n = 0;
	struct xp_err err;

	assert_int_equal(xp_file_read_at(&text, &len, state_fd, "log.vkey", 4096, &err), XP_OK);
	assert_int_equal(xp_note_vkey_parse(&vkey, text, len, &err), XP_OK);
	assert_int_equal(
		xp_log_audit_run(&audit, &findings,
				 &(struct xp_log_audit_input){.log_fd = log_fd,
							      .vkey = &vkey,
							      .old = old,
							      .old_len = old ? strlen(old) : 0},
				 &err),
		XP_OK);
	while (codes && codes[n])
		n++;
	for (size_t i = 0; i < findings.n; i++)
		if (i >= n || strcmp(findings.list[i].code, codes[i]) != 0)
			fail_msg("finding %zu: %s %s", i, findings.list[i].code,
				 findings.list[i].text);
	assert_int_equal(findings.n, n);
	xp_log_audit_free(&audit);
	xp_findings_free(&findings);
}

/* Real system calls, but for the waits: the order of writes is test_log_crash's matter. */
static int no_sync(void *ctx, int fd)
{
	(void)ctx;
	(void)fd;
	return 0;
}

const struct xp_log_ops *log_place_ops(void)
{
	static struct xp_log_ops ops;

	ops = *xp_log_ops_system();
	ops.sync = no_sync;
	ops.lock_wait_ms = 20;
	return &ops;
}

struct log_place log_place_new(void)
{
	struct log_place p;

	p.fd = log_fixture_dir(p.path);
	return p;
}

enum xp_rc log_place_try_open(struct xp_log **log, const struct log_place *p, unsigned seed)
{
	struct xp_rng rng = log_fixture_rng(&seed);

	return xp_log_open_with(log, p->fd, "example.com/usb-1", &rng, log_place_ops(), NULL);
}

struct xp_log *log_place_open(const struct log_place *p)
{
	struct xp_log *log = NULL;

	assert_int_equal(log_place_try_open(&log, p, 1), XP_OK);
	return log;
}

void log_place_append(struct xp_log *log, unsigned first, unsigned n)
{
	struct xp_log_bytes *leaves = calloc(n, sizeof(*leaves));
	char(*text)[512] = calloc(n, sizeof(*text));
	uint64_t index = 0;

	for (unsigned i = 0; i < n; i++)
		leaves[i] = log_fixture_leaf(text[i], first + i);
	assert_int_equal(xp_log_append_many(log, leaves, n, &index, NULL), XP_OK);
	assert_int_equal(index, first);
	free(leaves);
	free(text);
}

struct log_place log_place_filled(unsigned n)
{
	struct log_place p = log_place_new();
	AUTO(xp_log_free) struct xp_log *log = log_place_open(&p);

	log_place_append(log, 0, n);
	return p;
}

uint64_t log_place_size(struct xp_log *log)
{
	struct xp_merkle_head head = {0};

	assert_int_equal(xp_log_checkpoint_latest(log, &head, NULL), XP_OK);
	return head.size;
}

off_t log_place_file_size(const struct log_place *p, const char *name)
{
	struct stat st;

	return fstatat(p->fd, name, &st, AT_SYMLINK_NOFOLLOW) ? -1 : st.st_size;
}

char *log_place_read(const struct log_place *p, const char *name, size_t *len)
{
	char *data = NULL;

	assert_int_equal(xp_file_read_at(&data, len, p->fd, name, 32U << 20, NULL), XP_OK);
	return data;
}

void log_place_write(const struct log_place *p, const char *name, const void *data, size_t len)
{
	int fd = openat(p->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(xp_fd_write_all(fd, data, len, NULL), XP_OK);
	close(fd);
}

void log_place_flip(const struct log_place *p, const char *name, size_t at)
{
	size_t len = 0;
	AUTO_MEM char *data = log_place_read(p, name, &len);

	assert_true(at < len);
	data[at] ^= 1;
	log_place_write(p, name, data, len);
}
