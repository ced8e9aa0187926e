# SPDX-License-Identifier: MIT
#
# Firmware: built with Debian's cross compilers, run in QEMU. Each directory with a board.mk is a board.
#   BOARD        the board to run, or to demonstrate
#   BOARD_FLAGS  more options for the compiler, as -DMOTE_TLS_RETRY_S=2
#   TRUST        the CA certificates it trusts: the header of `mailmote trust', or one PEM file or several, of which MAILMOTE makes it
#   RELAY TO FROM   as HOST:PORT, addresses; this machine is localhost or 10.0.2.2
#   MCU_ARGS     more words for the firmware: tls-name= subject= text= storage= time= attempts= resume

boards := $(patsubst boards/%/board.mk,%,$(wildcard boards/*/board.mk))
compilers = $(if $(filter rv32-%,$(1)),gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf,gcc-arm-none-eabi libnewlib-arm-none-eabi)
emulators = $(if $(filter rv32-%,$(1)),qemu-system-misc,qemu-system-arm)
pkg-run := python3 $(sort $(foreach board,$(or $(BOARD),$(boards)),$(call compilers,$(board)) $(call emulators,$(board))))

ifneq ($(filter run,$(MAKECMDGOALS))$(and $(filter demo,$(MAKECMDGOALS)),$(BOARD)),)
$(if $(filter $(boards),$(BOARD)),,$(error BOARD=$(BOARD): there is no such board; BOARD= is one of: $(boards)))
endif

##: Firmware

firmware: $(boards:%=firmware-%) ## the firmware of all boards

need-firmware-%:
	@port/need.sh $(call compilers,$*)

MAILMOTE ?= $(BUILD)/mailmote

firmware-%: need-firmware-% $(if $(TRUST),$(MAILMOTE)) | $(cross_h) $(LWIP_DIR)/src/Filelists.mk
	+@$(MAKE) -s -f boards/image.mk BOARD=$* BUILD=$(BUILD) BEARSSL_DIR=$(patsubst %/inc/,%,$(dir $(cross_h))) \
	    LWIPDIR=$(LWIP_DIR)/src LWIP_DIR=$(LWIP_DIR) STRICT='$(strict)' BOARD_FLAGS='$(BOARD_FLAGS)' TRUST='$(TRUST)' MAILMOTE=$(MAILMOTE) \
	    PEER='$(PEER)' MBEDTLS_DIR=$(MBEDTLS_DIR)

# The firmware's own status is in the last line that boards/run.sh prints; make itself ends with 2 when it is not 0.
run: need-run $(BOARD:%=firmware-%) ## one board in QEMU: BOARD= RELAY= TO= FROM= TRUST= MCU_ARGS=
	@BUILD=$(BUILD) boards/run.sh $(BOARD) $(if $(RELAY),relay=$(RELAY)) $(if $(TO),to=$(TO)) \
	    $(if $(FROM),from=$(FROM)) $(MCU_ARGS)

boards-check: need-run need-interop all ## the firmware in QEMU against real mail servers, over a reset, a hundred boots in a row, some attacks
	@$(pytest) tests/interop/test_boards.py tests/interop/test_attacks_boards.py

boards-attacks: need-run need-interop all ## nearly all attacks, on firmware in QEMU: T=EXPRESSION; a quarter of an hour
	@ATTACKS=all $(pytest) tests/interop/test_attacks_boards.py $(if $(T),-k $(call quoted,$(T)))

instructions: counted-images ## what a delivery costs, counted with recorded servers, against boards/budget.txt
	@$(counting) tests/instructions/count.py; count=$$?; \
	    $(counting) tests/instructions/attachment.py arm-none-eabi-gcc $(strict) -Iinclude -Icore/smtp -flto && exit $$count

instructions-record: need-interop all ## record these servers again, after a change to what is said to them
	@$(counting) tests/instructions/record.py

counting = BUILD=$(BUILD) PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3
counted := firmware-mps2-an385 firmware-lm3s6965evb
counted-images: need-run
	+@$(MAKE) TRUST='$(wildcard tests/instructions/*.pem)' $(counted)
	+@$(MAKE) BUILD=$(BUILD)/BOARD_MANY BOARD_FLAGS=-DBOARD_MANY TRUST='$(wildcard tests/instructions/*.pem)' MAILMOTE=$(BUILD)/mailmote \
	    BOARD_BEARSSL=$(abspath $(BUILD))/boards/mps2-an385/libbearssl.a firmware-mps2-an385
	+@$(MAKE) BUILD=$(BUILD)/BOARD_CLEAR BOARD_FLAGS=-DBOARD_CLEAR TRUST= $(counted)
	+@$(MAKE) BUILD=$(BUILD)/BOARD_CLEAR/-O3 BOARD_FLAGS='-DBOARD_CLEAR -O3' TRUST= firmware-mps2-an385

# Both are built by the script, for a CA that it makes.
pkg-bench := $(pkg-run) openssl python3-pytest
bench: need-bench all | $(cross_h) $(LWIP_DIR)/src/Filelists.mk $(MBEDTLS_DIR)/include/mbedtls/ssl.h ## mailmote beside lwIP's SMTP client with mbedTLS: flash, RAM, flights, instructions
	@MBEDTLS_DIR=$(MBEDTLS_DIR) MAILMOTE=$(abspath $(BUILD)/mailmote) $(counting) tests/bench/bench.py

# With IPv4 alone, with IPv6 beside it, and with lwIP in a thread of its own.
lwip_kinds := $(if $(SHORT),,ipv4) ipv6 threads
lwip-programs: $(bearssl_a) | $(LWIP_DIR)/src/Filelists.mk
	+@for kind in $(lwip_kinds); do \
	    $(MAKE) -s -f tests/lwip/lwip.mk KIND=$$kind BUILD=$(BUILD) CC='$(CC)' LWIP_DIR=$(LWIP_DIR) \
	        BEARSSL_INC=$(dir $(bearssl_h)) BEARSSL_LIB='$(BEARSSL_LIB)' STRICT='$(strict)' || exit; \
	done

lwip-check: lwip-programs ## the lwIP port, short of memory, on a bad line, cut off, given up
	@tests/run $(lwip_kinds:%=$(BUILD)/lwip/%/test_lwip)

.PHONY: firmware run boards-check boards-attacks instructions instructions-record counted-images bench lwip-programs lwip-check
