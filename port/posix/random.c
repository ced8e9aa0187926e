/* SPDX-License-Identifier: MIT
 *
 * Random octets. There is no other source than the kernel's generator: without it there is no TLS.
 */
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L

#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/random.h>
#include <unistd.h>

/* Older kernels' /dev/urandom does not wait until it is seeded; /dev/random can be read when it is. */
static int open_urandom(void)
{
    struct pollfd seeded = {.fd = open("/dev/random", O_RDONLY | O_CLOEXEC), .events = POLLIN};

    if (seeded.fd >= 0) {
        while (poll(&seeded, 1, -1) < 0 && errno == EINTR) {
        }
        close(seeded.fd);
    }
    return open("/dev/urandom", O_RDONLY | O_CLOEXEC);
}

bool mote_posix_random(void *octets, size_t len)
{
    unsigned char *to = octets;
    int fd = -1;

    while (len > 0) {
        ssize_t got = fd < 0 ? getrandom(to, len, 0) : read(fd, to, len);

        if (got > 0) {
            to += got;
            len -= (size_t)got;
        } else if (got < 0 && errno == ENOSYS && fd < 0) {
            fd = open_urandom();
            if (fd < 0) {
                return false;
            }
        } else if (got == 0 || errno != EINTR) {
            break;
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    return len == 0;
}
