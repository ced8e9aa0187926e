/* SPDX-License-Identifier: MIT
 *
 * Plays the part of an ESP32's Arduino that the sketch calls, on sockets.
 */
#ifndef WIFI_H
#define WIFI_H

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <netdb.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { WL_CONNECTED = 3 };

static inline void esp_fill_random(void *to, size_t len)
{
    if (getrandom(to, len, 0) != (ssize_t)len) {
        _exit(70);
    }
}

static inline uint32_t esp_random()
{
    uint32_t value;

    esp_fill_random(&value, sizeof value);
    return value;
}

static inline unsigned long millis()
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (unsigned long)now.tv_sec * 1000 + (unsigned long)now.tv_nsec / 1000000;
}

static inline void delay(unsigned long ms)
{
    usleep((useconds_t)ms * 1000);
}

struct SerialPort {
    void begin(unsigned long)
    {
    }
    void print(const char *text)
    {
        fputs(text, stdout);
    }
    void println(const char *text)
    {
        puts(text);
    }
};
static SerialPort Serial;

struct Network {
    void begin(const char *, const char *)
    {
    }
    int status()
    {
        return WL_CONNECTED;
    }
};
static Network WiFi;

class WiFiClient
{
    int fd = -1;

  public:
    int connect(const char *host, uint16_t port)
    {
        char digits[8];
        struct addrinfo hints = {}, *list;

        hints.ai_family = AF_INET;
        hints.ai_socktype = SOCK_STREAM;
        snprintf(digits, sizeof digits, "%u", port);
        if (getaddrinfo(host, digits, &hints, &list) != 0) {
            return 0;
        }
        fd = socket(list->ai_family, list->ai_socktype, 0);
        int status = ::connect(fd, list->ai_addr, list->ai_addrlen);
        freeaddrinfo(list);
        return status == 0;
    }

    size_t write(const uint8_t *octets, size_t len)
    {
        ssize_t put = send(fd, octets, len, MSG_NOSIGNAL);
        return put > 0 ? (size_t)put : 0;
    }

    int available()
    {
        uint8_t octet;
        return recv(fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
    }

    int read(uint8_t *to, size_t len)
    {
        return (int)recv(fd, to, len, 0);
    }

    uint8_t connected()
    {
        uint8_t octet;
        return recv(fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) != 0;
    }

    void stop()
    {
        close(fd);
    }
};

#endif
