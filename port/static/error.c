/* SPDX-License-Identifier: MIT
 *
 * strerror() for a static program: the errors that files, processes and sockets end with; of others it tells the number.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ERRORS(X)                                                                                                      \
    X(EPERM, "Operation not permitted")                                                                                \
    X(ENOENT, "No such file or directory")                                                                             \
    X(EINTR, "Interrupted system call")                                                                                \
    X(EIO, "Input/output error")                                                                                       \
    X(EBADF, "Bad file descriptor")                                                                                    \
    X(EAGAIN, "Resource temporarily unavailable")                                                                      \
    X(ENOMEM, "Cannot allocate memory")                                                                                \
    X(EACCES, "Permission denied")                                                                                     \
    X(EBUSY, "Device or resource busy")                                                                                \
    X(EEXIST, "File exists")                                                                                           \
    X(EXDEV, "Invalid cross-device link")                                                                              \
    X(ENXIO, "No such device or address")                                                                              \
    X(ENODEV, "No such device")                                                                                        \
    X(ENOTDIR, "Not a directory")                                                                                      \
    X(EISDIR, "Is a directory")                                                                                        \
    X(EINVAL, "Invalid argument")                                                                                      \
    X(ENFILE, "Too many open files in system")                                                                         \
    X(EMFILE, "Too many open files")                                                                                   \
    X(EFBIG, "File too large")                                                                                         \
    X(ENOSPC, "No space left on device")                                                                               \
    X(EROFS, "Read-only file system")                                                                                  \
    X(EMLINK, "Too many links")                                                                                        \
    X(EPIPE, "Broken pipe")                                                                                            \
    X(ENAMETOOLONG, "File name too long")                                                                              \
    X(ENOLCK, "No locks available")                                                                                    \
    X(ENOSYS, "Function not implemented")                                                                              \
    X(ENOTEMPTY, "Directory not empty")                                                                                \
    X(ELOOP, "Too many levels of symbolic links")                                                                      \
    X(EPROTO, "Protocol error")                                                                                        \
    X(EOPNOTSUPP, "Operation not supported")                                                                           \
    X(EAFNOSUPPORT, "Address family not supported by protocol")                                                        \
    X(EADDRINUSE, "Address already in use")                                                                            \
    X(EADDRNOTAVAIL, "Cannot assign requested address")                                                                \
    X(ENETDOWN, "Network is down")                                                                                     \
    X(ENETUNREACH, "Network is unreachable")                                                                           \
    X(ECONNABORTED, "Software caused connection abort")                                                                \
    X(ECONNRESET, "Connection reset by peer")                                                                          \
    X(ENOBUFS, "No buffer space available")                                                                            \
    X(ETIMEDOUT, "Connection timed out")                                                                               \
    X(ECONNREFUSED, "Connection refused")                                                                              \
    X(EHOSTDOWN, "Host is down")                                                                                       \
    X(EHOSTUNREACH, "No route to host")                                                                                \
    X(ESTALE, "Stale file handle")                                                                                     \
    X(EDQUOT, "Disk quota exceeded")

#define NUMBER(number, text) number,
#define TEXT(number, text)   text "\0"

char *strerror(int error)
{
    static const short numbers[] = {ERRORS(NUMBER)};
    static char other[24];
    const char *text = ERRORS(TEXT);

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (numbers[i] == error) {
            return (char *)(size_t)text;
        }
        text += strlen(text) + 1;
    }
    snprintf(other, sizeof other, "Unknown error %d", error);
    return other;
}
