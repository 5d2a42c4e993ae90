#include "cli/job_unlocked.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "certs/record.h"
#include "cli/job_journal.h"

static void free_json(json_t **j)
{
	json_decref(*j);
	*j = NULL;
}

static json_t *line_of(const char *serial)
{
	const struct xp_clock *clock = xp_clock_system();
	char now[XP_TIME_LEN];

	xp_time_format(now, clock->wall_s(clock->ctx));
	return json_pack("{s:s, s:s, s:s}", "type", "unlocked", "time", now, "serial", serial);
}

static enum xp_rc add_line(int jobs_fd, const char *id, const struct xp_durable *durable,
			   const char *serial, struct xp_err *err)
{
	AUTO(xp_journal_close) struct xp_journal *journal = NULL;
	AUTO(free_json) json_t *lines = NULL;

	TRY(xp_journal_open(&journal, &lines, jobs_fd, id, err));
	xp_journal_keep(journal, durable);
	return xp_journal_add(journal, line_of(serial), err);
}

enum xp_rc xp_job_unlocked_tell(unsigned *told, const struct xp_state *state, const char *serial,
				struct xp_err *err)
{
	AUTO(xp_job_summaries_free) struct xp_job_summaries all = {0};

	*told = 0;
	TRY(xp_job_summaries_read(&all, state, err));
	for (size_t i = 0; i < all.n; i++) {
		const struct xp_job_summary *s = &all.list[i];

		if (!s->has_secret || s->damaged || !*serial ||
		    strcmp(s->media.serial, serial) != 0)
			continue;
		TRY(add_line(state->jobs_fd, s->id, state->durable, serial, err));
		(*told)++;
	}
	return XP_OK;
}

/* "…/jobs/ID/journal.jsonl": its folder of jobs, and the id. -1: it is called otherwise. */
static int folder_of(char id[XP_UUID_LEN], const char *path)
{
	static const char name[] = "/journal.jsonl";
	AUTO_MEM char *folder = realpath(path, NULL);
	size_t len = folder ? strlen(folder) : 0;
	char *slash;

	if (len < sizeof(name) || strcmp(folder + len - strlen(name), name) != 0)
		return -1;
	folder[len - strlen(name)] = 0;
	slash = strrchr(folder, '/');
	if (!slash || strlen(slash + 1) != XP_UUID_LEN - 1)
		return -1;
	memcpy(id, slash + 1, XP_UUID_LEN);
	*slash = 0;
	return open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static enum xp_rc add_beside(char *where, size_t size, const char *path, const char *serial,
			     struct xp_err *err)
{
	AUTO(free_json) json_t *line = line_of(serial);
	AUTO_MEM char *text = line ? json_dumps(line, JSON_SORT_KEYS) : NULL;
	AUTO_FD int fd = -1;

	if (!text)
		return xp_fail(err, XP_E_NOMEM, "unlocked");
	if ((size_t)snprintf(where, size, "%s.unlocked", path) >= size)
		return xp_fail(err, XP_E_USAGE, "%s: the name is too long", path);
	fd = open(where, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || dprintf(fd, "%s\n", text) < 0 || fsync(fd))
		return xp_fail_errno(err, XP_E_IO, "%s", where);
	return XP_OK;
}

enum xp_rc xp_job_unlocked_tell_file(char *where, size_t size, const char *path, const char *serial,
				     struct xp_err *err)
{
	char id[XP_UUID_LEN];
	AUTO_FD int jobs_fd = folder_of(id, path);
	enum xp_rc rc = jobs_fd < 0 ? XP_E_NOENT : add_line(jobs_fd, id, NULL, serial, err);

	snprintf(where, size, "%s", path);
	/* a process that has the job goes on with the drive as it is */
	if (rc == XP_OK || rc == XP_E_REFUSED || rc == XP_E_NOMEM)
		return rc;
	return add_beside(where, size, path, serial, err);
}
