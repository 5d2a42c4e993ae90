/*
 * The door libata: drives at SATA ports. All of a rig share one virtio-serial port, through which
 * the module xp_libata in the guest says what each port is to do (tests/emu/libata_wire.h).
 */
#include "tests/vm/doors.h"

#include "tests/emu/libata_door.h"
#include "tests/vm/whole_io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* One port: a thread of its own carries out its commands, so that a reset can cut one off. */
struct port {
	struct door *door;
	struct emu_rig_drive *slot;
	struct emu_libata_port at;
	bool is_asked; /* a command waits, or is carried out */
	struct xpl_message command;
	uint8_t *out, *in; /* to the drive, from the drive */
};

struct door {
	struct stage *stage;
	int listener;
	int machine; /* -1: none */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct port ports[XPL_PORTS_MAX];
	unsigned n;
	uint8_t *in; /* of the thread that listens */
};

static int send_all(int fd, const void *from, size_t n)
{
	const uint8_t *p = from;

	while (n) {
		ssize_t k = send(fd, p, n, MSG_NOSIGNAL);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return -1;
		p += k;
		n -= (size_t)k;
	}
	return 0;
}

/* With the lock held. What nobody hears is lost, as on a cable. */
static void tell(struct door *d, const struct xpl_message *m, const uint8_t *data)
{
	if (d->machine >= 0 && send_all(d->machine, m, sizeof(*m)) == 0 && m->len)
		(void)send_all(d->machine, data, m->len);
}

/* Puts the question to whatever sits in the slot now. */
static bool ask(struct port *p, const struct xpl_message *m, const uint8_t *out,
		struct xpl_message *reply, uint8_t *in)
{
	struct emu_time *t = stage_begin(p->door->stage, p->slot);
	bool sound;

	p->at.drive = t ? p->slot->satl.drive : NULL;
	p->at.lost_registers = t && p->slot->satl.registers != EMU_REGISTERS_KEPT;
	sound = emu_libata_answer(&p->at, m, out, reply, in);
	if (t)
		stage_end(p->door->stage, t);
	return sound;
}

static void *work(void *arg)
{
	struct port *p = arg;
	struct door *d = p->door;

	for (;;) {
		struct xpl_message reply;
		struct xpl_message m;
		bool sound;

		pthread_mutex_lock(&d->lock);
		while (!p->is_asked)
			pthread_cond_wait(&d->changed, &d->lock);
		m = p->command;
		pthread_mutex_unlock(&d->lock);
		sound = ask(p, &m, p->out, &reply, p->in);
		pthread_mutex_lock(&d->lock);
		p->is_asked = false;
		pthread_cond_broadcast(&d->changed);
		if (sound)
			tell(d, &reply, p->in);
		pthread_mutex_unlock(&d->lock);
	}
	return NULL;
}

/* A second command before the first was answered: libata has given that one up, by a reset. */
static void take_command(struct port *p, const struct xpl_message *m, const uint8_t *data)
{
	struct door *d = p->door;

	pthread_mutex_lock(&d->lock);
	while (p->is_asked)
		pthread_cond_wait(&d->changed, &d->lock);
	p->command = *m;
	memcpy(p->out, data, m->len);
	p->is_asked = true;
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
}

static void take_reset(struct port *p, const struct xpl_message *m)
{
	struct xpl_message reply;

	stage_reset(p->door->stage, p->slot);
	if (!ask(p, m, NULL, &reply, NULL))
		return;
	pthread_mutex_lock(&p->door->lock);
	tell(p->door, &reply, NULL);
	pthread_mutex_unlock(&p->door->lock);
}

/* Until the machine goes away, or says what none says. */
static void hear(struct door *d, int fd)
{
	struct xpl_message m;

	while (get_all(fd, &m, sizeof(m)) == 0) {
		if (m.magic != XPL_MAGIC || m.len > XPL_DATA_MAX || m.port >= d->n ||
		    get_all(fd, d->in, m.len)) {
			fprintf(stderr, "rigd: libata: a message that makes no sense\n");
			return;
		}
		if (m.kind == XPL_RESET)
			take_reset(&d->ports[m.port], &m);
		else
			take_command(&d->ports[m.port], &m, d->in);
	}
}

static void *listen_to_machines(void *arg)
{
	struct door *d = arg;

	for (;;) {
		int fd = accept4(d->listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			continue;
		pthread_mutex_lock(&d->lock);
		d->machine = fd;
		pthread_mutex_unlock(&d->lock);
		hear(d, fd);
		pthread_mutex_lock(&d->lock);
		d->machine = -1;
		pthread_mutex_unlock(&d->lock);
		close(fd);
	}
	return NULL;
}

static void link_changed(void *ctx, bool is_plugged)
{
	struct port *p = ctx;
	struct xpl_message m;

	/* the stage is locked: the slot stands still */
	p->at.drive = is_plugged ? p->slot->satl.drive : NULL;
	m = emu_libata_link(&p->at);
	pthread_mutex_lock(&p->door->lock);
	tell(p->door, &m, NULL);
	pthread_mutex_unlock(&p->door->lock);
}

static bool listen_at(struct door *d, const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	if (snprintf(at.sun_path, sizeof(at.sun_path), "%s", path) >= (int)sizeof(at.sun_path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	d->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return d->listener >= 0 &&
	       bind(d->listener, (const struct sockaddr *)&at, sizeof(at)) == 0 &&
	       listen(d->listener, 1) == 0;
}

static struct door *open_first(const struct door_place *place)
{
	struct door *d = calloc(1, sizeof(*d));
	char path[128];
	pthread_t thread;

	snprintf(path, sizeof(path), "%s/libata.sock", place->folder);
	if (!d)
		return NULL;
	d->stage = place->stage;
	d->machine = -1;
	d->in = malloc(XPL_DATA_MAX);
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->changed, NULL);
	if (!d->in || !listen_at(d, path) || pthread_create(&thread, NULL, listen_to_machines, d)) {
		free(d->in);
		free(d);
		return NULL;
	}
	pthread_detach(thread);
	fprintf(place->qemu,
		"-chardev\nsocket,id=libata,path=%s\n-device\n"
		"virtserialport,chardev=libata,name=libata\n",
		path);
	fprintf(place->guest, "modules libata sd_mod sg\nstart libata\n");
	return d;
}

bool door_libata_open(const struct door_place *place)
{
	static struct door *door; /* one a rig, and a process plays one rig */
	struct port *p;
	pthread_t thread;

	if (place->drive->kind != EMU_ATA_HDD && place->drive->kind != EMU_ATA_SSD) {
		errno = EINVAL;
		return false;
	}
	if (!door)
		door = open_first(place);
	if (!door)
		return false;
	if (door->n == XPL_PORTS_MAX) {
		errno = ENOSPC;
		return false;
	}
	p = &door->ports[door->n];
	p->door = door;
	p->slot = place->drive;
	p->at.number = (uint8_t)door->n;
	p->out = malloc(XPL_DATA_MAX);
	p->in = malloc(XPL_DATA_MAX);
	if (!p->out || !p->in || pthread_create(&thread, NULL, work, p))
		return false; /* the program ends */
	pthread_detach(thread);
	door->n++;
	stage_listen(place->stage, place->drive, (struct stage_listener){link_changed, p});
	fprintf(place->guest, "drive %s libata %u\n", place->drive->name, p->at.number);
	return true;
}
