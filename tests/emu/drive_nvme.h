/*
 * drive_nvme: a whole NVM subsystem that exists in memory: controllers, namespaces (attached,
 * detached, shared), capacity that nobody has allocated. It restates the NVMe Base and NVM Command
 * Set specifications on its own: no constant is shared with the code under test. Its time is
 * simulated.
 */
#pragma once
#include "tests/emu/media.h"
#include "tests/emu/simtime.h"

struct emu_nvme;

#define EMU_NVME_CTRLS_MAX   8
#define EMU_NVME_NS_MAX	     32
#define EMU_NVME_FORMATS_MAX 16

struct emu_nvme_format {
	uint8_t data_exponent; /* LBADS: 9 is 512 bytes */
	uint16_t metadata_bytes;
};

struct emu_nvme_ns_config {
	uint64_t bytes; /* a multiple of 4096 */
	uint8_t format; /* index into the drive's formats */
	bool metadata_extended;
	uint8_t protection; /* 0: none, else the type */
	bool is_shared;
	uint32_t attached; /* bit c: to the controller with index c; 0: detached */
};

struct emu_nvme_config {
	char model[41], serial[21], firmware[9];
	char subnqn[224]; /* empty: made of the serial number */
	uint32_t version; /* VER */
	unsigned controllers_n;
	struct emu_nvme_ns_config ns[EMU_NVME_NS_MAX]; /* NSID 1 and up */
	unsigned ns_n;
	uint64_t unallocated_bytes;
	uint32_t spare_sectors; /* of 512 bytes, of each namespace and of what is not allocated */
	bool encrypts;
	struct emu_nvme_format formats[EMU_NVME_FORMATS_MAX];
	unsigned formats_n;
	bool sanitize_crypto, sanitize_block, sanitize_overwrite, has_media_verification;
	bool no_deallocate_inhibited;	/* NDI */
	uint8_t no_deallocate_modifies; /* NODMMAS */
	bool has_format, format_all, erase_all, format_crypto, format_broadcast_refused;
	bool format_reaches_spare;
	bool has_security, has_ns_management, has_reservations, has_compare, has_dsm,
		has_write_zeroes, has_volatile_cache;
	bool has_boot_partitions, has_memory_region; /* CAP.BPS, CAP.PMRS */
	uint32_t rpmbs;
	enum emu_trimmed deallocated; /* how deallocated blocks read; OLD: DLFEAT says nothing */
	uint32_t overwrite_seconds, block_seconds, crypto_seconds; /* a pass; sanitize */
	uint32_t deallocate_seconds;				   /* after media verification */
	uint32_t format_seconds;				   /* a namespace */
	uint32_t capsule_bytes; /* behind fabrics: in-capsule data; 0: PCIe */
	const uint8_t *image;	/* 4096 bytes of Identify Controller to wear; NULL: its own */
};
/* An SSD with one controller and one namespace of all its bytes that can do everything. */
struct emu_nvme_config emu_nvme_ssd(uint64_t bytes);
/* The same with two controllers: NSID 1 at the first, 2 shared, 3 detached, and some unallocated.
 */
struct emu_nvme_config emu_nvme_many(uint64_t bytes);
/* What a drive is by its Identify Controller data, worn by one namespace of BYTES. ID_CTRL stays
 * the caller's until the drive is made. */
bool emu_nvme_wear(struct emu_nvme_config *cfg, const uint8_t id_ctrl[4096], uint64_t bytes);

/* What goes wrong. May be changed at any time. */
struct emu_nvme_faults {
	bool sanitize_ignored;	     /* accepted, and nothing is done: the older result shows */
	uint32_t sanitize_stalls_at; /* of 65536: there its progress ends for ever; 0: never */
	uint32_t sanitize_fails_at;  /* of 65536: there it fails; 0: never */
	bool sanitize_dies_by_power; /* it fails when the power comes back, and does not go on */
	bool progress_lost;	     /* SPROG is FFFFh though it runs */
	bool success_early;	     /* SSTAT says success while it runs */
	bool log_refused;	     /* log 81h: internal error */
	bool keeps_key;		     /* crypto erase reports success, the key stays */
	bool detached_left;	     /* sanitize: only what the asking controller sees */
	struct emu_leave leave;	     /* what each erase leaves, sector by 512 bytes: the liar */
	bool leave_unmapped;	     /* ... and what it left is deallocated, too */
	bool vendor_pattern;	     /* after block and user data erase the pattern below stands */
	uint32_t pattern;
	bool format_ignored;	      /* success, and nothing is done */
	bool format_changes_lba;      /* to another LBA size than was asked for */
	bool format_drops_protection; /* the new format has none */
	unsigned foreign_controllers; /* more of them in the controller list */
	uint32_t vanishes_after;      /* commands from now on; 0: never */
	bool smart_warning;
	bool memory_region_enabled; /* sanitize is prohibited */
};

/* The drive is powered on. TIME stays the caller's and must outlive it. NULL: no memory. */
struct emu_nvme *emu_nvme_new(const struct emu_nvme_config *cfg, struct emu_time *time);
void emu_nvme_free(struct emu_nvme **d);
struct emu_nvme_faults *emu_nvme_faults(struct emu_nvme *d);
const struct emu_nvme_config *emu_nvme_config_of(const struct emu_nvme *d);
struct emu_time *emu_nvme_time(struct emu_nvme *d);
/* In sectors of 512 bytes, whatever the format. NULL: there is no such namespace. */
struct emu_media *emu_nvme_media(struct emu_nvme *d, uint32_t nsid);
/* Does any controller see it? */
bool emu_nvme_is_attached(const struct emu_nvme *d, uint32_t nsid);
/* What lies in capacity that no namespace has; NULL: nothing there was ever used. */
struct emu_media *emu_nvme_unallocated(struct emu_nvme *d);
/* Customer data everywhere: allocated or not, spare; of very large media in places. */
void emu_nvme_stain(struct emu_nvme *d);
struct emu_stains emu_nvme_stains(struct emu_nvme *d);

void emu_nvme_power_off(struct emu_nvme *d);
void emu_nvme_power_on(struct emu_nvme *d);
bool emu_nvme_is_powered(const struct emu_nvme *d);
/* Gone from the bus; only a new drive comes back. */
bool emu_nvme_has_vanished(const struct emu_nvme *d);
/* The power goes at that time and comes back, also in the middle of a command; 0: it does not. */
void emu_nvme_cut_power_at(struct emu_nvme *d, uint64_t at_ns);
/* Controller Level Reset, not by a means of the transport: ends no sanitize. */
void emu_nvme_reset(struct emu_nvme *d, unsigned controller);
/* The host behind a controller, for reservations; by default each controller has its own. */
void emu_nvme_set_host(struct emu_nvme *d, unsigned controller, const uint8_t host_id[16]);
/* Another host, at no controller of ours, reserves a namespace. TYPE: RTYPE, 1 to 6. */
bool emu_nvme_reserve_elsewhere(struct emu_nvme *d, uint32_t nsid, uint8_t type);

struct emu_nvme_cmd {
	uint8_t sqe[64];
	unsigned controller; /* index; its CNTLID is one more */
	bool is_io;
	const uint8_t *out;
	uint8_t *in;
	size_t len; /* of the data, one way */
	/* a separate buffer for metadata, both ways; NULL: none */
	uint8_t *metadata;
	size_t metadata_len;
	uint64_t give_up_ns; /* the host resets the controller after so long; 0: never */
	/* the answer */
	bool answered;	 /* false: power, link or patience went away first */
	bool is_held;	 /* an Asynchronous Event Request that waits: see emu_nvme_event */
	uint16_t status; /* SC, SCT, CRD, M, DNR: 15 bits without the phase */
	uint32_t result; /* dword 0 */
	size_t moved;	 /* bytes of data */
};
void emu_nvme_exec(struct emu_nvme *d, struct emu_nvme_cmd *cmd);
/* The dwords of a submission queue entry; the rest is zero. CDW: 10 to 15. */
void emu_nvme_sqe(uint8_t sqe[64], uint8_t opcode, uint32_t nsid, const uint32_t cdw[6]);

/* The next event that may be reported to the controller's host: dword 0 of its completion. */
bool emu_nvme_event(struct emu_nvme *d, unsigned controller, uint32_t *result);

/* The states of the standard: SANS. */
enum emu_nvme_san {
	EMU_NVME_IDLE,
	EMU_NVME_RESTRICTED,
	EMU_NVME_RESTRICTED_FAILURE,
	EMU_NVME_UNRESTRICTED,
	EMU_NVME_UNRESTRICTED_FAILURE,
	EMU_NVME_VERIFICATION,
	EMU_NVME_DEALLOCATION,
};
enum emu_nvme_san emu_nvme_sanitize_state(struct emu_nvme *d);
