#include "verify/expect_wide.h"

#include <string.h>

#include "base/span.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

#define AVX2  __attribute__((target("avx2")))
#define VAES  __attribute__((target("avx2,aes,vaes")))
#define LANES 8 /* pairs of blocks under way at once */

bool xp_wide_can_compare(void)
{
	return __builtin_cpu_supports("avx2");
}

bool xp_wide_can_cipher(void)
{
	unsigned eax, ebx, ecx, edx;
	bool aes = __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx >> 25 & 1);
	bool vaes = __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ecx >> 9 & 1);

	return xp_wide_can_compare() && aes && vaes;
}

AVX2 static __m256i load(const uint8_t *p)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

AVX2 bool xp_wide_is_zero(const uint8_t *p, size_t len)
{
	size_t at = 0;

	for (; len - at >= 256; at += 256) {
		__m256i any = load(p + at);

#pragma GCC unroll 7
		for (size_t i = 32; i < 256; i += 32)
			any = _mm256_or_si256(any, load(p + at + i));
		if (!_mm256_testz_si256(any, any))
			return false;
	}
	return xp_mem_is_filled(p + at, 0, len - at);
}

/* The S-box on four bytes: one last round without a key; equal columns make its row shift nothing.
 */
VAES static uint32_t sub_word(uint32_t word)
{
	__m128i x = _mm_aesenclast_si128(_mm_set1_epi32((int)word), _mm_setzero_si128());

	return (uint32_t)_mm_cvtsi128_si32(x);
}

VAES void xp_wide_schedule(struct xp_wide_key *out, const uint8_t key[16])
{
	uint32_t constant = 1;

	memcpy(out->word, key, 16);
	for (unsigned i = 4; i < 44; i++) {
		uint32_t temp = out->word[i - 1];

		if (i % 4 == 0) {
			/* words are held little-endian: a rotation to the left turns right here */
			temp = sub_word(temp >> 8 | temp << 24) ^ constant;
			constant = constant << 1 ^ (constant & 0x80 ? 0x11b : 0);
		}
		out->word[i] = out->word[i - 4] ^ temp;
	}
}

VAES static __m256i round_key(const struct xp_wide_key *key, unsigned round)
{
	return _mm256_broadcastsi128_si256(
		_mm_loadu_si128((const __m128i *)(const void *)&key->word[4 * (size_t)round]));
}

VAES bool xp_wide_is_keystream(const struct xp_wide_key *key, const uint8_t *found, uint64_t block,
			       size_t len)
{
	const __m256i reverse = _mm256_broadcastsi128_si256(
		_mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
	__m256i keys[11];
	__m256i differs = _mm256_setzero_si256();
	size_t at = 0;

	for (unsigned i = 0; i < 11; i++)
		keys[i] = round_key(key, i);
	for (; len - at >= 32 * LANES; at += 32 * LANES) {
		__m256i x[LANES];

#pragma GCC unroll 8
		for (unsigned j = 0; j < LANES; j++) {
			uint64_t n = block + at / 16 + 2 * j;

			x[j] = _mm256_set_epi64x(0, (long long)(n + 1), 0, (long long)n);
			x[j] = _mm256_xor_si256(_mm256_shuffle_epi8(x[j], reverse), keys[0]);
		}
		for (unsigned i = 1; i < 10; i++) {
#pragma GCC unroll 8
			for (unsigned j = 0; j < LANES; j++)
				x[j] = _mm256_aesenc_epi128(x[j], keys[i]);
		}
#pragma GCC unroll 8
		for (unsigned j = 0; j < LANES; j++) {
			/* what is found goes into the last key: zero comes out where it is equal */
			__m256i last =
				_mm256_xor_si256(keys[10], load(found + at + 32 * (size_t)j));

			differs = _mm256_or_si256(differs, _mm256_aesenclast_epi128(x[j], last));
		}
	}
	for (; at < len; at += 16) {
		uint64_t n = block + at / 16;
		__m128i x = _mm_set_epi64x((long long)__builtin_bswap64(n), 0);
		__m128i there = _mm_loadu_si128((const __m128i *)(const void *)(found + at));

		x = _mm_xor_si128(x, _mm256_castsi256_si128(keys[0]));
		for (unsigned i = 1; i < 10; i++)
			x = _mm_aesenc_si128(x, _mm256_castsi256_si128(keys[i]));
		x = _mm_aesenclast_si128(x, _mm_xor_si128(there, _mm256_castsi256_si128(keys[10])));
		differs = _mm256_or_si256(differs, _mm256_zextsi128_si256(x));
	}
	return _mm256_testz_si256(differs, differs);
}

#else

bool xp_wide_can_compare(void)
{
	return false;
}

bool xp_wide_can_cipher(void)
{
	return false;
}

bool xp_wide_is_zero(const uint8_t *p, size_t len)
{
	return xp_mem_is_filled(p, 0, len);
}

/* Not to be reached: callers ask xp_wide_can_cipher. Nothing matches. */
void xp_wide_schedule(struct xp_wide_key *out, const uint8_t key[16])
{
	(void)key;
	memset(out, 0, sizeof(*out));
}

bool xp_wide_is_keystream(const struct xp_wide_key *key, const uint8_t *found, uint64_t block,
			  size_t len)
{
	(void)key;
	(void)found;
	(void)block;
	(void)len;
	return false;
}

#endif
