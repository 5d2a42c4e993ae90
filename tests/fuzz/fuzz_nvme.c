/* NVMe and TCG answers of any bytes; short ones are filled up with zeros. */
#include "device/protocol/nvme_cmd.h"
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

	if (xp_nvme_sanitize_log_parse(&log, block, XP_NVME_LOG_SANITIZE_LEN, NULL) == XP_OK) {
		enum xp_nvme_sanitize_state s = xp_nvme_sanitize_state_of(&log, 4);

		if ((s == XP_NVME_SANITIZE_SUCCEEDED ||
		     s == XP_NVME_SANITIZE_SUCCEEDED_DEALLOCATED) &&
		    (log.cdw10 != 4 || log.progress != 0xffff))
			abort();
	}
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
	return 0;
}
