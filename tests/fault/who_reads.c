/*
 * who_reads: put before the libraries of expunge-cert (LD_PRELOAD), it says on standard error, for
 * each call that parses or hashes bytes in which the text of WHO_READS stands (empty: any bytes),
 * whether the process had given away its rights by then: "who_reads: d2i_X509: confined". With
 * READER_LIES=FROM=TO, of one length, a process without rights writes TO for FROM: as one would
 * that was taken over by what it read.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>
#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

/* Nobody may open for writing in there, be it what everybody may write to. */
static bool is_confined(void)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd < 0 && errno == EPERM;
}

static void report(const char *name, const void *data, size_t len)
{
	const char *mark = getenv("WHO_READS");

	if (data && mark && memmem(data, len, mark, strlen(mark)))
		dprintf(2, "who_reads: %s: %s\n", name, is_confined() ? "confined" : "free");
}

/* The function that this one stands before. */
static void *behind(const char *name)
{
	void *f = dlsym(RTLD_NEXT, name);

	if (!f)
		abort();
	return f;
}

json_t *json_loadb(const char *buffer, size_t len, size_t flags, json_error_t *error)
{
	json_t *(*next)(const char *, size_t, size_t, json_error_t *) = behind("json_loadb");

	report("json_loadb", buffer, len);
	return next(buffer, len, flags, error);
}

BIO *BIO_new_mem_buf(const void *buf, int len)
{
	BIO *(*next)(const void *, int) = behind("BIO_new_mem_buf");

	if (len > 0)
		report("BIO_new_mem_buf", buf, (size_t)len);
	return next(buf, len);
}

X509 *d2i_X509(X509 **a, const unsigned char **in, long len)
{
	X509 *(*next)(X509 **, const unsigned char **, long) = behind("d2i_X509");

	if (in && len > 0)
		report("d2i_X509", *in, (size_t)len);
	return next(a, in, len);
}

CMS_ContentInfo *d2i_CMS_ContentInfo(CMS_ContentInfo **a, const unsigned char **in, long len)
{
	CMS_ContentInfo *(*next)(CMS_ContentInfo **, const unsigned char **, long) =
		behind("d2i_CMS_ContentInfo");

	if (in && len > 0)
		report("d2i_CMS_ContentInfo", *in, (size_t)len);
	return next(a, in, len);
}

int EVP_Digest(const void *data, size_t count, unsigned char *md, unsigned int *size,
	       const EVP_MD *type, ENGINE *impl)
{
	int (*next)(const void *, size_t, unsigned char *, unsigned int *, const EVP_MD *,
		    ENGINE *) = behind("EVP_Digest");

	report("EVP_Digest", data, count);
	return next(data, count, md, size, type, impl);
}

unsigned char *SHA256(const unsigned char *data, size_t count, unsigned char *md)
{
	unsigned char *(*next)(const unsigned char *, size_t, unsigned char *) = behind("SHA256");

	report("SHA256", data, count);
	return next(data, count, md);
}

ssize_t write(int fd, const void *data, size_t count)
{
	ssize_t (*next)(int, const void *, size_t) = behind("write");
	const char *from = getenv("READER_LIES");
	const char *to = from ? strchr(from, '=') : NULL;
	size_t len = to ? (size_t)(to - from) : 0;
	const char *at = len ? memmem(data, count, from, len) : NULL;
	char *copy = at && strlen(to + 1) == len && is_confined() ? malloc(count) : NULL;
	ssize_t n;

	if (!copy)
		return next(fd, data, count);
	memcpy(copy, data, count);
	memcpy(copy + (at - (const char *)data), to + 1, len);
	n = next(fd, copy, count);
	free(copy);
	return n;
}
