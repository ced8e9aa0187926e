/* SPDX-License-Identifier: MIT
 *
 * The date by SNTP, lwIP's. SNTP proves nothing: whoever sits on the way can set the date back, to when a certificate that has
 * expired was good. It cannot make a certificate good that never was.
 */
#include "sntp.h"
#include "board.h"

#include <lwip/apps/sntp.h>
#include <string.h>

#ifdef BOARD_SNTP

static uint64_t known_s; /* the date at known_ms; 0 = none */
static uint32_t known_ms;
static uint16_t port = 123;
static void (*tell)(void);

unsigned short board_sntp_port(void)
{
    return port;
}

void board_sntp_set(unsigned unix_s)
{
    bool first = known_s == 0;

    known_s = unix_s;
    known_ms = board_now_ms();
    if (first) {
        tell();
    }
}

uint64_t sntp_unix_s(void)
{
    uint32_t passed_s = (board_now_ms() - known_ms) / 1000;

    if (known_s != 0) {
        known_s += passed_s;
        known_ms += passed_s * 1000;
    }
    return known_s;
}

static _Noreturn void refuse(void)
{
    board_log("ntp= is missing, or is not ADDRESS or ADDRESS:PORT\n");
    board_exit(BOARD_BAD_CONFIG);
}

static uint16_t port_of(const char *digits)
{
    uint32_t value = 0;

    while (*digits >= '0' && *digits <= '9' && value <= UINT16_MAX) {
        value = value * 10 + (uint32_t)(*digits++ - '0');
    }
    if (*digits != 0 || value == 0 || value > UINT16_MAX) {
        refuse();
    }
    return (uint16_t)value;
}

void sntp_set_up(void (*was_set)(void))
{
    const char *setting = board_setting("ntp");
    char address[IPADDR_STRLEN_MAX];
    size_t len = 0;
    ip_addr_t server;

    while (setting != NULL && setting[len] != 0 && setting[len] != ':') {
        len++;
    }
    if (len == 0 || len >= sizeof address) {
        refuse();
    }
    memcpy(address, setting, len);
    address[len] = 0;
    if (setting[len] == ':') {
        port = port_of(setting + len + 1);
    }
    if (!ipaddr_aton(address, &server)) {
        refuse();
    }
    tell = was_set;
    sntp_setoperatingmode(SNTP_OPMODE_POLL);
    sntp_setserver(0, &server);
}

void sntp_begin(void)
{
    sntp_init();
}
#endif
