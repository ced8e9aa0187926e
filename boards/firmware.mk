# SPDX-License-Identifier: MIT
#
# Firmware: built with arm-none-eabi-gcc, run in QEMU. Each directory with a board.mk is a board.
#   BOARD        the board to run
#   BOARD_FLAGS  more options for the compiler, as -DMOTE_TLS_RETRY_S=2
#   RELAY TO FROM TRUST   as HOST:PORT, addresses, a file of CA certificates; this machine is localhost or 10.0.2.2
#   MCU_ARGS     more words for the firmware: name= subject= text= storage= time= attempts= resume

boards := $(patsubst boards/%/board.mk,%,$(wildcard boards/*/board.mk))
pkg-firmware := gcc-arm-none-eabi libnewlib-arm-none-eabi
pkg-run := $(pkg-firmware) qemu-system-arm

##: Firmware

firmware: $(boards:%=firmware-%) ## the firmware of all boards

firmware-%: need-firmware | $(cross_h) $(LWIP_DIR)/src/Filelists.mk
	+@$(MAKE) -s -f boards/image.mk BOARD=$* BUILD=$(BUILD) BEARSSL_DIR=$(patsubst %/inc/,%,$(dir $(cross_h))) \
	    LWIPDIR=$(LWIP_DIR)/src LWIP_DIR=$(LWIP_DIR) STRICT='$(strict)' BOARD_FLAGS='$(BOARD_FLAGS)'

run: need-run $(if $(BOARD),firmware-$(BOARD)) ## one board in QEMU: BOARD= RELAY= TO= FROM= TRUST= MCU_ARGS=
	@$(if $(BOARD),,$(error BOARD= is one of: $(boards)))BUILD=$(BUILD) boards/run.sh $(BOARD) \
	    $(if $(RELAY),relay=$(RELAY)) $(if $(TO),to=$(TO)) $(if $(FROM),from=$(FROM)) $(if $(TRUST),trust=$(TRUST)) \
	    $(MCU_ARGS)

boards-check: need-run need-interop ## the firmware in QEMU against real mail servers, and over a reset
	@$(pytest) tests/interop/test_boards.py

# With IPv4 alone, and with IPv6 beside it.
lwip-check: $(bearssl_a) | $(LWIP_DIR)/src/Filelists.mk ## the lwIP port, short of memory, cut off, given up
	+@for families in '' -DLWIP_IPV6=1; do \
	    $(MAKE) -s -f tests/lwip/lwip.mk BUILD=$(BUILD) CC='$(CC)' LWIPDIR=$(LWIP_DIR)/src \
	        BEARSSL_INC=$(dir $(bearssl_h)) BEARSSL_LIB='$(BEARSSL_LIB)' STRICT='$(strict)' FAMILIES=$$families && \
	    $(BUILD)/lwip$${families:+-ipv6}/test_lwip || exit; \
	done

.PHONY: firmware run boards-check lwip-check
