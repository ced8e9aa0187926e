/* SPDX-License-Identifier: MIT
 *
 * Semihosting calls: the number in the first register, the address of the arguments in the second, the answer in the first.
 */
#include "semihosting.h"

#include <string.h>

enum {
    SYS_OPEN = 0x01,
    SYS_CLOSE = 0x02,
    SYS_WRITE0 = 0x04,
    SYS_WRITE = 0x05,
    SYS_READ = 0x06,
    SYS_SEEK = 0x0a,
    SYS_FLEN = 0x0c,
    SYS_TIME = 0x11,
    SYS_GET_CMDLINE = 0x15,
    SYS_EXIT_EXTENDED = 0x20,
    STOPPED_APPLICATION_EXIT = 0x20026
};

#ifdef __riscv /* three instructions that follow each other, uncompressed and in one page */
#define NUMBER    "a0"
#define ARGUMENTS "a1"
#define CALL      ".option push; .option norvc; .balign 16; slli zero, zero, 0x1f; ebreak; srai zero, zero, 7; .option pop"
#else
#define NUMBER    "r0"
#define ARGUMENTS "r1"
#define CALL      "bkpt 0xab"
#endif

static intptr_t ask(int number, const void *arguments)
{
    register intptr_t first __asm__(NUMBER) = number;
    register const void *second __asm__(ARGUMENTS) = arguments;

    __asm__ volatile(CALL : "+r"(first) : "r"(second) : "memory");
    return first;
}

int semi_open(const char *name, int mode)
{
    intptr_t arguments[] = {(intptr_t)name, mode, (intptr_t)strlen(name)};

    return (int)ask(SYS_OPEN, arguments);
}

void semi_close(int file)
{
    intptr_t argument = file;

    ask(SYS_CLOSE, &argument);
}

int semi_length(int file)
{
    intptr_t argument = file;

    return (int)ask(SYS_FLEN, &argument);
}

/* Reads or writes; the answer is how much was not. */
static size_t move(int number, int file, long at, intptr_t buf, size_t len)
{
    intptr_t where[] = {file, at}, arguments[] = {file, buf, (intptr_t)len};
    intptr_t left;

    if (at >= 0 && ask(SYS_SEEK, where) != 0) {
        return 0;
    }
    left = ask(number, arguments);
    return left >= 0 && (size_t)left <= len ? len - (size_t)left : 0;
}

size_t semi_read(int file, long at, void *buf, size_t len)
{
    return move(SYS_READ, file, at, (intptr_t)buf, len);
}

size_t semi_write(int file, long at, const void *buf, size_t len)
{
    return move(SYS_WRITE, file, at, (intptr_t)buf, len);
}

void semi_print(const char *text)
{
    ask(SYS_WRITE0, text);
}

uint32_t semi_time(void)
{
    return (uint32_t)ask(SYS_TIME, NULL);
}

int semi_command_line(char *buf, size_t cap)
{
    intptr_t arguments[] = {(intptr_t)buf, (intptr_t)cap};

    return ask(SYS_GET_CMDLINE, arguments) == 0;
}

void semi_exit(int status)
{
    intptr_t arguments[] = {STOPPED_APPLICATION_EXIT, status};

    ask(SYS_EXIT_EXTENDED, arguments);
}
