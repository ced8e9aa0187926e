# SPDX-License-Identifier: MIT
# In DWARF 5 some functions of code that was optimized when it was linked have no file, and tests/stack.py reads by files.
cross := riscv64-unknown-elf-
cpu := -march=rv32imac -misa-spec=2.2 -mabi=ilp32 -mcmodel=medany -msmall-data-limit=0 -gdwarf-4 -fno-jump-tables --specs=picolibc.specs
libc :=
sources := boards/rv32-virt/*.c
network := modem
flash := 262144
ram := 65536
options := -DBOARD_LEAN
