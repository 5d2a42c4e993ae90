#include "cli/job_luks.h"

#include "cli/output.h"

static void set_text(json_t *o, const char *key, const char *v)
{
	if (v[0])
		json_object_set_new(o, key, xp_json_text(v));
}

/* What is so only now and then is told only then. */
static void set_true(json_t *o, const char *key, bool v)
{
	if (v)
		json_object_set_new(o, key, json_true());
}

static json_t *volume_json(const struct xp_luks_volume *v)
{
	json_t *o = json_object();

	json_object_set_new(o, "offset", xp_json_u64(v->offset));
	set_text(o, "type", v->version == 1 ? "LUKS1" : "LUKS2");
	set_text(o, "uuid", v->uuid);
	set_text(o, "cipher", v->cipher);
	set_text(o, "primary", xp_luks_copy_name(v->primary));
	if (v->version != 1)
		set_text(o, "secondary", xp_luks_copy_name(v->secondary));
	json_object_set_new(o, "slots", json_integer(v->slots));
	json_object_set_new(o, "tokens", json_integer(v->tokens));
	set_text(o, "token_types", v->token_types);
	json_object_set_new(o, "keys_bytes", xp_json_u64(v->area_bytes));
	if (v->data_offset)
		json_object_set_new(o, "data_offset", xp_json_u64(v->data_offset));
	set_true(o, "detached", v->detached);
	set_true(o, "reencrypting", v->reencrypting);
	set_true(o, "not_encrypted", v->not_encrypted);
	set_true(o, "plain_segment", v->plain_segment);
	set_true(o, "hw_opal", v->hw_opal);
	set_true(o, "hw_opal_only", v->hw_opal_only);
	set_text(o, "second_reader", xp_luks_opinion_name(v->library));
	return o;
}

json_t *xp_job_luks_json(const struct xp_luks_volumes *volumes)
{
	json_t *list = json_array();

	for (size_t i = 0; i < volumes->n; i++)
		json_array_append_new(list, volume_json(&volumes->list[i]));
	return list;
}

json_t *xp_job_luks_mappings_json(const struct xp_luks_mappings *mappings)
{
	json_t *list = json_array();

	for (size_t i = 0; i < mappings->n; i++) {
		const struct xp_luks_mapping *m = &mappings->list[i];
		json_t *o = json_object();

		set_text(o, "name", m->name);
		set_text(o, "node", m->node);
		set_text(o, "uuid", m->uuid);
		set_true(o, "suspended", m->suspended);
		json_array_append_new(list, o);
	}
	return list;
}
