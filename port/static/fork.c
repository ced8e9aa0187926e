/* SPDX-License-Identifier: MIT
 *
 * fork() for a static program with one thread: there are no locks to hold, and nobody to tell.
 */
#define _GNU_SOURCE

#include <unistd.h>

pid_t fork(void)
{
    return _Fork();
}
