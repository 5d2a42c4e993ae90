/* The keys u and l of the full screen, down to an emulated drive and to the light of its slot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "cli/job_journal.h"
#include "cli/tui/tui_app.h"
#include "device/light.h"
#include "sanitize/unlock_ata.h"
#include "tests/emu/emu_ask.h"
#include "tests/fake/job_stage.h"
#include "tests/fake/tree.h"

#define KEYS_MS 1000

static struct xp_tui_app *app_new(const struct xp_job_door *door, const char *sysroot)
{
	struct xp_tui_app *app = calloc(1, sizeof(*app));

	assert_non_null(app);
	xp_tui_init(&app->tui);
	app->known = xp_tui_known_new();
	assert_non_null(app->known);
	app->door = door;
	app->sysroot = sysroot;
	return app;
}

static void app_free(struct xp_tui_app *app)
{
	xp_tui_known_free(&app->known);
	xp_tui_free(&app->tui);
	free(app);
}

static void show(struct xp_tui_app *app, const char *path, const char *serial, bool light_on)
{
	struct xp_tui_drive *d = calloc(1, sizeof(*d));

	assert_non_null(d);
	snprintf(d->path, sizeof(d->path), "%s", path);
	snprintf(d->serial, sizeof(d->serial), "%s", serial);
	snprintf(d->confirm, sizeof(d->confirm), "%s", serial);
	d->locked = true;
	d->has_light = true;
	d->light_on = light_on;
	xp_tui_drives_set(&app->tui, d, 1);
}

/* The key, the wish that comes of it, and the errand to its end. */
static const char *press(struct xp_tui_app *app, char key)
{
	const struct timespec ms = {.tv_nsec = 1000000};
	size_t arg = 99;
	enum xp_tui_wish wish;

	xp_tui_key_press(&app->tui, (uint32_t)key, app->tui.now_ms + KEYS_MS);
	/* a letter is one of a command, and of no scanner, when nothing has followed */
	xp_tui_tick(&app->tui, app->tui.now_ms + KEYS_MS);
	wish = xp_tui_wish_take(&app->tui, &arg);
	assert_int_equal(wish, key == 'u' ? XP_TUI_WISH_UNLOCK : XP_TUI_WISH_LIGHT);
	assert_int_equal(arg, 0);
	if (wish == XP_TUI_WISH_UNLOCK)
		xp_tui_errand_unlock(app, &app->tui.drives[arg]);
	else
		xp_tui_errand_light(app, &app->tui.drives[arg]);
	assert_non_null(app->errand);
	while (app->errand) {
		nanosleep(&ms, NULL);
		xp_tui_errand_poll(app);
	}
	return app->tui.pinned;
}

static void test_key_u_opens_the_drive_and_tells_its_journal(void **state)
{
	struct world *w = *state;
	struct xp_tui_app *app;

	stage_leave_password(w);
	assert_true(stage_names_password(w));
	app = app_new(&w->door, NULL);
	app->session.state = w->state;
	app->is_open = true;
	xp_tui_app_read_left(app);
	assert_int_equal(app->tui.left_n, 1);
	assert_true(app->tui.left[0].password);
	show(app, w->image, "S", false);
	assert_non_null(strstr(press(app, 'u'), xp_unlock_end_text(XP_UNLOCK_DONE)));
	assert_false(stage_names_password(w));
	/* ... and who looks at what was interrupted sees it at once */
	assert_int_equal(app->tui.left_n, 1);
	assert_false(app->tui.left[0].password);
	assert_non_null(strstr(press(app, 'u'), xp_unlock_end_text(XP_UNLOCK_NOT_NEEDED)));
	app_free(app);
}

/* Locked by somebody else: it stays so, and no journal is told anything. */
static void test_key_u_leaves_a_strange_password(void **state)
{
	struct emu_ata_config cfg = emu_ata_ssd(STAGE_SECTORS);
	struct world *w = *state;
	struct xp_tui_app *app;

	stage_leave_password(w);
	emu_ata_free(&w->d);
	xp_transport_free(&w->io_way);
	stage_plug(w, &cfg);
	emu_ask_password(w->d, 0xf1, 0, "somebody else's");
	stage_power_cycle(w);
	app = app_new(&w->door, NULL);
	app->session.state = w->state;
	app->is_open = true;
	show(app, w->image, "S", false);
	assert_non_null(strstr(press(app, 'u'), xp_unlock_end_text(XP_UNLOCK_WRONG)));
	assert_true(stage_names_password(w));
	app_free(app);
}

static void test_key_u_on_what_is_no_drive_says_so(void **state)
{
	struct world *w = *state;
	struct xp_tui_app *app = app_new(NULL, NULL);

	show(app, w->image, "S", false);
	assert_non_null(strstr(press(app, 'u'), "there is no ATA drive behind it"));
	app_free(app);
}

static void test_key_l_switches_the_light_of_the_slot(void **state)
{
	static const char shelf[] =
		"disk sda 8:0 pci0000:00/host0/target0:0:0/0:0:0:0 1000\n"
		"file sys/devices/pci0000:00/enclosure/Slot_01/locate 0\n"
		"link sys/devices/pci0000:00/host0/target0:0:0/0:0:0:0/enclosure_device:Slot_01 "
		"../../../enclosure/Slot_01\n";
	AUTO(xp_tree_remove) struct xp_tree tree;
	struct xp_tui_app *app;
	bool is_on = false;

	(void)state;
	xp_tree_new(&tree);
	xp_tree_add(&tree, shelf);
	app = app_new(NULL, tree.root.path);
	show(app, "/dev/sda", "SERIAL-1", false);
	assert_string_equal(press(app, 'l'), "SERIAL-1: the light of its place is on");
	assert_true(xp_light_read(&is_on, &tree.root, "sda"));
	assert_true(is_on);
	show(app, "/dev/sda", "SERIAL-1", true);
	assert_string_equal(press(app, 'l'), "SERIAL-1: the light of its place is off");
	assert_true(xp_light_read(&is_on, &tree.root, "sda"));
	assert_false(is_on);
	app_free(app);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_key_u_opens_the_drive_and_tells_its_journal,
						stage_setup, stage_teardown),
		cmocka_unit_test_setup_teardown(test_key_u_leaves_a_strange_password, stage_setup,
						stage_teardown),
		cmocka_unit_test_setup_teardown(test_key_u_on_what_is_no_drive_says_so, stage_setup,
						stage_teardown),
		cmocka_unit_test(test_key_l_switches_the_light_of_the_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
