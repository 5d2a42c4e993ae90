#include "cli/job_host.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/about.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "cli/clock_set.h"
#include "cli/program.h"

void xp_job_image_sha256(char out[65], const char *path)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	char text[66];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	out[0] = 0;
	if (n == 65 && text[64] == '\n') {
		text[64] = 0;
		if (strspn(text, "0123456789abcdef") == 64)
			memcpy(out, text, 65);
	}
}

void xp_job_describe_host(struct xp_record *record, const struct xp_inventory *inventory,
			  const struct xp_state *state)
{
	const enum xp_clock_source source = state ? xp_clock_note_read(state->fd) : XP_CLOCK_SYSTEM;

	snprintf(record->host.complete, sizeof(record->host.complete), "unknown");
	if (inventory) {
		snprintf(record->host.model, sizeof(record->host.model), "%s",
			 inventory->host_model);
		snprintf(record->host.serial, sizeof(record->host.serial), "%s",
			 inventory->host_serial);
		record->host.drives_seen = inventory->drives_n;
		for (size_t i = 0; i < inventory->hidden_n && i < XP_ARRAY_LEN(record->host.hidden);
		     i++) {
			struct xp_hidden_note *note = &record->host.hidden[record->host.hidden_n++];

			snprintf(note->controller, sizeof(note->controller), "%s",
				 inventory->hidden[i].controller);
			snprintf(note->reason, sizeof(note->reason), "%s",
				 inventory->hidden[i].reason);
		}
		snprintf(record->host.complete, sizeof(record->host.complete), "%s",
			 xp_complete_name(inventory->complete));
	}
	snprintf(record->clock.source, sizeof(record->clock.source), "%s",
		 xp_clock_source_name(source));
	record->clock.synchronized = xp_clock_is_synchronized(&record->clock.offset_ns);
	if (record->clock.synchronized)
		snprintf(record->clock.source, sizeof(record->clock.source), "ntp");
	record->evidence.clock_synchronized =
		record->clock.synchronized ? XP_ANSWER_YES : XP_ANSWER_NO;
	xp_program_boot_id(record->clock.boot_id);
	snprintf(record->tool.name, sizeof(record->tool.name), "expunge");
	snprintf(record->tool.version, sizeof(record->tool.version), "%s", XP_ABOUT_VERSION);
	xp_program_sha256(record->tool.build_sha256);
	xp_job_image_sha256(record->tool.image_sha256, XP_JOB_IMAGE_SHA256_FILE);
}

int64_t xp_job_id_start_s(const char *name)
{
	unsigned long long ms = 0;
	char hex[13];

	if (strlen(name) < XP_UUID_LEN - 1 || name[8] != '-')
		return 0;
	memcpy(hex, name, 8);
	memcpy(hex + 8, name + 9, 4);
	hex[12] = 0;
	return strspn(hex, "0123456789abcdef") == 12 && sscanf(hex, "%llx", &ms) == 1
		       ? (int64_t)(ms / 1000)
		       : 0;
}

/* When a record was issued; 0 where that cannot be read: it is checked elsewhere. */
static int64_t issued_of(int certificates_fd, const char *name)
{
	AUTO_MEM char *text = NULL;
	const char *issued;
	struct xp_err err;
	json_t *record;
	int64_t at = 0;
	size_t len = 0;

	if (xp_file_read_at(&text, &len, certificates_fd, name, XP_RECORD_MAX_BYTES, &err) != XP_OK)
		return 0;
	record = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	issued = json_string_value(json_object_get(record, "issued"));
	if (!issued || !xp_time_parse(&at, issued))
		at = 0;
	json_decref(record);
	return at;
}

/* The newest time that the records tell: when a job began, and when the newest was issued. */
static int64_t newest_record_s(int certificates_fd)
{
	int fd = openat(certificates_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	char name[NAME_MAX + 1] = "";
	const struct dirent *e;
	int64_t newest = 0;
	int64_t issued;

	if (!dir) {
		xp_close_fd(&fd);
		return 0;
	}
	while ((e = readdir(dir)) != NULL) {
		int64_t start = xp_job_id_start_s(e->d_name);

		if (start > newest)
			newest = start;
		if (start && strcmp(e->d_name + XP_UUID_LEN - 1, ".json") == 0 &&
		    strcmp(e->d_name, name) > 0)
			snprintf(name, sizeof(name), "%s", e->d_name);
	}
	closedir(dir);
	issued = *name ? issued_of(certificates_fd, name) : 0;
	return issued > newest ? issued : newest;
}

#define SET_THE_CLOCK "set the clock (--clock TIME, or NTP) and run again"

static enum xp_rc refuse(struct xp_refusals *refusals, int64_t now, const char *why, int64_t limit,
			 const char *remedy, struct xp_err *err)
{
	char now_text[XP_TIME_LEN];
	char limit_text[XP_TIME_LEN];

	xp_time_format(now_text, now);
	xp_time_format(limit_text, limit);
	return xp_refusals_add(refusals, err, XP_REFUSED_CLOCK_IMPLAUSIBLE, remedy,
			       "the clock says %s, which is %s %s", now_text, why, limit_text);
}

enum xp_rc xp_job_check_clock(struct xp_refusals *refusals, const struct xp_job_setup *setup,
			      int64_t last_s, struct xp_err *err)
{
	int64_t now = setup->clock->wall_s(setup->clock->ctx);
	int64_t newest = setup->state ? newest_record_s(setup->state->certificates_fd) : 0;
	int64_t not_before = 0;
	int64_t not_after = 0;

	if (now < XP_ABOUT_BUILD_DAY_S)
		return refuse(refusals, now, "before this version was made,", XP_ABOUT_BUILD_DAY_S,
			      SET_THE_CLOCK, err);
	if (now < newest)
		return refuse(refusals, now, "before the newest record,", newest,
			      SET_THE_CLOCK
			      "; if that record's time is the wrong one, export what there is and "
			      "begin another state folder (--state) and other boxes (--keep)",
			      err);
	if (now < last_s)
		return refuse(refusals, now, "before this job was interrupted,", last_s,
			      SET_THE_CLOCK
			      "; if the clock was ahead while the job ran, keep this state folder, "
			      "and begin the job anew with another one (--state) and other boxes "
			      "(--keep)",
			      err);
	if (!setup->key)
		return XP_OK;
	xp_signing_key_validity(&not_before, &not_after, setup->key);
	if (now < not_before)
		return refuse(refusals, now, "before the signer's certificate begins,", not_before,
			      SET_THE_CLOCK, err);
	if (now > not_after)
		return refuse(refusals, now, "after the signer's certificate ended,", not_after,
			      SET_THE_CLOCK, err);
	return XP_OK;
}
