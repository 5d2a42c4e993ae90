/* Where the drive of a job is now: by its names, not by its path. */
#include "cli/job_find.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SET(field, text) snprintf((field), sizeof(field), "%s", (text))

/* sda and sdb: the same model, as the kernel shows them. */
struct host {
	struct xp_drive drives[3];
	struct xp_inventory inventory;
	struct xp_identity media; /* of the drive that the job is on */
};

static void set_up(struct host *h)
{
	static const char *const names[] = {"sda", "sdb", "sdc"};
	static const char *const serials[] = {"ACME0001", "ACME0002", "ACME0003"};
	static const char *const wwns[] = {"5000c500a0000001", "5000c500a0000002",
					   "5000c500a0000003"};

	*h = (struct host){.inventory = {.drives = h->drives, .drives_n = 3}};
	for (unsigned i = 0; i < 3; i++) {
		SET(h->drives[i].nodes[0], names[i]);
		h->drives[i].nodes_n = 1;
		SET(h->drives[i].identity.serial, serials[i]);
		SET(h->drives[i].identity.wwn, wwns[i]);
	}
	SET(h->media.serial, "ACME0002");
	SET(h->media.wwn, "5000c500a0000002");
}

static void finds(struct host *h, const char *given, const char *path, unsigned fits)
{
	char now[64];
	unsigned n;

	xp_job_find(now, sizeof(now), &n, &h->media, &h->inventory, given);
	assert_string_equal(now, path);
	assert_int_equal(n, fits);
}

static void test_find_drive_that_moved(void **state)
{
	struct host h;

	(void)state;
	set_up(&h);
	finds(&h, "/dev/sda", "/dev/sdb", 1);
	finds(&h, "/dev/gone", "/dev/sdb", 1);
}

/* The kernel's name of it may be cut or padded. */
static void test_find_drive_by_a_part_of_its_serial(void **state)
{
	struct host h;

	(void)state;
	set_up(&h);
	SET(h.media.serial, "     ACME0002");
	h.drives[1].identity.wwn[0] = 0;
	finds(&h, "/dev/sda", "/dev/sdb", 1);
}

static void test_find_names_that_contradict_fit_nobody(void **state)
{
	struct host h;

	(void)state;
	set_up(&h);
	SET(h.media.wwn, "5000c500a0000009");
	finds(&h, "/dev/sda", "/dev/sda", 0);
	SET(h.media.wwn, "5000c500a0000001"); /* the serial of one, the WWN of another */
	finds(&h, "/dev/sda", "/dev/sda", 0);
}

static void test_find_twins_are_counted(void **state)
{
	struct host h;

	(void)state;
	set_up(&h);
	for (unsigned i = 0; i < 3; i++)
		h.drives[i].identity.wwn[0] = 0;
	SET(h.drives[2].identity.serial, "ACME0002");
	finds(&h, "/dev/sda", "/dev/sda", 2);
}

static void test_find_what_has_no_name_stays_where_it_was(void **state)
{
	struct host h;

	(void)state;
	set_up(&h);
	h.media.inode = 7; /* an image */
	finds(&h, "/dev/sda", "/dev/sda", 0);
	set_up(&h);
	h.media.partition = 1;
	finds(&h, "/dev/sda1", "/dev/sda1", 0);
	set_up(&h);
	h.media.serial[0] = h.media.wwn[0] = 0;
	finds(&h, "/dev/sda", "/dev/sda", 0);
	set_up(&h);
	h.drives[1].nodes_n = 0; /* a drive without a disk */
	finds(&h, "/dev/sda", "/dev/sda", 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find_drive_that_moved),
		cmocka_unit_test(test_find_drive_by_a_part_of_its_serial),
		cmocka_unit_test(test_find_names_that_contradict_fit_nobody),
		cmocka_unit_test(test_find_twins_are_counted),
		cmocka_unit_test(test_find_what_has_no_name_stays_where_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
