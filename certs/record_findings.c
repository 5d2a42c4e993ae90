#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "certs/record.h"

/* A hostile document must not fill the memory with complaints about itself. */
#define FINDINGS_MAX 512

static struct xp_finding *next_finding(struct xp_findings *f)
{
	if (f->n == f->cap) {
		size_t cap = f->cap ? 2 * f->cap : 16;
		struct xp_finding *list = realloc(f->list, cap * sizeof(*list));

		if (!list) {
			f->lost = true;
			return NULL;
		}
		f->list = list;
		f->cap = cap;
	}
	return &f->list[f->n++];
}

void xp_findings_add(struct xp_findings *f, const char *code, const char *fmt, ...)
{
	struct xp_finding *x;
	va_list ap;

	if (f->n > FINDINGS_MAX)
		return;
	x = next_finding(f);
	if (!x)
		return;
	if (f->n > FINDINGS_MAX) {
		snprintf(x->code, sizeof(x->code), "E_MORE_FINDINGS");
		snprintf(x->text, sizeof(x->text), "only the first %d findings are listed",
			 FINDINGS_MAX);
		return;
	}
	snprintf(x->code, sizeof(x->code), "%s", code);
	va_start(ap, fmt);
	vsnprintf(x->text, sizeof(x->text), fmt, ap);
	va_end(ap);
}

void xp_findings_free(struct xp_findings *f)
{
	free(f->list);
	*f = (struct xp_findings){0};
}
