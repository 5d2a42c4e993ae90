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
	char *path; /* what a token changes or makes */
	char *data;
	size_t len;
	bool is_checkpoint;
	struct xp_bytes checkpoint; /* in data */
};

static void signature_file_free(struct signature_file *f)
{
	free(f->path);
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

/* FILE is a proof, or a checkpoint by itself: a token over it serves all that stands in its tree.
 */
static enum xp_rc open_checkpoint(struct signature_file *f, const char *file, struct xp_err *err)
{
	struct xp_log_proof proof;
	enum xp_note_verdict verdict;
	struct xp_checkpoint cp;

	if (asprintf(&f->path, "%s.tst", file) < 0) {
		f->path = NULL;
		return xp_fail(err, XP_E_NOMEM, "%s", file);
	}
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

static bool is_checkpoint_name(const char *file)
{
	const char *slash = strrchr(file, '/');

	return ends_with(file, ".tlog-proof") || ends_with(file, ".checkpoint") ||
	       strcmp(slash ? slash + 1 : file, "checkpoint") == 0;
}

/* FILE is the record or its signature; or a proof or checkpoint of the log. */
static enum xp_rc open_signature(struct signature_file *f, const struct xp_args *args,
				 struct xp_err *err)
{
	const char *file = args->operands[0];

	if (is_checkpoint_name(file))
		return open_checkpoint(f, file, err);
	if (asprintf(&f->path, "%s%s", file, ends_with(file, ".p7s") ? "" : ".p7s") < 0) {
		f->path = NULL;
		return xp_fail(err, XP_E_NOMEM, "%s", file);
	}
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

static int embed(const struct signature_file *f, struct xp_bytes reply, struct xp_bytes request)
{
	const struct xp_clock *clock = xp_clock_system();
	AUTO(xp_findings_free) struct xp_findings findings = {0};
	AUTO(xp_buf_free) struct xp_buf out = {0};
	struct xp_bytes token;
	struct xp_err err = {0};
	struct stat st;
	enum xp_rc rc = xp_timestamp_reply_token(&token, reply, &err);
	int code = 2;

	if (rc != XP_OK)
		return say_error(&err);
	rc = f->is_checkpoint ? xp_timestamp_demand(token, f->checkpoint, request,
						    clock->wall_s(clock->ctx), &findings, &err)
			      : xp_timestamp_embed(&out, bytes_of(f->data, f->len), token, request,
						   clock->wall_s(clock->ctx), &findings, &err);
	if (rc == XP_OK && f->is_checkpoint)
		xp_buf_add(&out, token.data, token.len);
	if (rc == XP_E_REFUSED) {
		for (size_t i = 0; i < findings.n; i++) {
			xp_say("%s: %s", findings.list[i].code, findings.list[i].text);
			if (findings.list[i].code[0] == 'E')
				code = 1;
		}
		if (!f->is_checkpoint)
			xp_say("%s stays as it was", f->path);
		return code;
	}
	st.st_mode = 0644;
	if (rc == XP_OK && !f->is_checkpoint && stat(f->path, &st) != 0)
		rc = xp_fail_errno(&err, XP_E_IO, "%s", f->path);
	if (rc == XP_OK && f->is_checkpoint && !xp_buf_ok(&out))
		rc = xp_fail(&err, XP_E_NOMEM, "%s", f->path);
	if (rc == XP_OK)
		rc = write_file(f->path, &out, st.st_mode & 0777, !f->is_checkpoint, &err);
	if (rc != XP_OK)
		return say_error(&err);
	fputs("stamped: ", stdout);
	xp_print_escaped(stdout, f->path);
	puts("");
	return 0;
}

static int run_request(const struct xp_args *args)
{
	AUTO(signature_file_free) struct signature_file f = {0};
	AUTO(xp_buf_free) struct xp_buf tsq = {0};
	const char *out = xp_args_string(args, "out");
	struct xp_err err = {0};

	if (!out) {
		xp_say("--out is needed: where the request goes");
		return 64;
	}
	if (open_signature(&f, args, &err) != XP_OK || request_for(&tsq, &f, &err) != XP_OK)
		return say_error(&err);
	if (write_file(out, &tsq, 0644, false, &err) != XP_OK)
		return say_error(&err);
	fputs("request: ", stdout);
	xp_print_escaped(stdout, out);
	puts("");
	return 0;
}

static int run_embed(const struct xp_args *args)
{
	AUTO(signature_file_free) struct signature_file f = {0};
	const char *reply_path = xp_args_string(args, "reply");
	const char *request_path = xp_args_string(args, "request");
	AUTO_MEM char *reply = NULL;
	AUTO_MEM char *request = NULL;
	size_t reply_len = 0;
	size_t request_len = 0;
	struct xp_err err = {0};

	if (!reply_path) {
		xp_say("--reply is needed: what the authority answered");
		return 64;
	}
	if (open_signature(&f, args, &err) != XP_OK ||
	    xp_file_read(&reply, &reply_len, reply_path, XP_TIMESTAMP_FILE_MAX, &err) != XP_OK)
		return say_error(&err);
	if (request_path && xp_file_read(&request, &request_len, request_path,
					 XP_TIMESTAMP_FILE_MAX, &err) != XP_OK)
		return say_error(&err);
	if (request_path && request_len == 0) {
		xp_say("%s: the request is empty", request_path);
		return 66;
	}
	return embed(&f, bytes_of(reply, reply_len), bytes_of(request, request_len));
}

static int run_fetch(const struct xp_args *args)
{
	AUTO(signature_file_free) struct signature_file f = {0};
	AUTO(xp_buf_free) struct xp_buf tsq = {0};
	AUTO(xp_buf_free) struct xp_buf reply = {0};
	const char *address = xp_args_string(args, "url");
	struct xp_http_url url;
	struct xp_err err = {0};
	uint64_t timeout_s = 0;

	if (!address) {
		xp_say("--url is needed: the authority's address");
		return 64;
	}
	if (xp_http_url_parse(&url, address, &err) != XP_OK ||
	    xp_args_number(&timeout_s, args, "timeout", TIMEOUT_S, TIMEOUT_MAX_S, &err) != XP_OK ||
	    open_signature(&f, args, &err) != XP_OK || request_for(&tsq, &f, &err) != XP_OK)
		return say_error(&err);
	if (xp_http_post(&reply, &url, tsq.data, tsq.len, (unsigned)timeout_s * 1000, &err) !=
	    XP_OK) {
		int code = xp_say_error(&err);

		/* whatever keeps the answer away: there is no timestamp to be had there now */
		return code == 70 ? 70 : 69;
	}
	return embed(&f, bytes_of(reply.data, reply.len), bytes_of(tsq.data, tsq.len));
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
