# SPDX-License-Identifier: MIT
#
# The tests of the lwIP port, with lwIP compiled for this machine, and sanitizers:
#   make -f tests/lwip/lwip.mk KIND=ipv4 BUILD=build LWIP_DIR=.deps/lwip BEARSSL_INC=... BEARSSL_LIB=... STRICT='...'
# KIND is ipv4, ipv6 (both families), or threads (lwIP in a thread of its own, on lwIP's port for Unix).

include port/mailmote.mk
LWIPDIR := $(LWIP_DIR)/src
include $(LWIPDIR)/Filelists.mk

out := $(BUILD)/lwip/$(KIND)
tests := tests/lwip
lwip := $(COREFILES) $(CORE4FILES) $(CORE6FILES)

ifeq ($(KIND),threads)
unix := $(LWIP_DIR)/contrib/ports/unix/port
$(if $(wildcard $(unix)),,$(error $(unix) is missing: the test with threads needs lwIP 2.2, which has contrib))
san := -fsanitize=thread
include := -D_DEFAULT_SOURCE -I$(tests)/threads -isystem $(unix)/include
sources := $(wildcard $(tests)/threads/*.c) $(tests)/peer.c $(tests)/outbox.c
lwip += $(LWIPDIR)/api/err.c $(LWIPDIR)/api/tcpip.c $(unix)/sys_arch.c
else
san := -fsanitize=address,undefined -fno-sanitize-recover=all
include := -I$(tests) $(if $(filter ipv6,$(KIND)),-DLWIP_IPV6=1)
sources := $(wildcard $(tests)/*.c)
endif

cflags = -O1 -g1 $(san) $(include) -Iinclude -isystem $(LWIPDIR)/include -isystem $(BEARSSL_INC)
ours_o := $(patsubst %.c,$(out)/%.o,$(MAILMOTE_CORE) $(MAILMOTE_LWIP) $(sources) tests/unit/tls_peer.c)
lwip_o := $(patsubst $(LWIP_DIR)/%.c,$(out)/lwip/%.o,$(lwip))

$(out)/test_lwip: $(ours_o) $(lwip_o) $(filter %.a,$(BEARSSL_LIB))
	@echo "  LINK    $@"
	@$(CC) $(san) -pthread -o $@ $(filter %.o,$^) $(BEARSSL_LIB)

$(ours_o): $(out)/%.o: %.c
	$(mailmote_folder)
	$(info $()  CC      $<)
	@$(CC) $(STRICT) $(cflags) -MMD -MP -c -o $@ $<

ifeq ($(KIND),threads)
# It looks at its owner of a lock before it has it. Mutexes are seen all the same.
$(out)/lwip/contrib/ports/unix/port/sys_arch.o: san :=
else
# A timer that cannot be set is fatal for lwIP itself; its pool is sized for that. So it is never made to fail.
$(out)/lwip/src/core/timeouts.o: cflags += -Dmemp_malloc=test_timer_alloc
# The port has no more connections than the boards have.
$(out)/port/lwip/connect.o: cflags += -Dtcp_new_ip_type=test_new
# The port's calls are counted, and when they come.
$(out)/port/lwip/pump.o: cflags += -Dtcp_output=test_output
endif

# README.md's example, with the relay's name of the test.
ifneq ($(KIND),threads)
$(out)/test_lwip: $(out)/shown.o
$(out)/shown.c: README.md $(tests)/lwip.mk
	@mkdir -p $(@D)
	@awk '/^```/ { if (shown && text ~ /mailmote_lwip/) printf "%s", text; shown = /^```c$$/; text = ""; next } { text = text $$0 "\n" }' $< | \
	    sed 's/mail\.example\.com/relay.example.org/' >$@
$(out)/shown.o: $(out)/shown.c
	@$(CC) $(STRICT) $(cflags) -MMD -MP -c -o $@ $<
endif

# lwIP reads unaligned words on purpose.
$(out)/lwip/%.o: $(LWIP_DIR)/%.c $(wildcard $(tests)/*opts.h $(tests)/threads/*opts.h) $(tests)/lwip.mk
	$(mailmote_folder)
	@$(CC) $(cflags) -fno-sanitize=alignment -w -c -o $@ $<

-include $(ours_o:.o=.d) $(out)/shown.d
