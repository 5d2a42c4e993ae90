# expunge: secure deletion and device sanitization, with proof.
# `make help` lists the targets.

ifeq ($(origin CC),default)
CC := gcc
endif
prefix ?= /usr/local
VERSION := $(shell cat VERSION)
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
# V=1 shows the commands
say = $(if $(V),,@echo '  $(1) $@';)

# SAN=1: address and undefined-behaviour sanitizers; CLANG=1: the second compiler; FUZZ=1: for
# libFuzzer. Each in a folder of its own.
ifeq ($(SAN),1)
B := build/san
OPT := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LDOPT := -fsanitize=address,undefined
else ifeq ($(FUZZ),1)
B := build/fuzz
CC := clang
OPT := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
LDOPT := -fsanitize=address,undefined
else
B := build/release
OPT := -O2 -g -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection -fcf-protection
LDOPT := -Wl,-z,relro,-z,now,-z,noexecstack
ifeq ($(CLANG),1)
B := build/clang
CC := clang
endif
endif

WARN := -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wwrite-strings \
	-Wmissing-prototypes -Wstrict-prototypes -Wold-style-definition -Wimplicit-fallthrough \
	-Wformat=2 -Wvla -Wundef -Wnull-dereference -Wpointer-arith -Wframe-larger-than=16384
# instrumented code misleads the warnings that follow values; the release build has them all
ifeq ($(SAN),1)
WARN += -Wno-format-truncation -Wno-null-dereference -Wno-maybe-uninitialized \
	-Wno-stringop-overflow -Wno-stringop-truncation -Wno-restrict -Wno-frame-larger-than
endif
ifeq ($(WERROR),1)
WERROR_FLAG := -Werror
endif
CFLAGS ?=
BASE_CFLAGS = -std=gnu17 -D_GNU_SOURCE -I. -DXP_VERSION='"$(VERSION)"' -DXP_PREFIX='"$(prefix)"' \
	$(WARN) $(OPT) -fPIE $(CFLAGS)
ALL_CFLAGS = $(BASE_CFLAGS) $(WERROR_FLAG) -MMD -MP
ALL_LDFLAGS = -pie -Wl,--as-needed $(LDOPT) $(LDFLAGS)

# One archive a room: the link proves who may know whom.
base_SRC := $(wildcard base/*.c)
protocol_SRC := $(wildcard device/protocol/*.c)
claim_SRC := $(wildcard claim/*.c)
device_SRC := $(wildcard device/*.c)
sanitize_SRC := $(wildcard sanitize/*.c sanitize/overwrite/*.c)
verify_SRC := $(wildcard verify/*.c)
certs_SRC := $(wildcard certs/*.c)
# cli: cert_*.c and expunge_cert.c are expunge-cert's, cmd_*.c and expunge.c are expunge's, the rest both's
cli_shared_SRC := $(filter-out cli/cmd_% cli/cert_% cli/expunge.c cli/expunge_cert.c cli/job% cli/boot% cli/upload% cli/expect%,$(wildcard cli/*.c))
job_SRC := $(wildcard cli/job*.c cli/boot*.c cli/upload*.c cli/expect*.c)
tui_SRC := $(wildcard cli/tui/*.c)
expunge_SRC := $(wildcard cli/expunge.c cli/cmd_*.c)
expunge_cert_SRC := $(wildcard cli/expunge_cert.c cli/cert_*.c)

ROOMS := base protocol claim device sanitize verify certs cli_shared job tui
objs = $(patsubst %.c,$(B)/obj/%.o,$(1))
lib = $(B)/lib$(1).a

LIBS_CERT := -ljansson -lcrypto -lpthread
LIBS_ALL := -luring -lblkid -lnvme -lcryptsetup -lncursesw -lqrencode -ljansson -lssl -lcrypto -lm -lpthread

.PHONY: all
all: $(B)/expunge $(B)/expunge-cert

define ROOM
$(call lib,$(1)): $(call objs,$($(1)_SRC))
	@mkdir -p $$(@D) && rm -f $$@
	$(if $(V),,@)ar rcs $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call ROOM,$(r))))

# Other flags, another version or prefix: everything is compiled again.
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(CC) $(subst ','\'',$(BASE_CFLAGS))' | cmp -s - $@ || \
		printf '%s\n' '$(CC) $(subst ','\'',$(BASE_CFLAGS))' >$@
FORCE:

$(B)/obj/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(if $(V),,@echo '  CC $<';)$(CC) $(ALL_CFLAGS) -c -o $@ $<

# takes the policies in with .incbin
$(B)/obj/cli/policies.o: docs/policies/nist-800-88r2.json docs/policies/nist-800-88r1.json

$(B)/expunge: $(call objs,$(expunge_SRC)) $(foreach r,tui job cli_shared certs sanitize verify claim device protocol base,$(call lib,$(r)))
	$(call say,LD)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_ALL)

$(B)/expunge-cert: $(call objs,$(expunge_cert_SRC)) $(foreach r,cli_shared certs claim protocol base,$(call lib,$(r)))
	$(call say,LD)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_CERT)

# expunge-cert for a machine that has nothing: one file, no library (keys on tokens stay away: their
# modules are libraries). What the linker says of functions that would load some is true and known.
.PHONY: static
static: $(B)/expunge-cert-static
$(B)/expunge-cert-static: $(call objs,$(expunge_cert_SRC)) $(foreach r,cli_shared certs claim protocol base,$(call lib,$(r)))
	$(call say,LD)$(CC) $(filter-out -pie,$(ALL_LDFLAGS)) -static-pie -o $@ $^ $(LIBS_CERT) 2>$@.log || { cat $@.log >&2; exit 1; }

# the boot stick (docs/stick.md); its first program is one file, too
$(B)/boot-init: $(call objs,$(wildcard vm-images/boot/init*.c) base/patient.c)
	$(call say,LD)$(CC) $(filter-out -pie,$(ALL_LDFLAGS)) -static-pie -o $@ $^
# (its parts have a unit test)
$(B)/libboot.a: $(call objs,$(wildcard vm-images/boot/init_*.c))
	@mkdir -p $(@D) && rm -f $@
	$(if $(V),,@)ar rcs $@ $^
$(B)/tests/test_boot_init $(B)/tests/test_boot_whole: $(B)/libboot.a
.PHONY: image
image: all $(B)/boot-init
	@vm-images/boot/build.sh

# unit tests: one program a file
UNIT_SRC := $(wildcard tests/unit/test_*.c)
UNIT_BIN := $(patsubst tests/unit/%.c,$(B)/tests/%,$(UNIT_SRC))
# (with the drives that do not exist)
FAKE_OBJ := $(call objs,$(wildcard tests/fake/*.c tests/emu/*.c))
TEST_LIBS := $(foreach r,tui job cli_shared certs sanitize verify claim device protocol base,$(call lib,$(r)))
$(B)/tests/%: $(B)/obj/tests/unit/%.o $(FAKE_OBJ) $(TEST_LIBS)
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(ALL_LDFLAGS) -o $@ $< $(FAKE_OBJ) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group -lcmocka $(LIBS_ALL)

# plays emulated drives to a virtual machine
RIGD_OBJ := $(call objs,$(wildcard tests/vm/rigd.c tests/vm/stage.c tests/vm/vhost.c tests/vm/nvme_tcp_serve.c tests/vm/door_*.c))
EMU_OBJ := $(call objs,$(filter-out tests/emu/emu_transport%,$(wildcard tests/emu/*.c)))
$(B)/rigd: $(RIGD_OBJ) $(EMU_OBJ) $(call lib,base)
	$(call say,LD)$(CC) $(ALL_LDFLAGS) -o $@ $^ -ljansson -lpthread

# runs in that machine, between the module of tests/vm/module.sh and rigd
$(B)/libata_forward: $(B)/obj/tests/vm/libata_forward.o
	$(call say,LD)$(CC) $(ALL_LDFLAGS) -o $@ $^ -lpthread

# a PKCS#11 module that lies as it is told, beside the test that loads it
$(B)/tests/lying_token.so: tests/fault/lying_token.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(filter-out -fPIE,$(BASE_CFLAGS)) $(WERROR_FLAG) -fPIC -shared $(LDOPT) $(LDFLAGS) -o $@ $<
$(B)/tests/test_key_pkcs11: | $(B)/tests/lying_token.so

# tells which process parses what, for the tests of confinement
$(B)/who_reads.so: tests/fault/who_reads.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(filter-out -fPIE,$(BASE_CFLAGS)) $(WERROR_FLAG) -fPIC -shared $(LDOPT) $(LDFLAGS) -o $@ $< -ldl

# signs whatever it is given, for the tests of what a signature does not prove
$(B)/rogue_sign: $(B)/obj/tests/fault/rogue_sign.o $(TEST_LIBS)
	$(call say,LD)$(CC) $(ALL_LDFLAGS) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS_ALL)

# a file system that fails as it is told; where libfuse3 is not there its tests are skipped
FUSE_LIBS := $(shell pkg-config --libs fuse3 2>/dev/null)
FAULTFS := $(if $(FUSE_LIBS),$(B)/faultfs)
$(B)/faultfs: $(B)/obj/tests/fault/faultfs.o
	$(call say,LD)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(FUSE_LIBS)

.PHONY: unit unit-build unit-objects
# does every test still compile? (quicker than linking them)
unit-objects: $(call objs,$(UNIT_SRC)) $(FAKE_OBJ)
unit-build: $(UNIT_BIN) $(FAULTFS) $(B)/rogue_sign $(B)/rigd $(B)/libata_forward $(if $(filter 1,$(SAN)),,$(B)/boot-init $(B)/who_reads.so)
unit: $(UNIT_BIN)
	@set -e; for t in $(UNIT_BIN); do echo "== $$t"; $$t; done

# fuzzers: with libFuzzer they search (make fuzz), with a plain main they replay their corpus (make test)
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_BIN := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(FUZZ_SRC))
REPLAY_BIN := $(patsubst tests/fuzz/fuzz_%.c,$(B)/replay/%,$(FUZZ_SRC))
# an authority of its own, to stamp what it signed
$(B)/fuzz/fuzz_two_ways $(B)/replay/two_ways: $(B)/obj/tests/fake/tsa_lab.o
$(B)/fuzz/%: $(B)/obj/tests/fuzz/%.o $(TEST_LIBS)
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS_ALL)
$(B)/replay/%: $(B)/obj/tests/fuzz/fuzz_%.o $(B)/obj/tests/fuzz/replay.o $(TEST_LIBS)
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS_ALL)

.PHONY: fuzz-build replay-build fuzz soak
fuzz-build: $(FUZZ_BIN)
replay-build: $(REPLAY_BIN)
fuzz:
	@tests/deps.sh build lint
	@$(MAKE) --no-print-directory -j$(JOBS) FUZZ=1 fuzz-build
	@tests/fuzz/run.sh
soak: all $(B)/boot-init $(B)/rigd
	@tests/soak/run.sh

# the liar campaign on emulated drives (tests/soak/soak_campaign.sh)
$(B)/campaign: $(B)/obj/tests/soak/liar_campaign.o $(FAKE_OBJ) $(TEST_LIBS)
	$(call say,LD)$(CC) $(ALL_LDFLAGS) -o $@ $< $(FAKE_OBJ) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group -lcmocka $(LIBS_ALL)

# records of emulated drives (tests/data/frozen/make.sh)
$(B)/stage_records: $(B)/obj/tests/soak/stage_records.o $(FAKE_OBJ) $(TEST_LIBS)
	$(call say,LD)$(CC) $(ALL_LDFLAGS) -o $@ $< $(FAKE_OBJ) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group -lcmocka $(LIBS_ALL)

# speed: bench_io over the real library; any other bench_*.c is a benchmark of its own
BENCH_BIN := $(patsubst tests/bench/%.c,$(B)/bench/%,$(wildcard tests/bench/bench_*.c))
BENCH_OBJ := $(call objs,$(filter-out tests/bench/bench_%,$(wildcard tests/bench/*.c)))
$(B)/bench/%: $(B)/obj/tests/bench/%.o $(BENCH_OBJ) $(TEST_LIBS)
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(ALL_LDFLAGS) -o $@ $< $(BENCH_OBJ) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS_ALL)
.PHONY: bench bench-build
bench-build: $(BENCH_BIN)
bench:
	@tests/deps.sh build bench
	@$(MAKE) --no-print-directory -j$(JOBS) bench-build
	@tests/bench/bench.py $(BENCH_ARGS)

# what the virtual machine of the tests boots (tests/vm/run.sh)
.PHONY: vm-image
vm-image:
	@tests/vm/image.sh

# what must be there, and the tests
.PHONY: deps test lint lint-fast demo
deps:
	@tests/deps.sh build demo test
test: deps
	@tests/run-tests
lint:
	@tests/deps.sh build test lint
	@$(MAKE) --no-print-directory -f tests/lint/lint.mk JOBS=$(JOBS)
lint-fast: all
	@tests/lint/run.sh
demo:
	@tests/deps.sh build demo
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@tests/demo.sh

# DESTDIR and prefix as usual; uninstall takes away exactly what install puts there
bindir := $(prefix)/bin
mandir := $(prefix)/share/man
datadir := $(prefix)/share/expunge
docdir := $(prefix)/share/doc/expunge
bashdir := $(prefix)/share/bash-completion/completions
MAN1 := $(wildcard docs/man/*.1)
MAN8 := $(wildcard docs/man/*.8)
POLICIES := $(wildcard docs/policies/*.json)
SCHEMAS := $(wildcard certs/*.schema.json)
DOCS := $(wildcard README.md CHANGELOG.md LICENSE docs/*.md)
COMPLETIONS := $(wildcard share/bash-completion/*)
INSTALLED = $(addprefix $(bindir)/,expunge expunge-cert) \
	$(addprefix $(mandir)/man1/,$(notdir $(MAN1))) $(addprefix $(mandir)/man8/,$(notdir $(MAN8))) \
	$(addprefix $(datadir)/policies/,$(notdir $(POLICIES))) $(addprefix $(datadir)/,$(notdir $(SCHEMAS))) \
	$(addprefix $(docdir)/,$(notdir $(DOCS))) $(addprefix $(bashdir)/,$(notdir $(COMPLETIONS)))

# $(call put,MODE,FOLDER,FILES)
put = $(if $(strip $(3)),install -d '$(DESTDIR)$(2)' && install -m $(1) $(3) '$(DESTDIR)$(2)')
.PHONY: install uninstall
install: all
	$(call put,0755,$(bindir),$(B)/expunge $(B)/expunge-cert)
	$(call put,0644,$(mandir)/man1,$(MAN1))
	$(call put,0644,$(mandir)/man8,$(MAN8))
	$(call put,0644,$(datadir)/policies,$(POLICIES))
	$(call put,0644,$(datadir),$(SCHEMAS))
	$(call put,0644,$(docdir),$(DOCS))
	$(call put,0644,$(bashdir),$(COMPLETIONS))
uninstall:
	rm -f $(foreach f,$(INSTALLED),'$(DESTDIR)$(f)')
	-rmdir '$(DESTDIR)$(datadir)/policies' '$(DESTDIR)$(datadir)' '$(DESTDIR)$(docdir)' 2>/dev/null

.PHONY: help
help:
	@echo 'make            both programs, in build/release'
	@echo 'make static     expunge-cert as one file without libraries, build/release/expunge-cert-static'
	@echo 'make demo       the whole way once, on an image that it makes: plan, erase, read back, certify, check'
	@echo 'make test       everything that is tested; the last line counts'
	@echo 'make unit       the unit tests alone (SAN=1: with sanitizers)'
	@echo 'make lint       layers, both compilers, static checks, format, scripts, man pages'
	@echo 'make lint-fast  the part of it that needs no second compiler'
	@echo 'make fuzz       every fuzzer for FUZZ_SECONDS=60'
	@echo 'make soak       long campaigns: SOAK_SECONDS=3600'
	@echo 'make bench      speed against the peers that are installed'
	@echo 'make vm-image   the kernel and the clients of the virtual machine that tests use, in build/vm'
	@echo 'make image      the boot stick for BIOS, UEFI and Secure Boot, and what boots from the network, in build/image'
	@echo 'make deps       installs the packages of packages.txt that are missing'
	@echo 'make install    DESTDIR and prefix=$(prefix); make uninstall takes away the same files'
	@echo 'make clean'

.PHONY: clean
clean:
	rm -rf build

.SECONDARY:
-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
