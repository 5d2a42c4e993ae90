#include "certs/key_pkcs11.h"

#define CRYPTOKI_GNU
#include <p11-kit-1/p11-kit/pkcs11.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "certs/key.h"
#include "certs/pki.h"

#define SLOTS_MAX 64
#define HALF	  32 /* bytes of r and of s */

/* prime256v1 as CKA_EC_PARAMS has it */
static const uint8_t P256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};

struct xp_token {
	struct xp_key_uri uri;
	void *library;
	struct ck_function_list *f;
	bool is_initialized, has_session, asks_each_time;
	ck_slot_id_t slot;
	ck_flags_t flags;
	char label[33], serial[17];
	ck_session_handle_t session;
	ck_object_handle_t key;
	struct xp_secret pin;
	pid_t pid; /* a session does not survive fork */
	pthread_mutex_t lock;
};

static const struct {
	ck_rv_t rv;
	const char *text;
} MEANINGS[] = {
	{CKR_HOST_MEMORY, "out of memory"},
	{CKR_GENERAL_ERROR, "general error"},
	{CKR_FUNCTION_FAILED, "the function failed"},
	{CKR_DEVICE_ERROR, "the device failed"},
	{CKR_DEVICE_MEMORY, "the device is out of memory"},
	{CKR_DEVICE_REMOVED, "the device was removed"},
	{CKR_TOKEN_NOT_PRESENT, "the token is not present"},
	{CKR_TOKEN_NOT_RECOGNIZED, "the token is not recognized"},
	{CKR_SESSION_CLOSED, "the session was closed"},
	{CKR_SESSION_HANDLE_INVALID, "the session is gone"},
	{CKR_SESSION_COUNT, "too many sessions"},
	{CKR_SLOT_ID_INVALID, "the slot is gone"},
	{CKR_USER_NOT_LOGGED_IN, "nobody is logged in"},
	{CKR_USER_PIN_NOT_INITIALIZED, "it has no user PIN yet"},
	{CKR_PIN_INCORRECT, "the PIN is wrong"},
	{CKR_PIN_INVALID, "no PIN looks like this"},
	{CKR_PIN_LEN_RANGE, "no PIN has this length"},
	{CKR_PIN_EXPIRED, "the PIN has expired"},
	{CKR_PIN_LOCKED, "the PIN is locked"},
	{CKR_MECHANISM_INVALID, "it cannot do ECDSA"},
	{CKR_KEY_TYPE_INCONSISTENT, "the key is of another kind"},
	{CKR_KEY_FUNCTION_NOT_PERMITTED, "the key is not allowed to sign"},
	{CKR_KEY_HANDLE_INVALID, "the key is gone"},
	{CKR_FUNCTION_CANCELED, "it was cancelled"},
};

static enum xp_rc token_fail(struct xp_err *err, enum xp_rc rc, const struct xp_token *t,
			     const char *what, ck_rv_t rv)
{
	const char *where = *t->label ? t->label : t->uri.module_path;

	for (unsigned i = 0; i < XP_ARRAY_LEN(MEANINGS); i++)
		if (MEANINGS[i].rv == rv)
			return xp_fail(err, rc, "%s: %s: %s", where, what, MEANINGS[i].text);
	return xp_fail(err, rc, "%s: %s: PKCS#11 error %lxh", where, what, rv);
}

/* ---- the module ---- */

static enum xp_rc load_module(struct xp_token *t, struct xp_err *err)
{
	const char *path = t->uri.module_path;
	CK_C_GetFunctionList get = NULL;
	void *symbol;
	struct stat st;
	ck_rv_t rv;

	if (!*path)
		return xp_fail(
			err, XP_E_USAGE,
			"which module? Give --pkcs11-module FILE, or module-path in the URI");
	if (stat(path, &st))
		return xp_fail_errno(err, errno == ENOENT ? XP_E_NOENT : XP_E_IO,
				     "PKCS#11 module %s", path);
	if (!S_ISREG(st.st_mode))
		return xp_fail(err, XP_E_USAGE, "PKCS#11 module %s: not a file", path);
	if (st.st_mode & S_IWOTH)
		return xp_fail(err, XP_E_USAGE,
			       "PKCS#11 module %s: everyone may write to it; its code is not run",
			       path);
	t->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!t->library)
		return xp_fail(err, XP_E_USAGE, "PKCS#11 module: cannot be loaded: %s", dlerror());
	symbol = dlsym(t->library, "C_GetFunctionList");
	if (!symbol)
		return xp_fail(err, XP_E_USAGE, "%s: a library, but no PKCS#11 module", path);
	memcpy(&get, &symbol, sizeof(get));
	rv = get(&t->f);
	if (rv != CKR_OK || !t->f)
		return token_fail(err, XP_E_IO, t, "its functions", rv);
	if (t->f->version.major != 2 && t->f->version.major != 3)
		return xp_fail(err, XP_E_UNSUPPORTED, "%s: PKCS#11 version %u is not known", path,
			       t->f->version.major);
	return XP_OK;
}

static enum xp_rc initialize(struct xp_token *t, struct xp_err *err)
{
	struct ck_c_initialize_args args = {.flags = CKF_OS_LOCKING_OK};
	ck_rv_t rv = t->f->C_Initialize(&args);

	/* our lock serializes all calls, so a module that has none will do */
	if (rv == CKR_CANT_LOCK)
		rv = t->f->C_Initialize(NULL);
	if (rv != CKR_OK)
		return token_fail(err, XP_E_IO, t, "beginning", rv);
	t->is_initialized = true;
	return XP_OK;
}

/* ---- the token ---- */

/* Texts in PKCS#11 are filled up with blanks. */
static void take_text(char *out, const unsigned char *text, size_t len)
{
	while (len && (text[len - 1] == ' ' || text[len - 1] == 0))
		len--;
	memcpy(out, text, len);
	out[len] = 0;
}

struct found {
	unsigned n;
	ck_slot_id_t slot;
	struct ck_token_info info;
};

static enum xp_rc find_tokens(struct found *out, struct xp_token *t, const char *label,
			      const char *serial, struct xp_err *err)
{
	ck_slot_id_t slots[SLOTS_MAX];
	unsigned long n = SLOTS_MAX;
	ck_rv_t rv = t->f->C_GetSlotList(1, slots, &n);

	*out = (struct found){0};
	if (rv != CKR_OK || n > SLOTS_MAX)
		return token_fail(err, XP_E_IO, t, "listing tokens", rv);
	for (unsigned long i = 0; i < n; i++) {
		struct ck_token_info info = {0};
		char its_label[33], its_serial[17];

		/* one that cannot be read is not the one that is meant */
		if (t->f->C_GetTokenInfo(slots[i], &info) != CKR_OK ||
		    !(info.flags & CKF_TOKEN_INITIALIZED))
			continue;
		take_text(its_label, info.label, sizeof(info.label));
		take_text(its_serial, info.serial_number, sizeof(info.serial_number));
		if ((*label && strcmp(label, its_label) != 0) ||
		    (*serial && strcmp(serial, its_serial) != 0))
			continue;
		out->n++;
		out->slot = slots[i];
		out->info = info;
	}
	return XP_OK;
}

static enum xp_rc choose_token(struct xp_token *t, const char *label, const char *serial,
			       struct xp_err *err)
{
	struct found found;

	TRY(find_tokens(&found, t, label, serial, err));
	if (found.n == 0)
		return xp_fail(err, XP_E_NOENT, "%s: no token%s%s%s%s is present",
			       t->uri.module_path, *label ? " " : "", label,
			       *serial ? " with serial number " : "", serial);
	if (found.n > 1)
		return xp_fail(err, XP_E_USAGE,
			       "%s: %u tokens fit; name one with token= and serial=",
			       t->uri.module_path, found.n);
	t->slot = found.slot;
	t->flags = found.info.flags;
	take_text(t->label, found.info.label, sizeof(found.info.label));
	take_text(t->serial, found.info.serial_number, sizeof(found.info.serial_number));
	return XP_OK;
}

enum xp_rc xp_token_open(struct xp_token **out, const struct xp_key_uri *uri, struct xp_err *err)
{
	AUTO(xp_token_free) struct xp_token *t = calloc(1, sizeof(*t));

	if (!t)
		return xp_fail(err, XP_E_NOMEM, "token");
	if (pthread_mutex_init(&t->lock, NULL)) {
		free(STEAL(t));
		return xp_fail(err, XP_E_NOMEM, "token");
	}
	t->uri = *uri;
	t->pid = getpid();
	TRY(load_module(t, err));
	TRY(initialize(t, err));
	TRY(choose_token(t, uri->token, uri->serial, err));
	*out = STEAL(t);
	return XP_OK;
}

bool xp_token_wants_pin(const struct xp_token *t)
{
	return (t->flags & CKF_LOGIN_REQUIRED) && !(t->flags & CKF_PROTECTED_AUTHENTICATION_PATH);
}

void xp_token_free(struct xp_token **token)
{
	struct xp_token *t = *token;

	if (!t)
		return;
	*token = NULL;
	if (t->pid == getpid()) {
		if (t->has_session)
			(void)t->f->C_CloseSession(t->session);
		if (t->is_initialized)
			(void)t->f->C_Finalize(NULL);
		if (t->library)
			dlclose(t->library);
	}
	xp_secret_free(&t->pin);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* ---- the key ---- */

static enum xp_rc wrong_pin(struct xp_token *t, ck_rv_t rv, struct xp_err *err)
{
	struct ck_token_info info = {0};

	(void)token_fail(err, XP_E_USAGE, t, "login", rv);
	if (!err || rv == CKR_PIN_LOCKED || t->f->C_GetTokenInfo(t->slot, &info) != CKR_OK)
		return XP_E_USAGE;
	if (info.flags & CKF_USER_PIN_LOCKED)
		return xp_fail(err, XP_E_USAGE,
			       "%s: login: the PIN was wrong; the token has now "
			       "locked itself",
			       t->label);
	if (info.flags & CKF_USER_PIN_FINAL_TRY)
		return xp_fail(err, XP_E_USAGE,
			       "%s: login: the PIN is wrong; one try is left "
			       "before the token locks itself",
			       t->label);
	return XP_E_USAGE;
}

static enum xp_rc log_in(struct xp_token *t, struct xp_err *err)
{
	ck_rv_t rv = t->f->C_OpenSession(t->slot, CKF_SERIAL_SESSION, NULL, NULL, &t->session);

	if (rv != CKR_OK)
		return token_fail(err, XP_E_IO, t, "session", rv);
	t->has_session = true;
	if (!(t->flags & CKF_LOGIN_REQUIRED))
		return XP_OK;
	rv = t->f->C_Login(t->session, CKU_USER, t->pin.data, t->pin.len);
	if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
		return XP_OK;
	if (rv == CKR_PIN_INCORRECT || rv == CKR_PIN_INVALID || rv == CKR_PIN_LEN_RANGE ||
	    rv == CKR_PIN_LOCKED || rv == CKR_PIN_EXPIRED)
		return wrong_pin(t, rv, err);
	return token_fail(err, XP_E_IO, t, "login", rv);
}

static unsigned long add_named(struct ck_attribute *to, unsigned long n, struct xp_token *t)
{
	if (*t->uri.object)
		to[n++] = (struct ck_attribute){CKA_LABEL, t->uri.object, strlen(t->uri.object)};
	if (t->uri.id_len)
		to[n++] = (struct ck_attribute){CKA_ID, t->uri.id, t->uri.id_len};
	return n;
}

/* Up to two handles: more than one is too many. */
static ck_rv_t find_objects(ck_object_handle_t out[2], unsigned long *n, struct xp_token *t,
			    struct ck_attribute *wanted, unsigned long wanted_n)
{
	ck_rv_t rv = t->f->C_FindObjectsInit(t->session, wanted, wanted_n);

	*n = 0;
	if (rv != CKR_OK)
		return rv;
	rv = t->f->C_FindObjects(t->session, out, 2, n);
	(void)t->f->C_FindObjectsFinal(t->session);
	return rv;
}

/* The value's length, or 0 where the token does not tell it or it does not fit. */
static size_t get_bytes(void *out, size_t size, struct xp_token *t, ck_object_handle_t object,
			ck_attribute_type_t type)
{
	struct ck_attribute a = {type, out, size};
	ck_rv_t rv = t->f->C_GetAttributeValue(t->session, object, &a, 1);

	return rv == CKR_OK && a.value_len <= size ? a.value_len : 0;
}

static enum xp_rc find_key(struct xp_token *t, struct xp_err *err)
{
	ck_object_class_t class = CKO_PRIVATE_KEY;
	ck_key_type_t type = CKK_EC;
	struct ck_attribute wanted[4] = {{CKA_CLASS, &class, sizeof(class)},
					 {CKA_KEY_TYPE, &type, sizeof(type)}};
	unsigned long wanted_n = add_named(wanted, 2, t);
	ck_object_handle_t found[2];
	uint8_t params[64];
	unsigned char asks = 0;
	unsigned long n = 0;
	size_t len;
	ck_rv_t rv = find_objects(found, &n, t, wanted, wanted_n);

	if (rv != CKR_OK)
		return token_fail(err, XP_E_IO, t, "looking for the key", rv);
	if (n == 0)
		return xp_fail(err, XP_E_NOENT, "%s: no such private key for ECDSA%s%s", t->label,
			       *t->uri.object ? ": " : "", t->uri.object);
	if (n > 1)
		return xp_fail(err, XP_E_USAGE,
			       "%s: several keys fit; name one with object= or id=", t->label);
	/* a token that does not tell the curve is found out by the trial signature */
	len = get_bytes(params, sizeof(params), t, found[0], CKA_EC_PARAMS);
	if (len && (len != sizeof(P256) || memcmp(params, P256, len) != 0))
		return xp_fail(err, XP_E_USAGE, "%s: the key is not on the curve P-256", t->label);
	t->key = found[0];
	t->asks_each_time = get_bytes(&asks, 1, t, found[0], CKA_ALWAYS_AUTHENTICATE) == 1 && asks;
	return XP_OK;
}

enum xp_rc xp_token_login(struct xp_token *t, const struct xp_secret *pin, struct xp_err *err)
{
	if (t->flags & CKF_USER_PIN_LOCKED)
		return xp_fail(err, XP_E_USAGE, "%s: the PIN is locked", t->label);
	if (xp_token_wants_pin(t) && (!pin || !pin->len))
		return xp_fail(err, XP_E_USAGE, "%s: this token wants its PIN", t->label);
	if (xp_token_wants_pin(t)) {
		xp_secret_free(&t->pin);
		TRY(xp_secret_new(&t->pin, pin->len, err));
		memcpy(t->pin.data, pin->data, pin->len);
	}
	TRY(log_in(t, err));
	return find_key(t, err);
}

/* ---- signing ---- */

static ck_rv_t sign_once(uint8_t rs[2 * HALF], struct xp_token *t, const uint8_t digest[32])
{
	struct ck_mechanism ecdsa = {.mechanism = CKM_ECDSA};
	unsigned long n = 2 * HALF;
	uint8_t in[32];
	ck_rv_t rv;

	memcpy(in, digest, sizeof(in));
	rv = t->f->C_SignInit(t->session, &ecdsa, t->key);
	if (rv == CKR_OK && t->asks_each_time)
		rv = t->f->C_Login(t->session, CKU_CONTEXT_SPECIFIC, t->pin.data, t->pin.len);
	if (rv == CKR_OK)
		rv = t->f->C_Sign(t->session, in, sizeof(in), rs, &n);
	return rv == CKR_OK && n != 2 * HALF ? CKR_GENERAL_ERROR : rv;
}

static bool was_away(ck_rv_t rv)
{
	return rv == CKR_SESSION_CLOSED || rv == CKR_SESSION_HANDLE_INVALID ||
	       rv == CKR_USER_NOT_LOGGED_IN || rv == CKR_DEVICE_REMOVED ||
	       rv == CKR_TOKEN_NOT_PRESENT || rv == CKR_KEY_HANDLE_INVALID ||
	       rv == CKR_OBJECT_HANDLE_INVALID || rv == CKR_DEVICE_ERROR;
}

static enum xp_rc come_back(struct xp_token *t, struct xp_err *err)
{
	char label[33], serial[17];

	memcpy(label, t->label, sizeof(label));
	memcpy(serial, t->serial, sizeof(serial));
	if (t->has_session)
		(void)t->f->C_CloseSession(t->session);
	t->has_session = false;
	TRY(choose_token(t, label, serial, err));
	TRY(log_in(t, err));
	return find_key(t, err);
}

static enum xp_rc sign_locked(uint8_t rs[2 * HALF], struct xp_token *t, const uint8_t digest[32],
			      struct xp_err *err)
{
	ck_rv_t rv;

	if (t->pid != getpid())
		return xp_fail(err, XP_E_INTERNAL, "%s: a session belongs to one process",
			       t->label);
	rv = sign_once(rs, t, digest);
	if (was_away(rv)) {
		/* it was there when the work began: no mistake of the caller's any more */
		if (come_back(t, err) != XP_OK) {
			if (err)
				err->rc = XP_E_IO;
			xp_err_prefix(err, "the token is needed to sign");
			return XP_E_IO;
		}
		rv = sign_once(rs, t, digest);
	}
	return rv == CKR_OK ? XP_OK : token_fail(err, XP_E_IO, t, "signing", rv);
}

static bool to_der(uint8_t out[XP_TOKEN_SIGNATURE_MAX_BYTES], size_t *len,
		   const uint8_t rs[2 * HALF])
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(rs, HALF, NULL);
	BIGNUM *s = BN_bin2bn(rs + HALF, HALF, NULL);
	unsigned char *at = out;
	int n = 0;

	if (sig && r && s && ECDSA_SIG_set0(sig, r, s)) {
		r = s = NULL;
		n = i2d_ECDSA_SIG(sig, NULL);
		if (n > 0 && n <= XP_TOKEN_SIGNATURE_MAX_BYTES)
			n = i2d_ECDSA_SIG(sig, &at);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	*len = n > 0 ? (size_t)n : 0;
	return n > 0 && n <= XP_TOKEN_SIGNATURE_MAX_BYTES;
}

enum xp_rc xp_token_sign(uint8_t out[XP_TOKEN_SIGNATURE_MAX_BYTES], size_t *len, struct xp_token *t,
			 const uint8_t digest[32], struct xp_err *err)
{
	uint8_t rs[2 * HALF];
	enum xp_rc rc;

	pthread_mutex_lock(&t->lock);
	rc = sign_locked(rs, t, digest, err);
	pthread_mutex_unlock(&t->lock);
	if (rc == XP_OK && !to_der(out, len, rs))
		rc = xp_pki_fail(err, XP_E_INTERNAL, "the token's signature");
	return rc;
}

/* ---- the public key ---- */

EVP_PKEY *xp_key_of_point(uint8_t *point, size_t len)
{
	char group[] = "prime256v1";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, len),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;

	if (!c || EVP_PKEY_fromdata_init(c) != 1 ||
	    EVP_PKEY_fromdata(c, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(c);
	return key;
}

bool xp_key_point(uint8_t out[XP_KEY_POINT_LEN], const EVP_PKEY *key)
{
	BIGNUM *x = NULL, *y = NULL;
	bool ok = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_X, &x) == 1 &&
		  EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, &y) == 1 &&
		  BN_bn2binpad(x, out + 1, HALF) == HALF &&
		  BN_bn2binpad(y, out + 1 + HALF, HALF) == HALF;

	out[0] = 4;
	BN_free(x);
	BN_free(y);
	return ok;
}

enum xp_rc xp_token_public_key(EVP_PKEY **out, struct xp_token *t, struct xp_err *err)
{
	ck_object_class_t class = CKO_PUBLIC_KEY;
	ck_key_type_t type = CKK_EC;
	uint8_t id[sizeof(t->uri.id)];
	uint8_t point[80];
	size_t id_len = get_bytes(id, sizeof(id), t, t->key, CKA_ID);
	struct ck_attribute wanted[3] = {{CKA_CLASS, &class, sizeof(class)},
					 {CKA_KEY_TYPE, &type, sizeof(type)},
					 {CKA_ID, id, id_len}};
	ck_object_handle_t found[2];
	unsigned long n = 0;
	ck_rv_t rv = id_len ? find_objects(found, &n, t, wanted, 3) : CKR_OK;
	size_t len;

	if (rv != CKR_OK)
		return token_fail(err, XP_E_IO, t, "looking for the public key", rv);
	if (n != 1)
		return xp_fail(err, XP_E_NOENT,
			       "%s: beside the private key there must be one public key with "
			       "the same id",
			       t->label);
	len = get_bytes(point, sizeof(point), t, found[0], CKA_EC_POINT);
	/* an OCTET STRING around the uncompressed point; some modules leave the wrapping out */
	if (len == 67 && point[0] == 0x04 && point[1] == 65)
		*out = xp_key_of_point(point + 2, XP_KEY_POINT_LEN);
	else
		*out = len == 65 ? xp_key_of_point(point, XP_KEY_POINT_LEN) : NULL;
	if (!*out)
		return xp_pki_fail(err, XP_E_USAGE, "the token's public key is not on P-256");
	return XP_OK;
}
