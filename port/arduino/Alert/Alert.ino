/* SPDX-License-Identifier: MIT
 *
 * An alert at each start, over Wi-Fi: one attempt at one relay, which is known by its public key. A product keeps its
 * mails in an outbox (mote_outbox_...), which tries again; written for an ESP32, for others the entropy is another call.
 */
#include <WiFi.h>
#include <mailmote.h>

static const char ssid[] = "network", key[] = "password";
static const char host[] = "mail.example.com", user[] = "sensor", password[] = "secret";
/* The SHA-256 of the relay's SubjectPublicKeyInfo. */
static const uint8_t pin[32] = {0};

static struct mote_session session;
static uint8_t records[4421];
static WiFiClient client;

/* What there is to say, as far as the connection takes it. */
static void say()
{
    const void *from;
    size_t len;

    while ((from = mote_session_send_buf(&session, &len)) != NULL) {
        len = client.write((const uint8_t *)from, len);
        mote_session_send_ack(&session, len);
        if (len == 0) {
            break;
        }
    }
}

/* Octets both ways until the conversation is over. */
static void talk()
{
    while ((mote_session_poll(&session, millis()) & MOTE_DONE) == 0) {
        size_t len;
        void *to;

        say();
        to = mote_session_recv_buf(&session, &len);
        if (to != NULL && client.available() > 0) {
            int came = client.read((uint8_t *)to, len);

            mote_session_recv_ack(&session, came > 0 ? (size_t)came : 0);
        } else if (!client.connected()) {
            mote_session_fail(&session, MOTE_CAUSE_LOST);
        } else {
            delay(1);
        }
    }
    say(); /* QUIT and close_notify: worth one try */
}

static void send(const char *subject, const char *text)
{
    static char id[32];
    static uint8_t entropy[32];
    const char *to = "operator@example.com";
    struct mote_rcpt rcpt = {};
    struct mote_message message = {};
    struct mote_mail mail = {};
    struct mote_relay relay = {};
    struct mote_session_setup setup = {};

    esp_fill_random(entropy, sizeof entropy);
    snprintf(id, sizeof id, "%08lx@sensor.example.com", (unsigned long)esp_random()); /* another for each mail */
    message.from = "sensor@example.com";
    message.to = &to;
    message.to_count = 1;
    message.subject = subject;
    message.text = text;
    message.id = id;
    rcpt.address = to;
    mail.from = message.from;
    mail.rcpts = &rcpt;
    mail.rcpt_count = 1;
    mail.read = mote_message_read;
    mail.ctx = &message;
    relay.host = host;
    relay.login.user = user;
    relay.login.password = password;
    mote_trust_pin(&relay.trust, pin, host);
    setup.helo = "sensor.example.com";
    setup.buf = records;
    setup.buf_len = sizeof records;
    setup.entropy = entropy;
    setup.start_ms = millis();

    mote_mail_measure(&mail);
    if (!client.connect(host, mote_relay_port(&relay))) {
        Serial.println("no connection to the relay");
        return;
    }
    mote_session_init(&session, &relay, &mail, &setup);
    talk();
    client.stop();
    Serial.print(mote_verdict_name(rcpt.result.verdict));
    Serial.print(": ");
    Serial.println(mote_cause_name(rcpt.result.cause));
    mote_session_wipe(&session);
}

void setup()
{
    Serial.begin(115200);
    WiFi.begin(ssid, key);
    while (WiFi.status() != WL_CONNECTED) {
        delay(100);
    }
    send("Too hot", "Boiler at 92 degrees\n");
}

void loop()
{
    delay(1000);
}
