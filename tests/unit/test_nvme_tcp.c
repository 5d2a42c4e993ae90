/* The NVMe/TCP door: a host that speaks PDUs in memory, and hosts that don't play by the rules. */
#include "tests/emu/nvme_tcp_door.h"

#include "base/span.h"
#include "base/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BYTES (1024 * 1024U)

struct world {
	struct emu_time time;
	struct emu_nvme *d;
	struct emu_nvme_port port;
};

/* One connection, seen from the host. */
struct host {
	struct emu_nvme_link *link;
	struct xp_buf out; /* what came from the target */
	size_t at;	   /* what of it has been looked at */
	bool is_open;
	uint16_t next_id;
};

static void make(struct world *w, bool many)
{
	struct emu_nvme_config cfg = many ? emu_nvme_many(BYTES) : emu_nvme_ssd(BYTES);

	*w = (struct world){0};
	cfg.capsule_bytes = EMU_NVME_TCP_CAPSULE;
	w->d = emu_nvme_new(&cfg, &w->time);
	assert_non_null(w->d);
	emu_nvme_port_plug(&w->port, w->d);
}

static void feed(struct host *h, const void *data, size_t len)
{
	h->is_open = emu_nvme_link_feed(h->link, data, len, &h->out);
}

static void hang_up(struct host *h)
{
	emu_nvme_link_free(&h->link);
	xp_buf_free(&h->out);
}

/* The next PDU from the target; NULL: none. */
static const uint8_t *next(struct host *h)
{
	const uint8_t *p = (const uint8_t *)h->out.data + h->at;

	if (h->out.len - h->at < 8)
		return NULL;
	assert_true(h->out.len - h->at >= get_le32(p + 4));
	h->at += get_le32(p + 4);
	return p;
}

static void greet(struct world *w, struct host *h)
{
	uint8_t icreq[128] = {0x00, 0, 128, 0, 128};
	const uint8_t *p;

	*h = (struct host){.link = emu_nvme_link_new(&w->port), .is_open = true};
	assert_non_null(h->link);
	/* in two parts */
	feed(h, icreq, 5);
	assert_null(next(h));
	feed(h, icreq + 5, sizeof(icreq) - 5);
	p = next(h);
	assert_non_null(p);
	assert_int_equal(p[0], 1);
	assert_int_equal(get_le32(p + 12), EMU_NVME_TCP_DATA_MAX);
}

/* A command with its data in the capsule. Its completion, or what comes before it. */
static const uint8_t *send_inline(struct host *h, uint8_t *sqe, const void *data, uint32_t len)
{
	uint8_t head[72] = {4, 0, 72};

	put_le16(sqe + 2, ++h->next_id);
	if (len) {
		head[3] = 72;
		put_le32(sqe + 32, len);
		sqe[39] = 0x01;
	}
	put_le32(head + 4, 72 + len);
	memcpy(head + 8, sqe, 64);
	feed(h, head, sizeof(head));
	if (len && h->is_open)
		feed(h, data, len);
	return next(h);
}

static uint16_t status_of(const uint8_t *pdu)
{
	assert_non_null(pdu);
	assert_int_equal(pdu[0], 5);
	return get_le16(pdu + 22) >> 1 & 0x7ff;
}

static uint16_t connect(struct world *w, struct host *h, uint16_t qid, uint16_t cntlid,
			uint8_t host_id, uint16_t *got)
{
	uint8_t sqe[64] = {0x7f, 0, 0, 0, 0x01};
	uint8_t data[1024] = {0};
	const uint8_t *p;

	put_le16(sqe + 42, qid);
	put_le16(sqe + 44, 31);
	data[0] = host_id;
	put_le16(data + 16, cntlid);
	snprintf((char *)data + 256, 256, "%s", emu_nvme_config_of(w->d)->subnqn);
	snprintf((char *)data + 512, 256, "nqn.2026-11.example:host");
	p = send_inline(h, sqe, data, sizeof(data));
	if (status_of(p) == 0)
		*got = get_le16(p + 8);
	return status_of(p);
}

static uint16_t property(struct host *h, bool set, uint32_t offset, uint32_t value, uint64_t *got)
{
	uint8_t sqe[64] = {0x7f, 0, 0, 0, set ? 0x00 : 0x04};
	const uint8_t *p;

	sqe[40] = offset == 0 ? 1 : 0;
	put_le32(sqe + 44, offset);
	put_le32(sqe + 48, value);
	p = send_inline(h, sqe, NULL, 0);
	if (p && got)
		*got = get_le64(p + 8);
	return p ? status_of(p) : 0xffff;
}

/* An admin queue, enabled. */
static uint16_t open_admin(struct world *w, struct host *h, uint8_t host_id)
{
	uint16_t id = 0;
	uint64_t v = 0;

	greet(w, h);
	assert_int_equal(connect(w, h, 0, 0xffff, host_id, &id), 0);
	assert_int_equal(property(h, false, 0x00, 0, &v), 0);
	assert_int_equal(v & 0xffff, 127);
	assert_true(v >> 37 & 1);
	assert_int_equal(property(h, false, 0x1c, 0, &v), 0);
	assert_int_equal(v, 0);
	assert_int_equal(property(h, true, 0x14, 0x00460001, NULL), 0);
	assert_int_equal(property(h, false, 0x1c, 0, &v), 0);
	assert_int_equal(v, 1);
	return id;
}

static const uint8_t *read_data(struct host *h, uint8_t *sqe, uint32_t len)
{
	put_le32(sqe + 32, len);
	sqe[39] = 0x5a;
	return send_inline(h, sqe, NULL, 0);
}

static void test_queues_connect_and_carry_data_both_ways(void **state)
{
	struct world w;
	struct host admin, io;
	uint16_t id;
	uint8_t identify[64] = {0x06};
	uint8_t write[64] = {0x01, 0, 0, 0, 1};
	uint8_t read[64] = {0x02, 0, 0, 0, 1};
	uint8_t block[4096];
	uint8_t r2t_write[64] = {0x01, 0, 0, 0, 1};
	uint8_t h2c[24] = {0x06, 0, 24, 24};
	const uint8_t *p;

	(void)state;
	make(&w, false);
	id = open_admin(&w, &admin, 1);
	assert_int_equal(id, 1);
	identify[40] = 1;
	p = read_data(&admin, identify, 4096);
	assert_int_equal(p[0], 7);
	assert_int_equal(get_le32(p + 16), 4096);
	assert_int_equal(get_le16(p + 8), admin.next_id);
	assert_memory_equal(p + 24 + 4, "EMUNVME0001", 11);
	assert_int_equal(get_le16(p + 24 + 320), 10);
	assert_int_equal(get_le32(p + 24 + 1792), 4 + EMU_NVME_TCP_CAPSULE / 16);
	assert_int_equal(status_of(next(&admin)), 0);
	greet(&w, &io);
	assert_int_equal(connect(&w, &io, 1, id, 1, &id), 0);
	memset(block, 0x77, sizeof(block));
	write[48] = 7;
	assert_int_equal(status_of(send_inline(&io, write, block, 4096)), 0);
	/* asked for, and sent in two parts */
	put_le32(r2t_write + 40, 8);
	r2t_write[48] = 7;
	p = read_data(&io, r2t_write, 4096);
	assert_int_equal(p[0], 9);
	assert_int_equal(get_le32(p + 16), 4096);
	memcpy(h2c + 8, p + 8, 4);
	put_le32(h2c + 4, 24 + 2048);
	put_le32(h2c + 16, 2048);
	for (unsigned i = 0; i < 2; i++) {
		put_le32(h2c + 12, 2048 * i);
		feed(&io, h2c, sizeof(h2c));
		feed(&io, block, 2048);
	}
	assert_int_equal(status_of(next(&io)), 0);
	put_le32(read + 40, 4);
	read[48] = 7;
	p = read_data(&io, read, 4096);
	assert_int_equal(p[0], 7);
	assert_true(xp_mem_is_filled(p + 24, 0x77, 4096));
	assert_int_equal(status_of(next(&io)), 0);
	/* an error brings no data */
	put_le32(read + 44, 1);
	assert_int_equal(status_of(read_data(&io, read, 4096)), 0x80);
	hang_up(&io);
	hang_up(&admin);
	emu_nvme_free(&w.d);
}

static void test_connect_is_refused_where_it_must_be(void **state)
{
	struct world w;
	struct host a, b, c;
	uint16_t id = 0;
	uint8_t sqe[64] = {0x06};
	uint8_t other[64] = {0x7f, 0, 0, 0, 0x01};
	uint8_t data[1024] = {0};

	(void)state;
	make(&w, true);
	greet(&w, &a);
	/* a command before it, another name, too little data */
	assert_int_equal(status_of(send_inline(&a, sqe, NULL, 0)), 0x0c);
	put_le16(other + 44, 31);
	snprintf((char *)data + 256, 256, "nqn.2026-11.example:other");
	assert_int_equal(status_of(send_inline(&a, other, data, sizeof(data))), 0x182);
	assert_int_equal(status_of(send_inline(&a, other, data, 512)), 0x180);
	assert_int_equal(connect(&w, &a, 0, 1, 1, &id), 0x182);
	assert_int_equal(connect(&w, &a, 1, 1, 1, &id), 0x182);
	assert_int_equal(connect(&w, &a, 0, 0xffff, 1, &id), 0);
	assert_int_equal(id, 1);
	assert_int_equal(connect(&w, &a, 0, 0xffff, 1, &id), 0x0c); /* once is enough */
	/* not yet enabled */
	assert_int_equal(status_of(send_inline(&a, sqe, NULL, 0)), 0x0c);
	/* the second controller for another host, and no third one */
	assert_int_equal(open_admin(&w, &b, 2), 2);
	greet(&w, &c);
	assert_int_equal(connect(&w, &c, 0, 0xffff, 3, &id), 0x181);
	/* a host that comes again has its own, and its old connections are at their end */
	assert_int_equal(connect(&w, &c, 0, 0xffff, 2, &id), 0);
	assert_int_equal(id, 2);
	assert_false(emu_nvme_link_poll(b.link, &b.out));
	hang_up(&b);
	assert_true(emu_nvme_link_poll(c.link, &c.out));
	/* one that went away is free */
	hang_up(&a);
	greet(&w, &a);
	assert_int_equal(connect(&w, &a, 0, 0xffff, 9, &id), 0);
	assert_int_equal(id, 1);
	hang_up(&a);
	hang_up(&c);
	emu_nvme_free(&w.d);
}

static void test_events_are_answered_when_they_come(void **state)
{
	struct world w;
	struct host h;
	uint8_t aer[64] = {0x0c};
	uint8_t sanitize[64] = {0x84};
	const uint8_t *p;

	(void)state;
	make(&w, false);
	open_admin(&w, &h, 1);
	for (unsigned i = 0; i < 4; i++)
		assert_null(send_inline(&h, aer, NULL, 0));
	assert_int_equal(status_of(send_inline(&h, aer, NULL, 0)), 0x105);
	sanitize[40] = 4;
	assert_int_equal(status_of(send_inline(&h, sanitize, NULL, 0)), 0);
	assert_true(emu_nvme_link_poll(h.link, &h.out));
	assert_null(next(&h));
	emu_time_pass(&w.time, 3 * EMU_S);
	assert_true(emu_nvme_link_poll(h.link, &h.out));
	p = next(&h);
	assert_int_equal(status_of(p), 0);
	assert_int_equal(get_le32(p + 8), 6 | 1 << 8 | 0x81 << 16);
	hang_up(&h);
	emu_nvme_free(&w.d);
}

static void test_power_swap_and_reset_end_connections(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);
	struct world w;
	struct host h;
	struct emu_nvme *other;
	uint8_t id[64] = {0x06};
	uint64_t v;

	(void)state;
	make(&w, false);
	open_admin(&w, &h, 1);
	emu_nvme_port_power(&w.port, false);
	assert_false(emu_nvme_link_poll(h.link, &h.out));
	hang_up(&h);
	h = (struct host){.link = emu_nvme_link_new(&w.port)};
	feed(&h, "", 0);
	assert_false(h.is_open);
	hang_up(&h);
	emu_nvme_port_power(&w.port, true);
	open_admin(&w, &h, 1);
	/* NVM Subsystem Reset */
	assert_int_equal(property(&h, true, 0x20, 0x4e564d65, NULL), 0xffff);
	assert_false(h.is_open);
	hang_up(&h);
	open_admin(&w, &h, 1);
	/* Controller Reset, then shutdown */
	assert_int_equal(property(&h, true, 0x14, 0, NULL), 0);
	assert_int_equal(property(&h, false, 0x1c, 0, &v), 0);
	assert_int_equal(v, 0);
	assert_int_equal(property(&h, true, 0x14, 0x00464001, NULL), 0);
	assert_int_equal(property(&h, false, 0x1c, 0, &v), 0);
	assert_int_equal(v, 9);
	assert_int_equal(property(&h, false, 0x40, 0, &v), 0x02);
	other = emu_nvme_new(&cfg, &w.time);
	assert_non_null(other);
	emu_nvme_port_plug(&w.port, other);
	assert_false(emu_nvme_link_poll(h.link, &h.out));
	hang_up(&h);
	emu_nvme_port_plug(&w.port, w.d);
	emu_nvme_free(&other);
	open_admin(&w, &h, 1);
	/* a drive that vanishes in the middle of a command answers nothing */
	emu_nvme_faults(w.d)->vanishes_after = 1;
	id[40] = 1;
	assert_null(read_data(&h, id, 4096));
	assert_false(h.is_open);
	hang_up(&h);
	emu_nvme_port_plug(&w.port, NULL);
	emu_nvme_free(&w.d);
}

/* PDUs that end a connection, on one that is connected. */
static void test_hostile_pdus_end_the_connection(void **state)
{
	static const struct {
		uint8_t type, flags, hlen;
		uint32_t plen;
	} rows[] = {
		{0x01, 0, 128, 128}, /* the target's */
		{0x00, 0, 128, 128}, /* once is enough */
		{0x04, 1, 72, 72},   /* digests */
		{0x04, 0, 71, 72},   /* lengths */
		{0x04, 0, 72, 71},     {0x04, 0, 72, 0xffffffff},
		{0x06, 0, 24, 24 + 8}, /* data that nobody asked for */
		{0x02, 0, 24, 24},     /* the host ends it */
		{0x0a, 0, 24, 24},     {0xff, 0xff, 0xff, 0xffffffff},
	};
	struct world w;
	struct host h;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t pdu[160] = {rows[i].type, rows[i].flags, rows[i].hlen};

		make(&w, false);
		open_admin(&w, &h, 1);
		put_le32(pdu + 4, rows[i].plen);
		feed(&h, pdu, sizeof(pdu));
		assert_false(h.is_open);
		hang_up(&h);
		emu_nvme_free(&w.d);
	}
}

static void test_data_out_of_order_or_too_much_end_the_connection(void **state)
{
	static const struct {
		uint32_t offset, len;
		uint16_t tag;
		uint8_t pdo;
	} rows[] = {
		{512, 512, 0, 24}, {0, 513, 0, 24},   {0, 0xffffffff, 0, 24},
		{0, 512, 1, 24},   {0, 512, 999, 24}, {0, 512, 0, 0},
	};
	struct world w;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct host h;
		uint8_t send[64] = {0x81};
		uint8_t h2c[24 + 1024] = {0x06, 0, 24, rows[i].pdo};
		uint32_t body = rows[i].len > 1024 ? 512 : rows[i].len;
		const uint8_t *p;

		make(&w, false);
		open_admin(&w, &h, 1);
		send[43] = 1;
		put_le32(send + 44, 512);
		p = read_data(&h, send, 512);
		assert_int_equal(p[0], 9);
		memcpy(h2c + 8, p + 8, 2);
		put_le16(h2c + 10, rows[i].tag);
		put_le32(h2c + 12, rows[i].offset);
		put_le32(h2c + 16, rows[i].len);
		put_le32(h2c + 4, 24 + body);
		feed(&h, h2c, 24 + body);
		assert_false(h.is_open);
		p = next(&h);
		assert_non_null(p);
		assert_int_equal(p[0], 3); /* and it is told why */
		hang_up(&h);
		emu_nvme_free(&w.d);
	}
}

static void test_descriptors_that_lie_are_refused(void **state)
{
	struct world w;
	struct host h;
	uint8_t read[64] = {0x06};
	uint8_t send[64] = {0x81};
	uint8_t head[72 + 512] = {4, 0, 72, 72};

	(void)state;
	make(&w, false);
	open_admin(&w, &h, 1);
	read[40] = 1;
	assert_int_equal(status_of(read_data(&h, read, 0xffffffff)), 0x02);
	assert_int_equal(status_of(read_data(&h, send, EMU_NVME_TCP_DATA_MAX + 1)), 0x02);
	/* in the capsule, but another length than it says */
	put_le32(head + 4, sizeof(head));
	head[8] = 0x81;
	put_le32(head + 8 + 32, 4096);
	head[8 + 39] = 1;
	feed(&h, head, sizeof(head));
	assert_int_equal(status_of(next(&h)), 0x02);
	/* too little room for what is asked */
	assert_int_equal(status_of(read_data(&h, read, 512)), 0x0f);
	/* every slot waits */
	for (unsigned i = 0; i < 160; i++)
		assert_int_equal(read_data(&h, send, 16)[0], 9);
	assert_int_equal(status_of(read_data(&h, send, 16)), 0x02);
	hang_up(&h);
	emu_nvme_free(&w.d);
}

static void test_random_bytes_never_crash_it(void **state)
{
	uint64_t x = 42;
	struct world w;

	(void)state;
	make(&w, true);
	for (unsigned round = 0; round < 3000; round++) {
		struct host h;
		uint8_t bytes[512];
		static const uint8_t types[] = {0x00, 0x02, 0x04, 0x06};

		if (round % 2)
			open_admin(&w, &h, 1);
		else
			greet(&w, &h);
		for (size_t i = 0; i < sizeof(bytes); i++) {
			x = x * 6364136223846793005ULL + 1442695040888963407ULL;
			bytes[i] = (uint8_t)(x >> 33);
		}
		/* mostly headers that are sound */
		bytes[0] = types[bytes[0] & 3];
		bytes[1] = 0;
		bytes[2] = bytes[0] == 0x04 ? 72 : 24;
		bytes[3] = bytes[2];
		put_le32(bytes + 4, bytes[4] < 128 ? bytes[2] : sizeof(bytes));
		if (bytes[8 + 39] & 1)
			bytes[8 + 39] = bytes[8 + 39] & 2 ? 0x5a : 0x01;
		put_le32(bytes + 8 + 32, get_le32(bytes + 8 + 32) >> (bytes[9] & 31));
		if (bytes[8] & 0x40)
			bytes[8] = 0x7f;
		feed(&h, bytes, sizeof(bytes));
		hang_up(&h);
	}
	emu_nvme_free(&w.d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queues_connect_and_carry_data_both_ways),
		cmocka_unit_test(test_connect_is_refused_where_it_must_be),
		cmocka_unit_test(test_events_are_answered_when_they_come),
		cmocka_unit_test(test_power_swap_and_reset_end_connections),
		cmocka_unit_test(test_hostile_pdus_end_the_connection),
		cmocka_unit_test(test_data_out_of_order_or_too_much_end_the_connection),
		cmocka_unit_test(test_descriptors_that_lie_are_refused),
		cmocka_unit_test(test_random_bytes_never_crash_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
