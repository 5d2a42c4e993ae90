#include "cli/tui/tui_code.h"

#include <errno.h>
#include <stdlib.h>

#include <qrencode.h>

enum xp_rc xp_tui_code_make(uint8_t **out, unsigned *size, const char *text, struct xp_err *err)
{
	QRcode *code = QRcode_encodeString(text, 0, QR_ECLEVEL_L, QR_MODE_8, 1);
	size_t n;

	*out = NULL;
	*size = 0;
	if (!code)
		return errno == ENOMEM
			       ? xp_fail(err, XP_E_NOMEM, "code")
			       : xp_fail(err, XP_E_USAGE, "the text is too long for a code");
	n = (size_t)code->width;
	if (n <= XP_TUI_CODE_MODULES)
		*out = malloc(n * n);
	for (size_t i = 0; *out && i < n * n; i++)
		(*out)[i] = code->data[i] & 1;
	QRcode_free(code);
	if (n > XP_TUI_CODE_MODULES)
		return xp_fail(err, XP_E_USAGE, "the text is too long for a code on this screen");
	if (!*out)
		return xp_fail(err, XP_E_NOMEM, "code");
	*size = (unsigned)n;
	return XP_OK;
}
