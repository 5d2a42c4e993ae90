#include "device/protocol/io_how.h"

#include "base/names.h"

static const char *const backend_names[] = {
	[XP_IO_URING] = "io_uring",
	[XP_IO_SYNC] = "sync",
	[XP_IO_SG] = "sg",
	[XP_IO_WRITE_SAME] = "write-same",
};
XP_NAMES(io_backend, xp_io_backend, backend_names, XP_IO_WRITE_SAME + 1)
