# SPDX-License-Identifier: MIT
#
# BearSSL's sources as one archive, for whatever CC, CPPFLAGS and CFLAGS say:
#   make -f port/bearssl.mk BEARSSL_DIR=... LIB=build/libbearssl.a OBJ=build/obj/bearssl
# FLAGS, if given, is a file that is newer than the objects when they must be compiled again. NEEDED leaves out what mailmote never
# calls, for a program that does not call it either: the archive is made sooner, and nothing else changes. `yes' leaves out a quarter,
# `client' half: also what only tests of ours call, a server's side, signing, and BearSSL's own choices of what a client has.
# Its own Makefile cannot be run with -j.

this := $(lastword $(MAKEFILE_LIST))
include $(dir $(this))mailmote.mk
never_called := codec/dec16% codec/enc16% int/i32_% kdf/% rsa/rsa_i32_% rsa/%_keygen rsa/%_keygen_inner rsa/rsa_oaep_% rsa/%_oaep_decrypt \
    rsa/%_oaep_encrypt rsa/%_privexp ssl/ssl_ccert_% ssl/ssl_server_min% symcipher/aes_big_% symcipher/aes_small_% \
    symcipher/des_tab% x509/encode_%
only_tests := aead/% codec/pem% ec/ec_c25519_i% ec/ec_curve25519 ec/ec_keygen ec/ec_pubkey ec/ecdsa_%_sign_asn1 ec/ecdsa_%_sign_raw ec/ecdsa_rta \
    hash/dig_% hash/md5sha1 hash/mgf1 int/%_decred int/%_moddiv int/%_mulacc int/%_reduce rand/aesctr_drbg rsa/%_modulus rsa/%_pkcs1_sign \
    rsa/%_priv rsa/%_pubexp rsa/rsa_pkcs1_sig_pad rsa/rsa_ssl_decrypt ssl/%_aesccm ssl/%_descbc ssl/ssl_client_% ssl/ssl_hs_server \
    ssl/ssl_keyexport ssl/ssl_lru ssl/ssl_rec_ccm ssl/ssl_scert_% ssl/ssl_server% symcipher/%_ctrcbc symcipher/des_% x509/asn1enc \
    x509/skey_decoder x509/x509_knownkey x509/x509_minimal_full
not_needed_yes := $(never_called)
not_needed_client := $(never_called) $(only_tests)
sources := $(MAILMOTE_BEARSSL:$(BEARSSL_DIR)/src/%.c=%)
sources := $(filter-out $(filter-out int/i32_div32,$(filter $(not_needed_$(NEEDED)),$(sources))),$(sources))
objects := $(sources:%=$(OBJ)/%.o)

$(LIB): $(objects)
	@rm -f $@
	@echo "  AR      $(patsubst $(CURDIR)/%,%,$@)"
	@$(AR) rcs $@ $^

# Half the time of an RSA check is this one loop: for speed it grows by some 50 octets.
$(OBJ)/int/i31_montmul.o: speed := -O2

# JUMPS, if given, are flags for what interprets T0, in which BearSSL has handshake and certificates: each is a choice of a hundred.
$(foreach interpreter,ssl/ssl_hs_client x509/x509_decoder x509/x509_minimal,$(OBJ)/$(interpreter).o): speed := $(JUMPS)

# LTO, if given, are flags for optimizing these with what calls them: protocol, certificates, hashes. What computes with secrets goes
# without: it takes the same time for each only as its files were written.
public := ssl/% x509/% rsa/% hash/% rand/% ec/ecdsa_%
public_o := $(filter-out %/ssl_rec_cbc.o,$(filter $(public:%=$(OBJ)/%),$(objects)))
$(public_o): lto := $(LTO)

$(OBJ)/%.o: $(BEARSSL_DIR)/src/%.c $(FLAGS) $(this)
	$(mailmote_folder)
	$(info $()  CC      bearssl/$*.c)
	@$(CC) -I$(BEARSSL_DIR)/inc -I$(BEARSSL_DIR)/src $(CPPFLAGS) $(CFLAGS) $(speed) $(lto) -w -MD -MP -c -o $@ $<

# A source that is no longer where it was is asked of nobody: what was made of it is made anew.
%.c %.d: ;

-include $(objects:.o=.d)
