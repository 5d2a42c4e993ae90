/* fuzz_answer: any bytes as a server's answer, and as a time server's. What is whole has a body
 * within its bounds, and stays what it is. */
#include "cli/upload_answer.h"
#include "cli/upload_time.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BODY_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	struct xp_buf body = {0};
	struct xp_answer head;
	struct xp_err err = {0};
	int64_t offset_ms;
	bool done = false;

	if (xp_answer_head(&head, &done, text, len, &err) == XP_OK && done) {
		enum xp_rc rc;

		if (head.head_len == 0 || head.head_len > len || head.status < 100 ||
		    head.status > 599 || (head.has_length && head.is_chunked))
			abort();
		rc = xp_answer_body(&body, &head, text, len, BODY_MAX, &err);
		if (rc == XP_OK && body.len > BODY_MAX)
			abort();
		if (rc == XP_OK && head.is_chunked && body.len > len)
			abort();
		(void)xp_answer_is_whole(&head, text, len);
	}
	xp_buf_free(&body);
	if (xp_sntp_answer(&offset_ms, data, len, 0, 0, 0, &err) == XP_OK &&
	    (len < XP_SNTP_BYTES || offset_ms <= 0))
		abort();
	return 0;
}
