#include "claim/sample_places.h"

#include "base/cleanup.h"

#include <stdlib.h>

#define KIB 1024ULL
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define TIB (1024 * GIB)

struct places {
	struct xp_extent *list;
	size_t n;
	size_t cap;
	uint64_t capacity;
	uint32_t unit;
	bool no_memory;
};

/* Bytes of the unit that AT stands in, before it: a mask does where the unit is a power of two. */
static uint64_t past_unit(const struct places *p, uint64_t at)
{
	return p->unit & (p->unit - 1) ? at % p->unit : at & (p->unit - 1);
}

/* Adds [offset, offset + len), cut to the capacity and widened to whole units. */
static void add(struct places *p, uint64_t offset, uint64_t len)
{
	uint64_t end, past;

	if (offset >= p->capacity || p->no_memory)
		return;
	end = len > p->capacity - offset ? p->capacity : offset + len;
	offset -= past_unit(p, offset);
	past = past_unit(p, end);
	if (past)
		end = p->unit - past > p->capacity - end ? p->capacity : end + (p->unit - past);
	if (p->n == p->cap) {
		size_t cap = p->cap ? 2 * p->cap : 128;
		struct xp_extent *list = reallocarray(p->list, cap, sizeof(*list));

		if (!list) {
			p->no_memory = true;
			return;
		}
		p->list = list;
		p->cap = cap;
	}
	p->list[p->n++] = (struct xp_extent){.offset = offset, .len = end - offset};
}

/* Adds the last LEN bytes. */
static void add_tail(struct places *p, uint64_t len)
{
	add(p, len < p->capacity ? p->capacity - len : 0, len);
}

/*
 * The first 4 MiB hold: MBR, GPT and its entries (4 KiB sectors too), boot sectors of FAT, exFAT,
 * NTFS, BitLocker and their copies near by, the first ext, XFS, btrfs (64 KiB), APFS, HFS+, ReFS
 * and swap headers (pages up to 64 KiB), LVM label and metadata, md 1.1 (byte 0) and 1.2 (4 KiB),
 * bcache, both LUKS1 header and default key slots, LUKS2's first header and its second one at 4000h
 * to 200000h, the first two ZFS labels (256 KiB each), VMFS (1 MiB, 2 MiB), and what begins a first
 * partition at 63 sectors or at 1 MiB. LUKS2's last place, 400000h, follows behind them.
 */
#define HEAD_BYTES (4 * MIB + 4 * KIB)
/*
 * The last 1 MiB holds: GPT's copy (4 KiB sectors too), NTFS' and HFS+'s copies, md 0.90 (64 to 128
 * KiB before the end) and 1.0 (8 to 12 KiB), the last two ZFS labels.
 */
#define TAIL_BYTES (1 * MIB)

static void add_ends(struct places *p, uint32_t logical_block)
{
	add(p, 0, HEAD_BYTES);
	add_tail(p, logical_block > TAIL_BYTES ? logical_block : TAIL_BYTES);
}

/* ext2/3/4: copies of the superblock in group 1 and in the groups 3^k, 5^k, 7^k, by block size. */
static void add_ext_copies(struct places *p)
{
	static const uint64_t bases[] = {3, 5, 7};

	for (uint64_t block = KIB; block <= 4 * KIB; block *= 2) {
		uint64_t group = 8 * block * block; /* bytes: a bitmap of one block */
		uint64_t first = block == KIB ? KIB : 0;

		add(p, first + group, block);
		for (size_t b = 0; b < XP_ARRAY_LEN(bases); b++) {
			for (uint64_t k = bases[b]; k <= p->capacity / group; k *= bases[b])
				add(p, first + k * group, block);
		}
	}
}

static void add_scattered_places(struct places *p)
{
	static const uint64_t btrfs[] = {64 * KIB, 64 * MIB, 256 * GIB, 1024 * TIB};
	uint64_t blocks = p->capacity / (4 * KIB);
	uint64_t group = (blocks + 3) / 4 * (4 * KIB);

	for (size_t i = 0; i < XP_ARRAY_LEN(btrfs); i++) {
		add(p, btrfs[i], 4 * KIB);
		/* in a first partition at 1 MiB */
		add(p, MIB + btrfs[i], 4 * KIB);
	}
	/* XFS makes four allocation groups by default, each with a superblock */
	for (uint64_t i = 1; i < 4; i++)
		add(p, i * group, 4 * KIB);
	/* NTFS: the master file table, cluster C0000h of 4 KiB */
	add(p, 0xC0000 * 4 * KIB, 4 * KIB);
	add(p, MIB + 0xC0000 * 4 * KIB, 4 * KIB);
}

/* By offset: there are some dozens, in a few rising runs. */
static void sort(struct places *p)
{
	for (size_t i = 1; i < p->n; i++) {
		const struct xp_extent e = p->list[i];
		size_t k = i;

		for (; k > 0 && p->list[k - 1].offset > e.offset; k--)
			p->list[k] = p->list[k - 1];
		p->list[k] = e;
	}
}

static void merge(struct places *p)
{
	size_t out = 0;

	sort(p);
	for (size_t i = 1; i < p->n; i++) {
		struct xp_extent *last = &p->list[out];
		uint64_t end = p->list[i].offset + p->list[i].len;

		if (p->list[i].offset > last->offset + last->len)
			p->list[++out] = p->list[i];
		else if (end > last->offset + last->len)
			last->len = end - last->offset;
	}
	p->n = p->n ? out + 1 : 0;
}

enum xp_rc xp_sample_places(struct xp_extent **out, size_t *n, uint64_t capacity_bytes,
			    uint32_t unit_bytes, uint32_t logical_block_bytes, struct xp_err *err)
{
	struct places p = {.capacity = capacity_bytes, .unit = unit_bytes};

	*out = NULL;
	*n = 0;
	add_ends(&p, logical_block_bytes);
	add_ext_copies(&p);
	add_scattered_places(&p);
	if (p.no_memory) {
		free(p.list);
		return xp_fail(err, XP_E_NOMEM, "places to read always");
	}
	merge(&p);
	*out = p.list;
	*n = p.n;
	return XP_OK;
}
