# SPDX-License-Identifier: MIT
cpu := -mcpu=cortex-m0 -mthumb
sources := boards/microbit/*.c boards/cortex-m/vectors.c
network := modem
flash := 262144
ram := 16384
options := -DBOARD_RECORD_BUF=MOTE_SESSION_BUF_MIN -DBOARD_SLOTS=2 -DBOARD_COMMAND_LINE=384 \
    -DBOARD_CURVES=br_ec_prime_i15
# The multiplication of 32 by 32 bits is slow here; BearSSL has assembly that does without.
bearssl_options := -DBR_ARMEL_CORTEXM_GCC=1
p256_alone := yes
small := yes
