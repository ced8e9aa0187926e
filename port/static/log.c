/* SPDX-License-Identifier: MIT
 *
 * syslog() for a static program: one datagram to /dev/log (RFC 3164). What no logger hears is lost, as with libc's.
 */
#define _GNU_SOURCE

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

static const char *ident = "";
static int facility_by_default = LOG_USER;

/* Always with the process's number, and never kept open: which is what options would change. */
void openlog(const char *name, int options, int facility)
{
    (void)options;
    ident = name;
    facility_by_default = facility;
}

void syslog(int priority, const char *form, ...)
{
    static const struct sockaddr_un logger = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
    char text[12000], date[16];
    time_t now = time(NULL);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), len;
    va_list values;

    if (fd < 0) {
        return;
    }
    strftime(date, sizeof date, "%b %e %H:%M:%S", gmtime(&now));
    priority |= (priority & LOG_FACMASK) == 0 ? facility_by_default : 0;
    len = snprintf(text, sizeof text, "<%d>%s %s[%d]: ", priority, date, ident, (int)getpid());
    va_start(values, form);
    vsnprintf(text + len, sizeof text - (size_t)len, form, values);
    va_end(values);
    sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&logger, sizeof logger);
    close(fd);
}
