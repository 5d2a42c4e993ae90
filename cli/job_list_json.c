#include "cli/job_list_json.h"

#include "cli/output.h"

static json_t *uses_json(const struct xp_uses *uses)
{
	json_t *list = json_array();

	for (size_t i = 0; i < uses->n; i++) {
		const struct xp_use *u = &uses->list[i];
		json_t *one = json_object();

		json_object_set_new(one, "code", json_string(xp_refusal_code_name(u->code)));
		json_object_set_new(one, "kind", xp_json_text(u->kind));
		json_object_set_new(one, "where", xp_json_text(u->where));
		json_object_set_new(one, "node", xp_json_text(u->node));
		json_object_set_new(one, "remedy", xp_json_text(u->remedy));
		json_array_append_new(list, one);
	}
	return list;
}

/* What the drive says of itself goes over what sysfs says of it. */
static void add_details(json_t *o, const struct xp_list_answer *answer)
{
	const char *key;
	json_t *v;

	json_object_foreach (answer->details, key, v) {
		json_object_set(o, key, v);
	}
}

json_t *xp_list_drive_json(const struct xp_drive *d, const struct xp_list_answer *answer)
{
	json_t *o = json_object();
	json_t *nodes = json_array();

	json_object_set_new(o, "path", xp_json_text(d->path));
	json_object_set_new(o, "confirm", xp_json_text(d->confirm));
	json_object_set_new(o, "slot", xp_json_text(d->slot));
	json_object_set_new(o, "vendor", xp_json_text(d->identity.vendor));
	json_object_set_new(o, "model", xp_json_text(d->identity.model));
	json_object_set_new(o, "serial", xp_json_text(d->identity.serial));
	json_object_set_new(o, "wwn", xp_json_text(d->identity.wwn));
	json_object_set_new(o, "firmware", xp_json_text(d->identity.firmware));
	json_object_set_new(o, "bytes", xp_json_u64(d->identity.capacity_bytes));
	json_object_set_new(o, "bus", json_string(xp_bus_name(d->identity.bus)));
	json_object_set_new(o, "media", json_string(xp_media_name(d->identity.media)));
	for (unsigned i = 0; i < d->nodes_n; i++)
		json_array_append_new(nodes, xp_json_text(d->nodes[i]));
	json_object_set_new(o, "nodes", nodes);
	json_object_set_new(o, "remote", json_boolean(d->remote));
	json_object_set_new(o, "zoned", json_boolean(d->zoned));
	json_object_set_new(o, "in_use", uses_json(&d->uses));
	add_details(o, answer);
	return o;
}

json_t *xp_list_hidden_json(const struct xp_inventory *inv)
{
	json_t *list = json_array();

	for (size_t i = 0; i < inv->hidden_n; i++) {
		json_t *one = json_object();

		json_object_set_new(one, "controller", xp_json_text(inv->hidden[i].controller));
		json_object_set_new(one, "pci", xp_json_text(inv->hidden[i].pci));
		json_object_set_new(one, "driver", xp_json_text(inv->hidden[i].driver));
		json_object_set_new(one, "reason", xp_json_text(inv->hidden[i].reason));
		json_array_append_new(list, one);
	}
	return list;
}

json_t *xp_list_host_json(const struct xp_inventory *inv)
{
	json_t *host = json_object();

	json_object_set_new(host, "serial", xp_json_text(inv->host_serial));
	json_object_set_new(host, "model", xp_json_text(inv->host_model));
	json_object_set_new(host, "complete", json_string(xp_complete_name(inv->complete)));
	return host;
}
