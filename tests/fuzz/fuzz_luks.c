/* LUKS headers of any bytes: raw ('r'), or as the JSON of a header that is right otherwise ('j').
 */
#include "base/wire.h"
#include "device/protocol/luks_header.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#define HEADER 16384u
#define HEAD   (2 * HEADER)
#define ROOM   (1ull << 30)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void put_header(uint8_t *p, const char *magic, uint64_t at, const uint8_t *json, size_t len)
{
	memcpy(p, magic, 4);
	p[4] = 0xba;
	p[5] = 0xbe;
	put_be16(p + 6, 2);
	put_be64(p + 8, HEADER);
	memcpy(p + 0x48, "sha256", 6);
	put_be64(p + 0x100, at);
	memcpy(p + 4096, json, len < HEADER - 4096 ? len : HEADER - 4096);
	SHA256(p, HEADER, p + 0x1c0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t head[HEAD];
	struct xp_luks_volume v = {.room = ROOM};

	memset(head, 0, sizeof(head));
	if (len && data[0] == 'j') {
		put_header(head, "LUKS", 0, data + 1, len - 1);
		put_header(head + HEADER, "SKUL", HEADER, data + 1, len - 1);
	} else if (len) {
		memcpy(head, data + 1, len - 1 < HEAD ? len - 1 : HEAD);
	}
	if (xp_luks_parse(&v, head, HEAD, NULL) != XP_OK)
		return 0;
	/* whatever it says, the headers and what the format puts behind them are overwritten */
	if (v.area_bytes < XP_LUKS_AREA_MIN || v.area_bytes > v.room ||
	    v.area_bytes < v.header_bytes || strlen(v.cipher) >= sizeof(v.cipher) ||
	    (v.slots_end < v.room && v.area_bytes < v.slots_end) ||
	    (v.data_offset < v.room && v.area_bytes < v.data_offset))
		abort();
	if (!v.layout_known && v.area_bytes != XP_LUKS_AREA_MAX)
		abort();
	return 0;
}
