/* SPDX-License-Identifier: MIT
 *
 * if_nametoindex() for a static program: where a time does not fit into a long, libc's ioctl() translates for kernels of old.
 */
#define _GNU_SOURCE

#include <net/if.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

unsigned if_nametoindex(const char *name)
{
    struct ifreq request = {.ifr_ifindex = 0};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool found = false;

    if (fd >= 0 && strlen(name) < sizeof request.ifr_name) {
        strcpy(request.ifr_name, name);
        found = syscall(SYS_ioctl, fd, SIOCGIFINDEX, &request) == 0;
    }
    if (fd >= 0) {
        close(fd);
    }
    return found ? (unsigned)request.ifr_ifindex : 0;
}
