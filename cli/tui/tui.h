/*
 * tui: the full screen as a machine without a terminal: keys and events go in, a canvas comes out,
 * and wishes tell what the operator asked for. It knows no drive, no thread and no clock: whoever
 * owns it brings these, and tests bring their own.
 */
#pragma once
#include "base/secret.h"
#include "cli/tui/tui_canvas.h"

/* Keys beyond characters. */
enum xp_tui_key {
	XP_TUI_KEY_FIRST = 0x110000,
	XP_TUI_UP,
	XP_TUI_DOWN,
	XP_TUI_PAGE_UP,
	XP_TUI_PAGE_DOWN,
	XP_TUI_HOME,
	XP_TUI_END,
	XP_TUI_ENTER,
	XP_TUI_ESCAPE,
	XP_TUI_BACKSPACE,
	XP_TUI_F1,
	XP_TUI_F10,
};

enum xp_tui_screen {
	XP_TUI_LIST,
	XP_TUI_DETAILS,
	XP_TUI_PLAN,
	XP_TUI_CONFIRM,
	XP_TUI_WORK,
	XP_TUI_RESULT, /* of one job */
	XP_TUI_SUMMARY,
	XP_TUI_CHECKPOINT, /* the log's, as a QR code */
	XP_TUI_INTERRUPTED,
	XP_TUI_OPERATOR,
	XP_TUI_PASSPHRASE,
	XP_TUI_CLOCK,
	XP_TUI_OTHER, /* another console is in charge */
	XP_TUI_PLACE, /* nothing can be kept where it was meant to be: where else */
	XP_TUI_KEYBOARD,
	XP_TUI_MESSAGES,
	XP_TUI_HELP,
	XP_TUI_QUIT,
};

/* What the operator asked for, to be done by whoever owns the machine. */
enum xp_tui_wish {
	XP_TUI_WISH_NONE,
	XP_TUI_WISH_PLAN,    /* for the drives that are selected */
	XP_TUI_WISH_LEAVE,   /* the plan is not to be carried out */
	XP_TUI_WISH_GO,	     /* it is confirmed */
	XP_TUI_WISH_GO_LIST, /* to be confirmed by the expect list, drive by drive */
	XP_TUI_WISH_RESUME,  /* ARG: of the interrupted jobs */
	XP_TUI_WISH_UNLOCK,  /* ARG: of the drives */
	XP_TUI_WISH_LIGHT,   /* ARG: of the drives; its slot light the other way */
	XP_TUI_WISH_ASK,     /* ask the drives anew what they can do */
	XP_TUI_WISH_SUMMARY, /* the checkpoint is about to be shown */
	XP_TUI_WISH_PERSON,  /* the operator's name was typed */
	XP_TUI_WISH_KEY,     /* the passphrase was typed */
	XP_TUI_WISH_HOST_KEY,
	XP_TUI_WISH_CLOCK, /* the time was typed */
	XP_TUI_WISH_PLACE, /* ARG: of the places */
	XP_TUI_WISH_PLACE_TYPED,
	XP_TUI_WISH_PLACE_REPAIR, /* the box that is gone or cannot be used */
	XP_TUI_WISH_PLACE_AGAIN,
	XP_TUI_WISH_PLACE_SERVER, /* no place here: a server holds it */
	XP_TUI_WISH_PLACE_NONE,	  /* give up */
	XP_TUI_WISH_PLACE_OTHER,  /* there is not room for all that are planned */
	XP_TUI_WISH_KEYBOARD,	  /* ARG: of the layouts */
	XP_TUI_WISH_STOP,	  /* all jobs, in good order */
	XP_TUI_WISH_QUIT,
};

struct xp_tui_drive {
	char path[4096];
	char place[64]; /* slot, or the node's name */
	char model[128];
	char serial[320]; /* or the image's name */
	char confirm[320];
	char bus[16];
	char media[16];
	uint64_t bytes;
	uint64_t diskseq; /* the kernel's number of this disk, never given twice; 0: none */
	char use[128];	  /* what uses it; empty: nobody */
	bool asked;	  /* it has said what it can do */
	char best[16];	  /* level; empty: nothing is to be had */
	bool locked;	  /* by a password */
	bool hangs;	  /* it did not answer; nobody asks it again but by r */
	bool has_light, light_on;
	int celsius;   /* 0: unknown */
	char *details; /* lines, raw */
	/* the machine's own */
	bool selected;
};

enum xp_tui_job_state {
	XP_TUI_JOB_ASKING, /* the plan is being made */
	XP_TUI_JOB_READY,  /* and can be carried out */
	XP_TUI_JOB_LEFT,   /* not confirmed, or left out */
	XP_TUI_JOB_RUNNING,
	XP_TUI_JOB_DONE,    /* the evidence supports a claim */
	XP_TUI_JOB_LOWER,   /* the same, lower than asked */
	XP_TUI_JOB_REFUSED, /* nothing was touched */
	XP_TUI_JOB_STOPPED, /* can be resumed */
	XP_TUI_JOB_BAD,	    /* data may remain */
};

struct xp_tui_job {
	unsigned round;
	enum xp_tui_job_state state;
	char path[4096];
	char model[128];
	char serial[320];
	char confirm[320];
	char drive_confirm[320]; /* as the list had it */
	uint64_t diskseq;	 /* ... and this, of the drive */
	uint64_t bytes;
	char level[16]; /* that the plan expects; later that was earned, or empty */
	char technique[48];
	char *plan;   /* lines, raw */
	char *result; /* lines, raw; NULL: none yet */
	char phase[64];
	uint64_t done, total;
	uint64_t phase_ms, phase_done; /* where the phase began */
	int celsius;		       /* 0: unknown */
	char text[640];		       /* how it ended, or the last warning */
	char record[64];
};

/* A job that an earlier run left. */
struct xp_tui_left {
	char id[37];
	char path[4096];
	char confirm[320];
	char technique[48];
	char where[128];
	bool present; /* its target is here */
	bool password;
	bool taken; /* gone on with */
};

/* Where boxes could be kept instead. */
struct xp_tui_place {
	char folder[1024];
	char what[96];
};

struct xp_tui_input {
	char text[256];
	size_t len;
};

#define XP_TUI_SCAN_MAX 128
/* Characters that came faster than fingers type. */
struct xp_tui_scan {
	char text[XP_TUI_SCAN_MAX + 1];
	size_t len;
	uint64_t last_ms;
};

#define XP_TUI_WISHES_MAX   8
#define XP_TUI_MESSAGES_MAX 32
#define XP_TUI_MESSAGE_LEN  240

struct xp_tui {
	enum xp_tui_screen screen;
	enum xp_tui_screen back[8]; /* where Escape leads */
	unsigned back_n;
	unsigned rows, cols; /* of the last drawing */
	uint64_t now_ms;

	struct xp_tui_drive *drives;
	size_t drives_n;
	bool scanned;	  /* there was an answer to the first look */
	char notice[200]; /* of the host: hidden drives, discovery that does not answer */
	size_t *shown;	  /* indices of the drives that pass the filter, in order */
	size_t shown_n;
	size_t cursor; /* into shown */
	unsigned sort;
	struct xp_tui_input filter;
	bool filtering;
	struct xp_tui_scan scan;

	struct xp_tui_job *jobs;
	size_t jobs_n;
	size_t job_cursor;
	unsigned round; /* that is planned; 0: none */
	bool round_ready;
	char word[16]; /* that confirms a batch */
	bool has_room; /* it is known for how many jobs more there is */
	size_t room;
	bool has_expect_list; /* a list was given by who runs the program */
	struct xp_tui_input typed;

	struct xp_tui_left *left;
	size_t left_n;
	size_t left_cursor;

	unsigned scroll;
	unsigned scroll_max;

	char person[128]; /* the operator */
	char signer[160]; /* whose key signs, for the head line */
	bool host_signs;  /* no person does */
	char key_name[256];
	struct xp_secret secret; /* the passphrase while it is typed */
	size_t secret_len;
	char clock_why[400]; /* what is wrong with the clock; empty: nothing is known */

	char *other; /* what the console in charge does, lines; NULL: not known */

	char place_why[640]; /* what is wrong with the place that was named */
	struct xp_tui_place *places;
	size_t places_n;
	size_t place_cursor;
	bool place_typing; /* a folder */
	bool place_server; /* there is one that could hold it alone */

	const char *const *layouts; /* NULL-terminated, or NULL: none to choose */
	size_t layout_cursor;

	char *where;	      /* the certificates lie, lines; NULL: not known */
	char checkpoint[512]; /* the log's, for the QR code */
	char checkpoint_note[1024];
	uint8_t *code;	    /* modules, a byte each */
	unsigned code_size; /* modules a side; 0: none */

	char messages[XP_TUI_MESSAGES_MAX][XP_TUI_MESSAGE_LEN];
	size_t messages_n; /* ever */
	uint64_t message_ms;
	uint64_t keys_n, message_keys_n;   /* pressed ever; when the last message was said */
	char pinned[XP_TUI_MESSAGE_LEN];   /* what the bottom line says */
	char standing[XP_TUI_MESSAGE_LEN]; /* ... where nothing else is to be said */
	bool beep;

	struct {
		enum xp_tui_wish wish;
		size_t arg;
	} wishes[XP_TUI_WISHES_MAX];
	unsigned wishes_n;
	bool stopping, over;
};

/* Empty, on the list. */
void xp_tui_init(struct xp_tui *t);
void xp_tui_free(struct xp_tui *t);

/* KEY: a character, or one of enum xp_tui_key. NOW_MS never steps back. */
void xp_tui_key_press(struct xp_tui *t, uint32_t key, uint64_t now_ms);
/* Time goes by: a letter that no scanner follows up becomes a command. */
void xp_tui_tick(struct xp_tui *t, uint64_t now_ms);
/* Is a passphrase typed? Then its bytes go this way, and no other. */
bool xp_tui_wants_secret(const struct xp_tui *t);
void xp_tui_secret_byte(struct xp_tui *t, uint8_t byte);

void xp_tui_draw(struct xp_tui *t, struct xp_tui_canvas *c);

/* The oldest wish; XP_TUI_WISH_NONE where there is none. */
enum xp_tui_wish xp_tui_wish_take(struct xp_tui *t, size_t *arg);
/* A beep is due (once). */
bool xp_tui_beep_take(struct xp_tui *t);

/*
 * The drives as they are now; takes the list and what it holds. What was selected stays so while
 * the drive is there and free.
 */
void xp_tui_drives_set(struct xp_tui *t, struct xp_tui_drive *list, size_t n);
void xp_tui_drives_free(struct xp_tui_drive *list, size_t n);
/* A line for the operator, on the screen until another one comes. */
void xp_tui_say(struct xp_tui *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void xp_tui_go(struct xp_tui *t, enum xp_tui_screen screen);
/* The same, and Escape leads back. */
void xp_tui_visit(struct xp_tui *t, enum xp_tui_screen screen);

/* "4.0 TB", as drives are labelled. */
struct xp_buf;
void xp_tui_size_text(struct xp_buf *b, uint64_t bytes);

/* N jobs more, of round ROUND, all zero but that. *FIRST is the first one's place. */
MUST_USE enum xp_rc xp_tui_jobs_add(struct xp_tui *t, size_t *first, unsigned round, size_t n,
				    struct xp_err *err);
/* The plans of the round are all made. */
void xp_tui_round_ready(struct xp_tui *t, const char *word);
/* A phase, progress or a warning of a job that runs. */
struct xp_tui_event {
	bool is_phase, is_progress;
	const char *phase, *text;
	uint64_t done, total;
};
void xp_tui_job_event(struct xp_tui *t, size_t job, const struct xp_tui_event *e, uint64_t now_ms);
void xp_tui_job_ended(struct xp_tui *t, size_t job);
/* How many jobs are at work. */
size_t xp_tui_running(const struct xp_tui *t);
