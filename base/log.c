#include "base/log.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

static struct {
	xp_log_sink_fn *fn;
	void *ctx;
} sink;

void xp_log_set_sink(xp_log_sink_fn *fn, void *ctx)
{
	sink.fn = fn;
	sink.ctx = ctx;
}

void xp_log(enum xp_log_level level, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (!sink.fn)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sink.fn(sink.ctx, level, text);
}
