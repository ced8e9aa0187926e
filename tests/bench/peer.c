/* SPDX-License-Identifier: MIT
 *
 * lwIP's own SMTP client in mailmote's place: the same board, settings and mail, tried once, in implicit TLS. net.c of the
 * boards drives it by the functions by which it drives mailmote's port.
 */
#include "board.h"
#include "mailmote_lwip.h"

#include <lwip/altcp_tls.h>
#include <lwip/apps/smtp.h>
#include <lwip/priv/tcp_priv.h>
#include <mbedtls/entropy.h>
#include <mbedtls/entropy_poll.h>
#include <string.h>

static const u8_t ca[] = {
#include "ca.h"
};

static bool accepted, ended;

int mbedtls_hardware_poll(void *data, unsigned char *output, size_t len, size_t *olen)
{
    *olen = len;
    return board_entropy(data, output, len) ? 0 : MBEDTLS_ERR_ENTROPY_SOURCE_FAILED;
}

time_t peer_time(time_t *at)
{
    (void)at;
    return (time_t)board_unix_s();
}

static const char *need(const char *name)
{
    const char *value = board_setting(name);

    if (value == NULL) {
        board_log(name);
        board_log("= is missing\n");
        board_exit(BOARD_BAD_CONFIG);
    }
    return value;
}

/* relay=ADDRESS:PORT */
static void set_server(void)
{
    char address[IP4ADDR_STRLEN_MAX] = "";
    const char *value = need("relay"), *colon = strchr(value, ':');

    if (colon == NULL || (size_t)(colon - value) >= sizeof address) {
        board_log("relay= is ADDRESS:PORT\n");
        board_exit(BOARD_BAD_CONFIG);
    }
    memcpy(address, value, (size_t)(colon - value));
    smtp_set_server_addr(address);
    smtp_set_server_port((u16_t)strtol(colon + 1, NULL, 10));
}

static void log_number(size_t number)
{
    char digit[] = {(char)('0' + number % 10), 0};

    if (number >= 10) {
        log_number(number / 10);
    }
    board_log(digit);
}

static void have_result(void *arg, u8_t result, u16_t reply, err_t err)
{
    accepted = result == SMTP_RESULT_OK;
    ended = true;
    if (!accepted) {
        board_log("result ");
        log_number(result);
        board_log(", reply ");
        log_number(reply);
        board_log("\n");
    }
    (void)arg;
    (void)err;
}

/* ---- What net.c asks --------------------------------------------------------------------------------------------- */

void mote_lwip_start(struct mote_lwip *lwip)
{
    struct altcp_tls_config *tls = altcp_tls_create_config_client(ca, sizeof ca);

    (void)lwip;
    set_server();
    smtp_set_tls_config(tls);
    smtp_set_auth(board_setting("user"), board_setting("password"));
    if (tls == NULL || smtp_send_mail_static(need("from"), need("to"), need("subject"), "The input fired.", have_result,
                                             NULL) != ERR_OK) {
        board_log("out of memory, or the mail is wrong\n");
        ended = true;
    }
}

/* The connection is closed before the end: the relay's answer to QUIT belongs to the recording. */
uint8_t mote_lwip_poll(const struct mote_lwip *lwip)
{
    (void)lwip;
    return ended && tcp_active_pcbs == NULL ? MOTE_REPORT : MOTE_TALK;
}

void mote_lwip_reported(struct mote_lwip *lwip)
{
    (void)lwip;
}

int main(void)
{
    board_init();
    board_network_start(NULL);
    while (board_network_step() != MOTE_REPORT) {
    }
    board_log(accepted ? "accepted, stack " : "not accepted, stack ");
    log_number(board_stack_used());
    board_log(" octets\n");
    board_exit(accepted ? BOARD_OK : BOARD_FAILED);
}
