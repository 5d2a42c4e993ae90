#include "cli/job_reach.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "device/blockmap.h"
#include "device/probe.h"
#include "device/probe_node.h"

#define SPIN_UP_MS 40000
#define WAIT_MS	   2000
/* steps of a drive's own progress may be far apart */
#define WAIT_STILL (60u * 60 * 1000 / WAIT_MS)

#define READ_BYTES 4096

/* A child that opens a node and reads from it, and says so by its end of a pipe. */
struct child {
	pid_t pid; /* 0: none */
	int fd;
};

/* Never returns, maybe not for a long time. What it reads does not matter, nor an error. */
static void be_child(const char *path, int fd)
{
	void *data = NULL;
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	int node;

	/* a child that hangs holds no lock of ours, and nobody's end of a pipe */
	for (int i = 0; i < 3 && nothing >= 0; i++)
		dup2(nothing, i);
	if (dup2(fd, 3) < 0 || close_range(4, ~0u, 0) ||
	    posix_memalign(&data, READ_BYTES, READ_BYTES))
		_exit(1);
	node = open(path, O_RDONLY | O_NONBLOCK | O_DIRECT | O_CLOEXEC);
	if (node >= 0 && pread(node, data, READ_BYTES, 0) < 0)
		nothing = -1;
	_exit(write(3, "", 1) == 1 ? 0 : 1);
}

static bool start(struct child *c, const char *path)
{
	int ends[2];

	*c = (struct child){.fd = -1};
	if (pipe2(ends, O_CLOEXEC))
		return false;
	c->pid = fork();
	if (c->pid == 0)
		be_child(path, ends[1]);
	close(ends[1]);
	c->fd = ends[0];
	if (c->pid > 0)
		return true;
	c->pid = 0;
	xp_close_fd(&c->fd);
	return false;
}

static bool ends_within(const struct child *c, int ms)
{
	struct pollfd answer = {.fd = c->fd, .events = POLLIN};
	int n;

	do
		n = poll(&answer, 1, ms);
	while (n < 0 && errno == EINTR);
	return n != 0;
}

/* One that waits in the kernel ends when the kernel lets it. */
static void stop(struct child *c, bool has_ended)
{
	if (!has_ended)
		kill(c->pid, SIGKILL);
	waitpid(c->pid, NULL, has_ended ? 0 : WNOHANG);
	xp_close_fd(&c->fd);
}

/* The whole disk that PATH is, or is on. */
static bool disk_of(char *disk, size_t size, const struct xp_sysroot *root, const char *path)
{
	AUTO(xp_blockmap_free) struct xp_blockmap map = {0};
	const struct xp_block_node *node;
	struct stat st;

	if (!root->is_live || stat(path, &st) || !S_ISBLK(st.st_mode) ||
	    xp_blockmap_read(&map, root, NULL) != XP_OK)
		return false;
	node = xp_blockmap_by_dev(&map, st.st_rdev);
	return node && (size_t)snprintf(disk, size, "%s", node->disk) < size;
}

bool xp_job_is_at_work(char *out, size_t size, const struct xp_drive_facts *f)
{
	const struct xp_ata_facts *a = &f->ata;
	const struct xp_sense *s = &f->scsi.sense;

	if (f->is_ata && a->sanitize_status == XP_ASKED_GOOD &&
	    a->sanitize.state == XP_ATA_SANITIZE_RUNNING)
		snprintf(out, size, "it is at a sanitize, %u %% done",
			 a->sanitize.progress * 100u / 65536u);
	else if (f->is_ata && a->sanitize_status == XP_ASKED_GOOD &&
		 a->sanitize.state == XP_ATA_SANITIZE_FAILED)
		snprintf(out, size, "its last sanitize failed, and it gives no data");
	else if (!f->is_ata && f->scsi.request_sense == XP_ASKED_GOOD && s->has_progress)
		snprintf(out, size, "it is at work by itself, %u %% done",
			 s->progress * 100u / 65536u);
	else
		return false;
	return true;
}

static bool is_running(const struct xp_drive_facts *f)
{
	if (f->is_ata)
		return f->ata.sanitize_status == XP_ASKED_GOOD &&
		       f->ata.sanitize.state == XP_ATA_SANITIZE_RUNNING;
	return f->scsi.request_sense == XP_ASKED_GOOD && f->scsi.sense.has_progress;
}

/*
 * What the drive itself says, asked by its generic node. false: nothing that keeps it from work.
 * STEP (may be NULL): how far what it is at has come, in 1/65536; -1: it is at nothing.
 */
static bool ask_generic(char *out, size_t size, int *step, const struct xp_sysroot *root,
			const char *disk)
{
	AUTO(xp_transport_free) struct xp_transport *t = NULL;
	AUTO(xp_identity_free) struct xp_identity id = {.bus = XP_BUS_SCSI};
	AUTO_MEM struct xp_drive_facts *facts = calloc(1, sizeof(*facts));
	bool is_busy;
	struct xp_err err;

	snprintf(out, size, "it does not say what keeps the kernel from it");
	if (!facts || xp_probe_open_generic(&t, root, disk, &err) != XP_OK ||
	    xp_probe_drive(facts, t, &id, &err) != XP_OK)
		snprintf(out, size, "it cannot be asked");
	is_busy = facts && xp_job_is_at_work(out, size, facts);
	if (step)
		*step = !is_busy || !is_running(facts) ? -1
			: facts->is_ata		       ? facts->ata.sanitize.progress
						       : facts->scsi.sense.progress;
	if (facts)
		xp_drive_facts_free(facts);
	return is_busy;
}

bool xp_job_can_reach(char *why, size_t size, const struct xp_sysroot *root, const char *path)
{
	char disk[64], node[80], says[160];
	struct child c;
	bool good;

	if (!disk_of(disk, sizeof(disk), root, path) ||
	    !xp_sysroot_has(root, "sys/class/block/%s/device/scsi_generic", disk))
		return true;
	snprintf(node, sizeof(node), "/dev/%s", disk);
	if (!start(&c, node))
		return true; /* who cannot look finds out by reading */
	good = ends_within(&c, XP_REACH_MS);
	/* a disk that slept takes its time */
	if (!good && !ask_generic(says, sizeof(says), NULL, root, disk))
		good = ends_within(&c, SPIN_UP_MS);
	stop(&c, good);
	if (!good)
		snprintf(why, size,
			 "the kernel keeps whoever reads from %s waiting; of the drive: %s", node,
			 says);
	return good;
}

void xp_job_wait_through(const struct xp_sysroot *root, const char *path,
			 void (*tell)(const char *path, const char *says))
{
	char disk[64], node[80], says[160];
	int step = 0, before = -1;
	unsigned still = 0;
	bool good = false;
	struct child c;

	if (!disk_of(disk, sizeof(disk), root, path) ||
	    !xp_sysroot_has(root, "sys/class/block/%s/device/scsi_generic", disk))
		return;
	snprintf(node, sizeof(node), "/dev/%s", disk);
	if (!start(&c, node))
		return;
	good = ends_within(&c, XP_REACH_MS);
	while (!good && still < WAIT_STILL) {
		ask_generic(says, sizeof(says), &step, root, disk);
		if (step < 0)
			break;
		if (before < 0 || step / 656 != before / 656)
			tell(path, says);
		still = step == before ? still + 1 : 0;
		before = step;
		good = ends_within(&c, WAIT_MS);
	}
	stop(&c, good);
}
