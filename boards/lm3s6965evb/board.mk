# SPDX-License-Identifier: MIT
cpu := -mcpu=cortex-m3 -mthumb
sources := boards/lm3s6965evb/*.c boards/cortex-m/*.c
network := lwip
flash := 262144
ram := 65536
