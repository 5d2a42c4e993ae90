#include "device/protocol/nvme_erase.h"

/* CDW10 of Sanitize: SANACT 2:0, AUSE 3, OWPASS 7:4, OIPBP 8, NDAS 9, EMVS 10. */
#define SANACT_MASK  0x7U
#define AUSE	     (1U << 3)
#define OWPASS_SHIFT 4
#define OWPASS_MASK  0xfU
#define OIPBP	     (1U << 8)
#define NDAS	     (1U << 9)
#define EMVS	     (1U << 10)
#define KNOWN_BITS   0x7ffU

/* CDW10 of Format NVM: LBAFL 3:0, MSET 4, PI 7:5, PIL 8, SES 11:9, LBAFU 13:12. */
#define LBAFL_MASK  0xfU
#define LBAFL_BITS  4
#define MSET	    (1U << 4)
#define PI_SHIFT    5
#define PIL	    (1U << 8)
#define SES_SHIFT   9
#define LBAFU_SHIFT 12
#define THREE_BITS  0x7U
#define TWO_BITS    0x3U

uint32_t xp_nvme_sanitize_cdw10(const struct xp_nvme_sanitize_word *w)
{
	return (w->action & SANACT_MASK) | (w->unrestricted ? AUSE : 0) |
	       (w->passes & OWPASS_MASK) << OWPASS_SHIFT | (w->invert ? OIPBP : 0) |
	       (w->no_deallocate ? NDAS : 0) | (w->verify ? EMVS : 0);
}

struct xp_nvme_sanitize_word xp_nvme_sanitize_word_of(uint32_t cdw10)
{
	return (struct xp_nvme_sanitize_word){
		.action = (uint8_t)(cdw10 & SANACT_MASK),
		.unrestricted = (cdw10 & AUSE) != 0,
		.passes = (uint8_t)(cdw10 >> OWPASS_SHIFT & OWPASS_MASK),
		.invert = (cdw10 & OIPBP) != 0,
		.no_deallocate = (cdw10 & NDAS) != 0,
		.verify = (cdw10 & EMVS) != 0,
		.other = (cdw10 & ~KNOWN_BITS) != 0,
	};
}

struct xp_nvme_dwords xp_nvme_sanitize(uint32_t cdw10, uint32_t pattern)
{
	return (struct xp_nvme_dwords){
		.opcode = XP_NVME_SANITIZE, .cdw10 = cdw10, .cdw11 = pattern};
}

struct xp_nvme_dwords xp_nvme_format(uint32_t nsid, const struct xp_nvme_format_word *w)
{
	return (struct xp_nvme_dwords){
		.opcode = XP_NVME_FORMAT,
		.nsid = nsid,
		.cdw10 = (w->lba_format & LBAFL_MASK) | (w->metadata_extended ? MSET : 0) |
			 (w->protection_type & THREE_BITS) << PI_SHIFT |
			 (w->protection_first ? PIL : 0) | (w->erase & THREE_BITS) << SES_SHIFT |
			 ((uint32_t)w->lba_format >> LBAFL_BITS & TWO_BITS) << LBAFU_SHIFT,
	};
}

struct xp_nvme_format_word xp_nvme_format_word_of(uint32_t cdw10)
{
	return (struct xp_nvme_format_word){
		.lba_format = (uint8_t)((cdw10 & LBAFL_MASK) | (cdw10 >> LBAFU_SHIFT & TWO_BITS)
								       << LBAFL_BITS),
		.metadata_extended = (cdw10 & MSET) != 0,
		.protection_type = (uint8_t)(cdw10 >> PI_SHIFT & THREE_BITS),
		.protection_first = (cdw10 & PIL) != 0,
		.erase = (uint8_t)(cdw10 >> SES_SHIFT & THREE_BITS),
	};
}
