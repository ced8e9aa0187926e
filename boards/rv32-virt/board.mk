# SPDX-License-Identifier: MIT
cross := riscv64-unknown-elf-
cpu := -march=rv32imac -misa-spec=2.2 -mabi=ilp32 -mcmodel=medany -msmall-data-limit=0 -fno-jump-tables --specs=picolibc.specs
libc :=
sources := boards/rv32-virt/*.c
network := modem
flash := 262144
ram := 65536
options := -DBOARD_LEAN
