# SPDX-License-Identifier: MIT
"""A system that is not as it should be, for the command alone: a library that is loaded before libc stands in for a few
of its functions. `pretend(BOOTTIME="90", ...)` is a prefix for the command line:

REALTIME   seconds, at which it stands still, or +seconds from now (+-seconds before): the time of day
BOOTTIME   seconds since the boot, or +seconds likewise
BOOT_ID    a file to be read instead of the kernel's boot id
OPENAT     an errno: no mail of a spool can be opened to be worked on
PREAD      an errno: pread() fails with it
PWRITE     the first so many calls of pwrite() succeed, the others fail with EIO
PIECE      no more than so many octets are read by pread() and written by pwrite() at a time
SOCKET, CONNECT, GETRANDOM   an errno: these calls fail with it
HOST       this host's name
FULL       what the resolver, asked for any name, says that it is in full
ADDRESSES  those that any name has, in this order, with a space between
RESOLVER   seconds the resolver takes to find no name, but for an IPv4 address
CLOCK      the file of a test's clock (clock.py): no time passes but by it
PORT       where on 127.0.0.1 connections to any other port go
CPU_S, MEMORY_KB   seconds of a CPU and KB of addresses that it may take; a sanitizer's shadow needs all addresses there are
RECV       no more than so many octets come from a socket at a time; -N: one to forty at random, drawn from N"""
import atexit
import ctypes
import functools
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading

import pytest

from relay import SANITIZED

CLONE_NEWNS = 0x20000                                # Linux
COMPILING = threading.Lock()
SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const char *setting(const char *name)
{
    const char *value = getenv(name);
    return value != NULL ? value : "";
}

/* clock.py says what they are. */
static struct face {
    int64_t unix_s, now_ms, until_ms, asked, answered, room;
} *volatile face;

__attribute__((constructor)) static void find_clock(void)
{
    if (*setting("CLOCK") == 0)
        return;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, setting("CLOCK"), O_RDWR | O_CLOEXEC);
    face = mmap(NULL, sizeof *face, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (face == MAP_FAILED)
        abort();
    close(fd);
}

static void limit(int resource, const char *name, rlim_t unit)
{
    struct rlimit most = {unit * atol(setting(name)), unit * atol(setting(name))};
    if (most.rlim_max != 0 && setrlimit(resource, &most) != 0)
        abort();
}

__attribute__((constructor)) static void set_limits(void)
{
    limit(RLIMIT_CPU, "CPU_S", 1);
    limit(RLIMIT_AS, "MEMORY_KB", 1024);
}

static int64_t load(int64_t *value) { return __atomic_load_n(value, __ATOMIC_SEQ_CST); }
static void store(int64_t *value, int64_t new) { __atomic_store_n(value, new, __ATOMIC_SEQ_CST); }

int poll(struct pollfd *wanted, nfds_t count, int ms)
{
    struct timespec wait = {ms / 1000, ms % 1000 * 1000000};
    struct pollfd none = {.fd = -1}, *first = count != 0 ? wanted : &none;
    short events = first->events;
    if (face == NULL || ms <= 0)
        return (int)syscall(SYS_ppoll, wanted, count, ms < 0 ? NULL : &wait, NULL, 0);
    for (int64_t end_ms = load(&face->now_ms) + ms;;) {
        struct timespec a_moment = {0, 2000000};     /* of which the call leaves what is left */
        int64_t asked = load(&face->asked);
        store(&face->until_ms, end_ms);
        first->events = (short)(load(&face->room) == 0 ? events & ~POLLOUT : events);
        int ready = (int)syscall(SYS_ppoll, wanted, count, &a_moment, NULL, 0);
        first->events = events;
        if (ready != 0 || load(&face->now_ms) >= end_ms) {
            store(&face->until_ms, 0);
            return ready;
        }
        store(&face->answered, asked);
    }
}

unsigned sleep(unsigned seconds)
{
    struct timespec wait = {seconds, 0};
    if (face != NULL)
        store(&face->now_ms, load(&face->now_ms) + seconds * 1000);
    else
        syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &wait, NULL);
    return 0;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (face != NULL && (clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME)) {
        int64_t ms = load(&face->now_ms);
        *now = (struct timespec){(clock == CLOCK_REALTIME ? face->unix_s : 0) + ms / 1000, ms % 1000 * 1000000};
        return 0;
    }
    int result = (int)syscall(SYS_clock_gettime, clock, now);
    const char *value = setting(clock == CLOCK_REALTIME ? "REALTIME" : clock == CLOCK_BOOTTIME ? "BOOTTIME" : "-");
    if (*value != 0)
        *now = *value == '+' ? (struct timespec){now->tv_sec + atol(value + 1), now->tv_nsec} : (struct timespec){atol(value), 0};
    return result;
}

time_t time(time_t *at)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return at ? (*at = now.tv_sec) : now.tv_sec;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0)
        return -1;
    *at = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

int open(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    if (strstr(path, "boot_id") != NULL && *setting("BOOT_ID") != 0)
        path = setting("BOOT_ID");
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int openat(int directory, const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    if (*setting("OPENAT") != 0 && strstr(path, ".mail") != NULL && (flags & O_ACCMODE) == O_RDWR) {
        errno = atoi(setting("OPENAT"));
        return -1;
    }
    return (int)syscall(SYS_openat, directory, path, flags, mode);
}

static size_t piece(size_t len)
{
    size_t most = strtoul(setting("PIECE"), NULL, 10);
    return most != 0 && most < len ? most : len;
}

ssize_t pwrite(int fd, const void *buf, size_t len, off_t at)
{
    static long calls;
    if (*setting("PWRITE") != 0 && calls++ >= atol(setting("PWRITE"))) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_pwrite64, fd, buf, piece(len), at);
}

ssize_t pread(int fd, void *buf, size_t len, off_t at)
{
    if (*setting("PREAD") != 0) {
        errno = atoi(setting("PREAD"));
        return -1;
    }
    return syscall(SYS_pread64, fd, buf, piece(len), at);
}

ssize_t getrandom(void *buf, size_t len, unsigned flags)
{
    if (*setting("GETRANDOM") != 0) {
        errno = atoi(setting("GETRANDOM"));
        return -1;
    }
    return syscall(SYS_getrandom, buf, len, flags);
}

int socket(int domain, int type, int protocol)
{
    if (*setting("SOCKET") != 0) {
        errno = atoi(setting("SOCKET"));
        return -1;
    }
    return (int)syscall(SYS_socket, domain, type, protocol);
}

int gethostname(char *name, size_t cap)
{
    const char *value = setting("HOST");
    if (*value == 0)
        return ((int (*)(char *, size_t))dlsym(RTLD_NEXT, "gethostname"))(name, cap);
    strncpy(name, value, cap);
    errno = ENAMETOOLONG;
    return strlen(value) < cap ? 0 : -1;
}

int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **list)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");
    if (*setting("ADDRESSES") != 0) {
        char all[200] = "";
        int error = 0;
        strncpy(all, setting("ADDRESSES"), sizeof all - 1);
        for (char *one = strtok(all, " "); one != NULL && error == 0; one = strtok(NULL, " "))
            for (error = real(one, port, hints, list); error == 0 && *list != NULL;)
                list = &(*list)->ai_next;
        return error;
    }
    if (*setting("FULL") != 0 && hints != NULL && (hints->ai_flags & AI_CANONNAME) != 0) {
        int error = real("127.0.0.1", port, hints, list);
        if (error == 0) {
            free((*list)->ai_canonname);
            (*list)->ai_canonname = strdup(setting("FULL"));
        }
        return error;
    }
    if (*setting("RESOLVER") == 0 || strspn(host, "0123456789.") == strlen(host))
        return real(host, port, hints, list);
    sleep(atoi(setting("RESOLVER")));
    return EAI_AGAIN;
}

int connect(int fd, const struct sockaddr *address, socklen_t len)
{
    if (*setting("CONNECT") != 0) {
        errno = atoi(setting("CONNECT"));
        return -1;
    }
    struct sockaddr_in to;
    if (*setting("PORT") != 0 && address->sa_family == AF_INET) {
        memcpy(&to, address, sizeof to);
        to.sin_port = htons(atoi(setting("PORT")));
        address = (const struct sockaddr *)&to;
    }
    return (int)syscall(SYS_connect, fd, address, len);
}

ssize_t send(int fd, const void *buf, size_t len, int flags)
{
    int64_t room = face == NULL ? -1 : load(&face->room);
    if (room == 0) {
        errno = EAGAIN;
        return -1;
    }
    ssize_t put = syscall(SYS_sendto, fd, buf, room > 0 && (size_t)room < len ? (size_t)room : len, flags, NULL, 0);
    if (put > 0 && room > 0)
        store(&face->room, room - put);
    return put;
}

ssize_t recv(int fd, void *buf, size_t len, int flags)
{
    static unsigned long drawn;
    long most = atol(setting("RECV"));
    if (most < 0) {
        drawn = (drawn == 0 ? (unsigned long)-most : drawn) * 6364136223846793005ul + 1442695040888963407ul;
        most = 1 + (long)(drawn >> 33) % 40;
    }
    return syscall(SYS_recvfrom, fd, buf, most != 0 && (size_t)most < len ? (size_t)most : len, flags, NULL, NULL);
}
"""


# Not in the library above, whose functions would take the place of a sanitizer's.
# The name service of glibc does not bear it: it waits for its own lock, or aborts.
MEMORY = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);

static int in_names;

__attribute__((constructor)) static void begin(void) { unsetenv("LD_PRELOAD"); } /* not for a shell that is called */

static int refused(void)
{
    static long calls;
    const char *at = getenv("MEMORY");
    if (at == NULL || in_names || ++calls != atol(at))
        return 0;
    close(open(getenv("REFUSED"), O_CREAT | O_WRONLY, 0666));
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t len) { return refused() ? NULL : __libc_malloc(len); }
void *calloc(size_t count, size_t len) { return refused() ? NULL : __libc_calloc(count, len); }
void *realloc(void *old, size_t len) { return refused() ? NULL : __libc_realloc(old, len); }

int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **list)
{
    in_names = 1;
    int error = ((int (*)(const char *, const char *, const struct addrinfo *, struct addrinfo **))dlsym(RTLD_NEXT, "getaddrinfo"))(
        host, port, hints, list);
    in_names = 0;
    return error;
}

struct passwd *getpwuid(uid_t uid)
{
    in_names = 1;
    struct passwd *user = ((struct passwd * (*)(uid_t)) dlsym(RTLD_NEXT, "getpwuid"))(uid);
    in_names = 0;
    return user;
}
"""


BEHIND = r"""
#include <stdlib.h>
#include <string.h>

extern void *__libc_calloc(size_t, size_t);

void *calloc(size_t count, size_t len)
{
    const char *octet = getenv("BEHIND");
    size_t all = count * len; /* of the command's own, which are small */
    char *made = octet == NULL || all > 65536 ? __libc_calloc(count, len) : __libc_calloc(1, all + 256);
    if (made != NULL && octet != NULL && all <= 65536)
        memset(made + all, atoi(octet), 256);
    return made;
}
"""


def library(source=SOURCE):
    with COMPILING:                                  # one thread, and the others wait for it
        return compiled(source)


@functools.lru_cache(maxsize=None)
def compiled(source):
    compiler = shutil.which("cc") or shutil.which("gcc") or pytest.skip("no compiler")
    directory = tempfile.mkdtemp(prefix="pretend-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    path = pathlib.Path(directory) / "pretend.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-x", "c", "-", "-o", path], input=source.encode(), check=True)
    return path


INHERITED = dict(os.environ)        # as it was: pytest changes it with each test, while other threads would read it


def environment(**settings):
    """the same without a program more to be started, for subprocess, beside what is INHERITED"""
    if SANITIZED:
        settings.pop("MEMORY_KB", None)
    return {"LD_PRELOAD": str(library()), **{name: str(value) for name, value in settings.items()}}


def pretend(**settings):
    return ["env", *(f"{name}={value}" for name, value in environment(**settings).items())]


def apart(directory):
    """the default place of the spool is in this directory, not the machine's own: for root"""
    return ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /var/spool && exec "$@"', directory]


def apart_from_now(directory):
    """likewise for all that this thread will start"""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["mount", "--bind", directory, "/var/spool"], check=True)


def refusing(number, mark):
    """the allocation of that number fails, in libc as well, once in each process; then the file `mark` is there: for subprocess"""
    not SANITIZED or pytest.skip("a sanitizer allocates by itself")
    return {"LD_PRELOAD": str(library(MEMORY)), "MEMORY": str(number), "REFUSED": str(mark)}


def followed(octet):
    """what is allocated with zeros in it has this octet behind its end: for subprocess"""
    not SANITIZED or pytest.skip("a sanitizer allocates by itself")
    return {"LD_PRELOAD": str(library(BEHIND)), "BEHIND": str(octet)}


def refuse(number, mark):
    return ["env", *(f"{name}={value}" for name, value in refusing(number, mark).items())]
