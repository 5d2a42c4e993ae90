/*
 * stage_records: records of whole jobs on emulated drives, signed with a key that is given, for
 * tests/data/frozen/make.sh. Usage: stage_records KEY.pem CERT.pem FOLDER (which must be there).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "certs/key.h"
#include "tests/fake/job_stage.h"

#define SECONDS 4 /* of each erase: the clock must not run ahead of those who stamp the record */

#define NVME_BYTES (1u << 20)

static struct xp_signing_key *performer;
static const char *out;

static void must(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "stage_records: %s\n", what);
		exit(66);
	}
}

static void read_key(const char *key_path, const char *cert_path)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	AUTO_FILE FILE *key_file = fopen(key_path, "r");
	AUTO_FILE FILE *cert_file = fopen(cert_path, "r");
	EVP_PKEY *key = key_file ? PEM_read_PrivateKey(key_file, NULL, NULL, NULL) : NULL;
	X509 *cert = cert_file ? PEM_read_X509(cert_file, NULL, NULL, NULL) : NULL;

	must(key != NULL, key_path);
	must(cert && certs && sk_X509_push(certs, cert) > 0, cert_path);
	must(xp_signing_key_make(&performer, key, certs, NULL, NULL) == XP_OK, "signing key");
	sk_X509_pop_free(certs, X509_free);
	EVP_PKEY_free(key);
}

static void copy(const struct world *w, const char *name)
{
	AUTO_MEM char *data = NULL;
	char path[512];
	size_t len = 0;
	FILE *f;

	must(xp_file_read_at(&data, &len, w->state.certificates_fd, name, XP_RECORD_MAX_BYTES,
			     NULL) == XP_OK,
	     name);
	snprintf(path, sizeof(path), "%s/%s", out, name);
	f = fopen(path, "w");
	must(f && fwrite(data, 1, len, f) == len && fclose(f) == 0, path);
}

/* The job on what is plugged, to the end; the record with its signature goes out. */
static void freeze(struct world *w, enum xp_technique t, enum xp_level level)
{
	char name[80];

	w->setup.key = performer;
	w->setup.key_is_host = false;
	w->options.has_technique = true;
	w->options.technique = t;
	stage_run(w);
	stage_assert_claim(w, level, t);
	copy(w, w->job->record_name);
	snprintf(name, sizeof(name), "%s.p7s", w->job->record_name);
	copy(w, name);
}

static void plug_ssd(struct world *w)
{
	struct emu_ata_config cfg = emu_ata_ssd(STAGE_SECTORS);

	cfg.sanitize_seconds = SECONDS;
	stage_plug(w, &cfg);
}

static void freeze_ata_crypto(void **state)
{
	plug_ssd(*state);
	freeze(*state, XP_ATA_SANITIZE_CRYPTO, XP_PURGE);
}

static void freeze_ata_block(void **state)
{
	plug_ssd(*state);
	freeze(*state, XP_ATA_SANITIZE_BLOCK, XP_PURGE);
}

/* A drive that keeps its key: a record of a failure. */
static void freeze_ata_liar(void **state)
{
	struct world *w = *state;

	plug_ssd(w);
	emu_ata_faults(w->d)->keeps_key = true;
	freeze(w, XP_ATA_SANITIZE_CRYPTO, XP_NONE);
}

static void freeze_ata_enhanced_erase(void **state)
{
	struct emu_ata_config cfg = emu_ata_hdd(STAGE_SECTORS);

	cfg.has_sanitize = false;
	cfg.enhanced_seconds = SECONDS;
	stage_plug(*state, &cfg);
	freeze(*state, XP_ATA_SECURE_ERASE_ENHANCED, XP_PURGE);
}

static void freeze_scsi_overwrite(void **state)
{
	struct emu_scsi_config cfg = emu_scsi_hdd(STAGE_SECTORS);

	cfg.sanitize_seconds = SECONDS;
	stage_plug_sas(*state, &cfg);
	freeze(*state, XP_SCSI_SANITIZE_OVERWRITE, XP_PURGE);
}

static void freeze_nvme(void **state, enum xp_technique t)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(NVME_BYTES);

	cfg.crypto_seconds = cfg.block_seconds = cfg.deallocate_seconds = SECONDS;
	stage_plug_nvme(*state, &cfg);
	freeze(*state, t, XP_PURGE);
}

static void freeze_nvme_crypto(void **state)
{
	freeze_nvme(state, XP_NVME_SANITIZE_CRYPTO);
}

static void freeze_nvme_block(void **state)
{
	freeze_nvme(state, XP_NVME_SANITIZE_BLOCK);
}

#define T(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

static int hand_back_key(void **state)
{
	(void)state;
	xp_signing_key_free(&performer);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest jobs[] = {
		T(freeze_ata_crypto),	      T(freeze_ata_block),	T(freeze_ata_liar),
		T(freeze_ata_enhanced_erase), T(freeze_scsi_overwrite), T(freeze_nvme_crypto),
		T(freeze_nvme_block),
	};

	must(argc == 4, "usage: stage_records KEY.pem CERT.pem FOLDER");
	read_key(argv[1], argv[2]);
	out = argv[3];
	return cmocka_run_group_tests(jobs, NULL, hand_back_key);
}
