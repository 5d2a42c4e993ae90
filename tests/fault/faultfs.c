/*
 * faultfs: a file system with one file that fails as it is told. For tests of what
 * happens when a target does not take or give its bytes.
 *
 *   faultfs MOUNTPOINT SIZE [/NAME] [RULE...]       (NAME: drive)
 *
 * RULE: write-error=OFFSET+LENGTH, read-error=OFFSET+LENGTH (EIO for requests that touch the
 * range), lose=OFFSET+LENGTH (writes are answered with success and not kept), hang-write=OFFSET,
 * hang-read=OFFSET, hang-fsync=0 (requests that reach that byte get no answer before the file that
 * the variable FAULTFS_RELEASE names is there), slow=MICROSECONDS (each request takes so long),
 * slow-write=MICROSECONDS (each write does, until that file is there).
 */
#define FUSE_USE_VERSION 31
#include <fuse3/fuse.h>

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

enum rule_kind {
	WRITE_ERROR,
	READ_ERROR,
	LOSE,
	HANG_WRITE,
	HANG_READ,
	HANG_FSYNC,
	SLOW,
	SLOW_WRITE,
	RULE_KINDS
};

struct rule {
	enum rule_kind kind;
	uint64_t offset, len;
};

static struct {
	uint8_t *data;
	uint64_t size;
	struct rule rules[64];
	unsigned n;
	const char *name; /* of the file, with a slash in front */
} fs = {.name = "/drive"};

static bool touches(const struct rule *r, uint64_t offset, uint64_t len)
{
	return offset < r->offset + r->len && r->offset < offset + len;
}

static const struct rule *find(enum rule_kind kind, uint64_t offset, uint64_t len)
{
	for (unsigned i = 0; i < fs.n; i++)
		if (fs.rules[i].kind == kind && touches(&fs.rules[i], offset, len))
			return &fs.rules[i];
	return NULL;
}

static void wait_as_told(enum rule_kind hang, uint64_t offset, uint64_t len)
{
	const char *release = getenv("FAULTFS_RELEASE");

	for (unsigned i = 0; i < fs.n; i++)
		if (fs.rules[i].kind == SLOW)
			usleep((useconds_t)fs.rules[i].offset);
	if (!find(hang, offset, len))
		return;
	while (release && access(release, F_OK) != 0)
		usleep(20000);
}

static void be_slow(void)
{
	const char *release = getenv("FAULTFS_RELEASE");

	for (unsigned i = 0; i < fs.n; i++)
		if (fs.rules[i].kind == SLOW_WRITE && !(release && access(release, F_OK) == 0))
			usleep((useconds_t)fs.rules[i].offset);
}

static int fs_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	(void)fi;
	memset(st, 0, sizeof(*st));
	st->st_uid = getuid();
	st->st_gid = getgid();
	if (strcmp(path, "/") == 0) {
		st->st_mode = S_IFDIR | 0755;
		st->st_nlink = 2;
		return 0;
	}
	if (strcmp(path, fs.name) != 0)
		return -ENOENT;
	st->st_mode = S_IFREG | 0600;
	st->st_nlink = 1;
	st->st_ino = 2;
	st->st_size = (off_t)fs.size;
	st->st_blocks = (blkcnt_t)(fs.size / 512);
	return 0;
}

static int fs_readdir(const char *path, void *buf, fuse_fill_dir_t fill, off_t offset,
		      struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	(void)path;
	(void)offset;
	(void)fi;
	(void)flags;
	fill(buf, ".", NULL, 0, 0);
	fill(buf, "..", NULL, 0, 0);
	fill(buf, fs.name + 1, NULL, 0, 0);
	return 0;
}

static int fs_open(const char *path, struct fuse_file_info *fi)
{
	if (strcmp(path, fs.name) != 0)
		return -ENOENT;
	fi->direct_io = 1;
	return 0;
}

static int fs_read(const char *path, char *buf, size_t len, off_t offset, struct fuse_file_info *fi)
{
	uint64_t at = (uint64_t)offset;

	(void)path;
	(void)fi;
	if (at >= fs.size)
		return 0;
	if (len > fs.size - at)
		len = fs.size - at;
	wait_as_told(HANG_READ, at, len);
	if (find(READ_ERROR, at, len))
		return -EIO;
	memcpy(buf, fs.data + at, len);
	return (int)len;
}

static int fs_write(const char *path, const char *buf, size_t len, off_t offset,
		    struct fuse_file_info *fi)
{
	uint64_t at = (uint64_t)offset;

	(void)path;
	(void)fi;
	if (at >= fs.size || len > fs.size - at)
		return -ENOSPC;
	wait_as_told(HANG_WRITE, at, len);
	be_slow();
	if (find(WRITE_ERROR, at, len))
		return -EIO;
	for (size_t i = 0; i < len; i++)
		if (!find(LOSE, at + i, 1))
			fs.data[at + i] = (uint8_t)buf[i];
	return (int)len;
}

static int fs_fsync(const char *path, int data_only, struct fuse_file_info *fi)
{
	(void)path;
	(void)data_only;
	(void)fi;
	wait_as_told(HANG_FSYNC, 0, fs.size);
	return 0;
}

static bool parse_rule(struct rule *r, const char *text)
{
	static const char *const names[RULE_KINDS] = {"write-error", "read-error", "lose",
						      "hang-write",  "hang-read",  "hang-fsync",
						      "slow",	     "slow-write"};
	const char *eq = strchr(text, '=');
	char *end = NULL;

	if (!eq)
		return false;
	for (unsigned i = 0; i < RULE_KINDS; i++)
		if (strlen(names[i]) == (size_t)(eq - text) &&
		    memcmp(names[i], text, strlen(names[i])) == 0) {
			r->kind = (enum rule_kind)i;
			r->offset = strtoull(eq + 1, &end, 10);
			r->len = *end == '+' ? strtoull(end + 1, &end, 10) : 1;
			return *end == 0;
		}
	return false;
}

int main(int argc, char **argv)
{
	static const struct fuse_operations ops = {.getattr = fs_getattr,
						   .readdir = fs_readdir,
						   .open = fs_open,
						   .read = fs_read,
						   .write = fs_write,
						   .fsync = fs_fsync};
	char *fuse_argv[] = {argv[0], argc > 1 ? argv[1] : NULL, NULL};

	if (argc < 3)
		return 64;
	fs.size = strtoull(argv[2], NULL, 10);
	fs.data = malloc(fs.size);
	if (!fs.data)
		return 70;
	memset(fs.data, 0xa5, fs.size);
	for (int i = 3; i < argc && fs.n < XP_ARRAY_LEN(fs.rules); i++)
		if (argv[i][0] == '/')
			fs.name = argv[i];
		else if (!parse_rule(&fs.rules[fs.n++], argv[i]))
			return 64;
	return fuse_main(2, fuse_argv, &ops, NULL);
}
