# expunge: secure deletion and device sanitization, with proof.
# `make help` lists the targets.

ifeq ($(origin CC),default)
CC := gcc
endif
prefix ?= /usr/local
VERSION := $(shell cat VERSION)
# SAN=1: address and undefined-behaviour sanitizers, in a folder of their own
ifeq ($(SAN),1)
B := build/san
OPT := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LDOPT := -fsanitize=address,undefined
else
B := build/release
OPT := -O2 -g -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection -fcf-protection
LDOPT := -Wl,-z,relro,-z,now,-z,noexecstack
endif

WARN := -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wwrite-strings \
	-Wmissing-prototypes -Wstrict-prototypes -Wold-style-definition -Wimplicit-fallthrough \
	-Wformat=2 -Wvla -Wundef -Wnull-dereference -Wpointer-arith -Wframe-larger-than=16384
ifeq ($(WERROR),1)
WARN += -Werror
endif
CFLAGS ?=
ALL_CFLAGS = -std=gnu17 -D_GNU_SOURCE -I. -I$(B)/include -DXP_VERSION='"$(VERSION)"' \
	-DXP_PREFIX='"$(prefix)"' $(WARN) $(OPT) -fPIE -MMD -MP $(CFLAGS)
ALL_LDFLAGS = -pie $(LDOPT) $(LDFLAGS)

# One archive a room: the link proves who may know whom.
base_SRC := $(wildcard base/*.c)
protocol_SRC := $(wildcard device/protocol/*.c)
claim_SRC := $(wildcard claim/*.c)
device_SRC := $(wildcard device/*.c)
sanitize_SRC := $(wildcard sanitize/*.c sanitize/overwrite/*.c)
verify_SRC := $(wildcard verify/*.c)
certs_SRC := $(wildcard certs/*.c)
# cli: cert_*.c and expunge_cert.c are expunge-cert's, cmd_*.c and expunge.c are expunge's, the rest both's
cli_shared_SRC := $(filter-out cli/cmd_% cli/cert_% cli/expunge.c cli/expunge_cert.c cli/job%.c,$(wildcard cli/*.c))
expunge_SRC := $(wildcard cli/expunge.c cli/cmd_*.c cli/job*.c cli/tui/*.c)
expunge_cert_SRC := $(wildcard cli/expunge_cert.c cli/cert_*.c)

ROOMS := base protocol claim device sanitize verify certs cli_shared
objs = $(patsubst %.c,$(B)/obj/%.o,$(1))
lib = $(B)/lib$(1).a

LIBS_CERT := -ljansson -lcrypto
LIBS_ALL := -luring -lblkid -lnvme -lcryptsetup -lncursesw -ljansson -lcrypto -lpthread

.PHONY: all
all: $(B)/expunge $(B)/expunge-cert

define ROOM
$(call lib,$(1)): $(call objs,$($(1)_SRC))
	@mkdir -p $$(@D) && rm -f $$@
	$(if $(Q),,@)ar rcs $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call ROOM,$(r))))

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(B)/expunge: $(call objs,$(expunge_SRC)) $(foreach r,cli_shared certs sanitize verify claim device protocol base,$(call lib,$(r)))
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_ALL)

$(B)/expunge-cert: $(call objs,$(expunge_cert_SRC)) $(foreach r,cli_shared certs claim protocol base,$(call lib,$(r)))
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_CERT)

# unit tests: one program a file
UNIT_SRC := $(wildcard tests/unit/test_*.c)
UNIT_BIN := $(patsubst tests/unit/%.c,$(B)/tests/%,$(UNIT_SRC))
FAKE_OBJ := $(call objs,$(wildcard tests/fake/*.c))
$(B)/tests/%: $(B)/obj/tests/unit/%.o $(FAKE_OBJ) $(foreach r,certs sanitize verify claim device protocol base,$(call lib,$(r)))
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $< $(FAKE_OBJ) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group -lcmocka $(LIBS_ALL)

.PHONY: unit
unit: $(UNIT_BIN)
	@set -e; for t in $(UNIT_BIN); do echo "== $$t"; $$t; done

.PHONY: clean
clean:
	rm -rf build

.SECONDARY:
-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
