/*
 * The full screen's other place for boxes on a machine that has numbered its disks anew: the drive
 * of an interrupted job is neither offered nor written to, wherever it is now, and what stands
 * where it was is no worse for that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "certs/evidence_json.h"
#include "certs/schema.h"
#include "cli/job_journal.h"
#include "cli/tui/tui_app.h"
#include "sanitize/journal.h"
#include "tests/fake/tree.h"

#define JOB	     "01a20000-0000-7000-8000-000000000001"
#define DRIVE_BYTES  (4000000ull * 512)
#define SMALL_BYTES  (2000000ull * 512)
#define BOXES(where) "file " where "/expunge-a.box x\nfile " where "/expunge-b.box x\n"

/* A USB stick as sdb, which has no name in sysfs, and a named disk in a slot as sdc. */
static const char disks[] = "disk sdb 8:16 pci0000:00/usb1/1-1/host1/target1:0:0/1:0:0:0 2000000\n"
			    "disk sdc 8:32 pci0000:00/ata2/host2/target2:0:0/2:0:0:0 4000000\n"
			    "set sdc removable 1\n"
			    "set sdc device/wwid naa.5000c500a0000001\n"
			    "disk sdd 8:48 pci0000:00/ata3/host3/target3:0:0/3:0:0:0 4000000\n"
			    "set sdd device/wwid naa.5000c500a0000002\n"
			    "proc 1 systemd 4026531841\n" BOXES("mnt/stick") BOXES("mnt/card");

static const struct xp_option options[] = {
	{"state", XP_OPT_STRING, "DIR", ""},
	{"keep", XP_OPT_STRING, "DIR", ""},
	{"upload", XP_OPT_STRING, "URL", ""},
	{0},
};

struct lab {
	struct xp_tree tree;
	char folder[64]; /* on the disk that the test says it is on */
	char state_dir[320], box[128];
	struct xp_args args;
	struct xp_state state;
	struct xp_tui_app *app;
};

/* The folder lies on partition 1 of ON; the one of the other disk has a number of its own. */
static void lab_new(struct lab *l, const char *on)
{
	char text[512];
	struct stat st;
	char *argv[] = {text, l->state_dir};
	char option[] = "--state";
	struct xp_err err;

	*l = (struct lab){.folder = "/var/tmp/expunge-tui-keep-XXXXXX"};
	assert_non_null(mkdtemp(l->folder));
	assert_int_equal(stat(l->folder, &st), 0);
	snprintf(l->box, sizeof(l->box), "%s/expunge-a.box", l->folder);
	xp_tree_new(&l->tree);
	xp_tree_add(&l->tree, disks);
	snprintf(text, sizeof(text), "part %s1 %u:%u %s 1 2048 1000000\n", on, major(st.st_dev),
		 minor(st.st_dev), on);
	xp_tree_add(&l->tree, text);
	if (strcmp(on, "sdb") != 0)
		xp_tree_add(&l->tree,
			    "part sdb1 8:17 sdb 1 2048 1000000\n"
			    "mount self 40 27 8:17 / /mnt/stick rw - vfat /dev/sdb1 rw\n");
	if (strcmp(on, "sdc") != 0)
		xp_tree_add(&l->tree, "part sdc1 8:33 sdc 1 2048 1000000\n"
				      "mount self 41 27 8:33 / /mnt/card rw - vfat /dev/sdc1 rw\n");
	snprintf(text, sizeof(text), "mount self 42 27 %u:%u / %s rw - vfat /dev/%s1 rw\n",
		 major(st.st_dev), minor(st.st_dev), l->folder, on);
	xp_tree_add(&l->tree, text);
	snprintf(l->state_dir, sizeof(l->state_dir), "%s/state", l->tree.dir);
	assert_int_equal(xp_state_open(&l->state, l->state_dir, &err), XP_OK);
	argv[0] = option;
	assert_int_equal(xp_args_parse(&l->args, options, 2, argv, &err), XP_OK);
	l->app = calloc(1, sizeof(*l->app));
	assert_non_null(l->app);
	xp_tui_init(&l->app->tui);
	l->app->args = &l->args;
	l->app->sysroot = l->tree.dir;
}

static void lab_free(struct lab *l)
{
	char box[128];

	xp_tui_free(&l->app->tui);
	free(l->app);
	xp_args_free(&l->args);
	xp_state_close(&l->state);
	xp_tree_remove(&l->tree);
	unlink(l->box);
	snprintf(box, sizeof(box), "%s/expunge-b.box", l->folder);
	unlink(box);
	assert_int_equal(rmdir(l->folder), 0);
}

/* Interrupted, on what was /dev/sdb when it began. MEDIA NULL: its first line does not say. */
static void leave_job(struct lab *l, const struct xp_identity *media)
{
	struct xp_journal *journal = NULL;
	json_t *identity = NULL;
	struct xp_err err;

	if (media)
		assert_int_equal(xp_schema_write(&identity, &xp_schema_identity, media, &err),
				 XP_OK);
	assert_int_equal(xp_journal_create(&journal, l->state.jobs_fd, JOB, &err), XP_OK);
	assert_int_equal(
		xp_journal_add(journal,
			       json_pack("{s:s, s:i, s:s, s:s, s:{s:o*}}", "type", "job", "version",
					 XP_JOB_JOURNAL_VERSION, "path", "/dev/sdb", "confirm",
					 "ACME0001", "draft", "media", identity),
			       &err),
		XP_OK);
	xp_journal_close(&journal);
}

static struct xp_identity drive(const char *wwn)
{
	struct xp_identity id = {
		.media = XP_MEDIA_HDD,
		.bus = XP_BUS_ATA,
		.capacity_bytes = DRIVE_BYTES,
		.logical_block_bytes = 512,
		.physical_block_bytes = 512,
	};

	snprintf(id.wwn, sizeof(id.wwn), "%s", wwn);
	return id;
}

static void type_folder(struct lab *l)
{
	snprintf(l->app->tui.typed.text, sizeof(l->app->tui.typed.text), "%s", l->folder);
	assert_true(xp_tui_keep_wish(l->app, XP_TUI_WISH_PLACE_TYPED, 0));
}

/* Boxes that are there already are taken as they are: none are made. */
static void put_boxes(const struct lab *l)
{
	int fd = open(l->box, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	close(fd);
}

static void assert_refused(const struct lab *l, const char *why)
{
	assert_string_equal(l->app->keep, "");
	assert_int_equal(access(l->box, F_OK), -1);
	if (!strstr(l->app->tui.pinned, why))
		fail_msg("not %s: %s", why, l->app->tui.pinned);
}

static void test_stick_where_the_jobs_drive_was_is_offered_and_taken(void **state)
{
	struct xp_identity media = drive("naa.5000c500a0000001");
	struct xp_err why = {0};
	struct lab l;

	(void)state;
	lab_new(&l, "sdd"); /* the folder is on neither of the two */
	leave_job(&l, &media);
	xp_tui_keep_ask(l.app, &why);
	assert_int_equal(l.app->tui.places_n, 1);
	assert_string_equal(l.app->tui.places[0].folder, "/mnt/stick");
	lab_free(&l);

	lab_new(&l, "sdb");
	leave_job(&l, &media);
	put_boxes(&l);
	type_folder(&l);
	assert_string_equal(l.app->keep, l.folder);
	lab_free(&l);
}

static void test_jobs_drive_gets_no_boxes_where_it_is_now(void **state)
{
	struct xp_identity media = drive("naa.5000c500a0000001");
	struct lab l;

	(void)state;
	lab_new(&l, "sdc");
	leave_job(&l, &media);
	type_folder(&l);
	assert_refused(&l, "lies on /dev/sdc, which job " JOB);
	lab_free(&l);

	/* the same of a job on one of its partitions */
	lab_new(&l, "sdc");
	media.partition = 2;
	media.partition_start = SMALL_BYTES;
	media.capacity_bytes = DRIVE_BYTES - SMALL_BYTES;
	leave_job(&l, &media);
	type_folder(&l);
	assert_refused(&l, "lies on /dev/sdc, which job " JOB);
	lab_free(&l);
}

/* A stick shows no name: only another size tells it from the job's drive. */
static void test_drive_that_cannot_be_told_apart_gets_no_boxes(void **state)
{
	struct xp_identity media = drive("naa.5000c500a0000009");
	struct lab l;

	(void)state;
	lab_new(&l, "sdb");
	media.capacity_bytes = SMALL_BYTES;
	leave_job(&l, &media);
	type_folder(&l);
	assert_refused(&l, "lies on /dev/sdb, which job " JOB " may be on");
	/* with a way out */
	assert_refused(&l, "take a folder on a medium of another size");
	lab_free(&l);

	lab_new(&l, "sdb");
	media.capacity_bytes = SMALL_BYTES + 512;
	leave_job(&l, &media);
	put_boxes(&l);
	type_folder(&l);
	assert_string_equal(l.app->keep, l.folder);
	lab_free(&l);
}

static void test_job_that_does_not_say_its_drive_lets_no_boxes_be_made(void **state)
{
	struct lab l;

	(void)state;
	lab_new(&l, "sdb");
	leave_job(&l, NULL);
	type_folder(&l);
	assert_refused(&l, "the journal of job " JOB " is damaged");
	lab_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stick_where_the_jobs_drive_was_is_offered_and_taken),
		cmocka_unit_test(test_jobs_drive_gets_no_boxes_where_it_is_now),
		cmocka_unit_test(test_drive_that_cannot_be_told_apart_gets_no_boxes),
		cmocka_unit_test(test_job_that_does_not_say_its_drive_lets_no_boxes_be_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
