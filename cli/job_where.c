#include "cli/job_where.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cli/output.h"

struct where {
	struct xp_buf *out;
	const char *const *records;
	size_t n;
	unsigned indent;
};

static size_t count_in(const struct where *w, const char *folder, bool *in_memory)
{
	AUTO_FD int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t here = 0;

	*in_memory = fd >= 0 && xp_is_in_memory(fd);
	for (size_t i = 0; fd >= 0 && i < w->n; i++)
		here += faccessat(fd, w->records[i], R_OK, 0) == 0;
	return here;
}

static void add_folder(const struct where *w, const char *folder)
{
	AUTO_MEM char *real = realpath(folder, NULL);
	bool in_memory = false;
	size_t here = count_in(w, folder, &in_memory);

	if (!here)
		return;
	xp_buf_printf(w->out, "%*s%s", (int)w->indent, "", real ? real : folder);
	if (here < w->n)
		xp_buf_printf(w->out, " (%zu of %zu)", here, w->n);
	xp_buf_printf(w->out, "%s\n", in_memory ? " (in memory: gone without power)" : "");
}

/* What is in the boxes only can be had as files at any time. */
static void add_boxes(const struct where *w, const struct xp_session *s)
{
	char folder[4096 + 32];
	bool in_memory = false;

	if (!s->keep)
		return;
	snprintf(folder, sizeof(folder), "%s/certificates", xp_keep_dir(s->keep));
	add_folder(w, folder);
	if (count_in(w, folder, &in_memory) < w->n)
		xp_buf_printf(w->out,
			      "%*sthe boxes; as files by: expunge export FOLDER --keep %s\n",
			      (int)w->indent, "", xp_keep_dir(s->keep));
}

void xp_where_records(struct xp_buf *out, const struct xp_session *s, const char *const *records,
		      size_t n, unsigned indent)
{
	const struct where w = {.out = out, .records = records, .n = n, .indent = indent};
	char folder[4096 + 32];

	if (!n)
		return;
	add_boxes(&w, s);
	if (s->setup.out_dir)
		add_folder(&w, s->setup.out_dir);
	snprintf(folder, sizeof(folder), "%s/certificates", s->state.path);
	add_folder(&w, folder);
}

void xp_where_tell(const struct xp_session *s, const struct xp_batch *batch)
{
	AUTO_MEM const char **records = calloc(batch->n + 1u, sizeof(*records));
	AUTO(xp_buf_free) struct xp_buf text = {0};
	size_t n = 0;
	char *line;
	char *end;

	if (!records || !s->keep)
		return;
	for (unsigned i = 0; i < batch->n; i++)
		if (*batch->jobs[i].record_name)
			records[n++] = batch->jobs[i].record_name;
	xp_where_records(&text, s, records, n, 0);
	for (line = text.data; line && (end = strchr(line, '\n')); line = end + 1) {
		*end = 0;
		xp_say("the records lie in %s", line);
	}
}
