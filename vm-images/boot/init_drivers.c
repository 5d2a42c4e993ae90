#include "vm-images/boot/init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel gives parameters from its command line to what is built in only: a module gets its own
 * with the call. Without libata.allow_tpm=1 no TRUSTED command reaches a SATA drive. */
static bool insert(const struct words *words, const char *file)
{
	char path[256];
	char name[128];
	char params[512];
	long rc;
	int fd;

	snprintf(path, sizeof(path), "/modules/%s", file);
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(file, "."), file);
	words_params(params, sizeof(params), words, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	rc = syscall(SYS_finit_module, fd, params, 0);
	if (rc && errno != EEXIST && errno != ENODEV)
		say("the driver %s does not load: %s", name, strerror(errno));
	close(fd);
	return rc == 0;
}

void drivers_load(const struct words *words, const char *group)
{
	char path[128];
	char line[128];
	FILE *list;

	snprintf(path, sizeof(path), "/modules/%s", group);
	list = fopen(path, "re");
	if (!list) {
		say("the image has no list of drivers %s", path);
		return;
	}
	while (fgets(line, sizeof(line), list)) {
		line[strcspn(line, "\n")] = '\0';
		insert(words, line);
	}
	fclose(list);
}
