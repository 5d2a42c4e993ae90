/* NVMe and TCG answers of any bytes; short ones are filled up with zeros. */
#include "base/wire.h"
#include "device/protocol/nvme_cmd.h"
#include "device/protocol/nvme_erase.h"
#include "device/protocol/nvme_identify.h"
#include "device/protocol/nvme_sanitize.h"
#include "device/protocol/tcg_discovery.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void try_logs(const uint8_t *block)
{
	struct xp_nvme_sanitize_log log;
	struct xp_nvme_health health;
	struct xp_nvme_reservation reservation;

	if (xp_nvme_sanitize_log_parse(&log, block, XP_NVME_LOG_SANITIZE_LEN, NULL) == XP_OK) {
		enum xp_nvme_sanitize_state s = xp_nvme_sanitize_state_of(&log, 4);
		uint16_t progress;

		if (xp_nvme_sanitize_progress(&progress, &log) &&
		    (log.state != XP_NVME_SANITIZE_RUNNING || progress == 0xffff))
			abort();
		if (log.phase != XP_NVME_SANITIZE_PHASE_UNSAID &&
		    (s == XP_NVME_SANITIZE_SUCCEEDED ||
		     s == XP_NVME_SANITIZE_SUCCEEDED_DEALLOCATED))
			abort();

		if ((s == XP_NVME_SANITIZE_SUCCEEDED ||
		     s == XP_NVME_SANITIZE_SUCCEEDED_DEALLOCATED) &&
		    (log.cdw10 != 4 || log.progress != 0xffff))
			abort();
	}
	if (xp_nvme_reservation_parse(&reservation, block, XP_NVME_RESERVATION_LEN, NULL) ==
		    XP_OK &&
	    (reservation.type > 6 || (reservation.type && !reservation.registrants)))
		abort();
	(void)!xp_nvme_health_parse(&health, block, XP_NVME_LOG_SMART_LEN, NULL);
}

static void try_lists(const uint8_t *block)
{
	struct xp_nvme_ns_list *list = calloc(1, sizeof(*list));
	struct xp_nvme_ctrl_list *ctrls = calloc(1, sizeof(*ctrls));

	if (list && xp_nvme_ns_list_parse(list, block, XP_NVME_IDENTIFY_LEN, NULL) == XP_OK)
		for (size_t i = 1; i < list->n; i++)
			if (list->nsid[i] <= list->nsid[i - 1])
				abort();
	if (ctrls)
		(void)!xp_nvme_ctrl_list_parse(ctrls, block, XP_NVME_IDENTIFY_LEN, NULL);
	free(list);
	free(ctrls);
}

/* A word that is read and written again is the same, but for bits that nobody knows. */
static void try_words(const uint8_t *block)
{
	uint32_t cdw10 = get_le32(block);
	struct xp_nvme_sanitize_word s = xp_nvme_sanitize_word_of(cdw10);
	struct xp_nvme_format_word f = xp_nvme_format_word_of(cdw10);

	if (xp_nvme_sanitize_cdw10(&s) != (cdw10 & 0x7ff) || s.other != (cdw10 > 0x7ff) ||
	    xp_nvme_format(1, &f).cdw10 != (cdw10 & 0x3fff))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t block[XP_NVME_IDENTIFY_LEN] = {0};
	struct xp_nvme_ctrl ctrl;
	struct xp_nvme_ns ns;
	struct xp_tcg_discovery tcg;

	(void)!xp_tcg_discovery_parse(&tcg, data, len, NULL);
	memcpy(block, data, len < sizeof(block) ? len : sizeof(block));
	(void)!xp_nvme_ctrl_parse(&ctrl, block, sizeof(block), NULL);
	if (xp_nvme_ns_parse(&ns, block, sizeof(block), NULL) == XP_OK &&
	    (ns.logical_bytes < 512 || ns.bytes / ns.logical_bytes != ns.blocks))
		abort();
	try_lists(block);
	try_logs(block);
	try_words(block);
	return 0;
}
