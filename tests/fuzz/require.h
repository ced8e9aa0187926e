/* SPDX-License-Identifier: MIT */
#ifndef REQUIRE_H
#define REQUIRE_H

#include <stdbool.h>

/* Says which rule broke and aborts. I1 to I11 are the invariants of core/DESIGN.md, P1 to P18 the rules of core/POLICY.md. Those of
 * the dialogue itself:
 *
 *   D1  a command stands where the dialogue allows it
 *   D2  a command line says what the arguments say, and nothing else
 *   D3  an extension is used only where the last EHLO offered it
 *   D4  poll says what is so, and what it says leads somewhere
 *   D5  a reply that is none, or that its command cannot have, ends the conversation with its cause
 *   D6  a result is one that can be: known numbers, a possible code, a name
 *   D7  a time limit is kept to the millisecond
 *   D8  the text is measured and read as mailmote.h says
 *   D9  wrong arguments are told before an octet leaves
 *   L   where each reply fits and nothing is cut, each mail is delivered, or it is said what cannot be */
void violated(const char *what);
void require(bool good, const char *what);

#endif
