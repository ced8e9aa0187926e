/* SPDX-License-Identifier: MIT
 *
 * The bench of rig.h.
 */
#include "rig.h"

static size_t read_source(void *ctx, size_t offset, void *buf, size_t cap)
{
    const struct rig *rig = ctx;
    size_t n = rig->source_len - offset;

    assert_true(offset <= rig->source_len);
    assert_true(cap != 0);
    if (rig->source_step != 0 && n > rig->source_step) {
        n = rig->source_step;
    }
    if (n > cap) {
        n = cap;
    }
    if (n != 0) {
        memcpy(buf, rig->source + offset, n);
    }
    return n;
}

void rig_source(struct rig *rig, const char *text, size_t len)
{
    rig->source = text;
    rig->source_len = len;
    mote_mail_measure(&rig->mail);
}

void rig_set(struct rig *rig)
{
    memset(rig, 0, offsetof(struct rig, out));
    rig->setup.helo = "device.example.test";
    rig->setup.tls = MOTE_TLS_IMPLICIT;
    rig->rcpts[0].address = "b@example.test";
    rig->rcpts[0].reply_text = rig->rcpt_text;
    rig->rcpts[0].reply_text_cap = sizeof rig->rcpt_text;
    rig->mail.from = "a@example.test";
    rig->mail.rcpts = rig->rcpts;
    rig->mail.rcpt_count = 1;
    rig->mail.reply_text = rig->text;
    rig->mail.reply_text_cap = sizeof rig->text;
    rig->mail.read = read_source;
    rig->mail.ctx = rig;
    rig->cap = 1000;
    rig_source(rig, "Subject: x\r\n\r\nHello\r\n", 21);
}

void rig_begin(struct rig *rig)
{
    mote_engine_init(&rig->engine, &rig->setup, &rig->mail, 0);
    if (mote_engine_poll(&rig->engine, 0) == MOTE_WANT_TLS) {
        mote_engine_secured(&rig->engine);
    }
}

bool rig_done(struct rig *rig)
{
    return mote_engine_poll(&rig->engine, 0) == MOTE_DONE;
}

const char *rig_write(struct rig *rig)
{
    struct mote_engine *e = &rig->engine;
    unsigned idle = 0;

    rig->out_len = 0;
    while ((mote_engine_poll(e, 0) & MOTE_WANT_SEND) != 0 && idle < 3) {
        size_t n;

        assert_true(rig->out_len + rig->cap < sizeof rig->out);
        n = mote_engine_pull(e, rig->out + rig->out_len, rig->cap);
        assert_true(n <= rig->cap);
        rig->out_len += n;
        idle = n == 0 ? idle + 1 : 0;
    }
    rig->out[rig->out_len] = 0;
    return rig->out;
}

const char *rig_hear(struct rig *rig, const char *octets)
{
    mote_engine_feed(&rig->engine, octets, strlen(octets));
    return rig_write(rig);
}

const char *rig_open(struct rig *rig, const char *offers)
{
    rig_begin(rig);
    rig_hear(rig, "220 relay.example.test\r\n");
    return rig_hear(rig, offers);
}
