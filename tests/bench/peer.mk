# SPDX-License-Identifier: MIT
#
# boards/image.mk with lwIP's own SMTP client and mbedTLS in mailmote's place. Board, driver, network and the compiler's options
# are the same.

$(if $(TRUST),,$(error TRUST= is to name the PEM file of a CA: this program has no other way to trust a relay))

ours := tests/bench/peer.c $(wildcard boards/bare-metal/*.c $(sources))
lwip_sources += $(addprefix $(LWIPDIR)/,apps/smtp/smtp.c apps/altcp_tls/altcp_tls_mbedtls.c apps/altcp_tls/altcp_tls_mbedtls_mem.c)
lwipopts += tests/bench/lwipopts.h tests/bench/mbedtls_config.h
includes := -Itests/bench $(includes) -isystem $(MBEDTLS_DIR)/include
options += -DMBEDTLS_CONFIG_FILE='"mbedtls_config.h"'

# In the place of BearSSL's archive. It is optimized as one with the rest, which makes it smaller.
bearssl_a := $(out)/libmbedtls.a
mbedtls_o := $(patsubst $(MBEDTLS_DIR)/library/%.c,$(out)/mbedtls/%.o,$(wildcard $(MBEDTLS_DIR)/library/*.c))
$(bearssl_a): $(mbedtls_o)
	@rm -f $@
	@$(cross)ar rcs $@ $^

$(mbedtls_o): $(out)/mbedtls/%.o: $(MBEDTLS_DIR)/library/%.c $(out)/flags tests/bench/mbedtls_config.h
	@mkdir -p $(@D)
	@echo "  CROSS   mbedtls/$*.c"
	@$(CC) $(flags) $(includes) -w -c -o $@ $<

# The CA's certificate as DER.
$(out)/tests/bench/peer.o: $(out)/trust/ca.h
$(out)/trust/ca.h: $(TRUST)
	@mkdir -p $(@D)
	@openssl x509 -in $< -outform DER | od -An -v -tx1 | sed 's/ \(..\)/0x\1,/g' >$@
