/* The door vhost-user: a drive as target 0, LUN 0 of a virtio SCSI host adapter [virtio 1.1, 5.6].
 */
#include "tests/vm/doors.h"

#include "base/wire.h"
#include "tests/vm/vhost.h"

#include <linux/virtio_scsi.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { Q_CONTROL, Q_EVENT, Q_REQUEST, QUEUES };

/* the request's and the answer's head, with the sizes that drivers ask for */
#define REQUEST_LEN 51
#define R_LUN	    0
#define R_TAG	    8
#define R_CDB	    19
#define CDB_LEN	    32
#define ANSWER_LEN  108
#define A_SENSE_LEN 0
#define A_RESIDUAL  4
#define A_STATUS    10
#define A_RESPONSE  11
#define A_SENSE	    12
#define SENSE_LEN   96
/* a task management request */
#define TMF_LEN	   24
#define T_TYPE	   0
#define T_SUBTYPE  4
#define T_LUN	   8
#define T_TAG	   16
#define EVENTS_MAX 16

struct job {
	struct job *next;
	struct vhost_chain chain;
	uint64_t tag;
	bool is_aborted;
	uint8_t head[REQUEST_LEN];
	uint8_t *out, *in;
};

struct event {
	uint32_t what, reason;
};

struct hba {
	struct stage *stage;
	struct emu_rig_drive *slot;
	struct vhost *vhost;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct job *first, **last; /* waiting */
	struct job *running;
	struct event events[EVENTS_MAX];
	size_t events_n;
	bool is_connected;
};

static void job_free(struct job *j)
{
	free(j->out);
	free(j->in);
	free(j);
}

/* Target 0; the LUN in *LUN. */
static bool is_ours(const uint8_t lun[8], unsigned *number)
{
	*number = get_be16(lun + 2) & 0x3fff;
	return lun[0] == 1 && lun[1] == 0;
}

static void answer(struct hba *h, struct job *j, uint8_t response, const struct emu_scsi_cmd *cmd)
{
	uint8_t a[ANSWER_LEN] = {0};
	size_t asked = j->chain.in_len > ANSWER_LEN ? j->chain.in_len - ANSWER_LEN
						    : j->chain.out_len - REQUEST_LEN;
	size_t in = 0;

	a[A_RESPONSE] = response;
	if (cmd) {
		size_t sense = cmd->sense_len < SENSE_LEN ? cmd->sense_len : SENSE_LEN;

		a[A_STATUS] = cmd->status;
		put_le32(a + A_SENSE_LEN, (uint32_t)sense);
		memcpy(a + A_SENSE, cmd->sense, sense);
		put_le32(a + A_RESIDUAL, (uint32_t)(asked - cmd->moved));
		if (cmd->in_len)
			in = vhost_write(h->vhost, &j->chain, ANSWER_LEN, j->in, cmd->moved);
	}
	(void)vhost_write(h->vhost, &j->chain, 0, a, sizeof(a));
	vhost_push(h->vhost, &j->chain, (uint32_t)(ANSWER_LEN + in));
}

/* Another LUN than 0: INQUIRY says there is none, everything else is refused. */
static void absent_lun(struct emu_scsi_cmd *cmd)
{
	static const uint8_t nothing[36] = {0x7f};

	cmd->answered = true;
	if (cmd->cdb[0] == 0x12) {
		cmd->moved = cmd->in_len < sizeof(nothing) ? cmd->in_len : sizeof(nothing);
		memcpy(cmd->in, nothing, cmd->moved);
		return;
	}
	cmd->status = 0x02;
	cmd->sense[0] = 0x70;
	cmd->sense[2] = 0x05;
	cmd->sense[7] = 10;
	put_be16(cmd->sense + 12, 0x2500);
	cmd->sense_len = 18;
}

/* The transport carries 32 bytes whatever the command is [SPC: OPERATION CODE, group code]. */
static size_t cdb_len(const uint8_t *cdb)
{
	static const uint8_t by_group[8] = {6, 10, 10, CDB_LEN, 16, 12, 6, 6};

	return by_group[cdb[0] >> 5];
}

static uint8_t response_of(enum stage_end end)
{
	switch (end) {
	case STAGE_ANSWERED:
		return VIRTIO_SCSI_S_OK;
	case STAGE_ABSENT:
		return VIRTIO_SCSI_S_BAD_TARGET;
	case STAGE_CUT:
		return VIRTIO_SCSI_S_TRANSPORT_FAILURE;
	}
	return VIRTIO_SCSI_S_FAILURE;
}

static void carry_out(struct hba *h, struct job *j)
{
	struct emu_scsi_cmd cmd = {
		.cdb = j->head + R_CDB,
		.cdb_len = cdb_len(j->head + R_CDB),
		.out = j->out,
		.out_len = j->chain.out_len - REQUEST_LEN,
		.in = j->in,
		.in_len = j->chain.in_len - ANSWER_LEN,
	};
	uint8_t response = VIRTIO_SCSI_S_OK;
	unsigned lun;

	if (!is_ours(j->head + R_LUN, &lun))
		response = VIRTIO_SCSI_S_BAD_TARGET;
	else if (lun != 0)
		absent_lun(&cmd);
	else
		response = response_of(stage_scsi(h->stage, h->slot, &cmd));
	pthread_mutex_lock(&h->lock);
	if (j->is_aborted)
		response = VIRTIO_SCSI_S_ABORTED;
	pthread_mutex_unlock(&h->lock);
	answer(h, j, response, response == VIRTIO_SCSI_S_OK ? &cmd : NULL);
}

static void *work(void *arg)
{
	struct hba *h = arg;

	for (;;) {
		struct job *j;

		pthread_mutex_lock(&h->lock);
		while (!h->first)
			pthread_cond_wait(&h->changed, &h->lock);
		j = h->first;
		h->first = j->next;
		if (!h->first)
			h->last = &h->first;
		h->running = j;
		pthread_mutex_unlock(&h->lock);
		if (j->is_aborted)
			answer(h, j, VIRTIO_SCSI_S_ABORTED, NULL);
		else
			carry_out(h, j);
		pthread_mutex_lock(&h->lock);
		h->running = NULL;
		pthread_cond_broadcast(&h->changed);
		pthread_mutex_unlock(&h->lock);
		job_free(j);
	}
	return NULL;
}

static void take_requests(struct hba *h)
{
	for (;;) {
		struct job *j = calloc(1, sizeof(*j));
		size_t out;

		if (!j || !vhost_pop(h->vhost, Q_REQUEST, &j->chain)) {
			free(j);
			return;
		}
		if (j->chain.out_len < REQUEST_LEN || j->chain.in_len < ANSWER_LEN) {
			vhost_push(h->vhost, &j->chain, 0);
			job_free(j);
			continue;
		}
		out = j->chain.out_len - REQUEST_LEN;
		j->out = malloc(out + 1);
		j->in = malloc(j->chain.in_len - ANSWER_LEN + 1);
		if (!j->out || !j->in)
			abort();
		(void)vhost_read(h->vhost, &j->chain, 0, j->head, REQUEST_LEN);
		(void)vhost_read(h->vhost, &j->chain, REQUEST_LEN, j->out, out);
		j->tag = get_le64(j->head + R_TAG);
		pthread_mutex_lock(&h->lock);
		*h->last = j;
		h->last = &j->next;
		pthread_cond_broadcast(&h->changed);
		pthread_mutex_unlock(&h->lock);
	}
}

/* Commands with this tag, or all of them, are aborted, and have ended when this returns. */
static void abort_commands(struct hba *h, const uint64_t *tag)
{
	bool is_running;

	pthread_mutex_lock(&h->lock);
	for (struct job *j = h->first; j; j = j->next)
		if (!tag || j->tag == *tag)
			j->is_aborted = true;
	is_running = h->running && (!tag || h->running->tag == *tag);
	if (is_running)
		h->running->is_aborted = true;
	pthread_mutex_unlock(&h->lock);
	/* [SAT: ABORT TASK]: what an ATA drive works on ends with a reset of the device only */
	if (is_running || !tag)
		stage_reset(h->stage, h->slot);
	pthread_mutex_lock(&h->lock);
	while (is_running && h->running && h->running->is_aborted)
		pthread_cond_wait(&h->changed, &h->lock);
	pthread_mutex_unlock(&h->lock);
}

static uint8_t manage(struct hba *h, const uint8_t request[TMF_LEN])
{
	uint64_t tag = get_le64(request + T_TAG);
	unsigned lun;

	if (!is_ours(request + T_LUN, &lun))
		return VIRTIO_SCSI_S_BAD_TARGET;
	switch (get_le32(request + T_SUBTYPE)) {
	case VIRTIO_SCSI_T_TMF_ABORT_TASK:
		abort_commands(h, &tag);
		return VIRTIO_SCSI_S_OK;
	case VIRTIO_SCSI_T_TMF_ABORT_TASK_SET:
	case VIRTIO_SCSI_T_TMF_CLEAR_TASK_SET:
	case VIRTIO_SCSI_T_TMF_I_T_NEXUS_RESET:
	case VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET:
		abort_commands(h, NULL);
		return VIRTIO_SCSI_S_OK;
	default:
		return VIRTIO_SCSI_S_FUNCTION_REJECTED;
	}
}

static void take_control(struct hba *h)
{
	struct vhost_chain c;

	while (vhost_pop(h->vhost, Q_CONTROL, &c)) {
		uint8_t request[TMF_LEN] = {0};
		uint8_t result[5] = {0}; /* of an asynchronous notification: none is reported */
		size_t got = vhost_read(h->vhost, &c, 0, request, sizeof(request));

		if (got == TMF_LEN && get_le32(request + T_TYPE) == VIRTIO_SCSI_T_TMF) {
			result[0] = manage(h, request);
			vhost_push(h->vhost, &c, (uint32_t)vhost_write(h->vhost, &c, 0, result, 1));
		} else {
			vhost_push(h->vhost, &c, (uint32_t)vhost_write(h->vhost, &c, 0, result, 5));
		}
	}
}

/* As many events as the guest has room for. */
static void send_events(struct hba *h)
{
	struct vhost_chain c;

	pthread_mutex_lock(&h->lock);
	while (h->events_n && vhost_pop(h->vhost, Q_EVENT, &c)) {
		uint8_t e[16] = {0};

		put_le32(e, h->events[0].what);
		e[4] = 1; /* target 0, LUN 0 */
		put_le32(e + 12, h->events[0].reason);
		vhost_push(h->vhost, &c, (uint32_t)vhost_write(h->vhost, &c, 0, e, sizeof(e)));
		memmove(h->events, h->events + 1, --h->events_n * sizeof(h->events[0]));
	}
	pthread_mutex_unlock(&h->lock);
}

static void kicked(void *ctx, unsigned queue)
{
	struct hba *h = ctx;

	if (queue == Q_REQUEST)
		take_requests(h);
	else if (queue == Q_CONTROL)
		take_control(h);
	else
		send_events(h);
}

/* A machine that boots finds what is there by itself: no old news. */
static void connected(void *ctx, bool is_there)
{
	struct hba *h = ctx;

	pthread_mutex_lock(&h->lock);
	h->is_connected = is_there;
	h->events_n = 0;
	pthread_mutex_unlock(&h->lock);
}

static void link_changed(void *ctx, bool is_plugged)
{
	struct hba *h = ctx;

	pthread_mutex_lock(&h->lock);
	if (h->is_connected && h->events_n < EVENTS_MAX)
		h->events[h->events_n++] = (struct event){
			VIRTIO_SCSI_T_TRANSPORT_RESET,
			is_plugged ? VIRTIO_SCSI_EVT_RESET_RESCAN : VIRTIO_SCSI_EVT_RESET_REMOVED};
	pthread_mutex_unlock(&h->lock);
	send_events(h);
}

bool door_vhost_open(const struct door_place *place)
{
	static const struct vhost_ops ops = {.kicked = kicked, .connected = connected};
	struct hba *h = calloc(1, sizeof(*h));
	unsigned slot = 4 + place->index / 8;
	unsigned function = place->index % 8;
	char path[128];
	pthread_t thread;

	if (!h)
		return false;
	h->stage = place->stage;
	h->slot = place->drive;
	h->last = &h->first;
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->changed, NULL);
	snprintf(path, sizeof(path), "%s/%u.sock", place->folder, place->index);
	if (pthread_create(&thread, NULL, work, h)) {
		free(h);
		return false;
	}
	pthread_detach(thread);
	h->vhost = vhost_new(path, QUEUES,
			     1ULL << VIRTIO_SCSI_F_HOTPLUG | 1ULL << VIRTIO_SCSI_F_CHANGE, &ops, h);
	if (!h->vhost)
		return false; /* H stays the thread's; the program ends */
	stage_listen(place->stage, place->drive, (struct stage_listener){link_changed, h});
	fprintf(place->qemu,
		"-chardev\nsocket,id=vhost%u,path=%s\n"
		"-device\nvhost-user-scsi-pci,chardev=vhost%u,num_queues=1,addr=%02x.%u"
		",multifunction=on\n",
		place->index, path, place->index, slot, function);
	fprintf(place->guest,
		"drive %s vhost-user 0000:00:%02x.%u\nmodules virtio_scsi sd_mod sg\n",
		place->drive->name, slot, function);
	return true;
}
