/* SPDX-License-Identifier: MIT
 *
 * Semihosting: what a debugger, or QEMU, does for a processor on request (ARM's "Semihosting for AArch32 and AArch64",
 * RISC-V's "Semihosting"). Without one the instruction behind it is a fault.
 */
#ifndef MOTE_SEMIHOSTING_H
#define MOTE_SEMIHOSTING_H

#include <stddef.h>
#include <stdint.h>

enum { SEMI_READ = 1, SEMI_UPDATE = 3, SEMI_CREATE = 7 };

/* A file of the host; -1 = it cannot be opened. */
int semi_open(const char *name, int mode);
void semi_close(int file);
int semi_length(int file);

/* At an offset, or where the last one ended (-1). Octets moved. */
size_t semi_read(int file, long at, void *buf, size_t len);
size_t semi_write(int file, long at, const void *buf, size_t len);

void semi_print(const char *text);
uint32_t semi_time(void);
int semi_command_line(char *buf, size_t cap);
void semi_exit(int status);

#endif
