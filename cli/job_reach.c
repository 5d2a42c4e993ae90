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

/* Never returns, maybe not for a long time. */
static void be_child(const char *path, int fd)
{
	int node = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	(void)node;
	if (write(fd, "", 1) != 1)
		_exit(1);
	_exit(0);
}

/* One that waits in the kernel ends when the kernel lets it. */
static bool opens_in_time(const char *path)
{
	struct pollfd answer = {.events = POLLIN};
	int ends[2];
	pid_t pid;
	int n;

	if (pipe2(ends, O_CLOEXEC))
		return true; /* who cannot look finds out by opening it */
	pid = fork();
	if (pid == 0)
		be_child(path, ends[1]);
	close(ends[1]);
	answer.fd = ends[0];
	do
		n = pid > 0 ? poll(&answer, 1, XP_REACH_MS) : 1;
	while (n < 0 && errno == EINTR);
	close(ends[0]);
	if (pid <= 0)
		return true;
	if (n == 0)
		kill(pid, SIGKILL);
	waitpid(pid, NULL, n == 0 ? WNOHANG : 0);
	return n != 0;
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

/* What the drive itself says, asked by its generic node. */
static void ask_generic(char *out, size_t size, const struct xp_sysroot *root, const char *disk)
{
	AUTO(xp_transport_free) struct xp_transport *t = NULL;
	AUTO(xp_identity_free) struct xp_identity id = {.bus = XP_BUS_SCSI};
	AUTO_MEM struct xp_drive_facts *facts = calloc(1, sizeof(*facts));
	struct xp_err err;

	if (!facts || xp_probe_open_generic(&t, root, disk, &err) != XP_OK ||
	    xp_probe_drive(facts, t, &id, &err) != XP_OK)
		snprintf(out, size, "it cannot be asked");
	else if (!xp_job_is_at_work(out, size, facts))
		snprintf(out, size, "it answers, and does not say what keeps the kernel from it");
	if (facts)
		xp_drive_facts_free(facts);
}

bool xp_job_can_reach(char *why, size_t size, const struct xp_sysroot *root, const char *path)
{
	char disk[64], node[80], says[160];

	if (!disk_of(disk, sizeof(disk), root, path) ||
	    !xp_sysroot_has(root, "sys/class/block/%s/device/scsi_generic", disk))
		return true;
	snprintf(node, sizeof(node), "/dev/%s", disk);
	if (opens_in_time(node))
		return true;
	ask_generic(says, sizeof(says), root, disk);
	snprintf(why, size, "the kernel keeps whoever opens %s waiting; of the drive: %s", node,
		 says);
	return false;
}
