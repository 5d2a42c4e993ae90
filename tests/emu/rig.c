#include "tests/emu/rig_inside.h"

#include "base/cleanup.h"

#include <ctype.h>
#include <jansson.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RIG_BYTES_MAX (1 << 20)

static void free_json(json_t **j)
{
	json_decref(*j);
	*j = NULL;
}

static const struct {
	const char *word;
	enum emu_rig_kind kind;
} kinds[] = {
	{"ata-hdd", EMU_ATA_HDD}, {"ata-ssd", EMU_ATA_SSD},   {"sas-hdd", EMU_SAS_HDD},
	{"sas-ssd", EMU_SAS_SSD}, {"nvme-ssd", EMU_NVME_SSD},
};

static const struct {
	const char *word;
	enum emu_rig_door door;
} doors[] = {
	{"in-process", EMU_DOOR_PROCESS},
	{"vhost-user", EMU_DOOR_VHOST_USER},
	{"libata", EMU_DOOR_LIBATA},
	{"nvme-tcp", EMU_DOOR_NVME_TCP},
};

const char *emu_rig_door_name(enum emu_rig_door door)
{
	for (size_t i = 0; i < sizeof(doors) / sizeof(doors[0]); i++)
		if (doors[i].door == door)
			return doors[i].word;
	return "";
}

/* What one drive's object says, gathered before the drive is made of it. */
struct wanted {
	struct emu_rig_drive *d;
	json_t *object;
	const char *folder;
	char place[64];
	uint8_t image[4096]; /* that it wears; of an ATA drive 512 bytes */
	struct emu_ata_config ata;
	struct emu_scsi_config scsi;
	struct emu_nvme_config nvme;
	bool is_stained;
};

static bool is_sas(const struct emu_rig_drive *d)
{
	return d->kind == EMU_SAS_HDD || d->kind == EMU_SAS_SSD;
}

static bool is_nvme(const struct emu_rig_drive *d)
{
	return d->kind == EMU_NVME_SSD;
}

static bool is_ata(const struct emu_rig_drive *d)
{
	return !is_sas(d) && !is_nvme(d);
}

/* A scalar as the text that tables take; false: it is none. */
static bool scalar(char *out, size_t size, const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_STRING:
		return json_string_length(v) == strlen(json_string_value(v)) &&
		       snprintf(out, size, "%s", json_string_value(v)) < (int)size;
	case JSON_INTEGER:
		return snprintf(out, size, "%lld", (long long)json_integer_value(v)) < (int)size;
	case JSON_TRUE:
	case JSON_FALSE:
		return snprintf(out, size, "%s", json_is_true(v) ? "true" : "false") < (int)size;
	case JSON_OBJECT:
	case JSON_ARRAY:
	case JSON_REAL:
	case JSON_NULL:
		break;
	}
	return false;
}

static bool text_of(const struct wanted *w, const char *key, char *out, size_t size,
		    struct emu_why *why)
{
	const json_t *v = json_object_get(w->object, key);

	if (!v)
		return emu_why(why, "%s: there is no '%s'", w->place, key);
	if (!json_is_string(v) || !scalar(out, size, v))
		return emu_why(why, "%s.%s is no text of at most %zu characters", w->place, key,
			       size - 1);
	return true;
}

static bool read_name(struct wanted *w, struct emu_why *why)
{
	if (!text_of(w, "name", w->d->name, sizeof(w->d->name), why))
		return false;
	for (const char *p = w->d->name; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '_')
			return emu_why(why, "%s.name: letters, digits and _ only", w->place);
	return w->d->name[0] || emu_why(why, "%s.name is empty", w->place);
}

static bool read_kind(struct wanted *w, struct emu_why *why)
{
	char word[24];
	size_t i;

	if (!text_of(w, "kind", word, sizeof(word), why))
		return false;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && strcmp(kinds[i].word, word) != 0; i++)
		;
	if (i == sizeof(kinds) / sizeof(kinds[0]))
		return emu_why(why, "%s.kind: nobody knows '%s'", w->place, word);
	w->d->kind = kinds[i].kind;
	if (!json_object_get(w->object, "door"))
		return true;
	if (!text_of(w, "door", word, sizeof(word), why))
		return false;
	for (i = 0; i < sizeof(doors) / sizeof(doors[0]) && strcmp(doors[i].word, word) != 0; i++)
		;
	if (i == sizeof(doors) / sizeof(doors[0]))
		return emu_why(why, "%s.door: nobody knows '%s'", w->place, word);
	w->d->door = doors[i].door;
	if (w->d->door == EMU_DOOR_LIBATA && !is_ata(w->d))
		return emu_why(why, "%s.door: only ATA drives are at a SATA port", w->place);
	if (w->d->door != EMU_DOOR_PROCESS && is_nvme(w->d) != (w->d->door == EMU_DOOR_NVME_TCP))
		return emu_why(why, "%s.door: nvme-tcp is for NVMe, and NVMe for it", w->place);
	return true;
}

/* 256 words in hex; what else is there is white space. */
static bool read_image(struct wanted *w, const char *file, struct emu_why *why)
{
	char path[4096];
	AUTO_FILE FILE *f = NULL;
	uint8_t *identify = w->image;
	unsigned word;
	size_t n = 0;

	if (is_sas(w->d))
		return emu_why(why, "%s.wears: SAS drives wear no image", w->place);
	if (snprintf(path, sizeof(path), "%s/%s", w->folder, file) >= (int)sizeof(path))
		return emu_why(why, "%s.wears: the name is too long", w->place);
	f = fopen(path, "re");
	if (!f)
		return emu_why(why, "%s.wears: %.80s: %m", w->place, file);
	while (n < 256 && fscanf(f, "%4x", &word) == 1) {
		identify[2 * n] = (uint8_t)word;
		identify[2 * n + 1] = (uint8_t)(word >> 8);
		n++;
	}
	if (n != 256 || fscanf(f, "%4x", &word) == 1)
		return emu_why(why, "%s.wears: %.80s does not hold 256 words", w->place, file);
	return (is_nvme(w->d) ? emu_nvme_wear(&w->nvme, identify, w->nvme.ns[0].bytes)
			      : emu_ata_wear(&w->ata, identify)) ||
	       emu_why(why, "%s.wears: %.80s is no drive that can be emulated", w->place, file);
}

static bool read_base(struct wanted *w, struct emu_why *why)
{
	const json_t *sectors = json_object_get(w->object, "sectors");
	const json_t *wears = json_object_get(w->object, "wears");
	uint64_t n = 0;
	char file[256];

	if (json_is_integer(sectors) && json_integer_value(sectors) >= 16)
		n = (uint64_t)json_integer_value(sectors);
	else if (sectors || (is_nvme(w->d) ? !json_object_get(w->object, "namespaces") : !wears))
		return emu_why(why, "%s.sectors: a number from 16 on is wanted", w->place);
	w->ata = w->d->kind == EMU_ATA_SSD ? emu_ata_ssd(n) : emu_ata_hdd(n);
	w->scsi = w->d->kind == EMU_SAS_SSD ? emu_scsi_ssd(n) : emu_scsi_hdd(n);
	w->nvme = emu_nvme_ssd((n ? n : 8) / 8 * 4096);
	if (!wears)
		return true;
	if (!text_of(w, "wears", file, sizeof(file), why) || !read_image(w, file, why))
		return false;
	return true;
}

static bool is_of_the_drive(const char *key)
{
	static const char *const keys[] = {"name",    "kind",	   "door",    "wears",
					   "sectors", "absent",	   "stained", "capabilities",
					   "faults",  "namespaces"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!strcmp(keys[i], key))
			return true;
	return false;
}

static bool set_config(struct wanted *w, const char *place, const char *key, const json_t *v,
		       struct emu_why *why)
{
	size_t n;
	const struct emu_field *rows = is_nvme(w->d)  ? emu_rig_nvme_fields(&n)
				       : is_sas(w->d) ? emu_rig_scsi_fields(&n)
						      : emu_rig_ata_fields(&n);
	void *base = is_nvme(w->d)  ? (void *)&w->nvme
		     : is_sas(w->d) ? (void *)&w->scsi
				    : (void *)&w->ata;
	const struct emu_field *row = emu_field_find(rows, n, key);
	struct emu_why inner;
	char value[128];

	if (!row)
		return emu_why(why, "%s: nobody knows the key '%.60s'", place, key);
	if (!scalar(value, sizeof(value), v))
		return emu_why(why, "%s.%s: a text, a number, true or false is wanted", place, key);
	if (emu_field_set(row, base, value, &inner))
		return true;
	return emu_why(why, "%s: %.120s", place, inner.text);
}

/* model, serial and the like stand beside the name; the rest under capabilities */
static bool is_a_label(const char *key)
{
	static const char *const keys[] = {"model", "serial",	    "firmware",
					   "wwn",   "sector-bytes", "vendor"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!strcmp(keys[i], key))
			return true;
	return false;
}

static bool read_flag(bool *out, struct wanted *w, const char *key, struct emu_why *why)
{
	const json_t *v = json_object_get(w->object, key);

	if (v && !json_is_boolean(v))
		return emu_why(why, "%s.%s: true or false is wanted", w->place, key);
	*out = json_is_true(v);
	return true;
}

static bool read_config(struct wanted *w, struct emu_why *why)
{
	json_t *capabilities = json_object_get(w->object, "capabilities");
	char place[sizeof(w->place) + 16];
	const char *key;
	json_t *v;

	json_object_foreach (w->object, key, v) {
		if (is_of_the_drive(key))
			continue;
		if (!is_a_label(key))
			return emu_why(why, "%s: nobody knows the key '%.60s'", w->place, key);
		if (!set_config(w, w->place, key, v, why))
			return false;
	}
	snprintf(place, sizeof(place), "%s.capabilities", w->place);
	if (capabilities && !json_is_object(capabilities))
		return emu_why(why, "%s is no object", place);
	json_object_foreach (capabilities, key, v) {
		if (is_a_label(key) || !strcmp(key, "sectors"))
			return emu_why(why, "%s: '%s' stands one level above", place, key);
		if (!set_config(w, place, key, v, why))
			return false;
	}
	return read_flag(&w->d->absent, w, "absent", why) &&
	       read_flag(&w->is_stained, w, "stained", why);
}

/* Of the faults only what the drive is born with. */
static bool read_birth_faults(struct wanted *w, struct emu_why *why)
{
	json_t *faults = json_object_get(w->object, "faults");
	size_t n;
	const struct emu_field *rows = emu_rig_ata_birth_faults(&n);

	if (faults && !json_is_object(faults))
		return emu_why(why, "%s.faults is no object", w->place);
	for (size_t i = 0; i < n && is_ata(w->d); i++) {
		const json_t *v = json_object_get(faults, rows[i].key);
		char value[16];

		if (!v)
			continue;
		if (!scalar(value, sizeof(value), v) ||
		    !emu_field_set(&rows[i], &w->ata, value, why))
			return emu_why(why, "%s.faults.%s: true or false is wanted", w->place,
				       rows[i].key);
		json_object_del(faults, rows[i].key);
	}
	return true;
}

static bool make_nvme(struct wanted *w, struct emu_why *why)
{
	struct emu_rig_drive *d = w->d;

	if (!emu_rig_nvme_namespaces(&w->nvme, json_object_get(w->object, "namespaces"), w->place,
				     why))
		return false;
	w->nvme.capsule_bytes = d->door == EMU_DOOR_NVME_TCP ? EMU_NVME_TCP_CAPSULE : 0;
	d->nvme = emu_nvme_new(&w->nvme, &d->time);
	if (!d->nvme)
		return emu_why(why, "%s: no memory", w->place);
	if (w->is_stained)
		emu_rig_stain(d);
	emu_nvme_port_plug(&d->port, d->nvme);
	d->unit = emu_rig_nvme_unit(d);
	return true;
}

static bool make(struct wanted *w, struct emu_why *why)
{
	struct emu_rig_drive *d = w->d;
	uint64_t sectors = is_sas(d) ? w->scsi.sectors : w->ata.sectors;
	uint32_t block = is_sas(d) ? w->scsi.logical_bytes : w->ata.logical_bytes;

	if (is_nvme(d))
		return make_nvme(w, why);
	if (block < 512 || block > 65536 || sectors > 1ULL << 40)
		return emu_why(why, "%s: no drive has that size", w->place);
	if (!is_sas(d) && block % 512)
		return emu_why(why, "%s.sector-bytes: no multiple of 512", w->place);
	if (is_sas(d) && (w->scsi.luns < 1 || w->scsi.luns > EMU_SCSI_LUNS_MAX))
		return emu_why(why, "%s.capabilities.luns: 1 or %d", w->place, EMU_SCSI_LUNS_MAX);
	if (is_sas(d))
		d->scsi = emu_scsi_new(&w->scsi, &d->time);
	else
		d->ata = emu_ata_new(&w->ata, &d->time);
	if (!d->ata && !d->scsi)
		return emu_why(why, "%s: no memory", w->place);
	if (w->is_stained)
		emu_rig_stain(d);
	if (is_sas(d)) {
		d->bay.drive = d->scsi;
		d->unit = emu_scsi_unit(&d->bay);
	} else {
		emu_satl_plug(&d->satl, d->ata);
		d->unit = emu_satl_unit(&d->satl);
	}
	return true;
}

static bool read_drive(struct emu_rig *rig, size_t i, json_t *object, const char *folder,
		       struct emu_why *why)
{
	struct wanted w = {.d = &rig->drives[i], .object = object, .folder = folder};

	snprintf(w.place, sizeof(w.place), "drives[%zu]", i);
	if (!json_is_object(object))
		return emu_why(why, "%s is no object", w.place);
	if (!read_name(&w, why))
		return false;
	for (size_t j = 0; j < i; j++)
		if (!strcmp(rig->drives[j].name, w.d->name))
			return emu_why(why, "%s.name: '%s' is there already", w.place, w.d->name);
	return read_kind(&w, why) && read_base(&w, why) && read_config(&w, why) &&
	       read_birth_faults(&w, why) && make(&w, why);
}

/* When all drives are there, since a fault may name another one. */
static bool read_faults(struct emu_rig *rig, size_t i, json_t *object, struct emu_why *why)
{
	struct emu_why inner;
	char value[128];
	const char *key;
	json_t *v;

	json_object_foreach (json_object_get(object, "faults"), key, v) {
		if (!scalar(value, sizeof(value), v))
			return emu_why(why,
				       "drives[%zu].faults.%.40s: a text, a number, true or false "
				       "is wanted",
				       i, key);
		if (!emu_rig_fault(rig, &rig->drives[i], key, value, &inner))
			return emu_why(why, "drives[%zu].faults: %.120s", i, inner.text);
	}
	if (rig->drives[i].absent)
		emu_rig_unplug(&rig->drives[i]);
	return true;
}

static bool read_rig(struct emu_rig *rig, json_t *root, const char *folder, struct emu_why *why)
{
	json_t *drives = json_object_get(root, "drives");
	json_t *speed = json_object_get(root, "speed");
	const char *key;
	json_t *v;
	size_t i;

	if (!json_is_object(root))
		return emu_why(why, "a rig is an object");
	json_object_foreach (root, key, v)
		if (strcmp(key, "drives") != 0 && strcmp(key, "speed") != 0)
			return emu_why(why, "nobody knows the key '%.60s'", key);
	if (speed && !(json_number_value(speed) > 0 && json_number_value(speed) <= 1e6))
		return emu_why(why, "speed: a number above 0 is wanted");
	rig->speed = json_number_value(speed);
	if (!json_is_array(drives) || !json_array_size(drives) ||
	    json_array_size(drives) > EMU_RIG_DRIVES_MAX)
		return emu_why(why, "drives: an array of 1 to %d is wanted", EMU_RIG_DRIVES_MAX);
	rig->drives = calloc(json_array_size(drives), sizeof(*rig->drives));
	if (!rig->drives)
		return emu_why(why, "no memory");
	json_array_foreach (drives, i, v) {
		rig->n = i + 1;
		if (!read_drive(rig, i, v, folder, why))
			return false;
	}
	json_array_foreach (drives, i, v)
		if (!read_faults(rig, i, v, why))
			return false;
	return true;
}

struct emu_rig *emu_rig_new(const char *text, size_t len, const char *folder, struct emu_why *why)
{
	json_error_t error;
	AUTO(free_json) json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	struct emu_rig *rig;

	if (!root) {
		(void)emu_why(why, "line %d, column %d: %.120s", error.line, error.column,
			      error.text);
		return NULL;
	}
	rig = calloc(1, sizeof(*rig));
	if (!rig) {
		(void)emu_why(why, "no memory");
		return NULL;
	}
	if (!read_rig(rig, root, folder, why))
		emu_rig_free(&rig);
	return rig;
}

struct emu_rig *emu_rig_read(const char *path, struct emu_why *why)
{
	AUTO_FILE FILE *f = fopen(path, "re");
	AUTO_MEM char *text = malloc(RIG_BYTES_MAX + 1);
	AUTO_MEM char *copy = strdup(path);
	size_t len;

	if (!f || !text || !copy) {
		(void)emu_why(why, "%.150s: %m", path);
		return NULL;
	}
	len = fread(text, 1, RIG_BYTES_MAX + 1, f);
	if (ferror(f) || len > RIG_BYTES_MAX) {
		(void)emu_why(why, "%.150s cannot be read, or is too long", path);
		return NULL;
	}
	return emu_rig_new(text, len, dirname(copy), why);
}

void emu_rig_free(struct emu_rig **rig)
{
	if (!*rig)
		return;
	for (size_t i = 0; i < (*rig)->n; i++) {
		emu_ata_free(&(*rig)->drives[i].ata);
		emu_scsi_free(&(*rig)->drives[i].scsi);
		emu_nvme_free(&(*rig)->drives[i].nvme);
	}
	free((*rig)->drives);
	free(*rig);
	*rig = NULL;
}

struct emu_rig_drive *emu_rig_find(const struct emu_rig *rig, const char *name)
{
	for (size_t i = 0; i < rig->n; i++)
		if (!strcmp(rig->drives[i].name, name))
			return &rig->drives[i];
	return NULL;
}

struct emu_media *emu_rig_media(const struct emu_rig_drive *d)
{
	if (d->nvme)
		return emu_nvme_media(d->nvme, 1);
	return d->ata ? emu_ata_media(d->ata) : emu_scsi_media(d->scsi, 0);
}

bool emu_rig_is_plugged(const struct emu_rig_drive *slot)
{
	return slot->satl.drive || slot->bay.drive || slot->port.drive;
}

void emu_rig_unplug(struct emu_rig_drive *slot)
{
	if (!emu_rig_is_plugged(slot))
		return;
	slot->unit.ops->power_off(slot->unit.ctx);
	emu_satl_plug(&slot->satl, NULL);
	slot->bay.drive = NULL;
	emu_nvme_port_plug(&slot->port, NULL);
}

bool emu_rig_plug(struct emu_rig_drive *slot, struct emu_rig_drive *from, struct emu_why *why)
{
	if (!slot->ata != !from->ata || !slot->nvme != !from->nvme)
		return emu_why(why, "%s does not fit into the slot of %s", from->name, slot->name);
	emu_rig_unplug(slot);
	if (from->ata)
		emu_satl_plug(&slot->satl, from->ata);
	slot->bay.drive = from->scsi;
	emu_nvme_port_plug(&slot->port, from->nvme);
	slot->unit.ops->power_on(slot->unit.ctx);
	return true;
}

static uint64_t sectors_of(const struct emu_rig_drive *d)
{
	return d->ata ? emu_ata_config_of(d->ata)->sectors : emu_scsi_config_of(d->scsi)->sectors;
}

void emu_rig_stain(struct emu_rig_drive *d)
{
	if (d->nvme)
		emu_nvme_stain(d->nvme);
	else
		emu_media_stain_all(emu_rig_media(d), sectors_of(d));
}

struct emu_rig_stains emu_rig_stains(const struct emu_rig_drive *d)
{
	struct emu_media *m = emu_rig_media(d);
	struct emu_rig_stains s;
	struct emu_stains user;
	uint64_t all, reach;

	if (d->nvme)
		return emu_rig_nvme_stains(d->nvme);
	all = sectors_of(d);
	reach = d->ata ? emu_ata_sectors(d->ata) : all;
	user = emu_media_stains(m, 0, reach);
	s = (struct emu_rig_stains){.user = user.sectors, .spare = user.spare};
	if (reach < all)
		s.hidden = emu_media_stains(m, reach, all - reach).sectors;
	return s;
}
