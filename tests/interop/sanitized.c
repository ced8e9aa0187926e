/* SPDX-License-Identifier: MIT */
/*
 * What a sanitized command asks for its own settings. It looks for leaks at its end as a process that traces this one. That
 * cannot be where another one traces it already. One that had a password lets nobody trace it: at its end it does, again.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int __lsan_is_turned_off(void);
const char *__asan_default_options(void);

int __lsan_is_turned_off(void)
{
    static const char title[] = "TracerPid:";
    char text[4096];
    int fd = open("/proc/self/status", O_RDONLY);
    ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof text - 1);

    if (fd >= 0) {
        close(fd);
    }
    text[len > 0 ? len : 0] = 0;

    const char *tracer = strstr(text, title);

    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);

    return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 1 || tracer == NULL || atoi(tracer + sizeof title - 1) != 0;
}

/* The command is told that there is no memory, as it is without sanitizers. */
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}
