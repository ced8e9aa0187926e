/* SPDX-License-Identifier: MIT
 *
 * The system's log: a datagram to /dev/log for each line (RFC 3164, without the date, which the logger knows). syslog() is
 * not used, because it waits for a logger that hangs, for ever.
 */
#define _GNU_SOURCE

#include "log.h"
#include "complain.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { WAIT_MS = 1000 };

/* Some loggers listen on a stream; there a NUL ends the line. */
static int open_log(int type)
{
    static const struct sockaddr_un logger = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), error;

    if (fd >= 0 && connect(fd, (const struct sockaddr *)&logger, sizeof logger) != 0) {
        error = errno;
        close(fd);
        errno = error;
        fd = -1;
    }
    return fd;
}

static bool send_line(int fd, const char *line, size_t len)
{
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    ssize_t sent = send(fd, line, len, MSG_NOSIGNAL);

    if (sent < 0 && errno == EAGAIN && poll(&wait, 1, WAIT_MS) > 0) {
        sent = send(fd, line, len, MSG_NOSIGNAL);
    }
    return sent == (ssize_t)len;
}

void log_write(int priority, const char *text)
{
    static bool hangs;
    char line[12000];
    bool stream = false;
    int fd = -1, len;

    if (!hangs) {
        fd = open_log(SOCK_DGRAM);
        stream = fd < 0 && errno == EPROTOTYPE;
    }
    if (stream) {
        fd = open_log(SOCK_STREAM);
    }
    if (fd < 0) {
        return;
    }
    len = snprintf(line, sizeof line, "<%d>mailmote[%d]: %s", priority, (int)getpid(), text);
    if (!send_line(fd, line, (size_t)len + stream) && errno == EAGAIN) {
        hangs = true;
        complain("/dev/log takes no lines: what became of the mails is told here alone");
    }
    close(fd);
}
