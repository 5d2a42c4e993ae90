/*
 * rigd: plays all drives of a rig to virtual machines, one after another, until it is told to end.
 * The drives outlive the machines: one that is killed is a host whose power went.
 *
 * usage: rigd RIG FOLDER             FOLDER gets the sockets, qemu.args, rig.env, and ready at last
 *        rigd --ask FOLDER WORD...   one question to the rig that is played there (stage.h)
 */
#include "tests/vm/doors.h"

#include "base/cleanup.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* simulated seconds in a real one, where neither the rig says */
#define SPEED 1000

static bool ctl_address(struct sockaddr_un *at, const char *folder)
{
	*at = (struct sockaddr_un){.sun_family = AF_UNIX};
	return snprintf(at->sun_path, sizeof(at->sun_path), "%s/ctl", folder) <
	       (int)sizeof(at->sun_path);
}

static int ask(const char *folder, char **words, int n)
{
	struct sockaddr_un at;
	AUTO_FILE FILE *f = NULL;
	char line[512] = "";
	size_t used = 0;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || !ctl_address(&at, folder) ||
	    connect(fd, (const struct sockaddr *)&at, sizeof(at)) || !(f = fdopen(fd, "r+"))) {
		fprintf(stderr, "rigd: %s: %m\n", folder);
		return 66;
	}
	for (int i = 0; i < n && used < sizeof(line); i++)
		used += (size_t)snprintf(line + used, sizeof(line) - used, "%s%s", i ? " " : "",
					 words[i]);
	fprintf(f, "%s\n", line);
	fflush(f);
	if (!fgets(line, sizeof(line), f))
		return 74;
	if (!strncmp(line, "ok", 2)) {
		fputs(line[2] == ' ' ? line + 3 : "", stdout);
		return 0;
	}
	fputs(line, stderr);
	return 1;
}

struct visitor {
	struct stage *stage;
	int fd;
};

static void *listen_to(void *arg)
{
	struct visitor *v = arg;
	FILE *f = fdopen(v->fd, "r+");
	char line[512], answer[512];

	while (f && fgets(line, sizeof(line), f)) {
		stage_ask(v->stage, line, answer, sizeof(answer));
		fseek(f, 0, SEEK_CUR);
		fprintf(f, "%s\n", answer);
		fflush(f);
	}
	if (f)
		fclose(f);
	free(v);
	return NULL;
}

static int serve(struct stage *stage, int listener)
{
	for (;;) {
		struct visitor *v = malloc(sizeof(*v));
		pthread_t thread;

		if (!v)
			return 70;
		v->stage = stage;
		v->fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (v->fd < 0 || pthread_create(&thread, NULL, listen_to, v)) {
			free(v);
			continue;
		}
		pthread_detach(thread);
	}
}

static int listen_at(const char *folder)
{
	struct sockaddr_un at;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || !ctl_address(&at, folder))
		return -1;
	unlink(at.sun_path);
	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) || listen(fd, 4)) {
		close(fd);
		return -1;
	}
	return fd;
}

static FILE *create(const char *folder, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return fopen(path, "we");
}

static bool open_door(const struct door_place *p)
{
	switch (p->drive->door) {
	case EMU_DOOR_PROCESS:
		return true;
	case EMU_DOOR_VHOST_USER:
		return door_vhost_open(p);
	case EMU_DOOR_NVME_TCP:
		return door_nvme_open(p);
	case EMU_DOOR_LIBATA:
		return door_libata_open(p);
	}
	return false;
}

static int play(const char *file, const char *folder)
{
	struct emu_why why;
	struct emu_rig *rig = emu_rig_read(file, &why);
	struct stage *stage = rig ? stage_new(rig, rig->speed > 0 ? rig->speed : SPEED) : NULL;
	FILE *qemu = create(folder, "qemu.args");
	FILE *guest = create(folder, "rig.env");
	FILE *ready;
	int listener = listen_at(folder);

	if (!rig) {
		fprintf(stderr, "rigd: %s: %s\n", file, why.text);
		return 65;
	}
	if (!stage || !qemu || !guest || listener < 0) {
		fprintf(stderr, "rigd: %s: %m\n", folder);
		return 73;
	}
	for (unsigned i = 0; i < rig->n; i++) {
		struct door_place p = {stage, &rig->drives[i], i, folder, qemu, guest};

		if (open_door(&p))
			continue;
		fprintf(stderr, "rigd: %s: no door %s: %m\n", rig->drives[i].name,
			emu_rig_door_name(rig->drives[i].door));
		return 69;
	}
	if (fclose(qemu) || fclose(guest) || !(ready = create(folder, "ready")) || fclose(ready))
		return 73;
	return serve(stage, listener);
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (argc >= 4 && !strcmp(argv[1], "--ask"))
		return ask(argv[2], argv + 3, argc - 3);
	if (argc == 3)
		return play(argv[1], argv[2]);
	fprintf(stderr, "usage: rigd RIG FOLDER | rigd --ask FOLDER WORD...\n");
	return 64;
}
