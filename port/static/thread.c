/* SPDX-License-Identifier: MIT
 *
 * What threads need, for a static program that has one: there are no locks to hold, and nobody to tell of a fork().
 */
#define _GNU_SOURCE

#include <stdio.h>
#include <unistd.h>

/* libc's own names, of its own files alone. */
int __lockfile(FILE *file);
void __unlockfile(FILE *file);
void __lock(volatile int *lock);
void __unlock(volatile int *lock);

pid_t fork(void)
{
    return _Fork();
}

int putc(int octet, FILE *to)
{
    return putc_unlocked(octet, to);
}

int fputc(int octet, FILE *to)
{
    return putc_unlocked(octet, to);
}

int putchar(int octet)
{
    return putc_unlocked(octet, stdout);
}

int getc(FILE *from)
{
    return getc_unlocked(from);
}

int __lockfile(FILE *file)
{
    (void)file;
    return 0;
}

void __unlockfile(FILE *file)
{
    (void)file;
}

void __lock(volatile int *lock)
{
    (void)lock;
}

void __unlock(volatile int *lock)
{
    (void)lock;
}
