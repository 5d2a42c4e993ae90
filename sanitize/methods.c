#include "sanitize/method.h"

#include "sanitize/method_ata.h"
#include "sanitize/method_file_overwrite.h"
#include "sanitize/method_luks_destroy.h"
#include "sanitize/method_nvme_format.h"
#include "sanitize/method_nvme_sanitize.h"
#include "sanitize/method_overwrite.h"
#include "sanitize/method_scsi_erase.h"

const struct xp_method *xp_method_find(enum xp_technique technique)
{
	static const struct xp_method *const methods[] = {
		/* by the host */
		&xp_method_overwrite_zero,
		&xp_method_overwrite_random,
		&xp_method_overwrite_pattern,
		&xp_method_luks_destroy,
		&xp_method_file_overwrite,
		/* by an ATA drive */
		&xp_method_ata_sanitize_crypto,
		&xp_method_ata_sanitize_block,
		&xp_method_ata_sanitize_overwrite,
		/* by a SCSI drive */
		&xp_method_scsi_sanitize_crypto,
		&xp_method_scsi_sanitize_block,
		&xp_method_scsi_sanitize_overwrite,
		&xp_method_scsi_format,
		/* by an NVMe drive */
		&xp_method_nvme_sanitize_crypto,
		&xp_method_nvme_sanitize_block,
		&xp_method_nvme_sanitize_overwrite,
		&xp_method_nvme_format_crypto,
		&xp_method_nvme_format_user,
		&xp_method_ata_secure_erase,
		&xp_method_ata_secure_erase_enhanced,
	};

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (methods[i]->technique == technique)
			return methods[i];
	return NULL;
}
