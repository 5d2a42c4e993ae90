/* The door nvme-tcp: an NVM subsystem as a target on a TCP port of this machine. */
#include "tests/vm/doors.h"
#include "tests/vm/nvme_tcp_serve.h"

#include <stdlib.h>

struct target {
	struct stage *stage;
	struct emu_rig_drive *slot;
	struct emu_time *time; /* between begin and end */
};

static bool begin(void *ctx)
{
	struct target *t = ctx;

	t->time = stage_begin(t->stage, t->slot);
	return t->time != NULL;
}

static void end(void *ctx)
{
	struct target *t = ctx;

	stage_end(t->stage, t->time);
}

/* Is it the first that comes this way? All share one network. */
static bool is_first(const struct door_place *place)
{
	const struct emu_rig *rig = stage_rig(place->stage);

	for (unsigned i = 0; i < place->index; i++)
		if (rig->drives[i].door == EMU_DOOR_NVME_TCP)
			return false;
	return true;
}

bool door_nvme_open(const struct door_place *place)
{
	struct target *t = calloc(1, sizeof(*t));
	struct nvme_tcp_serve_config cfg = {
		.slot = &place->drive->port, .begin = begin, .end = end, .ctx = t};
	struct nvme_tcp_server *server;

	if (!t)
		return false;
	t->stage = place->stage;
	t->slot = place->drive;
	server = nvme_tcp_serve_start(&cfg); /* to the program's end */
	if (!server) {
		free(t);
		return false;
	}
	if (is_first(place))
		fprintf(place->qemu, "-netdev\nuser,id=nvme\n"
				     "-device\nvirtio-net-pci,netdev=nvme,romfile=,addr=03.0\n");
	fprintf(place->guest, "drive %s nvme-tcp %u/%s\nmodules virtio_net nvme_tcp\n",
		place->drive->name, nvme_tcp_serve_port(server),
		emu_nvme_config_of(place->drive->nvme)->subnqn);
	return true;
}
