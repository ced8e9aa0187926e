# SPDX-License-Identifier: MIT
#
# Other machines than this one, emulated: powerpc is big-endian, has 32 bits, a time_t that ends in 2038, and a char without sign; s390x
# is big-endian with 64 bits, armhf little-endian with 32; an AVR has 8, and an int of 16.

##: Other machines

machines: ## the unit tests on big-endian and 32-bit machines; what the core says, on one whose int has 16 bits
	@tests/run --with '$(MAKE)' $(patsubst %,machine-%,$(if $(SHORT),$(filter powerpc%,$(linux_machines)),$(linux_machines)) avr)

# ---- Linux: the unit tests, linked statically with a cmocka compiled for the machine ----

CMOCKA_DIR ?= $(DEPS)/cmocka
CMOCKA ?= -lcmocka
linux_machines := powerpc-linux-gnu s390x-linux-gnu arm-linux-gnueabihf
emulator_powerpc-linux-gnu := qemu-ppc
emulator_s390x-linux-gnu := qemu-s390x
emulator_arm-linux-gnueabihf := qemu-arm

# What takes long is left out, but for some of its tests (PROGRAM:TEST). On armhf, whose like every firmware in QEMU is, so are
# the transcripts and trust.
long := test_ca_files test_certificates test_delivery_rules test_outbox_faults test_outbox_flash test_outbox_power test_session \
    test_trust_rules
left_out_powerpc-linux-gnu := $(long) $(if $(SHORT),test_trust_limits test_trust_pins)
left_out_s390x-linux-gnu := $(long)
left_out_arm-linux-gnueabihf := $(long) test_transcripts test_trust test_trust_limits test_trust_pins test_trust_tls
parts := test_delivery_rules:site_failures test_outbox_faults:damage test_outbox_power:first_open test_session:test_alerts
parts_s390x-linux-gnu := $(parts) test_ca_files:test_lines test_certificates:test_empty_chain test_outbox_faults:open_fails \
    test_outbox_flash:glitch test_trust_rules:test_final_dot
parts_powerpc-linux-gnu := $(parts_s390x-linux-gnu)
parts_arm-linux-gnueabihf := $(parts)
part = '-E TEST=$(word 2,$(subst :, ,$(1))) $(2)/$(firstword $(subst :, ,$(1)))'

emulation := python3 xz-utils qemu-user
pkg-machine-powerpc-linux-gnu := $(emulation) gcc-powerpc-linux-gnu libc6-dev-powerpc-cross
pkg-machine-s390x-linux-gnu := $(emulation) gcc-s390x-linux-gnu libc6-dev-s390x-cross
pkg-machine-arm-linux-gnueabihf := $(emulation) gcc-arm-linux-gnueabihf libc6-dev-armhf-cross

$(CMOCKA_DIR)/src/cmocka.c:
	@DEPS=$(DEPS) port/deps.sh cmocka

# For the makes below: the library, for their machine.
$(BUILD)/libcmocka.a: $(CMOCKA_DIR)/src/cmocka.c $(BUILD)/flags
	@echo "  CC      cmocka.c"
	@$(CC) -O1 -w -DHAVE_INTTYPES_H -DHAVE_SIGNAL_H -DHAVE_STRSIGNAL -I$(CMOCKA_DIR)/include -c -o $(BUILD)/cmocka.o $<
	@$(AR) rcs $@ $(BUILD)/cmocka.o

$(linux_machines:%=machine-%): machine-%: need-machine-% | $(cross_h) $(CMOCKA_DIR)/src/cmocka.c
	+@$(MAKE) BUILD=$(BUILD)/$* BEARSSL_DIR=$(cross_h:%/inc/bearssl.h=%) BEARSSL_LIB=$(BUILD)/$*/libbearssl.a NEEDED=yes \
	    CC=$*-gcc AR=$*-ar CFLAGS=-O1 LDFLAGS=-static \
	    CPPFLAGS='$(CPPFLAGS) -isystem $(CMOCKA_DIR)/include' CMOCKA=$(BUILD)/$*/libcmocka.a unit-programs
	@tests/run --with 'TESTS=quick $(emulator_$*)' \
	    $(filter-out $(left_out_$*:%=$(BUILD)/$*/tests/%),$(programs:$(BUILD)/%=$(BUILD)/$*/%)) \
	    $(foreach name,$(parts_$*),$(call part,$(name),$(BUILD)/$*/tests))

# ---- AVR: what compare.c prints is what it prints here. All but TLS, which needs more room ----

avr := atmega1284p
pkg-avr := gcc-avr avr-libc simavr
compared := $(MAILMOTE_SMTP) $(MAILMOTE_MESSAGE) $(MAILMOTE_OUTBOX) core/tls/session.c boards/clear/trust.c $(wildcard tests/machines/*.c)
compared_flags := -std=c99 -Wall -Wextra -Wno-unused-parameter -Werror -Iinclude -Iboards/clear -Icore/outbox

$(BUILD)/avr/compare: $(compared) $(wildcard include/*.h core/*/*.h tests/machines/*.h) $(BUILD)/flags
	@mkdir -p $(@D)
	@echo "  LINK    $@"
	@$(CC) $(compared_flags) $(CFLAGS) -o $@ $(compared)

$(BUILD)/avr/compare.elf: $(BUILD)/avr/compare | need-avr
	@echo "  CROSS   $@"
	@avr-gcc -mmcu=$(avr) $(compared_flags) -Os -ffunction-sections -Wl,--gc-sections -o $@ $(compared)

# The emulator prints each line in green and with a dot at its end.
machine-avr: $(BUILD)/avr/compare.elf
	@$(BUILD)/avr/compare >$(BUILD)/avr/here.txt
	@timeout 300 simavr -m $(avr) -f 20000000 $< 2>&1 | \
	    sed -n 's/^\(\x1b\[0m\)\{0,1\}\x1b\[32m\(.*\)\.$$/\2/p' >$(BUILD)/avr/there.txt
	@diff $(BUILD)/avr/here.txt $(BUILD)/avr/there.txt | cut -c 1-150 | head -20; \
	    cmp $(BUILD)/avr/here.txt $(BUILD)/avr/there.txt

.PHONY: machines $(linux_machines:%=machine-%) machine-avr
