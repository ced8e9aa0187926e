# SPDX-License-Identifier: MIT
#
# What `make DANE=1' adds to the library and the command.

ours += -DMOTE_DANE -Iport/dane
dane_o := $(call objects,$(wildcard port/dane/*.c boards/host/dane/*.c))
library_o += $(filter $(BUILD)/obj/port/%,$(dane_o))
command_o += $(filter $(BUILD)/obj/boards/%,$(dane_o))
dane_lib := -lunbound
$(dane_o): ours += -Iport/posix -Iboards/host
$(dane_o): | need-dane

pkg-dane := libunbound-dev dns-root-data

$(BUILD)/tests/tlsa: $(call objects,tests/dane/tlsa.c) $(BUILD)/libmailmote.a $(bearssl_a)
	@mkdir -p $(@D)
	@echo "  LINK    $@"
	$(Q)$(link)
