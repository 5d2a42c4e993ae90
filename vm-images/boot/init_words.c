#include "vm-images/boot/init.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool read_line(char *out, size_t size, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	out[0] = '\0';
	if (fd < 0)
		return false;
	n = read(fd, out, size - 1);
	close(fd);
	if (n < 0)
		return false;
	out[n] = '\0';
	out[strcspn(out, "\n")] = '\0';
	return true;
}

static void word(struct words *words, const char *text)
{
	static const char prefix[] = "expunge.";
	const char *name = text + sizeof(prefix) - 1;

	if (strncmp(text, prefix, sizeof(prefix) - 1))
		return;
	if (!strncmp(name, "stick=PARTUUID=", 15))
		words->stick = name + 15;
	else if (!strncmp(name, "net=", 4))
		words->net = name + 4;
	else if (!strncmp(name, "term=", 5))
		words->term = name + 5;
	else if (!strncmp(name, "config=", 7))
		words->config = name + 7;
	else if (!strncmp(name, "keyboard=", 9))
		words->keyboard = name + 9;
	else if (!strcmp(name, "unattended=1"))
		words->unattended = 1;
	else if (!strcmp(name, "unattended=0"))
		words->unattended = 0;
	else if (!strcmp(name, "shell=1"))
		words->is_shell = true;
}

bool words_read(struct words *words, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *save = NULL;
	ssize_t n;

	memset(words, 0, sizeof(*words));
	words->unattended = -1;
	if (fd < 0)
		return false;
	n = read(fd, words->text, sizeof(words->text));
	close(fd);
	if (n < 0 || (size_t)n == sizeof(words->text))
		return false;
	words->text[n] = '\0';
	memcpy(words->params, words->text, (size_t)n + 1);
	for (char *at = strtok_r(words->text, " \t\n", &save); at;
	     at = strtok_r(NULL, " \t\n", &save))
		word(words, at);
	return true;
}

void config_path(char *out, size_t size, const struct words *words)
{
	if (words->config)
		snprintf(out, size, "%s%s", words->config[0] == '/' ? "" : STICK_PLACE "/",
			 words->config);
	else
		snprintf(out, size, "%s", STICK_PLACE "/expunge.json");
}

const char *config_text(const char *config)
{
	static char text[65536];
	int fd = open(config, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return NULL;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return NULL;
	text[n] = '\0';
	return text;
}

bool config_has(const char *config, const char *const *wanted)
{
	const char *text = config_text(config);

	for (; text && *wanted; wanted++)
		if (strstr(text, *wanted))
			return true;
	return false;
}

/* Module names: the command line may have - for _ and the other way round. */
static bool is_same_name(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char x = a[i] == '-' ? '_' : a[i];
		char y = b[i] == '-' ? '_' : b[i];

		if (x != y)
			return false;
	}
	return true;
}

void words_params(char *out, size_t size, const struct words *words, const char *name)
{
	size_t name_len = strlen(name);
	size_t used = 0;

	out[0] = '\0';
	for (const char *at = words->params; *at;) {
		size_t len = strcspn(at, " \t\n");

		if (len > name_len + 1 && at[name_len] == '.' && is_same_name(at, name, name_len)) {
			size_t n = len - name_len - 1;

			if (used + n + 2 <= size) {
				if (used)
					out[used++] = ' ';
				memcpy(out + used, at + name_len + 1, n);
				used += n;
				out[used] = '\0';
			}
		}
		at += len;
		at += strspn(at, " \t\n");
	}
}
