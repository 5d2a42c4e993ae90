#pragma once
/* The first program of the boot image: small, static, without a library but libc. It mounts what
 * the kernel offers, loads drivers, finds the stick's own data partition, and keeps expunge running
 * on each console. */
#include <stdbool.h>
#include <stddef.h>

#define STICK_PLACE "/run/expunge/stick"
#define STATE_PLACE "/run/expunge/state"

/* What the kernel's command line says. The texts point into it and live as long as the program. */
struct words {
	char text[4096];
	char params[4096];    /* the same again, for the parameters of modules */
	const char *stick;    /* expunge.stick=PARTUUID=...: the data partition, NULL: none */
	const char *net;      /* expunge.net=dhcp or none; NULL: as it is needed */
	const char *term;     /* expunge.term=: what a serial console is */
	const char *config;   /* expunge.config=: another expunge.json */
	const char *keyboard; /* expunge.keyboard=: the name of a layout */
	int unattended;	      /* expunge.unattended=: 1, 0; -1: as expunge.json has it */
	bool is_shell;	      /* expunge.shell=1 */
};

/* init.c: a line for whoever looks at a console, and for the kernel's log. */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);
/* init_words.c: the first line of a small file; false: there is none. */
bool read_line(char *out, size_t size, const char *path);

/* init_words.c: false: it cannot be read, or is too long. */
bool words_read(struct words *words, const char *path);
/* What the command line gives the module NAME, as insmod wants it ("a=1 b=2"). */
void words_params(char *out, size_t size, const struct words *words, const char *name);

/* init_drivers.c: inserts the modules that the file /modules/GROUP lists, in its order. */
void drivers_load(const struct words *words, const char *group);

/* init_whole.c: whether the kernel unpacked all of the initial file system, byte for byte. */
#define WHOLE_LIST "etc/expunge/whole"
struct whole {
	unsigned long n;      /* files that the list names */
	unsigned long bad;    /* of which are missing, or other ones */
	char first[256];      /* of those */
	bool are_drivers_bad; /* one of those is a driver */
	bool is_listed;	      /* the list is there up to its end */
};
/* False: not whole, or nobody can tell. ROOT: where it was unpacked. */
bool whole_check(struct whole *w, const char *root);

/* init_stick.c */
enum stick_found { STICK_NONE, STICK_ONE, STICK_MANY };
struct stick {
	char node[32]; /* sdb1; empty: it is not there */
	bool is_mounted;
	bool is_told; /* that there are several */
};
/* Looks for the partition once and mounts it. True: it stands at STICK_PLACE. */
bool stick_look(struct stick *stick, const char *partuuid);
/* Whether its device has gone; it is then unmounted. */
bool stick_is_gone(struct stick *stick);
/* The partition that PARTUUID (an MBR's: xxxxxxxx-NN) names, among the disks of SYS/class/block
 * whose nodes are in DEV. */
enum stick_found stick_find(char *node, size_t size, const char *partuuid, const char *sys,
			    const char *dev);

/* init_net.c: loads network drivers, and asks for an address on each interface. */
void net_start(const struct words *words);
/* Whether expunge.json has a word that needs a network. */
bool net_is_asked(const char *config);

/* init_keyboard.c: the layout of the screen's keyboard, where one is asked for. */
void keyboard_set(const struct words *words, const char *config);

/* init_words.c: the path of expunge.json, wherever the command line has it. */
void config_path(char *out, size_t size, const struct words *words);
/* What stands there, until it is asked for again; NULL: nothing. */
const char *config_text(const char *config);
/* Whether one of WORDS, which end with NULL, stands in the file. What it means is for expunge to
 * read. */
bool config_has(const char *config, const char *const *words);

/* init_console.c: keeps a console's program running; never returns. */
#define CONSOLES_MAX 4
struct console {
	char name[32]; /* tty1, ttyS0 */
	bool is_main;  /* the last one that the command line names */
};
struct consoles {
	struct console list[CONSOLES_MAX];
	size_t n;
	bool is_unattended; /* the main one begins with `expunge unattended` */
};
_Noreturn void console_keep(const struct console *console, const struct consoles *all,
			    const struct words *words);
