#include "certs/person.h"

#include <string.h>

#include "base/cleanup.h"
#include "certs/jcs.h"
#include "certs/record_check.h"

struct folded {
	char *out;
	size_t size, n;
};

static void put(struct folded *f, const char *bytes, size_t len)
{
	if (f->n + len >= f->size)
		return;
	memcpy(f->out + f->n, bytes, len);
	f->n += len;
}

static void fold(struct folded *f, const char *text, size_t left)
{
	size_t begin = f->n;

	while (left) {
		uint32_t c = 0;
		size_t len = xp_utf8_next(&c, text, left);
		uint32_t plain = len ? xp_record_plain_letter(c) : 0;
		char ascii = (char)plain;

		len = len ? len : 1;
		if (plain == ' ' && (f->n == begin || f->out[f->n - 1] == ' '))
			plain = 0;
		if (plain && plain < 0x80)
			put(f, &ascii, 1);
		else if (plain)
			put(f, text, len);
		text += len;
		left -= len;
	}
	while (f->n > begin && f->out[f->n - 1] == ' ')
		f->n--;
}

/* All of that kind, a line each. */
static void fold_all(char *out, size_t size, const X509_NAME *name, int nid)
{
	struct folded f = {.out = out, .size = size};

	for (int at = X509_NAME_get_index_by_NID(name, nid, -1); at >= 0;
	     at = X509_NAME_get_index_by_NID(name, nid, at)) {
		unsigned char *text = NULL;
		int len = ASN1_STRING_to_UTF8(
			&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));

		if (f.n)
			put(&f, "\n", 1);
		if (len > 0)
			fold(&f, (const char *)text, (size_t)len);
		OPENSSL_free(text);
	}
	out[f.n] = 0;
}

void xp_person_name_of(struct xp_person_name *out, const X509 *cert)
{
	const X509_NAME *subject = X509_get_subject_name(cert);

	fold_all(out->number, sizeof(out->number), subject, NID_serialNumber);
	fold_all(out->name, sizeof(out->name), subject, NID_commonName);
}

static bool is_same(const uint8_t a[32], const uint8_t b[32])
{
	static const uint8_t none[32];

	return memcmp(a, b, 32) == 0 && memcmp(a, none, 32) != 0;
}

bool xp_person_marks_meet(const struct xp_person_mark *a, const struct xp_person_mark *b)
{
	/* by number, too: a roster that lists one of two certificates must not split a person */
	return is_same(a->person, b->person) || is_same(a->by_ca, b->by_ca) ||
	       /* one CA that two roots vouch for is one CA */
	       is_same(a->by_issuer, b->by_issuer) ||
	       (!(a->is_sure && b->is_sure) && is_same(a->by_name, b->by_name));
}
