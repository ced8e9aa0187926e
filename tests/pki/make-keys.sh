#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Writes keys.h: new key pairs for the trust tests, made by openssl, which also says what their pins are.
#   tests/pki/make-keys.sh >tests/pki/keys.h
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

text()
{
    sed 's/.*/     "&\\n"/' "$1"
}

entry()
{
    name=$1
    shift
    openssl genpkey "$@" -out "$work/pkcs8" 2>/dev/null
    openssl pkey -in "$work/pkcs8" -traditional -out "$work/private"
    openssl pkey -in "$work/pkcs8" -pubout -out "$work/public"
    pin=$(openssl pkey -pubin -in "$work/public" -outform DER | openssl dgst -sha256 -hex | sed 's/.* //')
    printf '    {"%s",\n     "%s",\n' "$name" "$pin"
    text "$work/public" | sed '$s/$/,/'
    text "$work/private" | sed '$s/$/},/'
}

cat <<END
/* SPDX-License-Identifier: MIT
 *
 * Keys of the trust tests, in the order of enum trust_key; they protect nothing. Written by make-keys.sh.
 */
/* clang-format off */
static const struct {
    const char *name;
    const char *pin; /* SHA-256 of the public key's DER, by openssl */
    const char *public_pem, *private_pem;
} keys[] = {
END
entry RSA-1024 -algorithm RSA -pkeyopt rsa_keygen_bits:1024
entry RSA-2048 -algorithm RSA -pkeyopt rsa_keygen_bits:2048
entry RSA-3072 -algorithm RSA -pkeyopt rsa_keygen_bits:3072
entry RSA-4096 -algorithm RSA -pkeyopt rsa_keygen_bits:4096
entry P-256 -algorithm EC -pkeyopt ec_paramgen_curve:P-256
entry P-384 -algorithm EC -pkeyopt ec_paramgen_curve:P-384
entry 'P-256 of the CA' -algorithm EC -pkeyopt ec_paramgen_curve:P-256
entry P-521 -algorithm EC -pkeyopt ec_paramgen_curve:P-521
cat <<END
};
/* clang-format on */
END
