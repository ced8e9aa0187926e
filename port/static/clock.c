/* SPDX-License-Identifier: MIT
 *
 * clock_gettime() for a static program: a system call. libc looks for a faster way, which pays only who asks often. Where a
 * time does not fit into a long, kernels differ, and libc's is linked.
 */
#define _GNU_SOURCE

#include <limits.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#if LONG_MAX > INT_MAX
int __clock_gettime(clockid_t clock, struct timespec *now); /* libc's own name for it */

int __clock_gettime(clockid_t clock, struct timespec *now)
{
    return (int)syscall(SYS_clock_gettime, clock, now);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    return __clock_gettime(clock, now);
}
#endif
