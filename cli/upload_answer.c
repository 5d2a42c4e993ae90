#include "cli/upload_answer.h"

#include <string.h>
#include <strings.h>

#define CHUNK_DIGITS_MAX 8

static enum xp_rc bad(struct xp_err *err, const char *what)
{
	return xp_fail(err, XP_E_MALFORMED, "the server's answer %s", what);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "HTTP/1.1 201 Created" */
static enum xp_rc read_status(struct xp_answer *out, const char *line, size_t len,
			      struct xp_err *err)
{
	if (len < 12 || memcmp(line, "HTTP/1.", 7) != 0 || !is_digit(line[7]) || line[8] != ' ' ||
	    !is_digit(line[9]) || !is_digit(line[10]) || !is_digit(line[11]) ||
	    (len > 12 && line[12] != ' '))
		return bad(err, "is no HTTP/1.1");
	out->status = (unsigned)(line[9] - '0') * 100 + (unsigned)(line[10] - '0') * 10 +
		      (unsigned)(line[11] - '0');
	return out->status >= 100 && out->status < 600 ? XP_OK : bad(err, "has no status");
}

static enum xp_rc read_length(struct xp_answer *out, const char *v, size_t len, struct xp_err *err)
{
	uint64_t n = 0;

	if (out->has_length || len == 0 || len > 15)
		return bad(err, "has a length twice, or one that is no number");
	for (size_t i = 0; i < len; i++) {
		if (!is_digit(v[i]))
			return bad(err, "has a length that is no number");
		n = n * 10 + (uint64_t)(v[i] - '0');
	}
	out->has_length = true;
	out->length = n;
	return XP_OK;
}

static bool name_is(const char *line, size_t len, const char *name)
{
	return len == strlen(name) && strncasecmp(line, name, len) == 0;
}

static enum xp_rc read_field(struct xp_answer *out, const char *line, size_t len,
			     struct xp_err *err)
{
	const char *colon = memchr(line, ':', len);
	const char *v = colon ? colon + 1 : line;
	size_t name_len = colon ? (size_t)(colon - line) : 0;
	size_t n = colon ? len - name_len - 1 : 0;

	/* a line that goes on from the last one begins with a blank */
	if (name_len == 0 || memchr(line, ' ', name_len) || memchr(line, '\t', name_len) ||
	    memchr(line, 0, len) || memchr(line, '\r', len))
		return bad(err, "has a header line that is none");
	while (n && (*v == ' ' || *v == '\t')) {
		v++;
		n--;
	}
	while (n && (v[n - 1] == ' ' || v[n - 1] == '\t'))
		n--;
	if (name_is(line, name_len, "content-length"))
		return read_length(out, v, n, err);
	if (name_is(line, name_len, "transfer-encoding")) {
		if (out->is_chunked || !name_is(v, n, "chunked"))
			return bad(err, "is encoded in a way that was not asked for");
		out->is_chunked = true;
	}
	if (name_is(line, name_len, "content-encoding") && !name_is(v, n, "identity"))
		return bad(err, "is encoded in a way that was not asked for");
	return XP_OK;
}

/* The end of the line at P, and where the next one begins; NULL: it has not come. */
static const char *line_end(const char *p, const char *end, const char **next)
{
	const char *nl = memchr(p, '\n', (size_t)(end - p));

	if (!nl)
		return NULL;
	*next = nl + 1;
	return nl > p && nl[-1] == '\r' ? nl - 1 : nl;
}

enum xp_rc xp_answer_head(struct xp_answer *out, bool *done, const char *data, size_t len,
			  struct xp_err *err)
{
	const char *end = data + (len < XP_ANSWER_HEAD_MAX ? len : XP_ANSWER_HEAD_MAX);
	const char *next = data;
	const char *p = data;
	const char *stop;
	bool first = true;

	*out = (struct xp_answer){0};
	*done = false;
	for (; p < end && (stop = line_end(p, end, &next)) != NULL; p = next) {
		if (first) {
			TRY(read_status(out, p, (size_t)(stop - p), err));
		} else if (stop == p) {
			if (out->has_length && out->is_chunked)
				return bad(err, "has two lengths");
			out->head_len = (size_t)(next - data);
			*done = true;
			return XP_OK;
		} else {
			TRY(read_field(out, p, (size_t)(stop - p), err));
		}
		first = false;
	}
	return len >= XP_ANSWER_HEAD_MAX ? bad(err, "has a head without end") : XP_OK;
}

/* These have no body, whatever their head says [RFC 9110 6.4.1]. */
static bool has_no_body(const struct xp_answer *head)
{
	return head->status < 200 || head->status == 204 || head->status == 304;
}

/* One chunk's size line [RFC 9112 7.1]; extensions are passed over. */
static bool chunk_size(size_t *out, const char *p, size_t len)
{
	size_t n = 0;

	*out = 0;
	for (; n < len && n < CHUNK_DIGITS_MAX; n++) {
		char c = p[n];
		unsigned v;

		if (is_digit(c))
			v = (unsigned)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			v = (unsigned)((c | 0x20) - 'a') + 10;
		else
			break;
		*out = *out * 16 + v;
	}
	return n > 0 && (n == len || p[n] == ';' || p[n] == ' ' || p[n] == '\t');
}

static enum xp_rc join_chunks(struct xp_buf *body, const char *p, const char *end, size_t max,
			      struct xp_err *err)
{
	const char *next = p;

	for (;;) {
		const char *stop = line_end(p, end, &next);
		size_t size;

		if (!stop)
			return bad(err, "was cut");
		if (!chunk_size(&size, p, (size_t)(stop - p)))
			return bad(err, "has a chunk without a size");
		if (size == 0)
			return XP_OK;
		if (size > max - body->len)
			return bad(err, "is too large");
		if ((size_t)(end - next) < size)
			return bad(err, "was cut");
		xp_buf_add(body, next, size);
		p = next + size;
		if (end - p < 2)
			return bad(err, "was cut");
		if (memcmp(p, "\r\n", 2) != 0)
			return bad(err, "has a chunk that is longer than it says");
		next = p + 2;
		p = next;
	}
}

enum xp_rc xp_answer_body(struct xp_buf *body, const struct xp_answer *head, const char *data,
			  size_t len, size_t max, struct xp_err *err)
{
	const char *start = data + head->head_len;
	size_t got = len - head->head_len;

	if (has_no_body(head))
		return XP_OK;
	if (head->is_chunked)
		TRY(join_chunks(body, start, data + len, max, err));
	else if (head->has_length && got < head->length)
		return bad(err, "was cut");
	else if (head->has_length && got > head->length)
		return bad(err, "is longer than it says");
	else if (got > max)
		return bad(err, "is too large");
	else
		xp_buf_add(body, start, got);
	return xp_buf_ok(body) ? XP_OK : xp_fail(err, XP_E_NOMEM, "the server's answer");
}

bool xp_answer_is_whole(const struct xp_answer *head, const char *data, size_t len)
{
	static const char last[] = "0\r\n\r\n";
	struct xp_buf body = {0};
	bool whole;

	if (has_no_body(head))
		return true;
	if (!head->is_chunked)
		return head->has_length && len - head->head_len >= head->length;
	if (len - head->head_len < sizeof(last) - 1 ||
	    memcmp(data + len - (sizeof(last) - 1), last, sizeof(last) - 1) != 0)
		return false;
	/* data may end so, too */
	whole = xp_answer_body(&body, head, data, len, SIZE_MAX, NULL) == XP_OK;
	xp_buf_free(&body);
	return whole;
}
