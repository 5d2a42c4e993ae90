#include "cli/program.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"

void xp_program_boot_id(char out[37])
{
	AUTO_MEM char *text = NULL;
	size_t len = 0;

	snprintf(out, 37, "00000000-0000-0000-0000-000000000000");
	if (xp_file_read(&text, &len, "/proc/sys/kernel/random/boot_id", 4096, NULL) == XP_OK &&
	    len >= 36)
		snprintf(out, 37, "%.36s", text);
}

void xp_program_sha256(char out[65])
{
	AUTO_FD int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t digest[32];
	uint8_t buf[8192];
	ssize_t n = -1;

	out[0] = 0;
	if (fd >= 0 && ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1) {
		while ((n = read(fd, buf, sizeof(buf))) > 0)
			if (EVP_DigestUpdate(ctx, buf, (size_t)n) != 1)
				break;
		if (n == 0 && EVP_DigestFinal_ex(ctx, digest, NULL) == 1)
			xp_hex_encode(out, digest, sizeof(digest));
	}
	EVP_MD_CTX_free(ctx);
}
