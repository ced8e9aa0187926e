// SPDX-License-Identifier: MIT
//
// The sketch as a program that ends: what Arduino puts around it. It fails where QUIT was left unsaid.
#include <WiFi.h>
#include <mailmote.h>

static bool unsaid;

static void forget(struct mote_session *session)
{
    size_t len;

    unsaid = mote_session_send_buf(session, &len) != NULL;
    mote_session_wipe(session);
}

#define mote_session_wipe forget
#include "Alert.ino"

int main()
{
    setup();
    return unsaid;
}
