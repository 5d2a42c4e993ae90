/* log: the one sink for warnings from below cli; cli installs it. Never takes a secret. */
#pragma once

enum xp_log_level { XP_LOG_DEBUG, XP_LOG_INFO, XP_LOG_WARNING, XP_LOG_ERROR };

typedef void xp_log_sink_fn(void *ctx, enum xp_log_level level, const char *message);

/* NULL: messages are dropped (the state at start). */
void xp_log_set_sink(xp_log_sink_fn *fn, void *ctx);
void xp_log(enum xp_log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
