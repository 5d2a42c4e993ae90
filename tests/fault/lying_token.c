/*
 * lying_token: a PKCS#11 module that lies as the environment variable XP_LIE says. It holds no key:
 * a signature is 64 times 55h.
 */
#define CRYPTOKI_GNU
#include <p11-kit-1/p11-kit/pkcs11.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static struct ck_function_list list;
static struct {
	bool searched, said_away, is_context_login;
} now;

static bool lies(const char *what)
{
	const char *lie = getenv("XP_LIE");

	return lie && strcmp(lie, what) == 0;
}

static ck_rv_t initialize(void *args)
{
	memset(&now, 0, sizeof(now));
	if (lies("cant-lock") && args)
		return CKR_CANT_LOCK;
	return lies("initialize") ? CKR_GENERAL_ERROR : CKR_OK;
}

static ck_rv_t finalize(void *reserved)
{
	return reserved ? CKR_ARGUMENTS_BAD : CKR_OK;
}

static ck_rv_t get_slot_list(unsigned char present, ck_slot_id_t *slots, unsigned long *n)
{
	if (lies("many-slots")) {
		*n = 100000;
		return CKR_OK;
	}
	if (!present || !slots || *n < 1)
		return CKR_ARGUMENTS_BAD;
	slots[0] = 7;
	*n = 1;
	return CKR_OK;
}

static ck_rv_t get_token_info(ck_slot_id_t slot, struct ck_token_info *info)
{
	if (slot != 7)
		return CKR_SLOT_ID_INVALID;
	memset(info, 'x', sizeof(info->label)); /* no blank and no NUL at its end */
	memset(info->serial_number, now.said_away && lies("swapped") ? '2' : '1', 16);
	info->flags = CKF_TOKEN_INITIALIZED | CKF_LOGIN_REQUIRED;
	if (lies("blank"))
		info->flags = 0;
	if (lies("locked") || lies("now-locked"))
		info->flags |= now.searched || lies("locked") ? CKF_USER_PIN_LOCKED : 0;
	if (lies("final-try"))
		info->flags |= CKF_USER_PIN_FINAL_TRY;
	if (lies("pad"))
		info->flags |= CKF_PROTECTED_AUTHENTICATION_PATH;
	return CKR_OK;
}

static ck_rv_t open_session(ck_slot_id_t slot, ck_flags_t flags, void *app, ck_notify_t notify,
			    ck_session_handle_t *out)
{
	(void)app;
	(void)notify;
	*out = 1;
	return slot == 7 && flags == CKF_SERIAL_SESSION ? CKR_OK : CKR_ARGUMENTS_BAD;
}

static ck_rv_t close_session(ck_session_handle_t session)
{
	return session == 1 ? CKR_OK : CKR_SESSION_HANDLE_INVALID;
}

static ck_rv_t login(ck_session_handle_t session, ck_user_type_t user, unsigned char *pin,
		     unsigned long len)
{
	bool is_right = lies("pad") ? !pin && !len : pin && len == 4 && !memcmp(pin, "1234", 4);

	now.searched = true;
	now.is_context_login = user == CKU_CONTEXT_SPECIFIC;
	if (session != 1)
		return CKR_SESSION_HANDLE_INVALID;
	return is_right ? CKR_OK : CKR_PIN_INCORRECT;
}

static ck_rv_t find_init(ck_session_handle_t session, struct ck_attribute *wanted, unsigned long n)
{
	(void)session;
	(void)wanted;
	return n ? CKR_OK : CKR_ARGUMENTS_BAD;
}

static ck_rv_t find(ck_session_handle_t session, ck_object_handle_t *out, unsigned long max,
		    unsigned long *n)
{
	(void)session;
	*n = lies("no-key") ? 0 : lies("two-keys") ? 2 : 1;
	for (unsigned long i = 0; i < *n && i < max; i++)
		out[i] = 3 + i;
	return lies("find") ? CKR_DEVICE_ERROR : CKR_OK;
}

static ck_rv_t find_final(ck_session_handle_t session)
{
	(void)session;
	return CKR_OK;
}

static ck_rv_t give(struct ck_attribute *a, const void *value, unsigned long len)
{
	if (len > a->value_len) {
		a->value_len = (unsigned long)-1;
		return CKR_BUFFER_TOO_SMALL;
	}
	memcpy(a->value, value, len);
	a->value_len = len;
	return CKR_OK;
}

static ck_rv_t get_attribute(ck_session_handle_t session, ck_object_handle_t object,
			     struct ck_attribute *a, unsigned long n)
{
	static const uint8_t p384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};
	uint8_t point[67] = {0x04, 65, 0x04};

	(void)session;
	(void)object;
	if (n != 1)
		return CKR_ARGUMENTS_BAD;
	if (a->type == CKA_EC_PARAMS && lies("curve"))
		return give(a, p384, sizeof(p384));
	if (a->type == CKA_EC_PARAMS && lies("long")) {
		a->value_len = 1000000;
		return CKR_OK;
	}
	if (a->type == CKA_ALWAYS_AUTHENTICATE)
		return give(a, lies("each-time") ? "\x01" : "\x00", 1);
	if (a->type == CKA_ID && !lies("no-id"))
		return give(a, "id", 2);
	if (a->type == CKA_EC_POINT && lies("short-point"))
		return give(a, point, 66);
	if (a->type == CKA_EC_POINT && lies("long-point")) {
		a->value_len = 1000000;
		return CKR_OK;
	}
	if (a->type == CKA_EC_POINT)
		return give(a, point, sizeof(point)); /* not on the curve */
	a->value_len = (unsigned long)-1;
	return CKR_ATTRIBUTE_TYPE_INVALID;
}

static ck_rv_t sign_init(ck_session_handle_t session, struct ck_mechanism *m,
			 ck_object_handle_t key)
{
	(void)session;
	now.is_context_login = false;
	return m->mechanism == CKM_ECDSA && key == 3 ? CKR_OK : CKR_MECHANISM_INVALID;
}

static ck_rv_t sign(ck_session_handle_t session, unsigned char *data, unsigned long len,
		    unsigned char *out, unsigned long *out_len)
{
	(void)session;
	if (!data || len != 32 || *out_len < 64)
		return CKR_ARGUMENTS_BAD;
	if (lies("each-time") && !now.is_context_login)
		return CKR_FUNCTION_FAILED;
	if (lies("sign"))
		return 0x80000001ul;
	if ((lies("away") || lies("swapped")) && !now.said_away) {
		now.said_away = true;
		return CKR_SESSION_HANDLE_INVALID;
	}
	if (lies("gone"))
		return CKR_TOKEN_NOT_PRESENT;
	memset(out, 0x55, 64);
	*out_len = lies("short") ? 63 : 64;
	return CKR_OK;
}

ck_rv_t C_GetFunctionList(struct ck_function_list **out)
{
	list.version.major = lies("version") ? 9 : 2;
	list.C_Initialize = initialize;
	list.C_Finalize = finalize;
	list.C_GetSlotList = get_slot_list;
	list.C_GetTokenInfo = get_token_info;
	list.C_OpenSession = open_session;
	list.C_CloseSession = close_session;
	list.C_Login = login;
	list.C_FindObjectsInit = find_init;
	list.C_FindObjects = find;
	list.C_FindObjectsFinal = find_final;
	list.C_GetAttributeValue = get_attribute;
	list.C_SignInit = sign_init;
	list.C_Sign = sign;
	*out = lies("nothing") ? NULL : &list;
	return lies("functions") ? CKR_GENERAL_ERROR : CKR_OK;
}
