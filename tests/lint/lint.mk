# lint.mk: everything that `make lint` looks at. Run through the Makefile. Slow checks leave a stamp a
# file and look again only at what was compiled anew; the object of the release build stands for the
# source and all its headers.

JOBS ?= 2
OBJ := build/release/obj
L := build/lint
SRC := $(wildcard base/*.c device/*.c device/protocol/*.c claim/*.c sanitize/*.c sanitize/overwrite/*.c \
	verify/*.c certs/*.c cli/*.c cli/tui/*.c vm-images/boot/*.c)
HDR := $(wildcard base/*.h device/*.h device/protocol/*.h claim/*.h sanitize/*.h sanitize/overwrite/*.h \
	verify/*.h certs/*.h cli/*.h cli/tui/*.h vm-images/boot/*.h)
TEST_SRC := $(wildcard tests/unit/*.c tests/fake/*.c tests/fuzz/*.c tests/emu/*.c tests/bench/*.c tests/vm/*.c tests/soak/*.c)
TEST_HDR := $(wildcard tests/*/*.h)
MAN := $(wildcard docs/man/*.1 docs/man/*.8)
SCRIPTS := $(shell git ls-files --cached --others --exclude-standard '*.sh' tests/run-tests .ci/run share/bash-completion)
JSON := $(shell git ls-files --cached --others --exclude-standard '*.json' ':!tests/fuzz/corpus')
CFLAGS := -std=gnu17 -D_GNU_SOURCE -I. -DXP_VERSION='"lint"' -DXP_PREFIX='"/usr/local"'

# every step reports, and the first that is wrong does not hide the others
STEPS := objects quick second-compiler format scripts man-pages json cppcheck tidy analyzer
.PHONY: all $(STEPS)
all:
	@mkdir -p $(L); bad=; for s in $(STEPS); do \
		if $(MAKE) --no-print-directory -k -j$(JOBS) -f tests/lint/lint.mk $$s >$(L)/$$s.log 2>&1 </dev/null; \
		then echo "  ok    $$s"; \
		else echo "  FAIL  $$s ($(L)/$$s.log)"; grep -vE '^(make|  CC|  LD)' $(L)/$$s.log | head -n 60; bad=1; fi; \
	done; if [ -n "$$bad" ]; then echo 'lint: not clean'; exit 1; else echo 'lint: clean'; fi

objects:
	@$(MAKE) -f Makefile WERROR=1 all unit-build
quick: objects
	@tests/lint/run.sh
second-compiler:
	@$(MAKE) -f Makefile CLANG=1 WERROR=1 all unit-build
format:
	@clang-format --dry-run -Werror $(SRC) $(HDR) $(TEST_SRC) $(TEST_HDR)
scripts:
	@shellcheck -x $(SCRIPTS)
man-pages:
	@$(if $(MAN),mandoc -T lint -W warning $(MAN))
json:
	@for f in $(JSON); do jq -e . "$$f" >/dev/null || { echo "$$f is no JSON"; bad=1; }; done; [ -z "$$bad" ]
cppcheck:
	@mkdir -p $(L)/cppcheck
	@cppcheck -q -j $(JOBS) --cppcheck-build-dir=$(L)/cppcheck --std=c11 --language=c --inline-suppr \
		--enable=warning,performance,portability --error-exitcode=1 \
		--suppressions-list=tests/lint/cppcheck.txt -D_GNU_SOURCE '-DXP_VERSION="lint"' \
		'-DXP_PREFIX="/"' -D__x86_64__ -I. $(SRC)

tidy: $(SRC:%.c=$(L)/tidy/%.ok)
$(L)/tidy/%.ok: %.c $(OBJ)/%.o .clang-tidy
	@mkdir -p $(@D)
	@clang-tidy -quiet $< -- $(CFLAGS) 2>$(@:.ok=.err) || { grep -v 'warnings generated' $(@:.ok=.err); exit 1; }
	@touch $@

# -fanalyzer as gcc 12 has it loses track of what an AUTO variable or a STEAL owns: what it says about
# leaks, about values seen through the void ** of a cleanup, and about the old block after realloc, is
# left to the other checks and to the sanitizers in the tests
ANALYZER := -fanalyzer -Werror -Wno-analyzer-malloc-leak -Wno-analyzer-file-leak \
	-Wno-analyzer-use-of-uninitialized-value -Wno-analyzer-possible-null-argument
analyzer: $(SRC:%.c=$(L)/analyzer/%.o)
$(L)/analyzer/%.o: %.c $(OBJ)/%.o
	@mkdir -p $(@D)
	@gcc $(CFLAGS) -O1 $(ANALYZER) -c -o $@ $<
$(OBJ)/%.o: ;
