#include "vm-images/boot/init.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- SHA-256 [FIPS 180-4], since this program has no library ---- */

#define BLOCK	 64
#define HASH_HEX 64

struct sha256 {
	uint32_t h[8];
	uint64_t len;
	unsigned char block[BLOCK];
	size_t used;
};

static const uint32_t round_words[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

static uint32_t turn(uint32_t x, unsigned n)
{
	return x >> n | x << (32 - n);
}

static void take_block(uint32_t h[8], const unsigned char *p)
{
	uint32_t w[64];
	uint32_t v[8];

	for (unsigned i = 0; i < 16; i++)
		w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 |
		       (uint32_t)p[4 * i + 2] << 8 | (uint32_t)p[4 * i + 3];
	for (unsigned i = 16; i < 64; i++)
		w[i] = w[i - 16] + w[i - 7] +
		       (turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3) +
		       (turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10);
	memcpy(v, h, sizeof(v));
	for (unsigned i = 0; i < 64; i++) {
		uint32_t one = v[7] + (turn(v[4], 6) ^ turn(v[4], 11) ^ turn(v[4], 25)) +
			       ((v[4] & v[5]) ^ (~v[4] & v[6])) + round_words[i] + w[i];
		uint32_t two = (turn(v[0], 2) ^ turn(v[0], 13) ^ turn(v[0], 22)) +
			       ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));

		memmove(v + 1, v, 7 * sizeof(v[0]));
		v[4] += one;
		v[0] = one + two;
	}
	for (unsigned i = 0; i < 8; i++)
		h[i] += v[i];
}

static void sha256_begin(struct sha256 *s)
{
	*s = (struct sha256){.h = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
				   0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

static void sha256_add(struct sha256 *s, const unsigned char *data, size_t len)
{
	s->len += len;
	while (len) {
		size_t n = BLOCK - s->used < len ? BLOCK - s->used : len;

		memcpy(s->block + s->used, data, n);
		s->used += n;
		data += n;
		len -= n;
		if (s->used == BLOCK) {
			take_block(s->h, s->block);
			s->used = 0;
		}
	}
}

static void sha256_end(char hex[HASH_HEX + 1], struct sha256 *s)
{
	const uint64_t bits = s->len * 8;
	const unsigned char one = 0x80;
	unsigned char tail[8];

	for (unsigned i = 0; i < 8; i++)
		tail[i] = (unsigned char)(bits >> (56 - 8 * i));
	sha256_add(s, &one, 1);
	while (s->used != BLOCK - sizeof(tail))
		sha256_add(s, (const unsigned char *)"", 1);
	sha256_add(s, tail, sizeof(tail));
	for (unsigned i = 0; i < 8; i++)
		snprintf(hex + 8 * i, 9, "%08x", (unsigned)s->h[i]);
}

/* ---- what is there, held against the list ---- */

static bool hash_file(char hex[HASH_HEX + 1], unsigned long long size, const char *path)
{
	static unsigned char bytes[65536];
	struct sha256 s;
	struct stat st;
	ssize_t n = 1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) ||
	    (unsigned long long)st.st_size != size)
		n = -1;
	sha256_begin(&s);
	while (n > 0) {
		n = read(fd, bytes, sizeof(bytes));
		if (n > 0)
			sha256_add(&s, bytes, (size_t)n);
	}
	if (fd >= 0)
		close(fd);
	sha256_end(hex, &s);
	return n == 0;
}

static bool hash_link(char hex[HASH_HEX + 1], unsigned long long size, const char *path)
{
	char target[4096];
	struct sha256 s;
	ssize_t n = readlink(path, target, sizeof(target));

	if (n < 0 || (unsigned long long)n != size)
		return false;
	sha256_begin(&s);
	sha256_add(&s, (const unsigned char *)target, (size_t)n);
	sha256_end(hex, &s);
	return true;
}

/* "HASH SIZE NAME" */
static bool line_holds(char *line, const char *root, const char **name)
{
	char hex[HASH_HEX + 1];
	char path[1024];
	unsigned long long size;
	char *end;

	*name = "a line of the list";
	if (strlen(line) < HASH_HEX + 4 || line[HASH_HEX] != ' ')
		return false;
	line[HASH_HEX] = '\0';
	size = strtoull(line + HASH_HEX + 1, &end, 10);
	if (end == line + HASH_HEX + 1 || *end != ' ' || !end[1])
		return false;
	*name = end + 1;
	if (snprintf(path, sizeof(path), "%s/%s", root, *name) >= (int)sizeof(path))
		return false;
	return (hash_link(hex, size, path) || hash_file(hex, size, path)) && !strcmp(hex, line);
}

static void note_bad(struct whole *w, const char *name)
{
	if (!w->bad++)
		snprintf(w->first, sizeof(w->first), "%s", name);
	if (!strncmp(name, "modules/", 8))
		w->are_drivers_bad = true;
}

bool whole_check(struct whole *w, const char *root)
{
	char line[512];
	FILE *list;

	memset(w, 0, sizeof(*w));
	snprintf(line, sizeof(line), "%s/%s", root, WHOLE_LIST);
	list = fopen(line, "re");
	while (list && !w->is_listed && fgets(line, sizeof(line), list)) {
		size_t len = strcspn(line, "\n");
		const char *name;
		unsigned long n;
		char *end;

		/* a line that was cut off says nothing */
		if (line[len] != '\n')
			break;
		line[len] = '\0';
		if (!strncmp(line, "end ", 4)) {
			n = strtoul(line + 4, &end, 10);
			w->is_listed = end != line + 4 && !*end && n == w->n && n > 0;
			break;
		}
		w->n++;
		if (!line_holds(line, root, &name))
			note_bad(w, name);
	}
	if (list)
		fclose(list);
	return w->is_listed && !w->bad;
}
