#include "vm-images/boot/init.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* A keymap as `loadkeys --bkeymap` writes it: seven bytes, a flag for each table, and each table
 * that is there: 128 keys of two bytes, little-endian. */
#define MAGIC	     "bkeymap"
#define MAGIC_BYTES  7
#define TABLES	     256
#define KEYS	     128
#define KEYMAP_BYTES (MAGIC_BYTES + TABLES + TABLES * KEYS * 2)

static bool is_name(const char *name, size_t len)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

	return len >= 1 && len <= 40 && strspn(name, ok) == len;
}

/* The value of "keyboard", where the file has one; that the file is sound is for expunge to say. */
static bool configured(char *out, size_t size, const char *config)
{
	const char *text = config_text(config);
	const char *at = text ? strstr(text, "\"keyboard\"") : NULL;

	if (!at)
		return false;
	at += strlen("\"keyboard\"");
	at += strspn(at, " \t\r\n:");
	if (*at++ != '"')
		return false;
	snprintf(out, size, "%.*s", (int)strcspn(at, "\""), at);
	return true;
}

static bool load(int console, const unsigned char *map, size_t len)
{
	size_t at = MAGIC_BYTES + TABLES;

	if (len < at || memcmp(map, MAGIC, MAGIC_BYTES) != 0)
		return false;
	for (unsigned table = 0; table < TABLES; table++) {
		if (!map[MAGIC_BYTES + table])
			continue;
		if (len - at < (size_t)KEYS * 2)
			return false;
		for (unsigned key = 0; key < KEYS; key++) {
			struct kbentry entry = {
				.kb_table = (unsigned char)table,
				.kb_index = (unsigned char)key,
				.kb_value = (unsigned short)(map[at] | map[at + 1] << 8),
			};

			if (ioctl(console, KDSKBENT, &entry))
				return false;
			at += 2;
		}
	}
	return true;
}

void keyboard_set(const struct words *words, const char *config)
{
	static unsigned char map[KEYMAP_BYTES + 1];
	char name[64];
	char path[128];
	ssize_t n = -1;
	int file;
	int console;

	if (words->keyboard)
		snprintf(name, sizeof(name), "%s", words->keyboard);
	else if (!configured(name, sizeof(name), config))
		return;
	if (!is_name(name, strlen(name))) {
		say("the keyboard layout that is asked for has no name that could be one");
		return;
	}
	snprintf(path, sizeof(path), "/usr/share/keymaps/%s.bmap", name);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0) {
		say("there is no keyboard layout %s", name);
		return;
	}
	n = read(file, map, sizeof(map));
	close(file);
	console = open("/dev/tty1", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (console < 0)
		return;
	if (n > 0 && load(console, map, (size_t)n))
		say("the keyboard layout is %s", name);
	else
		say("the keyboard layout %s cannot be set", name);
	close(console);
}
