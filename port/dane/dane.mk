# SPDX-License-Identifier: MIT
#
# What `make DANE=1' adds to the library and the command.

ours += -DMOTE_DANE -Iport/dane
dane_o := $(call objects,$(wildcard port/dane/*.c boards/host/dane/*.c))
library_o += $(filter $(BUILD)/obj/port/%,$(dane_o))
command_o += $(filter $(BUILD)/obj/boards/%,$(dane_o))
dane_lib := -lunbound
$(dane_o) $(BUILD)/obj/tests/dane/fake.o: ours += -Iport/posix -Iboards/host
$(dane_o): | need-dane

pkg-dane := libunbound-dev

.PHONY: dane-tests
dane_tests := $(BUILD)/tests/tlsa $(BUILD)/tests/judge $(BUILD)/tests/find $(BUILD)/tests/route
$(BUILD)/tests/tlsa: $(call objects,tests/dane/tlsa.c)
$(BUILD)/tests/judge: $(call objects,tests/dane/judge.c)
$(BUILD)/tests/find: $(call objects,tests/dane/find.c tests/dane/find_records.c tests/dane/find_anchor.c tests/dane/find_ourselves.c tests/dane/fake.c)
$(BUILD)/tests/find: private override LDFLAGS += -Xlinker --wrap=calloc
$(BUILD)/tests/route: $(call objects,tests/dane/route.c) $(filter-out %/main.o,$(command_o))
$(BUILD)/tests/route: private override LDFLAGS += $(foreach name,mote_dane_find uptime_now sleep,-Xlinker --wrap=$(name))
dane-tests: $(dane_tests)
$(dane_tests): $(BUILD)/libmailmote.a $(bearssl_a)
	@mkdir -p $(@D)
	@echo "  LINK    $@"
	$(Q)$(link)
