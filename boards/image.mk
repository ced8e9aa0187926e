# SPDX-License-Identifier: MIT
#
# The firmware of one board:
#   make -f boards/image.mk BOARD=lm3s6965evb BUILD=build BEARSSL_DIR=... LWIP_DIR=... LWIPDIR=LWIP_DIR/src \
#       STRICT='-std=c99 ...' BOARD_FLAGS='-D...' BOARD_BEARSSL=build/boards/lm3s6965evb/libbearssl.a \
#       TRUST=ca.pem MAILMOTE=build/mailmote
# Without BOARD_BEARSSL it makes its own. Without TRUST, a PEM file or several, or the header of `mailmote trust', it trusts nobody; MAILMOTE is the command of this
# machine, which makes constants of them. PEER names a makefile that puts another program in mailmote's place (tests/bench).
# boards/BOARD/board.mk says: cpu, sources, network (lwip or modem), flash, ram, options (-D), bearssl_options,
# p256_alone (yes: no curve is longer; BearSSL takes less stack), small (yes: causes by their names, a text octet by octet).

include port/mailmote.mk
cross := arm-none-eabi-
libc := --specs=nano.specs
include boards/$(BOARD)/board.mk

CC := $(cross)gcc
# Absolute, as the rules written by the compiler (.d) must name the same files whatever BUILD was called.
out := $(abspath $(BUILD))/boards/$(BOARD)
shown = $(patsubst $(CURDIR)/%,%,$@)
image := $(out)/mailmote.elf
.DEFAULT_GOAL := $(image)
target := $(cpu) -Os -g -ffunction-sections -fdata-sections
# All of ours and lwIP are optimized as one, and what of BearSSL port/bearssl.mk names.
lto := -flto -flto-partition=one -fno-fat-lto-objects

include $(LWIP_DIR)/src/Filelists.mk
lwip := $(MAILMOTE_LWIP)
modem := $(wildcard boards/modem/*.c)
lwip_sources := $(if $(filter lwip,$(network)),$(COREFILES) $(CORE4FILES) $(LWIPDIR)/netif/ethernet.c \
    $(if $(filter -DBOARD_SNTP,$(BOARD_FLAGS)),$(SNTPFILES)))

ours := $(MAILMOTE_CORE) $(wildcard boards/*.c boards/bare-metal/*.c $(sources)) $($(network))
# Without TLS: see boards/clear.
clear := $(filter -DBOARD_CLEAR,$(BOARD_FLAGS))
ifneq ($(clear),)
$(if $(TRUST),$(error TRUST=$(TRUST): a firmware with BOARD_CLEAR has no TLS))
ours := $(filter-out $(filter-out core/tls/session.c,$(MAILMOTE_TLS)),$(ours)) boards/clear/trust.c
endif
bearssl_a := $(if $(clear),,$(or $(BOARD_BEARSSL),$(out)/libbearssl.a))
includes := -I$(out)/trust -Iinclude -Iboards $(addprefix -Iboards/,bare-metal modem cortex-m) -isystem $(LWIP_DIR)/src/include -isystem $(if $(clear),boards/clear,$(BEARSSL_DIR)/inc)
ifneq ($(PEER),)
include $(PEER)
endif
ours_o := $(ours:%.c=$(out)/%.o)
lwip_o := $(lwip_sources:$(LWIPDIR)/%.c=$(out)/lwip/%.o)

# Nobody listens to the conversation here. The lean image has no room for sentences.
told := -DMOTE_NO_TRACE $(if $(filter -DBOARD_LEAN,$(BOARD_FLAGS))$(small),-DMOTE_NAMES_SHORT -DMOTE_SMALL_TEXT)
# One word of board.mk shortens BearSSL's arrays and masks the curves that do not fit: never one without the other.
p256_core := $(if $(p256_alone),-DMOTE_P256_ALONE)
p256_bearssl := $(if $(p256_alone),-include $(abspath boards/bare-metal/p256.h))
flags := $(target) $(lto) $(options) $(told) $(p256_core) $(if $(filter modem,$(network)),-DBOARD_MODEM) $(BOARD_FLAGS)

# The relocations stay in the file, not in the image: tests/stack.py learns from them whose address is kept.
$(image): $(ours_o) $(lwip_o) $(bearssl_a) boards/$(BOARD)/board.ld boards/bare-metal/link.ld boards/image.mk
	@echo "  LINK    $(shown)"
	@$(CC) $(flags) -nostartfiles $(libc) -Wl,--gc-sections,--emit-relocs -Wl,-Map,$(out)/mailmote.map \
	    -T boards/$(BOARD)/board.ld -o $@ $(ours_o) $(lwip_o) $(bearssl_a)
	@$(cross)size $@ | awk 'NR == 2 { printf "  SIZE    %s: flash %d of %d, static RAM %d of %d\n", \
	    "$(BOARD)", $$1 + $$2, $(flash), $$2 + $$3, $(ram) }'

$(lwip_o): $(out)/lwip/%.o: $(LWIPDIR)/%.c $(out)/flags
	$(mailmote_folder)
	$(info $()  CROSS   lwip/$*.c)
	@$(CC) $(flags) $(includes) -w -MD -MP -c -o $@ $<

$(ours_o): $(out)/%.o: %.c $(out)/flags
	$(mailmote_folder)
	$(info $()  CROSS   $<)
	@$(CC) $(STRICT) $(flags) $(own) $(includes) -MD -MP -c -o $@ $<

# The compiler must not take their loops for calls of themselves, and must find them when all else is optimized.
$(out)/boards/bare-metal/octets.o $(out)/boards/microbit/divide.o: own := -fno-lto -fno-builtin -fno-tree-loop-distribute-patterns

# The certificates as constants, written when they have changed.
$(out)/boards/settings.o: $(out)/trust/trust_anchors.h
$(out)/trust/trust_anchors.h: FORCE
	@mkdir -p $(@D)
	@$(if $(TRUST),$(if $(filter-out %.h,$(TRUST)),$(MAILMOTE) trust,cat) $(TRUST),:) >$@.new
	@cmp -s $@.new $@ || mv $@.new $@
FORCE:

$(out)/libbearssl.a: $(out)/flags FORCE
	@$(MAKE) -s -f port/bearssl.mk CC='$(CC)' AR=$(cross)gcc-ar BEARSSL_DIR=$(BEARSSL_DIR) LIB=$@ OBJ=$(out)/bearssl \
	    CPPFLAGS='-DBR_USE_UNIX_TIME=0 -DBR_USE_URANDOM=0 $(bearssl_options) $(p256_bearssl)' CFLAGS='$(target)' LTO='$(lto)' FLAGS=$(out)/flags NEEDED=client

# Written when a flag has changed, or where a source is, and everything is built again.
said := $(strip $(flags) $(filter-out -Werror,$(STRICT)) $(bearssl_options) $(BEARSSL_DIR) $(LWIP_DIR))
ifneq ($(said),$(strip $(file <$(out)/flags)))
.PHONY: $(out)/flags
endif
$(out)/flags:
	@mkdir -p $(@D)
	@echo '$(said)' >$@

# A source that is no longer where it was is asked of nobody: what was made of it is made anew.
%.c %.d: ;

-include $(ours_o:.o=.d) $(lwip_o:.o=.d)
