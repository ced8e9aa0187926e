# SPDX-License-Identifier: MIT
#
# mailmote's sources, for a Makefile of yours:
#   BEARSSL_DIR := third_party/bearssl
#   include third_party/mailmote/port/mailmote.mk
# A room of the core is a folder, and all .c files in it are its sources. What is not called the linker leaves out, with
# -ffunction-sections and --gc-sections.
#   MAILMOTE_CORE       smtp, tls, message and outbox: what every program needs. Include path: MAILMOTE_INCLUDE
#   MAILMOTE_POSIX, MAILMOTE_LWIP   a port, or neither
#   MAILMOTE_WATCHDOG   mote_watchdog()
#   MAILMOTE_BEARSSL    BearSSL's, for which port/bearssl.mk is a recipe; they alone also need BEARSSL_DIR/src as include path

MAILMOTE_DIR := $(patsubst %port/,%,$(dir $(lastword $(MAKEFILE_LIST))))
mailmote_room = $(sort $(wildcard $(MAILMOTE_DIR)$(1)/*.c))
# Of a recipe: its target's folder. mkdir and echo take a tenth as long as the compiler does.
mailmote_folder = $(if $(wildcard $(@D)/.),,@mkdir -p $(@D))

MAILMOTE_INCLUDE := $(MAILMOTE_DIR)include
MAILMOTE_SMTP := $(call mailmote_room,core/smtp)
MAILMOTE_TLS := $(call mailmote_room,core/tls)
MAILMOTE_MESSAGE := $(call mailmote_room,core/message)
MAILMOTE_OUTBOX := $(call mailmote_room,core/outbox)
MAILMOTE_CORE := $(MAILMOTE_SMTP) $(MAILMOTE_TLS) $(MAILMOTE_MESSAGE) $(MAILMOTE_OUTBOX)
MAILMOTE_POSIX := $(call mailmote_room,port/posix)
MAILMOTE_LWIP := $(call mailmote_room,port/lwip)
MAILMOTE_WATCHDOG := $(call mailmote_room,port/watchdog)
MAILMOTE_BEARSSL = $(sort $(wildcard $(BEARSSL_DIR)/src/*.c $(BEARSSL_DIR)/src/*/*.c))
