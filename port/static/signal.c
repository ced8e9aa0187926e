/* SPDX-License-Identifier: MIT
 *
 * signal() for a static program that ignores signals, and then no longer does: it has no function to be called, and nobody asks
 * what was before.
 */
#define _GNU_SOURCE

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of what the kernel is given, all but the handler is 0. */
#ifdef __mips__
enum { HANDLER = 1 };
#else
enum { HANDLER = 0 };
#endif

void (*signal(int number, void (*handler)(int)))(int)
{
    long action[16] = {0};

    action[HANDLER] = (long)handler;
    return syscall(SYS_rt_sigaction, number, action, NULL, _NSIG / 8) == 0 ? SIG_DFL : SIG_ERR;
}
