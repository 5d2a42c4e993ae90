#include "cli/tui/tui_keyboard.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/kd.h>
#include <linux/keyboard.h>

#include "base/cleanup.h"

/*
 * The keys, by the kernel's numbers, in the order in which the strings below have their characters:
 * the row of digits, the three rows of letters, and the key beside the left Shift that American
 * keyboards do not have.
 */
static const uint8_t keys[] = {
	41, 2,	3,  4,	5,  6,	7,  8,	9,  10, 11, 12, 13, /* digits */
	16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27,	    /* Q */
	30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 43,	    /* A */
	44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 86,	    /* Z */
};
#define KEYS XP_ARRAY_LEN(keys)

/* Each string has a character a key; a blank where the key gives none. */
struct layout {
	const char *name;
	const char *plain, *shift, *altgr;
};

#define NONE_13 "             "
#define NONE_12 "            "
#define NONE_11 "           "

static const struct layout layouts[] = {
	{"us", "`1234567890-=qwertyuiop[]asdfghjkl;'\\zxcvbnm,./<",
	 "~!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:\"|ZXCVBNM<>?>", NONE_13 NONE_12 NONE_12 NONE_11},
	{"uk", "`1234567890-=qwertyuiop[]asdfghjkl;'#zxcvbnm,./\\",
	 "¬!\"£$%^&*()_+QWERTYUIOP{}ASDFGHJKL:@~ZXCVBNM<>?|",
	 "¦   €        " NONE_12 NONE_12 NONE_11},
	{"de", "^1234567890ß´qwertzuiopü+asdfghjklöä#yxcvbnm,.-<",
	 "°!\"§$%&/()=?`QWERTZUIOPÜ*ASDFGHJKLÖÄ'YXCVBNM;:_>",
	 "  ²³   {[]}\\ @ €        ~" NONE_12 "      µ   |"},
	{"ch", "§1234567890'^qwertzuiopü¨asdfghjklöä$yxcvbnm,.-<",
	 "°+\"*ç%&/()=?`QWERTZUIOPè!ASDFGHJKLéà£YXCVBNM;:_>",
	 " ¦@#  ¬|¢  ´~  €       []          {}          \\"},
	{"fr", "²&é\"'(-è_çà)=azertyuiop^$qsdfghjklmù*wxcvbn,;:!<",
	 " 1234567890°+AZERTYUIOP¨£QSDFGHJKLM%µWXCVBN?./§>",
	 "  ~#{[|`\\^@]}  €        ¤" NONE_12 NONE_11},
	{"es", "º1234567890'¡qwertyuiop`+asdfghjklñ´çzxcvbnm,.-<",
	 "ª!\"·$%&/()=?¿QWERTYUIOP^*ASDFGHJKLÑ¨ÇZXCVBNM;:_>",
	 "\\|@#~ ¬        €       []          {}           "},
	{"it", "\\1234567890'ìqwertyuiopè+asdfghjklòàùzxcvbnm,.-<",
	 "|!\"£$%&/()=?^QWERTYUIOPé*ASDFGHJKLç°§ZXCVBNM;:_>",
	 "       {  }`~  €       []         @#            "},
};

const char *const *xp_tui_keyboard_names(void)
{
	/* in the order of the table */
	static const char *const names[] = {
		"us  American", "uk  British", "de  German",  "ch  Swiss",
		"fr  French",	"es  Spanish", "it  Italian", NULL,
	};

	return names;
}

bool xp_tui_keyboard_find(size_t *index, const char *name)
{
	for (size_t i = 0; i < XP_ARRAY_LEN(layouts); i++) {
		if (strcmp(layouts[i].name, name) != 0)
			continue;
		*index = i;
		return true;
	}
	return false;
}

bool xp_tui_keyboard_is_console(int fd)
{
	char type = 0;

	return ioctl(fd, KDGKBTYPE, &type) == 0;
}

/* As the kernel's tables have it: letters obey Caps Lock; what Latin-1 does not have is XORed. */
static unsigned short value_of(uint32_t ch)
{
	if (ch == 0)
		return K_HOLE;
	if ((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z'))
		return (unsigned short)K(KT_LETTER, ch);
	if (ch < 0x100)
		return (unsigned short)K(KT_LATIN, ch);
	return (unsigned short)(ch ^ 0xf000);
}

static int set_console(void *ctx, unsigned table, unsigned key, uint32_t ch)
{
	struct kbentry e = {
		.kb_table = (unsigned char)table,
		.kb_index = (unsigned char)key,
		.kb_value = value_of(ch),
	};
	const int *fd = ctx;

	if (ioctl(*fd, KDSKBENT, &e) == 0)
		return 0;
	/* a console without UTF-8 has no key for it */
	if (errno != EINVAL || ch < 0x100)
		return -1;
	e.kb_value = K_HOLE;
	return ioctl(*fd, KDSKBENT, &e);
}

struct xp_tui_keyboard_setter xp_tui_keyboard_console(int *fd)
{
	return (struct xp_tui_keyboard_setter){.set = set_console, .ctx = fd};
}

/* The strings are ours and well-formed. */
static uint32_t next_char(const char **s)
{
	const unsigned char *p = (const unsigned char *)*s;
	unsigned len = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : 3;
	uint32_t ch = len == 1 ? p[0] : p[0] & (0x7fu >> len);

	for (unsigned i = 1; i < len; i++)
		ch = ch << 6 | (p[i] & 0x3fu);
	*s += len;
	return ch;
}

enum xp_rc xp_tui_keyboard_load(const struct xp_tui_keyboard_setter *setter, size_t index,
				struct xp_err *err)
{
	if (index >= XP_ARRAY_LEN(layouts))
		return xp_fail(err, XP_E_USAGE, "no such keyboard");
	const char *const rows[] = {layouts[index].plain, layouts[index].shift,
				    layouts[index].altgr};

	for (unsigned table = 0; table < XP_ARRAY_LEN(rows); table++) {
		const char *s = rows[table];

		for (size_t i = 0; i < KEYS && *s; i++) {
			uint32_t ch = next_char(&s);

			if (setter->set(setter->ctx, table, keys[i], ch == ' ' ? 0 : ch))
				return xp_fail_errno(err, errno == EPERM ? XP_E_PERM : XP_E_IO,
						     "keyboard %s", layouts[index].name);
		}
	}
	return XP_OK;
}
