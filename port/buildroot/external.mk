# SPDX-License-Identifier: MIT

include $(BR2_EXTERNAL_MAILMOTE_PATH)/mailmote.mk
