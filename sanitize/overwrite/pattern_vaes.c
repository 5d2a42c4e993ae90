#include "sanitize/overwrite/pattern_vaes.h"

#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

#define WIDE   8 /* registers of two blocks that are under way at once */
#define TARGET __attribute__((target("avx2,aes,vaes")))

bool xp_vaes_available(void)
{
	unsigned a, b, c, d;

	/* avx2 as reported here includes that the system saves the wide registers */
	if (!__builtin_cpu_supports("avx2") || !__get_cpuid_count(7, 0, &a, &b, &c, &d))
		return false;
	if (!(c & (1u << 9))) /* VAES */
		return false;
	return __get_cpuid(1, &a, &b, &c, &d) && (c & (1u << 25)); /* AES */
}

TARGET static __m128i next_key(__m128i key, __m128i assist)
{
	assist = _mm_shuffle_epi32(assist, 0xff);
	key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
	key = _mm_xor_si128(key, _mm_slli_si128(key, 8));
	return _mm_xor_si128(key, assist);
}

TARGET void xp_vaes_expand(struct xp_vaes_key *out, const uint8_t key[16])
{
	__m128i k;

	memcpy(&k, key, sizeof(k));
	memcpy(out->round[0], &k, sizeof(k));
#define ROUND(i, constant)                                                                         \
	do {                                                                                       \
		k = next_key(k, _mm_aeskeygenassist_si128(k, constant));                           \
		memcpy(out->round[i], &k, sizeof(k));                                              \
	} while (0)
	/* the round constants of FIPS 197 must be immediates */
	ROUND(1, 0x01);
	ROUND(2, 0x02);
	ROUND(3, 0x04);
	ROUND(4, 0x08);
	ROUND(5, 0x10);
	ROUND(6, 0x20);
	ROUND(7, 0x40);
	ROUND(8, 0x80);
	ROUND(9, 0x1b);
	ROUND(10, 0x36);
#undef ROUND
}

TARGET void xp_vaes_keystream(const struct xp_vaes_key *key, uint8_t *out, uint64_t block,
			      size_t len)
{
	/* the low half of each lane holds 0, the high half the number, byte-swapped when used */
	const __m256i swap = _mm256_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 15, 14, 13, 12, 11, 10, 9, 8,
					      0, 1, 2, 3, 4, 5, 6, 7, 15, 14, 13, 12, 11, 10, 9, 8);
	const __m256i two = _mm256_set_epi64x(2, 0, 2, 0);
	__m256i ctr = _mm256_set_epi64x((long long)(block + 1), 0, (long long)block, 0);
	__m256i k[XP_VAES_KEYS];
	size_t at = 0;

	for (int i = 0; i < XP_VAES_KEYS; i++)
		k[i] = _mm256_broadcastsi128_si256(
			_mm_loadu_si128((const __m128i *)(const void *)key->round[i]));
	for (; len - at >= 32 * WIDE; at += 32 * WIDE) {
		__m256i b[WIDE];

#pragma GCC unroll 8
		for (int j = 0; j < WIDE; j++) {
			b[j] = _mm256_xor_si256(_mm256_shuffle_epi8(ctr, swap), k[0]);
			ctr = _mm256_add_epi64(ctr, two);
		}
		for (int i = 1; i < XP_VAES_KEYS - 1; i++) {
#pragma GCC unroll 8
			for (int j = 0; j < WIDE; j++)
				b[j] = _mm256_aesenc_epi128(b[j], k[i]);
		}
#pragma GCC unroll 8
		for (int j = 0; j < WIDE; j++)
			_mm256_storeu_si256((__m256i *)(void *)(out + at + 32 * (size_t)j),
					    _mm256_aesenclast_epi128(b[j], k[XP_VAES_KEYS - 1]));
	}
	while (at < len) {
		size_t n = len - at < 32 ? len - at : 32;
		__m256i b = _mm256_xor_si256(_mm256_shuffle_epi8(ctr, swap), k[0]);

		for (int i = 1; i < XP_VAES_KEYS - 1; i++)
			b = _mm256_aesenc_epi128(b, k[i]);
		b = _mm256_aesenclast_epi128(b, k[XP_VAES_KEYS - 1]);
		memcpy(out + at, &b, n);
		ctr = _mm256_add_epi64(ctr, two);
		at += n;
	}
}

#else

bool xp_vaes_available(void)
{
	return false;
}

/* Not to be reached: callers ask xp_vaes_available. */
void xp_vaes_expand(struct xp_vaes_key *out, const uint8_t key[16])
{
	(void)key;
	memset(out, 0, sizeof(*out));
}

void xp_vaes_keystream(const struct xp_vaes_key *key, uint8_t *out, uint64_t block, size_t len)
{
	(void)key;
	(void)block;
	memset(out, 0, len);
}

#endif
