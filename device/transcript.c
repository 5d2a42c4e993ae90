#include "device/transcript.h"

#include "base/about.h"
#include "base/cleanup.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

static const char *const kind_names[] = {
	[XP_TRANSPORT_SCSI] = "scsi", [XP_TRANSPORT_NVME] = "nvme"};
static const char *const dir_names[] = {
	[XP_DATA_NONE] = "none", [XP_DATA_IN] = "in", [XP_DATA_OUT] = "out"};

void xp_transcript_head_write(struct xp_buf *b, enum xp_transport_kind kind, enum xp_bus bus)
{
	xp_buf_printf(b,
		      "{\"transcript\":\"%s\",\"transport\":\"%s\",\"bus\":\"%s\","
		      "\"tool\":\"%s\"}\n",
		      XP_TRANSCRIPT_FORMAT, kind_names[kind], xp_bus_name(bus), XP_ABOUT_VERSION);
}

static void write_hex(struct xp_buf *b, const char *key, const void *data, size_t len)
{
	xp_buf_printf(b, ",\"%s\":\"", key);
	xp_buf_hex(b, data, len);
	xp_buf_putc(b, '"');
}

static void write_command(struct xp_buf *b, const struct xp_exchange *x)
{
	const struct xp_cmd *c = &x->cmd;
	const struct xp_nvme_sqe *q = &c->nvme;

	if (c->kind == XP_TRANSPORT_SCSI) {
		xp_buf_puts(b, "{\"cdb\":\"");
		xp_buf_hex(b, c->cdb, c->cdb_len);
		xp_buf_putc(b, '"');
	} else {
		xp_buf_printf(b, "{\"opcode\":%u,\"nsid\":%u,\"cdw\":[%u,%u,%u,%u,%u,%u]",
			      q->opcode, q->nsid, q->cdw10, q->cdw11, q->cdw12, q->cdw13, q->cdw14,
			      q->cdw15);
		if (q->is_io)
			xp_buf_puts(b, ",\"io\":true");
	}
	xp_buf_printf(b, ",\"dir\":\"%s\",\"len\":%u", dir_names[c->dir], c->data_len);
	if (c->dir != XP_DATA_OUT)
		return;
	if (x->withheld)
		xp_buf_puts(b, ",\"withheld\":true");
	else
		write_hex(b, "out", x->out, c->data_len);
}

void xp_transcript_exchange_write(struct xp_buf *b, const struct xp_exchange *x)
{
	const struct xp_reply *r = &x->reply;

	write_command(b, x);
	if (x->rc != XP_OK) {
		xp_buf_printf(b, ",\"no_answer\":\"%s\"}\n",
			      x->rc == XP_E_TIMEOUT ? "timeout" : "io");
		return;
	}
	if (x->cmd.kind == XP_TRANSPORT_SCSI) {
		xp_buf_printf(b, ",\"status\":%u,\"driver_status\":%u", r->scsi_status,
			      r->driver_status);
		write_hex(b, "sense", r->sense, r->sense_len);
	} else {
		xp_buf_printf(b, ",\"status\":%u,\"result\":%u", r->nvme_status, r->nvme_result);
	}
	xp_buf_printf(b, ",\"moved\":%u,\"ns\":\"%" PRIu64 "\"", r->data_len, r->duration_ns);
	if (x->cmd.dir == XP_DATA_IN)
		write_hex(b, "in", x->in, r->data_len);
	xp_buf_puts(b, "}\n");
}

/* One JSON object while it is taken apart: every key is asked for once, then none may be left. */
struct object {
	json_t *json;
	size_t asked; /* keys that were found */
	size_t line;
	struct xp_err *err;
};

static enum xp_rc bad(const struct object *o, const char *what)
{
	return xp_fail(o->err, XP_E_MALFORMED, "transcript line %zu: %s", o->line, what);
}

static json_t *ask(struct object *o, const char *key)
{
	json_t *v = json_object_get(o->json, key);

	if (v)
		o->asked++;
	return v;
}

static enum xp_rc take_uint(uint64_t *out, struct object *o, const char *key, uint64_t max)
{
	json_t *v = ask(o, key);
	json_int_t n = json_integer_value(v);

	if (!json_is_integer(v) || n < 0 || (uint64_t)n > max)
		return bad(o, key);
	*out = (uint64_t)n;
	return XP_OK;
}

/* Hex of any even length up to MAX bytes; *OUT is malloc'ed (never NULL). */
static enum xp_rc take_hex(uint8_t **out, size_t *len, struct object *o, const char *key,
			   size_t max)
{
	json_t *v = ask(o, key);
	size_t digits = json_string_length(v);
	AUTO_MEM uint8_t *bytes = NULL;

	if (!json_is_string(v) || digits % 2 || digits / 2 > max ||
	    strlen(json_string_value(v)) != digits)
		return bad(o, key);
	bytes = calloc(1, digits / 2 + 1);
	if (!bytes)
		return xp_fail(o->err, XP_E_NOMEM, "no memory for a transcript");
	if (!xp_hex_decode(bytes, digits / 2, json_string_value(v)))
		return bad(o, key);
	*len = digits / 2;
	*out = STEAL(bytes);
	return XP_OK;
}

static enum xp_rc take_name(size_t *index, struct object *o, const char *key,
			    const char *const *names, size_t n)
{
	const char *s = json_string_value(ask(o, key));

	for (size_t i = 0; s && i < n; i++)
		if (strcmp(names[i], s) == 0) {
			*index = i;
			return XP_OK;
		}
	return bad(o, key);
}

static enum xp_rc take_scsi_command(struct xp_cmd *cmd, struct object *o)
{
	AUTO_MEM uint8_t *cdb = NULL;
	size_t len = 0;

	TRY(take_hex(&cdb, &len, o, "cdb", sizeof(cmd->cdb)));
	if (len < 6)
		return bad(o, "cdb");
	memcpy(cmd->cdb, cdb, len);
	cmd->cdb_len = (uint8_t)len;
	return XP_OK;
}

static enum xp_rc take_nvme_command(struct xp_cmd *cmd, struct object *o)
{
	uint32_t *const dwords[] = {&cmd->nvme.cdw10, &cmd->nvme.cdw11, &cmd->nvme.cdw12,
				    &cmd->nvme.cdw13, &cmd->nvme.cdw14, &cmd->nvme.cdw15};
	uint64_t v = 0;
	json_t *cdw, *io;

	TRY(take_uint(&v, o, "opcode", UINT8_MAX));
	cmd->nvme.opcode = (uint8_t)v;
	TRY(take_uint(&v, o, "nsid", UINT32_MAX));
	cmd->nvme.nsid = (uint32_t)v;
	io = ask(o, "io");
	if (io && !json_is_true(io))
		return bad(o, "io");
	cmd->nvme.is_io = io != NULL;
	cdw = ask(o, "cdw");
	if (!json_is_array(cdw) || json_array_size(cdw) != XP_ARRAY_LEN(dwords))
		return bad(o, "cdw");
	for (size_t i = 0; i < XP_ARRAY_LEN(dwords); i++) {
		json_t *e = json_array_get(cdw, i);

		if (!json_is_integer(e) || json_integer_value(e) < 0 ||
		    json_integer_value(e) > UINT32_MAX)
			return bad(o, "cdw");
		*dwords[i] = (uint32_t)json_integer_value(e);
	}
	return XP_OK;
}

static enum xp_rc take_data(struct xp_exchange *x, struct object *o)
{
	struct xp_cmd *cmd = &x->cmd;
	uint64_t v = 0;
	size_t i = 0;
	size_t len = 0;

	TRY(take_name(&i, o, "dir", dir_names, XP_ARRAY_LEN(dir_names)));
	cmd->dir = (enum xp_data_dir)i;
	TRY(take_uint(&v, o, "len", XP_TRANSCRIPT_DATA_MAX));
	cmd->data_len = (uint32_t)v;
	if ((cmd->dir == XP_DATA_NONE) != (v == 0))
		return bad(o, "len");
	if (cmd->dir != XP_DATA_OUT)
		return XP_OK;
	if (json_is_true(json_object_get(o->json, "withheld"))) {
		o->asked++;
		x->withheld = true;
		return XP_OK;
	}
	TRY(take_hex(&x->out, &len, o, "out", XP_TRANSCRIPT_DATA_MAX));
	return len == cmd->data_len ? XP_OK : bad(o, "out");
}

/* A count of nanoseconds: a decimal string, since it may leave what JSON numbers hold. */
static enum xp_rc take_ns(uint64_t *out, struct object *o)
{
	const char *s = json_string_value(ask(o, "ns"));
	size_t n = s ? strlen(s) : 0;
	uint64_t v = 0;

	if (n == 0 || n > 19 || (n > 1 && s[0] == '0') || strspn(s, "0123456789") != n)
		return bad(o, "ns");
	for (; *s; s++)
		v = v * 10 + (uint64_t)(*s - '0');
	*out = v;
	return XP_OK;
}

static enum xp_rc take_status(struct xp_exchange *x, struct object *o)
{
	struct xp_reply *r = &x->reply;
	AUTO_MEM uint8_t *sense = NULL;
	size_t len = 0;
	uint64_t v = 0;

	if (x->cmd.kind == XP_TRANSPORT_NVME) {
		TRY(take_uint(&v, o, "status", 0x7fff));
		r->nvme_status = (uint16_t)v;
		TRY(take_uint(&v, o, "result", UINT32_MAX));
		r->nvme_result = (uint32_t)v;
		return XP_OK;
	}
	TRY(take_uint(&v, o, "status", UINT8_MAX));
	r->scsi_status = (uint8_t)v;
	TRY(take_uint(&v, o, "driver_status", UINT16_MAX));
	r->driver_status = (uint16_t)v;
	TRY(take_hex(&sense, &len, o, "sense", XP_SENSE_MAX));
	memcpy(r->sense, sense, len);
	r->sense_len = (uint32_t)len;
	return XP_OK;
}

static enum xp_rc take_answer(struct xp_exchange *x, struct object *o)
{
	static const char *const names[] = {"io", "timeout"};
	struct xp_reply *r = &x->reply;
	uint64_t v = 0;
	size_t i = 0;
	size_t len = 0;

	if (json_object_get(o->json, "no_answer")) {
		TRY(take_name(&i, o, "no_answer", names, XP_ARRAY_LEN(names)));
		x->rc = i ? XP_E_TIMEOUT : XP_E_IO;
		return XP_OK;
	}
	r->answered = true;
	TRY(take_status(x, o));
	TRY(take_uint(&v, o, "moved", x->cmd.data_len));
	r->data_len = (uint32_t)v;
	TRY(take_ns(&r->duration_ns, o));
	if (x->cmd.dir != XP_DATA_IN)
		return XP_OK;
	TRY(take_hex(&x->in, &len, o, "in", XP_TRANSCRIPT_DATA_MAX));
	return len == r->data_len ? XP_OK : bad(o, "in");
}

static enum xp_rc take_exchange(struct xp_exchange *x, struct object *o,
				enum xp_transport_kind kind)
{
	x->cmd.kind = kind;
	x->line = o->line;
	TRY(kind == XP_TRANSPORT_SCSI ? take_scsi_command(&x->cmd, o)
				      : take_nvme_command(&x->cmd, o));
	TRY(take_data(x, o));
	TRY(take_answer(x, o));
	return json_object_size(o->json) == o->asked ? XP_OK : bad(o, "an unknown key");
}

static enum xp_rc take_head(struct xp_transcript *t, struct object *o)
{
	static const char *const formats[] = {XP_TRANSCRIPT_FORMAT};
	const char *bus;
	size_t i = 0;

	TRY(take_name(&i, o, "transcript", formats, XP_ARRAY_LEN(formats)));
	TRY(take_name(&i, o, "transport", kind_names, XP_ARRAY_LEN(kind_names)));
	t->kind = (enum xp_transport_kind)i;
	bus = json_string_value(ask(o, "bus"));
	if (!bus || !xp_bus_parse(&t->bus, bus))
		return bad(o, "bus");
	if (!json_string_value(ask(o, "tool")))
		return bad(o, "tool");
	return json_object_size(o->json) == o->asked ? XP_OK : bad(o, "an unknown key");
}

static enum xp_rc take_line(struct xp_transcript *t, size_t *cap, struct object *o)
{
	struct xp_exchange *list;
	size_t want;

	if (o->line == 1)
		return take_head(t, o);
	if (t->n == XP_TRANSCRIPT_EXCHANGES_MAX)
		return bad(o, "too many exchanges");
	if (t->n == *cap) {
		want = *cap ? *cap * 2 : 16;
		list = realloc(t->list, want * sizeof(*list));
		if (!list)
			return xp_fail(o->err, XP_E_NOMEM, "no memory for a transcript");
		t->list = list;
		*cap = want;
	}
	t->list[t->n] = (struct xp_exchange){0};
	return take_exchange(&t->list[t->n++], o, t->kind);
}

static enum xp_rc parse_lines(struct xp_transcript *t, const char *at, size_t left,
			      struct xp_err *err)
{
	struct object o = {.err = err};
	size_t cap = 0;
	enum xp_rc rc;

	while (left) {
		const char *end = memchr(at, '\n', left);
		size_t len = end ? (size_t)(end - at) : 0;

		o.line++;
		o.asked = 0;
		if (!end)
			return bad(&o, "no line end: the file was cut off");
		if (len > XP_TRANSCRIPT_LINE_MAX)
			return bad(&o, "too long");
		o.json = json_loadb(at, len, JSON_REJECT_DUPLICATES, NULL);
		rc = json_is_object(o.json) ? take_line(t, &cap, &o)
					    : bad(&o, "not one JSON object");
		json_decref(o.json);
		TRY(rc);
		at = end + 1;
		left -= len + 1;
	}
	return o.line ? XP_OK : xp_fail(err, XP_E_MALFORMED, "the transcript is empty");
}

enum xp_rc xp_transcript_parse(struct xp_transcript *out, const char *jsonl, size_t len,
			       struct xp_err *err)
{
	AUTO(xp_transcript_free) struct xp_transcript t = {0};

	*out = (struct xp_transcript){0};
	if (len > XP_TRANSCRIPT_BYTES_MAX)
		return xp_fail(err, XP_E_MALFORMED, "the transcript is longer than %u bytes",
			       XP_TRANSCRIPT_BYTES_MAX);
	TRY(parse_lines(&t, jsonl, len, err));
	*out = t;
	t = (struct xp_transcript){0};
	return XP_OK;
}

void xp_transcript_free(struct xp_transcript *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->list[i].out);
		free(t->list[i].in);
	}
	free(t->list);
	*t = (struct xp_transcript){0};
}
