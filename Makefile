# SPDX-License-Identifier: MIT
#
# For GNU make; `make help` lists the targets. Taken from the command line or the environment:
#   CC AR CPPFLAGS CFLAGS LDFLAGS   as usual; our own warnings stay on
#   BUILD         where everything is built (build)
#   BEARSSL_DIR   BearSSL's source, or the prefix it is installed in (else fetched)
#   LWIP_DIR      lwIP's source (else fetched)
#   MBEDTLS_DIR   mbedTLS's source, for `make bench' alone (else fetched)
#   DEPS          where fetched sources are kept (.deps)
#   SOURCE_DATE_EPOCH   seconds since 1970 when it was built: no earlier Date is written (the year's beginning)
#   DANE=1        mail without a relay: MX records and DANE, with libunbound (port/dane); not for `make static'
#   WERROR=1      a warning ends the build: for those who change the code; `make check' sets it
#   SHORT=yes     a part of what takes long, where tests/README.md says so; `make check' sets it
#   V=1           shows the commands

BUILD ?= build
DEPS ?= .deps
CFLAGS ?= -Os -g
BEARSSL_DIR ?= $(DEPS)/bearssl
LWIP_DIR ?= $(DEPS)/lwip
MBEDTLS_DIR ?= $(DEPS)/mbedtls
FUZZ_SECONDS ?= 600

include port/mailmote.mk

MAKEFLAGS += --no-print-directory --no-builtin-rules
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
Q := $(if $(V),,@)
quoted = '$(subst ','\'',$(1))'

# BearSSL is a source tree, compiled here, or an installed prefix. That one is of no use to the cross compiler.
source_h := $(BEARSSL_DIR)/inc/bearssl.h
prefix_h := $(wildcard $(BEARSSL_DIR)/include/bearssl.h)
bearssl_h := $(or $(prefix_h),$(source_h))
cross_h := $(if $(prefix_h),$(DEPS)/bearssl/inc/bearssl.h,$(source_h))
BEARSSL_LIB ?= $(if $(prefix_h),-L$(BEARSSL_DIR)/lib -lbearssl,$(BUILD)/libbearssl.a)
bearssl_a := $(filter %.a,$(BEARSSL_LIB))

strict := -std=c99 -pedantic -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wcast-qual \
    -Wwrite-strings -Wvla $(if $(WERROR),-Werror)
# BearSSL's headers are system headers to us: their warnings are not ours. Tests may look into the core.
ours := $(strict) -Iinclude -isystem $(dir $(bearssl_h)) $(SOURCE_DATE_EPOCH:%=-DMOTE_BUILT_S=%)
tests := -Icore/smtp -Icore/outbox -Iboards -Itests/unit -Wno-unused-parameter
compile = $(CC) $(ours) $(if $(filter tests/%,$<),$(tests)) $(CPPFLAGS) $(CFLAGS) $(lto) -MMD -MP -c -o $@ $<
link = $(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(BUILD)/libmailmote.a $(BEARSSL_LIB) $(dane_lib)

objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
library_o := $(call objects,$(MAILMOTE_CORE) $(MAILMOTE_POSIX) $(MAILMOTE_WATCHDOG))
command_o := $(call objects,$(wildcard boards/host/*.c))
override DANE := $(filter-out 0 no,$(DANE))
override SHORT := $(filter-out 0 no,$(SHORT))
export SHORT
ifdef DANE
$(if $(filter static%,$(MAKECMDGOALS)),$(error DANE=$(DANE) is not for a static file, as libunbound is a shared library: make it without))
include port/dane/dane.mk
endif

include port/static/static.mk

##: Build

all: $(BUILD)/mailmote $(BUILD)/libmailmote.a ## the command and the library; plain `make` does the same

$(BUILD)/mailmote: $(command_o) $(BUILD)/libmailmote.a $(bearssl_a)
	@echo "  LINK    $@"
	$(Q)$(link)

# A sanitizer in the command is told when it cannot look for leaks.
$(BUILD)/mailmote $(BUILD)/fast/mailmote: $(if $(findstring -fsanitize=address,$(CFLAGS)),$(call objects,tests/interop/sanitized.c))

$(BUILD)/libmailmote.a: $(library_o)
	@rm -f $@
	@echo "  AR      $@"
	$(Q)$(AR) rcs $@ $^

$(BUILD)/obj/%.o: %.c $(BUILD)/flags | $(bearssl_h)
	$(mailmote_folder)
	$(info $()  CC      $<)
	$(Q)$(compile)

# Written when the compiler or a flag has changed, and everything is built again.
# -Werror changes no object. What one program alone is linked with is none of them.
flags := $(strip $(CC) $(filter-out -Werror,$(ours)) $(tests) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS))
ifneq ($(flags),$(file <$(BUILD)/flags))
.PHONY: $(BUILD)/flags
endif
$(BUILD)/flags: | need-cc
	@mkdir -p $(@D)
	@printf '%s\n' $(call quoted,$(flags)) >$@

# A second make, because which sources there are is known only once they have been fetched.
$(BUILD)/libbearssl.a: $(BUILD)/flags FORCE | $(bearssl_h)
	@$(MAKE) -s -f port/bearssl.mk CC=$(call quoted,$(CC)) AR=$(AR) CPPFLAGS=$(call quoted,$(CPPFLAGS)) \
	    CFLAGS=$(call quoted,$(CFLAGS)) BEARSSL_DIR=$(BEARSSL_DIR) \
	    LIB=$@ OBJ=$(BUILD)/obj/bearssl FLAGS=$<

amalgamation: need-amalgamation ## all of the library as two files, $(BUILD)/mailmote.c and $(BUILD)/mailmote.h
	@mkdir -p $(BUILD)
	@port/amalgamate.py $(BUILD)

dist-arduino: need-amalgamation | $(cross_h) ## a library for Arduino and PlatformIO, $(BUILD)/arduino/mailmote, with BearSSL in it
	@port/arduino/dist.sh $(BUILD)/arduino/mailmote $(cross_h:%/inc/bearssl.h=%)

deps: $(bearssl_h) $(LWIP_DIR)/src/Filelists.mk ## fetch the sources of BearSSL and lwIP

$(DEPS)/bearssl/inc/bearssl.h:
	@DEPS=$(DEPS) port/deps.sh bearssl

$(DEPS)/lwip/src/Filelists.mk:
	@DEPS=$(DEPS) port/deps.sh lwip

$(DEPS)/mbedtls/include/mbedtls/ssl.h:
	@DEPS=$(DEPS) port/deps.sh mbedtls

clean: ## remove what was built; fetched sources stay
	rm -rf $(BUILD)

##: See it work

demo: need-demo $(if $(BOARD),need-run,all fast) $(if $(DANE),need-dane-check) ## a mail to a real server, then one with broken TLS; a firmware: BOARD=; without a relay: DANE=1
	+@$(if $(BOARD),MAKE='$(MAKE)' BUILD=$(BUILD) tests/demo-board.sh $(BOARD),MAILMOTE=$(abspath $(BUILD)/mailmote) \
	    MAILMOTE_FAST=$(abspath $(BUILD)/fast/mailmote) tests/demo.sh)
ifdef DANE
	@MAILMOTE=$(abspath $(BUILD)/mailmote) MAILMOTE_BUILD=$(abspath $(BUILD)) PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 tests/dane/demo.py
endif

# The command with a TLS retry after 2 s, so that nobody waits a minute: of all files one is another.
fast: $(BUILD)/fast/mailmote

$(BUILD)/fast/mailmote: $(command_o) $(BUILD)/obj/fast/core/outbox/policy.o $(BUILD)/libmailmote.a $(bearssl_a)
	@mkdir -p $(@D)
	@echo "  LINK    $@"
	$(Q)$(link)

$(BUILD)/obj/fast/%.o: private override CPPFLAGS += -DMOTE_TLS_RETRY_S=2
$(BUILD)/obj/fast/%.o: %.c $(BUILD)/flags | $(bearssl_h)
	$(mailmote_folder)
	$(info $()  CC      $<)
	$(Q)$(compile)

include port/install/install.mk

include boards/firmware.mk
include tests/machines/machines.mk

##: Test

# Four rows, side by side: what takes a CPU, twice with tests that mostly wait in front, and what builds for other machines.
checks := unit mutants-known unit-san fuzz-replay weeks-check fleet-check prove-check \
    + interop-alone lwip-check core-check \
    + interop-served callers static-check install-check build-systems format-check \
    + boards-check demo size instructions machines
check: need-check ## nearly everything below, some with SHORT=yes; the last line says `N passed, N failed`
	+@$(MAKE) WERROR=1 all fast $(BUILD)/template
	@tests/run --with '$(MAKE) WERROR=1 SHORT=yes BOOTS=10' $(checks)

# The same tests with another compiler and its sanitizers, BearSSL included: it reads what anybody on the path sends.
san := -O1 -gline-tables-only -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
sanitized = $(MAKE) BUILD=$(BUILD)/san BEARSSL_DIR=$(cross_h:%/inc/bearssl.h=%) BEARSSL_LIB=$(BUILD)/san/libbearssl.a NEEDED=yes \
    CC=clang CPPFLAGS='$(CPPFLAGS) $(san_cpp)' CFLAGS='$(san)' LDFLAGS='$(LDFLAGS) $(san_ld)'
# BearSSL reads words where they lie on a CPU that can: not here, and not on the boards.
san_cpp := -DBR_LE_UNALIGNED=0
# A hundred programs, each with all that a sanitizer is: in half the time.
san_ld := -fuse-ld=lld

# Test programs: each tests/unit/test_*.c is one, linked with whatever else is there.
programs := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))
helpers_o := $(call objects,$(filter-out $(wildcard tests/unit/test_*.c),$(wildcard tests/unit/*.c)))

$(call objects,$(wildcard tests/unit/*.c)): | need-unit

$(BUILD)/tests/test_header: $(call objects,$(foreach name,header header_line address_list encoded_word field self utf8,boards/host/$(name).c))
$(BUILD)/tests/test_probe_link: $(call objects,$(foreach name,probe_link probe_facts trust_pem trust_certificate file base64 complain utf8,boards/host/$(name).c))
$(BUILD)/tests/test_probe_report: $(call objects,$(foreach name,probe_report probe_json probe_facts probe_talk probe_link trust_header \
    trust_pem trust_certificate field file base64 complain utf8,boards/host/$(name).c))
$(BUILD)/tests/test_complain: $(call objects,$(foreach name,complain utf8,boards/host/$(name).c))
$(BUILD)/tests/test_config: $(call objects,$(foreach name,config config_words config_account relay secret alias_text made file self utf8 base64 \
    trust_pem trust_certificate witness complain address_list field,boards/host/$(name).c))
$(BUILD)/tests/test_base64: $(call objects,boards/host/base64.c)
$(BUILD)/tests/test_explain: $(call objects,boards/host/explain.c)
$(BUILD)/tests/test_ca_files: $(call objects,$(foreach name,trust_certificate base64 complain utf8,boards/host/$(name).c))
# Its own in the place of calls of the system, which fail.
$(BUILD)/tests/test_posix_calls: private override LDFLAGS += $(foreach name,clock_gettime connect getaddrinfo gethostname getrandom getsockname \
    getsockopt open poll read setsockopt socket __xpg_strerror_r,-Xlinker --wrap=$(name))
$(BUILD)/tests/test_explain $(BUILD)/tests/test_probe_report: private override LDFLAGS += -Xlinker --wrap=time -Xlinker --wrap=__time64
$(programs): $(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $(helpers_o) $(BUILD)/libmailmote.a $(bearssl_a) $(filter %.a,$(CMOCKA))
	@mkdir -p $(@D)
	@echo "  LINK    $@"
	$(Q)$(link) $(CMOCKA)

unit-programs: $(programs)

unit: $(programs) ## the unit tests; T=NAME: one program, or one test, or a transcript by its title
	@tests/run $(if $(T),--one $(call quoted,$(T))) $(programs)

unit-san: need-san | $(cross_h) ## the unit tests under AddressSanitizer and UndefinedBehaviorSanitizer
	+@TESTS=$(or $(TESTS),$(if $(SHORT),quick)) $(sanitized) unit

# Neither sees a value that nobody has set. MemorySanitizer does, where it has compiled everything: cmocka, too.
msan := -O1 -gline-tables-only -fno-omit-frame-pointer -fsanitize=memory -fno-sanitize-recover=all

unit-msan: need-san | $(cross_h) $(CMOCKA_DIR)/src/cmocka.c ## the unit tests under MemorySanitizer, with a part of what takes long; all of it: TESTS=all
	+@TESTS=$(or $(TESTS),quick) $(MAKE) BUILD=$(BUILD)/msan BEARSSL_DIR=$(cross_h:%/inc/bearssl.h=%) BEARSSL_LIB=$(BUILD)/msan/libbearssl.a NEEDED=yes \
	    CC=clang CFLAGS='$(msan)' LDFLAGS='$(LDFLAGS) $(san_ld)' CPPFLAGS='$(CPPFLAGS) -isystem $(CMOCKA_DIR)/include' CMOCKA=$(BUILD)/msan/libcmocka.a unit

# This CPU's own 32 bits, with a time_t that ends in 2038. Debian's gcc-multilib would do away with the cross compilers; what it
# adds to these packages is one path.
unit-32: need-32 | $(cross_h) $(CMOCKA_DIR)/src/cmocka.c ## the unit tests with pointers and size_t of 32 bits
	+@$(MAKE) BUILD=$(BUILD)/32 BEARSSL_DIR=$(cross_h:%/inc/bearssl.h=%) BEARSSL_LIB=$(BUILD)/32/libbearssl.a NEEDED=yes CC='gcc -m32' \
	    CPPFLAGS='$(CPPFLAGS) -isystem $(CMOCKA_DIR)/include -idirafter /usr/include/x86_64-linux-gnu' \
	    CMOCKA=$(BUILD)/32/libcmocka.a unit

# All but what takes minutes there, and is run by unit-san: the many lives of the outbox, the many certificates.
looked_through = $(filter-out %/test_outbox_power %/test_outbox_faults %/test_trust_rules %/test_certificates,$(programs))

unit-valgrind: need-valgrind $(looked_through) ## the unit tests under valgrind; ten minutes
	@tests/run --with 'TESTS=quick valgrind -q --error-exitcode=9 --leak-check=full' $(looked_through)

# Fuzz harnesses: tests/fuzz/fuzz_NAME.c. replay.c has the main that runs one over files; libFuzzer has its own.
harnesses := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
# With them go what makes certificates and flash for the unit tests, and what tells of certificates.
fuzz_o := $(call objects,$(filter-out $(wildcard tests/fuzz/fuzz_*.c) tests/fuzz/replay.c,$(wildcard tests/fuzz/*.c)) \
    tests/unit/trust_cert.c tests/unit/flash.c $(foreach name,trust_certificate base64 complain utf8,boards/host/$(name).c))
# Some read what the command reads.
host_harnesses := arguments configuration header spool throttle
$(foreach name,$(host_harnesses),$(BUILD)/tests/replay_$(name) $(BUILD)/tests/fuzz_$(name)): $(filter-out $(fuzz_o) %/main.o,$(command_o))
# Some have their own in the place of a function that reads a file, the clock, or more than its arguments.
$(BUILD)/tests/replay_throttle $(BUILD)/tests/fuzz_throttle: private override LDFLAGS += -Xlinker --wrap=fsync -Xlinker --wrap=uptime_now
$(BUILD)/tests/replay_configuration $(BUILD)/tests/fuzz_configuration: private override LDFLAGS += -Xlinker --wrap=mote_posix_host_name
$(BUILD)/tests/replay_arguments $(BUILD)/tests/fuzz_arguments: private override LDFLAGS += \
    $(foreach name,aliases_check aliases_open config_read flush_command queue_command standard_hush submit,-Xlinker --wrap=$(name))
replays := $(harnesses:%=$(BUILD)/tests/replay_%)
fuzzers := $(harnesses:%=$(BUILD)/tests/fuzz_%)

$(replays): $(BUILD)/obj/tests/fuzz/replay.o
$(replays): $(BUILD)/tests/replay_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(fuzz_o) $(BUILD)/libmailmote.a $(bearssl_a)
	@mkdir -p $(@D)
	@echo "  LINK    $@"
	$(Q)$(link) -lcmocka

$(fuzzers): $(BUILD)/tests/fuzz_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(fuzz_o) $(BUILD)/libmailmote.a $(bearssl_a)
	@mkdir -p $(@D)
	@echo "  LINK    $@"
	$(Q)$(link) -fsanitize=fuzzer -lcmocka

fuzz-replay: need-san | $(cross_h) ## every fuzz harness over its stored corpus, with the sanitizers
	+@$(sanitized) replay

replay: $(replays)
	@tests/run $(foreach name,$(harnesses),'$(BUILD)/tests/replay_$(name) tests/fuzz/corpus/$(name)/*')

coverage: need-coverage $(bearssl_a) | $(cross_h) ## the lines, branches and conditions of the core that unit programs and stored inputs go through; five minutes
	+@$(MAKE) BUILD=$(BUILD)/coverage BEARSSL_LIB='$(BEARSSL_LIB)' CC=clang-19 \
	    CFLAGS='-O1 -g -fprofile-instr-generate -fcoverage-mapping -fcoverage-mcdc' covered

covered: $(programs) $(replays)
	@tests/coverage.py $(BUILD)

# Every process adds to one file a program, whoever runs it; one that is killed adds nothing. Tests that weigh the command fail here.
profiles := $(abspath $(BUILD))/coverage-ports/profiles
coverage-ports: need-coverage need-interop $(bearssl_a) | $(LWIP_DIR)/src/Filelists.mk ## of the ports and the command, through all of unit, fuzz-replay, lwip-check and interop; an hour
	+@mkdir -p $(profiles) && chmod 777 $(profiles) && rm -f $(profiles)/*
	+@$(MAKE) -k BUILD=$(BUILD)/coverage-ports BEARSSL_LIB='$(BEARSSL_LIB)' \
	    CC='clang-19 -fprofile-instr-generate=$(profiles)/%m.profraw -fcoverage-mapping' CFLAGS='-O1 -g' covered-ports

covered-ports: all fast lwip-programs $(programs) $(replays)
	@for program in $(BUILD)/mailmote $(BUILD)/fast/mailmote; do $$program --version >/dev/null; done; chmod 666 $(BUILD)/profiles/*
	-@$(MAKE) unit replay lwip-check interop
	@tests/coverage.py --ports $(BUILD)

.PHONY: coverage covered coverage-ports covered-ports

fuzz: need-san | $(cross_h) ## every fuzz harness for FUZZ_SECONDS each; what it finds goes to $(BUILD)/fuzz
	+@$(sanitized) BUILD=$(BUILD)/fuzz BEARSSL_LIB=$(BUILD)/fuzz/libbearssl.a \
	    CFLAGS='$(san) -fsanitize=fuzzer-no-link -fno-sanitize-coverage=trace-cmp' $(harnesses:%=fuzz-%)

fuzz-%: $(BUILD)/tests/fuzz_%
	@mkdir -p $(BUILD)/$*
	$< -max_total_time=$(FUZZ_SECONDS) -timeout=10 -print_final_stats=1 -artifact_prefix=$(BUILD)/$*- \
	    $(BUILD)/$* $(wildcard tests/fuzz/corpus/$*)

# AFL++'s compiler takes the same flags, and links its own driver for libFuzzer's. It does not look for leaks.
fuzz-afl: need-fuzz-afl | $(cross_h) ## the same with AFL++; what it finds goes to $(BUILD)/afl/NAME/default/crashes
	+@$(sanitized) BUILD=$(BUILD)/afl BEARSSL_LIB=$(BUILD)/afl/libbearssl.a CC=afl-clang-fast $(harnesses:%=afl-%)

afl-%: $(BUILD)/tests/fuzz_%
	afl-fuzz -i tests/fuzz/corpus/$* -o $(BUILD)/$* -V $(FUZZ_SECONDS) -t 10000 -- $<
	@found=$$(ls -d $(BUILD)/$*/default/crashes/id* $(BUILD)/$*/default/hangs/id* 2>/dev/null); \
	    [ -z "$$found" ] || { echo "$* fails with:"; echo "$$found"; exit 1; } >&2
afl-% fuzz-afl: export AFL_QUIET := 1
afl-%: export AFL_NO_UI := 1
afl-%: export AFL_AUTORESUME := 1
afl-%: export AFL_SKIP_CPUFREQ := 1
afl-%: export AFL_NO_AFFINITY := 1

# A fleet of devices with the real outbox, and a relay that is down for an hour. fleet-check runs it all as well, and looks at the drawing.
$(BUILD)/tests/fleet: $(call objects,$(wildcard tests/fleet/*.c) tests/unit/tls_peer.c) $(BUILD)/libmailmote.a $(bearssl_a)
	@mkdir -p $(@D)
	@echo "  LINK    $@"
	$(Q)$(link)

fleet: $(BUILD)/tests/fleet ## 10,000 devices when their relay comes back: connections over time, and the drawing of them
	@$< --svg tests/fleet/fleet.svg

fleet-check: $(BUILD)/tests/fleet
ifdef SHORT
	@$< --devices 1000
else
	@$< --svg $(BUILD)/fleet.svg
	@cmp tests/fleet/fleet.svg $(BUILD)/fleet.svg || { echo "\`make fleet' would draw it anew"; exit 1; }
endif

# Random weeks of one device. weeks-check lives through some of them.
$(BUILD)/tests/weeks: $(call objects,tests/weeks/weeks.c $(filter-out $(wildcard tests/unit/test_*.c),$(wildcard tests/unit/*.c))) \
    $(BUILD)/libmailmote.a $(bearssl_a)
	@mkdir -p $(@D)
	@echo "  LINK    $@"
	$(Q)$(link) -lcmocka

weeks: $(BUILD)/tests/weeks ## 1,000 random weeks of a device, its relays, its clock and its resets: the worst of any mail
	@$< --weeks 1000

weeks-check: $(BUILD)/tests/weeks
	@$< --weeks 50

# Python tests. Debian's own interpreter, because only that one sees Debian's modules.
pytest_finds = MAILMOTE=$(abspath $(BUILD)/mailmote) MAILMOTE_FAST=$(abspath $(BUILD)/fast/mailmote) \
    MAILMOTE_BUILD=$(abspath $(BUILD)) CC='$(strip $(CC) $(filter -fsanitize=%,$(CFLAGS)))' \
    BEARSSL_INC='$(dir $(bearssl_h))' BEARSSL_LIB='$(BEARSSL_LIB)' PYTHONDONTWRITEBYTECODE=1
pytest = $(pytest_finds) /usr/bin/python3 -m pytest -q -p no:cacheprovider

build-systems: need-build-systems all $(bearssl_a) | $(cross_h) $(LWIP_DIR)/src/Filelists.mk ## the library in the build systems of others, and as two files
	@BEARSSL_DIR=$(cross_h:%/inc/bearssl.h=%) LWIP_DIR=$(LWIP_DIR) STRICT='$(strict)' $(pytest) tests/builds

interop_elsewhere := tests/interop/test_boards.py tests/interop/test_attacks_boards.py tests/interop/test_static.py tests/interop/test_servers.py
interop: need-interop all fast ## the command against real mail servers on loopback; T=EXPRESSION as for pytest -k
	@$(if $(wildcard tests/interop/test_*.py),$(pytest) tests/interop $(if $(T),-k $(call quoted,$(T)),$(interop_elsewhere:%=--ignore=%)),tests/run)

# Its halves, which run side by side: with real servers, and without.
served := $(foreach name,auth command compose delivery flights kept probe readme relays text trust \
    trust_header,tests/interop/test_$(name).py)
interop-served: need-interop all fast
	@$(pytest) $(served)

interop-alone: need-interop all fast
	@$(pytest) tests/interop $(patsubst %,--ignore=%,$(served) $(interop_elsewhere))

interop-san: need-san need-interop | $(cross_h) ## the same with a command under AddressSanitizer and UndefinedBehaviorSanitizer, which finds leaks, too; half an hour; T=EXPRESSION
	+@$(sanitized) interop

servers: need-servers all ## twelve real servers, from Debian and npm: what each takes, as the README shows it; some minutes
	@$(pytest) tests/interop/test_servers.py $(if $(T),-k $(call quoted,$(T)))

networks: need-interop all ## MAILS= (2000) mails through each of nine bad networks; an hour
	@MAILS=$(or $(MAILS),2000) $(pytest) tests/interop/test_networks.py $(if $(T),-k $(call quoted,$(T)))

install-check: need-install-check all fast $(bearssl_a) | $(cross_h) ## make install and make dist, the manual pages, the packages; T=EXPRESSION
	@BEARSSL_DIR=$(cross_h:%/inc/bearssl.h=%) $(pytest) tests/install --ignore=tests/install/test_debian.py $(if $(T),-k $(call quoted,$(T)))

deb-check: need-deb-check all ## Debian's packages: built, looked at by lintian, installed and used in a chroot; minutes
	@$(pytest) tests/install/test_debian.py $(if $(T),-k $(call quoted,$(T)))

callers: $(if $(SHORT),need-interop,need-callers) all ## cron, sudo, PHP, git, mdadm and others call sendmail and mail in a chroot; COMMAND= another file than $(BUILD)/mailmote; minutes
	@COMMAND=$(abspath $(COMMAND)) $(pytest) tests/callers $(if $(T),-k $(call quoted,$(T)))

faults: need-interop $(if $(DANE),need-dane-check,all) ## every system call of send and flush fails, or is the last one before SIGKILL; minutes; without a relay: DANE=1, hours
ifdef DANE
	+@$(dane_gcc) all
	@MAILMOTE=$(abspath $(BUILD)/dane-gcc/mailmote) MAILMOTE_BUILD=$(abspath $(BUILD)) PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 tests/dane/faults_mx.py
else
	@MAILMOTE=$(abspath $(BUILD)/mailmote) MAILMOTE_BUILD=$(abspath $(BUILD)) PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 tests/interop/faults.py
endif

soak: need-interop all ## a year of the spool on a clock of its own, with outages, reboots, sleeps and kills: every mail accounted for; SEED=, DAYS=
	@MAILMOTE=$(abspath $(BUILD)/mailmote) MAILMOTE_BUILD=$(abspath $(BUILD)) PYTHONDONTWRITEBYTECODE=1 \
	    /usr/bin/python3 tests/interop/soak.py --days $(or $(DAYS),365) --seed $(or $(SEED),1)

attacks: ## hostile relays, each three times: as their octets come, one by one, split at random; a minute of processor time. `make interop` has one of the three
	+@ATTACKS=all $(MAKE) interop T='test_attacks and not boards'

cost: ## one verified mail of the command: instructions, memory, system calls, segments; `make interop` has it too
	+@$(MAKE) interop T=test_cost

# Not sanitized, for strace.
dane_gcc = $(MAKE) BUILD=$(BUILD)/dane-gcc BEARSSL_LIB='$(BEARSSL_LIB)' DANE=1 CPPFLAGS='$(CPPFLAGS) -DMOTE_QUESTION_S=2'
dane_make = $(sanitized) BUILD=$(BUILD)/dane BEARSSL_LIB=$(BUILD)/dane/libbearssl.a DANE=1 \
    CPPFLAGS='$(CPPFLAGS) $(san_cpp) -DMOTE_QUESTION_S=4 -DMOTE_TLS_RETRY_S=2'
dane-check: need-san need-interop need-dane-check $(bearssl_a) | $(cross_h) ## MX and DANE with signed zones and sanitizers, beside a real Postfix; T=EXPRESSION; three to five minutes
	+@$(dane_gcc) WERROR=1 all core-check
	+@$(dane_make) all dane-tests
	@DANE_MAKE=$(call quoted,$(dane_make)) $(subst $(BUILD)/mailmote ,$(BUILD)/dane/mailmote ,$(pytest)) tests/dane $(if $(T),-k $(call quoted,$(T)))

include tests/prove/prove.mk
include tests/mutants/mutants.mk

##: Check the source

# The core as a Cortex-M3 sees it.
cross := arm-none-eabi-gcc $(strict) -Iinclude -isystem $(dir $(cross_h)) -Os -mcpu=cortex-m3 -mthumb -ffreestanding \
    -ffunction-sections -fdata-sections
cross_o := $(MAILMOTE_CORE:%.c=$(BUILD)/cross/%.o)

$(BUILD)/cross/%.o: %.c $(BUILD)/flags | $(cross_h) need-cross
	$(mailmote_folder)
	$(info $()  CROSS   $<)
	$(Q)$(cross) -MMD -MP -c -o $@ $<

core-check: $(cross_o) $(library_o) $(command_o) ## the core needs five functions of <string.h>, has no variables and no floats; no calls in a circle
	@tests/core-check.sh $(cross_o)
	@tests/rooms.sh $(library_o) $(command_o)

size: need-size $(cross_o) ## the footprint of the core and of each firmware against the budgets, and as the documents show it
	@tests/size.py --compile '$(cross)' $(cross_o); core=$$?; \
	    MAILMOTE_BUILD=$(BUILD) PYTHONDONTWRITEBYTECODE=1 tests/footprint.py && exit $$core

lint: need-lint | $(cross_h) ## gcc's and clang's analyzers, clang-tidy, cppcheck, MISRA for the core; what is left has its reason; minutes
	@tests/lint/lint.py --inc $(dir $(bearssl_h)) $(MAILMOTE_CORE) $(MAILMOTE_POSIX) $(wildcard boards/host/*.c boards/host/dane/*.c port/dane/*.c)

warnings: need-san $(bearssl_a) ## everything of ours compiled by gcc and by clang
	@for cc in gcc clang; do \
	    $(MAKE) BUILD=$(BUILD)/warnings-$$cc BEARSSL_LIB='$(BEARSSL_LIB)' CC=$$cc CFLAGS='-O2' compile-all || exit; \
	done

compile-all: $(library_o) $(command_o) $(call objects,$(wildcard tests/unit/*.c tests/fuzz/*.c tests/fleet/*.c tests/weeks/*.c)) \
    $(BUILD)/template

# Linked as well, so that every name in it exists.
$(BUILD)/template: $(call objects,port/template.c port/flash_template.c) $(BUILD)/libmailmote.a $(bearssl_a)
	@echo "  LINK    $@"
	$(Q)$(link)

c_files = $(shell find include core port boards tests -name '*.[ch]')
format-check: need-format ## the layout is clang-format's
	@clang-format --dry-run --Werror $(c_files) || { echo "\`make format' would change these" >&2; exit 1; }

format: need-format ## make it so
	clang-format -i $(c_files)

# The Debian packages a target needs; a compiler only where there is none.
pkg-cc := $(if $(shell command -v $(CC)),,gcc libc6-dev)
pkg-amalgamation := python3
pkg-demo := openssl python3-aiosmtpd
pkg-unit := python3 libcmocka-dev
pkg-san := python3 clang libclang-rt-dev lld libcmocka-dev
pkg-fuzz-afl := $(pkg-san) afl++
pkg-32 := python3 gcc lib32gcc-12-dev libc6-dev-i386
pkg-coverage := python3 clang-19 llvm-19 libclang-rt-19-dev libcmocka-dev
pkg-valgrind := valgrind
pkg-interop := $(shell sed 's/\#.*//' tests/interop/packages.txt)
pkg-servers := $(pkg-interop) perl $(if $(shell command -v npm),,nodejs npm)
pkg-dane-check := $(shell sed 's/\#.*//' tests/dane/packages.txt)
pkg-cross := python3 gcc-arm-none-eabi libnewlib-arm-none-eabi
pkg-size := $(pkg-cross) $(pkg-run) openssl python3-aiosmtpd python3-pytest
pkg-build-systems := $(pkg-san) $(pkg-interop) $(pkg-cross) cmake make qemu-system-arm python3-yaml python3-kconfiglib g++
pkg-install-check := $(pkg-unit) $(pkg-interop) make git pkg-config mandoc shellcheck bash-completion systemd
pkg-deb := build-essential debhelper libbearssl-dev
pkg-deb-check := $(pkg-interop) make git debootstrap lintian
pkg-callers := $(pkg-interop) make debootstrap
pkg-format := clang-format
pkg-lint := python3 gcc libc6-dev clang-tidy cppcheck libunbound-dev
pkg-check := $(sort gcc libc6-dev $(foreach kind,demo unit san machine-powerpc-linux-gnu avr interop static-check install-check build-systems cross format run,$(pkg-$(kind))))

need-%:
	@port/need.sh $(pkg-$*)

help: ## this list
	@awk -F ':.*## ' '/^##: / { print (n++ ? "\n" : "") substr($$0, 5) } \
	    /^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(filter %.mk Makefile,$(MAKEFILE_LIST))

FORCE:
.PHONY: FORCE all fast amalgamation dist-arduino deps clean demo check unit unit-san unit-msan unit-32 unit-valgrind fuzz-replay replay fuzz fuzz-afl fleet fleet-check weeks weeks-check interop interop-served interop-alone interop-san servers networks install-check deb-check callers dane-check faults attacks cost build-systems \
    core-check size warnings compile-all format-check format help

-include $(shell find $(BUILD)/obj $(BUILD)/cross -name '*.d' 2>/dev/null)
