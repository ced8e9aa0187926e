# SPDX-License-Identifier: MIT
cpu := -mcpu=cortex-m3 -mthumb
sources := boards/mps2-an385/*.c boards/cortex-m/*.c
network := lwip
flash := 4194304
ram := 131072
