/* cert_timestamp: `expunge-cert timestamp ...`: proof of when a record was signed, by a stranger.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "certs/cms.h"
#include "certs/log_proof.h"
#include "certs/timestamp.h"
#include "certs/timestamp_http.h"
#include "cli/commands_cert.h"
#include "cli/confine_reader.h"
#include "cli/output.h"

#define TIMEOUT_S     30
#define TIMEOUT_MAX_S 600

static const struct xp_option request_options[] = {
	{"out", XP_OPT_STRING, "FILE", "where the request goes; it must not be there yet"},
	{0},
};

static const struct xp_option embed_options[] = {
	{"reply", XP_OPT_STRING, "FILE", "the authority's reply"},
	{"request", XP_OPT_STRING, "FILE", "the request that it must answer"},
	{0},
};

static const struct xp_option fetch_options[] = {
	{"url", XP_OPT_STRING, "URL", "the authority's address, http://..."},
	{"timeout", XP_OPT_STRING, "SECONDS", "how long to wait for it (30)"},
	{0},
};

/* What is to be stamped: the signature file of the operand, or a checkpoint of a log. */
struct signature_file {
	const char *path;
	char *data;
	size_t len;
	bool is_checkpoint;
	struct xp_bytes checkpoint; /* in data */
};

static void signature_file_free(struct signature_file *f)
{
	free(f->data);
}

static struct xp_bytes bytes_of(const char *data, size_t len)
{
	return (struct xp_bytes){(const uint8_t *)data, len};
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s);
	size_t m = strlen(end);

	return n > m && strcmp(s + n - m, end) == 0;
}

static bool is_checkpoint_name(const char *file)
{
	const char *slash = strrchr(file, '/');

	return ends_with(file, ".tlog-proof") || ends_with(file, ".checkpoint") ||
	       strcmp(slash ? slash + 1 : file, "checkpoint") == 0;
}

/* What a token changes or makes: the signature, or the token beside a checkpoint. */
static enum xp_rc target_of(char **out, const char *file, struct xp_err *err)
{
	const char *suffix = is_checkpoint_name(file)  ? ".tst"
			     : ends_with(file, ".p7s") ? ""
						       : ".p7s";

	if (asprintf(out, "%s%s", file, suffix) >= 0)
		return XP_OK;
	*out = NULL;
	return xp_fail(err, XP_E_NOMEM, "%s", file);
}

/* FILE is a proof, or a checkpoint by itself: a token over it serves all that stands in its tree.
 */
static enum xp_rc open_checkpoint(struct signature_file *f, const char *file, struct xp_err *err)
{
	struct xp_log_proof proof;
	enum xp_note_verdict verdict;
	struct xp_checkpoint cp;

	TRY(xp_file_read(&f->data, &f->len, file, XP_LOG_PROOF_MAX_BYTES, err));
	f->is_checkpoint = true;
	f->checkpoint = bytes_of(f->data, f->len);
	if (ends_with(file, ".tlog-proof")) {
		if (xp_log_proof_parse(&proof, f->data, f->len, err) != XP_OK)
			return xp_err_prefix(err, "%s", file);
		f->checkpoint = bytes_of(proof.checkpoint, proof.checkpoint_len);
	} else if (xp_checkpoint_read(&cp, &verdict, f->data, f->len, NULL, err) != XP_OK) {
		return xp_err_prefix(err, "%s", file);
	}
	return XP_OK;
}

/* What a command is to do with it, and what it may read. */
struct work {
	int (*run)(struct xp_buf *out, const struct work *w);
	const struct xp_args *args;
	char *target;
	bool net;
};

static void work_free(struct work *w)
{
	free(w->target);
}

/* FILE is the record or its signature; or a proof or checkpoint of the log. */
static enum xp_rc open_signature(struct signature_file *f, const struct work *w, struct xp_err *err)
{
	const char *file = w->args->operands[0];

	f->path = w->target;
	if (is_checkpoint_name(file))
		return open_checkpoint(f, file, err);
	return xp_file_read(&f->data, &f->len, f->path, XP_CMS_MAX_BYTES, err);
}

static enum xp_rc request_for(struct xp_buf *out, const struct signature_file *f,
			      struct xp_err *err)
{
	if (f->is_checkpoint)
		return xp_timestamp_request_for(out, f->checkpoint, xp_rng_system(), err);
	return xp_timestamp_request(out, bytes_of(f->data, f->len), xp_rng_system(), err);
}

/* Writes PATH whole. */
static enum xp_rc write_file(const char *path, const struct xp_buf *b, mode_t mode, bool replace,
			     struct xp_err *err)
{
	const char *slash = strrchr(path, '/');
	AUTO_MEM char *dir = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	AUTO_FD int fd = -1;

	if (!dir)
		return xp_fail(err, XP_E_NOMEM, "%s", path);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return xp_err_of_output(err, xp_fail_errno(err, XP_E_IO, "%s", dir));
	return xp_file_write_at(fd, slash ? slash + 1 : path, b->data, b->len, mode, replace, err);
}

/* The exit codes of expunge-cert. What cannot be written is no missing input. */
static int say_error(const struct xp_err *err)
{
	int code = xp_say_error(err);

	if (code == 64 || code == 69 || code == 70)
		return code;
	return err->is_output ? 1 : 66;
}

/* ---- in the process that reads the files, and the authority ---- */

/* *OUT: the signature with the token in it, or the token of a checkpoint. Returns the code. */
static int embed(struct xp_buf *out, const struct signature_file *f, struct xp_bytes reply,
		 struct xp_bytes request)
{
	const struct xp_clock *clock = xp_clock_system();
	AUTO(xp_findings_free) struct xp_findings findings = {0};
	struct xp_bytes token;
	struct xp_err err = {0};
	enum xp_rc rc = xp_timestamp_reply_token(&token, reply, &err);
	int code = 2;

	if (rc != XP_OK)
		return say_error(&err);
	rc = f->is_checkpoint ? xp_timestamp_demand(token, f->checkpoint, request,
						    clock->wall_s(clock->ctx), &findings, &err)
			      : xp_timestamp_embed(out, bytes_of(f->data, f->len), token, request,
						   clock->wall_s(clock->ctx), &findings, &err);
	if (rc == XP_OK && f->is_checkpoint)
		xp_buf_add(out, token.data, token.len);
	if (rc == XP_OK)
		return 0;
	if (rc != XP_E_REFUSED)
		return say_error(&err);
	for (size_t i = 0; i < findings.n; i++) {
		xp_say("%s: %s", findings.list[i].code, findings.list[i].text);
		if (findings.list[i].code[0] == 'E')
			code = 1;
	}
	if (!f->is_checkpoint)
		xp_say("%s stays as it was", f->path);
	return code;
}

static int make_request(struct xp_buf *out, const struct work *w)
{
	AUTO(signature_file_free) struct signature_file f = {0};
	struct xp_err err = {0};

	if (open_signature(&f, w, &err) != XP_OK || request_for(out, &f, &err) != XP_OK)
		return say_error(&err);
	return 0;
}

static int embed_reply(struct xp_buf *out, const struct work *w)
{
	AUTO(signature_file_free) struct signature_file f = {0};
	const char *request_path = xp_args_string(w->args, "request");
	AUTO_MEM char *reply = NULL;
	AUTO_MEM char *request = NULL;
	size_t reply_len = 0;
	size_t request_len = 0;
	struct xp_err err = {0};

	if (open_signature(&f, w, &err) != XP_OK ||
	    xp_file_read(&reply, &reply_len, xp_args_string(w->args, "reply"),
			 XP_TIMESTAMP_FILE_MAX, &err) != XP_OK)
		return say_error(&err);
	if (request_path && xp_file_read(&request, &request_len, request_path,
					 XP_TIMESTAMP_FILE_MAX, &err) != XP_OK)
		return say_error(&err);
	if (request_path && request_len == 0) {
		xp_say("%s: the request is empty", request_path);
		return 66;
	}
	return embed(out, &f, bytes_of(reply, reply_len), bytes_of(request, request_len));
}

static int fetch(struct xp_buf *out, const struct work *w)
{
	AUTO(signature_file_free) struct signature_file f = {0};
	AUTO(xp_buf_free) struct xp_buf tsq = {0};
	AUTO(xp_buf_free) struct xp_buf reply = {0};
	struct xp_http_url url;
	struct xp_err err = {0};
	uint64_t timeout_s = 0;

	if (xp_http_url_parse(&url, xp_args_string(w->args, "url"), &err) != XP_OK ||
	    xp_args_number(&timeout_s, w->args, "timeout", TIMEOUT_S, TIMEOUT_MAX_S, &err) !=
		    XP_OK ||
	    open_signature(&f, w, &err) != XP_OK || request_for(&tsq, &f, &err) != XP_OK)
		return say_error(&err);
	if (xp_http_post(&reply, &url, tsq.data, tsq.len, (unsigned)timeout_s * 1000, &err) !=
	    XP_OK) {
		int code = xp_say_error(&err);

		/* whatever keeps the answer away: there is no timestamp to be had there now */
		return code == 70 ? 70 : 69;
	}
	return embed(out, &f, bytes_of(reply.data, reply.len), bytes_of(tsq.data, tsq.len));
}

static enum xp_rc serve(void *ctx, struct xp_span question, struct xp_buf *answer,
			struct xp_err *err)
{
	const struct work *w = ctx;
	AUTO(xp_buf_free) struct xp_buf out = {0};
	int code = w->run(&out, w);

	(void)question;
	xp_buf_putc(answer, (char)code);
	if (code == 0 && !xp_buf_ok(&out))
		return xp_fail(err, XP_E_NOMEM, "%s", w->target);
	if (code == 0)
		xp_buf_add(answer, out.data, out.len);
	return XP_OK;
}

/* ---- who holds the rights ---- */

/* *OUT: what is to be written. Returns 0, or the exit code; why has been said then. */
static int let_read(struct xp_buf *out, struct work *w, const char *const *inputs)
{
	const struct xp_reader_job job = {
		.serve = serve, .ctx = w, .inputs = inputs, .net = w->net};
	AUTO(xp_buf_free) struct xp_buf answer = {0};
	struct xp_err err = {0};

	if (xp_reader_once(&answer, &job, &err) != XP_OK)
		return say_error(&err);
	if (answer.len == 0 || (answer.data[0] == 0 && answer.len == 1))
		return 70;
	if (answer.data[0])
		return (unsigned char)answer.data[0];
	xp_buf_add(out, answer.data + 1, answer.len - 1);
	if (xp_buf_ok(out))
		return 0;
	xp_say("out of memory");
	return 70;
}

/* The signature is there and gets another; the token of a checkpoint is made. */
static int write_stamped(const struct work *w, const struct xp_buf *out)
{
	const bool is_checkpoint = is_checkpoint_name(w->args->operands[0]);
	struct stat st = {.st_mode = 0644};
	struct xp_err err = {0};
	enum xp_rc rc = XP_OK;

	if (!is_checkpoint && stat(w->target, &st) != 0)
		rc = xp_fail_errno(&err, XP_E_IO, "%s", w->target);
	if (rc == XP_OK)
		rc = write_file(w->target, out, st.st_mode & 0777, !is_checkpoint, &err);
	if (rc != XP_OK)
		return say_error(&err);
	fputs("stamped: ", stdout);
	xp_print_escaped(stdout, w->target);
	puts("");
	return 0;
}

static int run_request(const struct xp_args *args)
{
	AUTO(work_free) struct work w = {.run = make_request, .args = args};
	AUTO(xp_buf_free) struct xp_buf tsq = {0};
	const char *out = xp_args_string(args, "out");
	struct xp_err err = {0};
	int code;

	if (!out) {
		xp_say("--out is needed: where the request goes");
		return 64;
	}
	if (target_of(&w.target, args->operands[0], &err) != XP_OK)
		return say_error(&err);
	code = let_read(&tsq, &w, (const char *const[]){args->operands[0], w.target, NULL});
	if (code)
		return code;
	if (write_file(out, &tsq, 0644, false, &err) != XP_OK)
		return say_error(&err);
	fputs("request: ", stdout);
	xp_print_escaped(stdout, out);
	puts("");
	return 0;
}

static int run_embed(const struct xp_args *args)
{
	AUTO(work_free) struct work w = {.run = embed_reply, .args = args};
	AUTO(xp_buf_free) struct xp_buf out = {0};
	const char *reply = xp_args_string(args, "reply");
	struct xp_err err = {0};
	int code;

	if (!reply) {
		xp_say("--reply is needed: what the authority answered");
		return 64;
	}
	if (target_of(&w.target, args->operands[0], &err) != XP_OK)
		return say_error(&err);
	code = let_read(&out, &w,
			(const char *const[]){args->operands[0], w.target, reply,
					      xp_args_string(args, "request"), NULL});
	return code ? code : write_stamped(&w, &out);
}

static int run_fetch(const struct xp_args *args)
{
	AUTO(work_free) struct work w = {.run = fetch, .args = args, .net = true};
	AUTO(xp_buf_free) struct xp_buf out = {0};
	struct xp_err err = {0};
	int code;

	if (!xp_args_string(args, "url")) {
		xp_say("--url is needed: the authority's address");
		return 64;
	}
	if (target_of(&w.target, args->operands[0], &err) != XP_OK)
		return say_error(&err);
	/* and what a server is found by its name with */
	code = let_read(&out, &w,
			(const char *const[]){args->operands[0], w.target, "/etc/hosts",
					      "/etc/resolv.conf", "/etc/nsswitch.conf",
					      "/etc/host.conf", "/etc/gai.conf", "/etc/services",
					      NULL});
	return code ? code : write_stamped(&w, &out);
}

const struct xp_command xp_cert_command_timestamp_request = {
	.name = "timestamp request",
	.operands = "FILE",
	.summary = "Ask for the time of a signature.",
	.details = "Writes an RFC 3161 request, to be taken to a timestamp authority. It holds a\n"
		   "hash of the signature and nothing of the record. FILE is a record or its\n"
		   "signature; or ID.tlog-proof, checkpoint or NAME.checkpoint: a token over a\n"
		   "log's checkpoint serves every record that is proven in it.",
	.options = request_options,
	.operands_min = 1,
	.operands_max = 1,
	.run = run_request,
};

const struct xp_command xp_cert_command_timestamp_embed = {
	.name = "timestamp embed",
	.operands = "FILE",
	.summary = "Put an authority's reply into the signature.",
	.details =
		"FILE.p7s is replaced whole, and only by a token of this very signature.\n"
		"Whether the authority is to be believed is asked by verify --tsa. The token of\n"
		"a checkpoint goes to FILE.tst.",
	.options = embed_options,
	.operands_min = 1,
	.operands_max = 1,
	.run = run_embed,
};

const struct xp_command xp_cert_command_timestamp_fetch = {
	.name = "timestamp fetch",
	.operands = "FILE",
	.summary = "Request and embed over the network.",
	.details = "Plain HTTP: only a hash goes out, and the reply proves itself by its\n"
		   "signature and the request's nonce.",
	.options = fetch_options,
	.operands_min = 1,
	.operands_max = 1,
	.run = run_fetch,
};
