#include "tests/fake/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

#define PATH_BYTES 1024
#define WORDS_MAX  8

/* A tree that cannot be built proves nothing: the test program ends. */
__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, ": %s\n", strerror(errno));
	exit(99);
}

__attribute__((format(printf, 2, 3))) static void put_path(char out[PATH_BYTES], const char *fmt,
							   ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(out, PATH_BYTES, fmt, ap);
	va_end(ap);
	if (n < 0 || n >= PATH_BYTES)
		die("a path is too long");
}

static void make_dirs(const char *path)
{
	char part[PATH_BYTES];

	put_path(part, "%s", path);
	for (char *p = part + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = 0;
		if (mkdir(part, 0755) && errno != EEXIST)
			die("%s", part);
		*p = '/';
	}
}

static void make_dir(const char *path)
{
	make_dirs(path);
	if (mkdir(path, 0755) && errno != EEXIST)
		die("%s", path);
}

static void put_file(const char *path, const char *text, bool append)
{
	make_dirs(path);
	AUTO_FILE FILE *f = fopen(path, append ? "a" : "w");

	if (!f)
		die("%s", path);
	for (const char *p = text; *p; p++) {
		if (p[0] == '\\' && p[1] == 'n') {
			fputc('\n', f);
			p++;
		} else {
			fputc(*p, f);
		}
	}
	fputc('\n', f);
}

static void put_link(const char *path, const char *target)
{
	make_dirs(path);
	if (symlink(target, path) && errno != EEXIST)
		die("%s", path);
}

/* The names under which sysfs and dev show one node. DIR: its folder below sys/devices. */
static void put_names(const struct xp_tree *t, const char *name, const char *dev, const char *dir,
		      bool whole)
{
	char path[PATH_BYTES];
	char target[PATH_BYTES];

	put_path(target, "../../devices/%s", dir);
	put_path(path, "%s/sys/class/block/%s", t->dir, name);
	put_link(path, target);
	if (whole) {
		put_path(path, "%s/sys/block/%s", t->dir, name);
		put_path(target, "../devices/%s", dir);
		put_link(path, target);
	}
	put_path(target, "../../devices/%s", dir);
	put_path(path, "%s/sys/dev/block/%s", t->dir, dev);
	put_link(path, target);
	put_path(path, "%s/dev/%s", t->dir, name);
	put_file(path, "", false);
	put_path(path, "%s/sys/devices/%s/dev", t->dir, dir);
	put_file(path, dev, false);
	put_path(path, "%s/sys/devices/%s/holders", t->dir, dir);
	make_dir(path);
}

static void put_attr(const struct xp_tree *t, const char *name, const char *attr, const char *text)
{
	char path[PATH_BYTES];

	put_path(path, "%s/sys/class/block/%s/%s", t->dir, name, attr);
	put_file(path, text, false);
}

static void do_disk(const struct xp_tree *t, char **w, bool nvme)
{
	char dir[PATH_BYTES];
	char path[PATH_BYTES];
	bool is_virtual = !strcmp(w[3], "virtual");

	put_path(dir, nvme ? "%s/%s" : "%s/block/%s", w[3], w[1]);
	put_path(path, "%s/sys/devices/%s", t->dir, dir);
	make_dir(path);
	put_names(t, w[1], w[2], dir, true);
	put_attr(t, w[1], "size", w[4]);
	put_attr(t, w[1], "queue/logical_block_size", "512");
	put_attr(t, w[1], "queue/zoned", "none");
	put_path(path, "%s/sys/devices/%s/slaves", t->dir, dir);
	make_dir(path);
	put_path(path, "%s/sys/devices/%s/device", t->dir, dir);
	if (nvme)
		put_link(path, "..");
	else if (!is_virtual)
		put_link(path, "../..");
}

static void do_part(const struct xp_tree *t, char **w)
{
	char disk[PATH_BYTES];
	char dir[PATH_BYTES];
	char path[PATH_BYTES];

	put_path(path, "sys/class/block/%s", w[3]);
	if (!xp_sysroot_realpath(disk, sizeof(disk), &t->root, "%s", path))
		die("part %s: no disk %s", w[1], w[3]);
	put_path(dir, "%s/%s", disk + strlen("sys/devices/"), w[1]);
	put_path(path, "%s/sys/devices/%s", t->dir, dir);
	make_dir(path);
	put_names(t, w[1], w[2], dir, false);
	put_attr(t, w[1], "partition", w[4]);
	put_attr(t, w[1], "start", w[5]);
	put_attr(t, w[1], "size", w[6]);
}

static void do_hold(const struct xp_tree *t, char **w)
{
	char path[PATH_BYTES];
	char target[PATH_BYTES];

	put_path(path, "%s/sys/class/block/%s/holders/%s", t->dir, w[1], w[2]);
	put_path(target, "/sys/class/block/%s", w[2]);
	put_link(path, target);
	put_path(path, "%s/sys/class/block/%s/slaves/%s", t->dir, w[2], w[1]);
	put_path(target, "/sys/class/block/%s", w[1]);
	put_link(path, target);
}

static void do_proc(const struct xp_tree *t, char **w)
{
	char path[PATH_BYTES];
	char target[PATH_BYTES];

	put_path(path, "%s/proc/%s/comm", t->dir, w[1]);
	put_file(path, w[2], false);
	put_path(path, "%s/proc/%s/fd", t->dir, w[1]);
	make_dir(path);
	put_path(path, "%s/proc/%s/ns/mnt", t->dir, w[1]);
	put_path(target, "mnt:[%s]", w[3]);
	put_link(path, target);
	put_path(path, "%s/proc/%s/mountinfo", t->dir, w[1]);
	if (access(path, F_OK)) {
		int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

		if (fd < 0)
			die("%s", path);
		close(fd);
	}
}

static void do_swap(const struct xp_tree *t, char **w)
{
	char path[PATH_BYTES];
	char line[PATH_BYTES];

	put_path(path, "%s/proc/swaps", t->dir);
	if (access(path, F_OK))
		put_file(path, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority", false);
	put_path(line, "%s                               %s\t1048572\t\t0\t\t-2", w[1], w[2]);
	put_file(path, line, true);
}

/* Cuts LINE into at most N words; the last one takes the rest of the line. */
static unsigned cut(char **words, unsigned n, char *line)
{
	unsigned used = 0;

	while (*line) {
		line += strspn(line, " \t");
		if (!*line)
			break;
		words[used++] = line;
		if (used == n)
			break;
		line += strcspn(line, " \t");
		if (*line)
			*line++ = 0;
	}
	return used;
}

static const struct {
	const char *verb;
	unsigned words; /* with the verb */
} grammar[] = {{"dir", 2}, {"file", 3}, {"link", 3}, {"disk", 5}, {"nvme", 5},	{"part", 7},
	       {"set", 4}, {"hold", 3}, {"proc", 4}, {"fd", 4},	  {"mount", 3}, {"swap", 3}};

static void do_line(struct xp_tree *t, char *line)
{
	char *w[WORDS_MAX] = {0};
	char path[PATH_BYTES];
	unsigned want = 0;
	size_t verb_len = strcspn(line, " \t");

	for (size_t i = 0; i < XP_ARRAY_LEN(grammar); i++)
		if (strlen(grammar[i].verb) == verb_len &&
		    !strncmp(grammar[i].verb, line, verb_len))
			want = grammar[i].words;
	if (want == 0 || cut(w, want, line) != want)
		die("manifest: not understood: %s", line);
	put_path(path, "%s/%s", t->dir, w[1]);
	if (!strcmp(w[0], "dir"))
		make_dir(path);
	else if (!strcmp(w[0], "file"))
		put_file(path, w[2], false);
	else if (!strcmp(w[0], "link"))
		put_link(path, w[2]);
	else if (!strcmp(w[0], "disk") || !strcmp(w[0], "nvme"))
		do_disk(t, w, w[0][0] == 'n');
	else if (!strcmp(w[0], "part"))
		do_part(t, w);
	else if (!strcmp(w[0], "set"))
		put_attr(t, w[1], w[2], w[3]);
	else if (!strcmp(w[0], "hold"))
		do_hold(t, w);
	else if (!strcmp(w[0], "proc"))
		do_proc(t, w);
	else if (!strcmp(w[0], "swap"))
		do_swap(t, w);
	if (!strcmp(w[0], "fd")) {
		put_path(path, "%s/proc/%s/fd/%s", t->dir, w[1], w[2]);
		put_link(path, w[3]);
	} else if (!strcmp(w[0], "mount")) {
		put_path(path, "%s/proc/%s/mountinfo", t->dir, w[1]);
		put_file(path, w[2], true);
	}
}

void xp_tree_add(struct xp_tree *tree, const char *text)
{
	AUTO_MEM char *copy = strdup(text);
	char *save = NULL;

	if (!copy)
		die("no memory");
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		line += strspn(line, " \t");
		if (*line && *line != '#')
			do_line(tree, line);
	}
}

void xp_tree_new(struct xp_tree *tree)
{
	struct xp_err err = {0};
	char path[PATH_BYTES];

	memcpy(tree->dir, "/tmp/xp-tree-XXXXXX", 20);
	if (!mkdtemp(tree->dir))
		die("%s", tree->dir);
	put_path(path, "%s/proc", tree->dir);
	make_dir(path);
	put_path(path, "%s/sys/class/block", tree->dir);
	make_dir(path);
	put_path(path, "%s/sys/bus", tree->dir);
	make_dir(path);
	if (xp_sysroot_open(&tree->root, tree->dir, &err) != XP_OK)
		die("%s", err.msg);
}

void xp_tree_add_manifest(struct xp_tree *tree, const char *manifest)
{
	AUTO_MEM char *text = NULL;
	struct xp_err err = {0};
	char path[PATH_BYTES];
	size_t len;

	put_path(path, "tests/data/trees/%s", manifest);
	if (xp_file_read(&text, &len, path, 1u << 20, &err) != XP_OK)
		die("%s", err.msg);
	xp_tree_add(tree, text);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void xp_tree_remove(struct xp_tree *tree)
{
	xp_sysroot_close(&tree->root);
	if (!strncmp(tree->dir, "/tmp/xp-tree-", 13))
		nftw(tree->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	tree->dir[0] = 0;
}
