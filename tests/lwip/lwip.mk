# SPDX-License-Identifier: MIT
#
# The test of the lwIP port, with lwIP compiled for this machine, and the sanitizers:
#   make -f tests/lwip/lwip.mk BUILD=build LWIPDIR=.deps/lwip/src BEARSSL_INC=... BEARSSL_LIB=... STRICT='-std=c99 ...'
# FAMILIES is -DLWIP_IPV6=1 or nothing.

include $(LWIPDIR)/Filelists.mk

out := $(BUILD)/lwip$(if $(FAMILIES),-ipv6)
san := -fsanitize=address,undefined -fno-sanitize-recover=all
cflags := -O1 -g $(san) -Itests/lwip -Iinclude -isystem $(LWIPDIR)/include -isystem $(BEARSSL_INC) $(FAMILIES)
ours := $(wildcard core/*.c port/lwip/*.c tests/lwip/*.c)
ours_o := $(ours:%.c=$(out)/%.o)
lwip_o := $(patsubst $(LWIPDIR)/%.c,$(out)/lwip/%.o,$(COREFILES) $(CORE4FILES) $(CORE6FILES) $(LWIPDIR)/netif/ethernet.c)

$(out)/test_lwip: $(ours_o) $(lwip_o) $(filter %.a,$(BEARSSL_LIB))
	@echo "  LINK    $@"
	@$(CC) $(san) -o $@ $(ours_o) $(lwip_o) $(BEARSSL_LIB)

$(ours_o): $(out)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(CC) $(STRICT) $(cflags) -MMD -MP -c -o $@ $<

# A timer that cannot be set is fatal for lwIP itself; its pool is sized for that. So it is never made to fail.
$(out)/lwip/core/timeouts.o: cflags += -Dmemp_malloc=test_timer_alloc

# lwIP reads unaligned words on purpose.
$(out)/lwip/%.o: $(LWIPDIR)/%.c tests/lwip/lwipopts.h tests/lwip/lwip.mk
	@mkdir -p $(@D)
	@$(CC) $(cflags) -fno-sanitize=alignment -w -c -o $@ $<

-include $(ours_o:.o=.d)
