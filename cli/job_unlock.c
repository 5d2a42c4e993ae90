#include "cli/job_unlock.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cli/job_door.h"
#include "cli/job_reach.h"
#include "cli/output.h"
#include "device/interlock.h"
#include "device/probe.h"
#include "device/probe_node.h"
#include "device/protocol/ata_security.h"

#define JOURNAL_MAX_BYTES (64u << 20)

/* What is held and known while the drive is opened. */
struct unlocking {
	struct xp_sysroot root;
	struct xp_target target;
	struct xp_permit *permit;
	struct xp_transport *transport;
	struct xp_refusals refusals;
	struct xp_identity id; /* the drive's own */
	struct xp_drive_facts facts;
};

static void unlocking_free(struct unlocking **u)
{
	if (!*u)
		return;
	xp_transport_free(&(*u)->transport);
	if ((*u)->permit)
		xp_permit_release(&(*u)->permit);
	xp_drive_facts_free(&(*u)->facts);
	xp_identity_free(&(*u)->id);
	xp_refusals_free(&(*u)->refusals);
	xp_target_free(&(*u)->target);
	xp_sysroot_close(&(*u)->root);
	free(*u);
	*u = NULL;
}

static void free_json(json_t **j)
{
	json_decref(*j);
	*j = NULL;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

/* Its first line names the drive. What stands behind it may be torn, and is not needed. */
static enum xp_rc check_journal(const struct unlocking *u, const char *path, struct xp_err *err)
{
	AUTO_MEM char *text = NULL;
	AUTO(free_json) json_t *line = NULL;
	json_error_t why;
	json_t *media;
	size_t len;

	TRY(xp_file_read(&text, &len, path, JOURNAL_MAX_BYTES, err));
	line = json_loadb(text, strcspn(text, "\n"), JSON_REJECT_DUPLICATES, &why);
	media = json_object_get(json_object_get(line, "draft"), "media");
	if (strcmp(text_of(line, "type"), "job") != 0 || !json_is_object(media))
		return xp_fail(err, XP_E_MALFORMED, "%s: this is no journal of a job", path);
	if (!*text_of(media, "serial") && !*text_of(media, "wwn"))
		return xp_fail(err, XP_E_MALFORMED, "%s: the journal names no drive", path);
	if (strcmp(text_of(media, "serial"), u->id.serial) != 0 ||
	    strcmp(text_of(media, "model"), u->id.model) != 0)
		return xp_fail(err, XP_E_REFUSED,
			       "%s: the journal is of the drive %s (serial %s), and this is %s "
			       "(serial %s); nothing was touched",
			       path, text_of(media, "model"), text_of(media, "serial"), u->id.model,
			       u->id.serial);
	return XP_OK;
}

/*
 * Held as for an erase, since the drive's security is changed; but nothing is destroyed, and a
 * drive that is not locked by expunge stays as it is: so nobody has to confirm.
 */
static enum xp_rc hold(struct unlocking *u, const struct xp_unlock_request *how, struct xp_err *err)
{
	const char *path = how->path;
	const char *confirms[] = {NULL, NULL};
	const char *const outputs[] = {NULL};
	struct xp_interlock_request req = {
		.root = &u->root,
		.target = &u->target,
		.confirms = confirms,
		.outputs = outputs,
		.allow_remote = how->allow_remote,
	};
	enum xp_rc rc;
	char why[384];

	TRY(xp_sysroot_open(&u->root, "/", err));
	if (!xp_job_can_reach(why, sizeof(why), &u->root, path))
		return xp_fail(err, XP_E_REFUSED, "%s: %s", path, why);
	TRY(xp_target_resolve(&u->target, &u->root, path, err));
	if (!how->door &&
	    (u->target.kind != XP_TARGET_DISK || u->target.identity.bus == XP_BUS_NVME ||
	     !xp_probe_can_ask(u->target.identity.bus, u->target.disk)))
		return xp_fail(err, XP_E_UNSUPPORTED,
			       "%s: there is no ATA drive behind it, and so no password of one",
			       path);
	confirms[0] = u->target.confirm;
	rc = xp_interlock_acquire(&u->permit, &u->refusals, &req, err);
	for (size_t i = 0; rc == XP_E_REFUSED && i < u->refusals.n; i++)
		xp_say("%s: %s; %s", path, u->refusals.list[i].message, u->refusals.list[i].remedy);
	return rc;
}

static enum xp_rc ask(struct unlocking *u, const struct xp_unlock_request *req, struct xp_err *err)
{
	const struct xp_job_door *door = req->door ? req->door : xp_job_door_real();
	AUTO(xp_identity_free) struct xp_identity seen = {0};

	TRY(door->view(door->ctx, &seen, &u->target, u->permit, err));
	TRY(door->open(door->ctx, &u->transport, &u->target, u->permit, err));
	u->id.bus = seen.bus;
	TRY(xp_probe_drive(&u->facts, u->transport, &u->id, err));
	if (!u->facts.is_ata)
		return xp_fail(err, XP_E_UNSUPPORTED, "%s: this is no ATA drive", req->path);
	return XP_OK;
}

enum xp_rc xp_unlock_drive(struct xp_unlocked *out, const struct xp_unlock_request *req,
			   struct xp_err *err)
{
	static const struct xp_ata_password password = {.text = XP_ATA_TEMPORARY_PASSWORD};
	AUTO(unlocking_free) struct unlocking *u = calloc(1, sizeof(*u));
	struct xp_unlock how = {.passwords = &password, .n = 1};

	if (!u)
		return xp_fail(err, XP_E_NOMEM, "unlock");
	u->root.fd = -1;
	TRY(hold(u, req, err));
	TRY(ask(u, req, err));
	if (req->journal)
		TRY(check_journal(u, req->journal, err));
	how.transport = u->transport;
	how.permit = u->permit;
	TRY(xp_ata_unlock(&out->end, &how, err));
	snprintf(out->model, sizeof(out->model), "%s", u->id.model);
	snprintf(out->serial, sizeof(out->serial), "%s", u->id.serial);
	return XP_OK;
}
