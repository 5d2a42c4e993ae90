/*
 * fuzz_tiles: a good log in files, some of which were meddled with, before the audit, the prover
 * and the reader of entries. An input is the size of the log (one byte: which of SIZES), that of an
 * older checkpoint, and changes of six bytes each: the file, what is done, where (two bytes), two
 * more. What is as it was must be good; what is not must be found, and no proof is given out that
 * does not hold for the leaf that was logged.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/wire.h"
#include "certs/log_audit.h"
#include "certs/log_proof.h"
#include "certs/log_tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define FILES_MAX 16
#define EDIT_LEN  6
#define NAME_MAX_ 64

static const unsigned SIZES[] = {0, 1, 2, 3, 255, 256, 257, 515};
#define SIZES_N (sizeof(SIZES) / sizeof(SIZES[0]))

struct file {
	char name[NAME_MAX_];
	uint8_t *data;
	size_t len;
	bool is_partial; /* what it is the beginning of may stand there in its place */
	bool is_gone, is_changed;
};

struct log {
	char path[64];
	int fd;
	unsigned size;
	struct xp_merkle_head head;
	struct file files[FILES_MAX];
	unsigned n;
};

static struct log logs[SIZES_N];
static struct xp_note_signer *signer;

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* ---- good logs ---- */

static size_t leaf_text(char out[64], unsigned i)
{
	int n = snprintf(out, 64, "{\"n\":%u,\"type\":\"other\"}", i);

	must(n > 0 && n < 64);
	return (size_t)n;
}

static struct file *add_file(struct log *log, const char *name, const void *data, size_t len)
{
	struct file *f = &log->files[log->n++];

	must(log->n <= FILES_MAX && strlen(name) < sizeof(f->name));
	snprintf(f->name, sizeof(f->name), "%s", name);
	f->data = malloc(len + 1);
	must(f->data != NULL);
	memcpy(f->data, data, len);
	f->len = len;
	return f;
}

static enum xp_rc take_piece(void *ctx, const struct xp_log_piece *piece, struct xp_err *err)
{
	char path[XP_TILE_PATH_MAX];

	(void)err;
	xp_tile_path(path, piece->level, piece->n, piece->width);
	add_file(ctx, path, piece->data, piece->len)->is_partial = piece->width < XP_TILE_WIDTH;
	return XP_OK;
}

static void make_dirs(const struct log *log, const char *name)
{
	char path[NAME_MAX_];

	for (const char *at = strchr(name, '/'); at; at = strchr(at + 1, '/')) {
		snprintf(path, sizeof(path), "%.*s", (int)(at - name), name);
		mkdirat(log->fd, path, 0700);
	}
}

static void put_file(const struct log *log, const struct file *f)
{
	AUTO_FD int fd = -1;

	if (f->is_gone) {
		unlinkat(log->fd, f->name, 0);
		return;
	}
	fd = openat(log->fd, f->name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	must(fd >= 0 && xp_fd_write_all(fd, f->data, f->len, NULL) == XP_OK);
}

static void make_log(struct log *log, unsigned size)
{
	struct xp_log_tree *tree = calloc(1, sizeof(*tree));
	const struct xp_log_sink sink = {take_piece, log};
	char *note = NULL;
	size_t len = 0;

	must(tree != NULL);
	log->size = size;
	for (unsigned i = 0; i < size; i++) {
		char text[64];
		const struct xp_log_bytes leaf = {text, leaf_text(text, i)};

		must(xp_log_tree_add(tree, &leaf, &sink, NULL) == XP_OK);
	}
	must(xp_log_tree_edge(tree, &sink, NULL) == XP_OK);
	xp_log_tree_head(&log->head, tree);
	must(xp_checkpoint_sign(&note, &len, &log->head, signer, NULL) == XP_OK);
	add_file(log, "checkpoint", note, len);
	snprintf(log->path, sizeof(log->path), "/tmp/expunge-tiles-XXXXXX");
	if (access("/dev/shm", W_OK | X_OK) == 0)
		snprintf(log->path, sizeof(log->path), "/dev/shm/expunge-tiles-XXXXXX");
	must(mkdtemp(log->path) != NULL);
	log->fd = open(log->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(log->fd >= 0);
	for (unsigned i = 0; i < log->n; i++) {
		make_dirs(log, log->files[i].name);
		put_file(log, &log->files[i]);
	}
	xp_log_tree_free(tree);
	free(tree);
	free(note);
}

static void remove_dirs(const struct log *log, const char *name)
{
	char path[NAME_MAX_];

	snprintf(path, sizeof(path), "%s", name);
	for (char *at = strrchr(path, '/'); at; at = strrchr(path, '/')) {
		*at = 0;
		unlinkat(log->fd, path, AT_REMOVEDIR);
	}
}

static void tear_down(void)
{
	for (size_t i = 0; i < SIZES_N; i++) {
		for (unsigned k = 0; k < logs[i].n; k++)
			unlinkat(logs[i].fd, logs[i].files[k].name, 0);
		for (unsigned k = 0; k < logs[i].n; k++) {
			remove_dirs(&logs[i], logs[i].files[k].name);
			free(logs[i].files[k].data);
		}
		close(logs[i].fd);
		rmdir(logs[i].path);
	}
	xp_note_signer_free(&signer);
}

static enum xp_rc counting(void *ctx, void *out, size_t len, struct xp_err *err)
{
	(void)ctx;
	(void)err;
	for (size_t i = 0; i < len; i++)
		((uint8_t *)out)[i] = (uint8_t)(i * 37 + 11);
	return XP_OK;
}

static void set_up(void)
{
	const struct xp_rng rng = {counting, NULL};

	must(xp_note_signer_new(&signer, "example.com/usb-1", &rng, NULL) == XP_OK);
	for (size_t i = 0; i < SIZES_N; i++)
		make_log(&logs[i], SIZES[i]);
	must(atexit(tear_down) == 0);
}

/* ---- meddling ---- */

/* A checkpoint that the log's key did sign: of another size, or of another root. */
static void sign_lie(struct file *f, const struct log *log, uint64_t size, uint8_t flip)
{
	struct xp_merkle_head head = log->head;
	char *note = NULL;

	head.size = size;
	head.root.b[0] ^= flip;
	must(xp_checkpoint_sign(&note, &f->len, &head, signer, NULL) == XP_OK);
	f->data = (uint8_t *)note;
}

static void change(struct file *f, const struct log *log, const uint8_t *edit)
{
	size_t at = get_be16(edit + 2) % (f->len + 1);
	uint8_t *more;

	switch (edit[1] % 6) {
	case 0:
		if (f->len)
			f->data[at % f->len] ^= edit[4];
		break;
	case 1:
		f->len = at;
		break;
	case 2: /* longer, and something between */
		more = realloc(f->data, f->len + 2);
		must(more != NULL);
		memmove(more + at + 1, more + at, f->len - at);
		more[at] = edit[4];
		f->data = more;
		f->len++;
		break;
	case 3:
		f->is_gone = true;
		break;
	case 4: /* two entries or hashes change places */
		if (f->len >= 64 && at + 64 <= f->len) {
			uint8_t hash[32];

			memcpy(hash, f->data + at, 32);
			memcpy(f->data + at, f->data + at + 32, 32);
			memcpy(f->data + at + 32, hash, 32);
		}
		break;
	default:
		if (strcmp(f->name, "checkpoint") == 0) {
			free(f->data);
			sign_lie(f, log, get_be16(edit + 2), edit[4]);
		}
		break;
	}
}

/* LOG's files with the changes; what differs is written. */
static void meddle(struct file now[FILES_MAX], const struct log *log, const uint8_t *edits,
		   size_t len)
{
	for (unsigned i = 0; i < log->n; i++) {
		now[i] = log->files[i];
		now[i].data = malloc(now[i].len + 1);
		must(now[i].data != NULL);
		memcpy(now[i].data, log->files[i].data, now[i].len);
	}
	for (size_t i = 0; i + EDIT_LEN <= len; i += EDIT_LEN)
		change(&now[edits[i] % log->n], log, edits + i);
	for (unsigned i = 0; i < log->n; i++) {
		const struct file *was = &log->files[i];

		now[i].is_changed = now[i].is_gone || now[i].len != was->len ||
				    memcmp(now[i].data, was->data, was->len) != 0;
		if (now[i].is_changed)
			put_file(log, &now[i]);
	}
}

static void mend(struct file now[FILES_MAX], const struct log *log)
{
	for (unsigned i = 0; i < log->n; i++) {
		if (now[i].is_changed)
			put_file(log, &log->files[i]);
		free(now[i].data);
	}
}

/* ---- what is said ---- */

/* The one change that may pass: more bytes behind what the tree has of a tile that is not full. */
static bool is_harmless(const struct file *now, const struct file *was)
{
	return !now->is_gone && was->is_partial && now->len >= was->len &&
	       memcmp(now->data, was->data, was->len) == 0;
}

static bool has_code(const struct xp_findings *f, const char *code)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->list[i].code, code) == 0)
			return true;
	return false;
}

static void audit(const struct log *log, const struct log *old, const struct file *now)
{
	const struct file *note = &old->files[old->n - 1];
	const struct xp_log_audit_input in = {.log_fd = log->fd,
					      .vkey = xp_note_signer_vkey(signer),
					      .old = (const char *)note->data,
					      .old_len = note->len};
	AUTO(xp_findings_free) struct xp_findings f = {0};
	bool is_same = true, must_be_found = false;
	struct xp_log_audit a;

	for (unsigned i = 0; i < log->n; i++) {
		is_same &= !now[i].is_changed;
		must_be_found |= now[i].is_changed && !is_harmless(&now[i], &log->files[i]);
	}
	must(xp_log_audit_run(&a, &f, &in, NULL) == XP_OK && !f.lost);
	if (is_same) {
		must(f.n == (old->size > log->size));
		must((old->size > log->size) == has_code(&f, "E_LOG_ROLLBACK"));
		must(a.old_holds == (old->size <= log->size) && a.entries == log->size);
	}
	must(!must_be_found || f.n);
	if (!f.n)
		must(a.is_signed && a.old_holds && a.checkpoint.head.size == log->size);
	xp_log_audit_free(&a);
}

/* Proofs of some places, under whatever checkpoint stands there now. */
static void prove(const struct log *log, const uint8_t *places, size_t n)
{
	AUTO(xp_log_reader_free) struct xp_log_reader r = {0};
	const struct xp_note_vkeys keys = {xp_note_signer_vkey(signer), 1};

	if (xp_log_reader_open(&r, log->fd, keys.list, NULL) != XP_OK)
		return;
	for (size_t i = 0; i < n; i++) {
		AUTO_MEM char *text = NULL;
		struct xp_log_proof_result found;
		struct xp_log_bytes proof = {0};
		char leaf[64];
		const struct xp_log_bytes was = {leaf, leaf_text(leaf, places[i])};

		if (xp_log_reader_prove(&r, places[i], &text, &proof.len, NULL) != XP_OK)
			continue;
		proof.data = text;
		must(xp_log_proof_check(&found, &proof, &was, &keys, NULL) == XP_OK);
		if (!xp_merkle_hash_equals(&found.checkpoint.head.root, &log->head.root) ||
		    found.checkpoint.head.size != log->size)
			continue;
		must(found.verdict == (r.verdict == XP_NOTE_VERIFIED ? XP_LOG_PROOF_HOLDS
				       : r.verdict == XP_NOTE_KEY_UNKNOWN
					       ? XP_LOG_PROOF_KEY_UNKNOWN
					       : XP_LOG_PROOF_SIGNATURE_WRONG));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct file now[FILES_MAX];
	const struct log *log, *old;

	if (!signer)
		set_up();
	if (len < 2)
		return 0;
	log = &logs[data[0] % SIZES_N];
	old = &logs[data[1] % SIZES_N];
	meddle(now, log, data + 2, len - 2);
	audit(log, old, now);
	prove(log, data, len < 8 ? len : 8);
	mend(now, log);
	return 0;
}
