# SPDX-License-Identifier: MIT
#
# In Buildroot's place: its variables, with this machine's tools, and what it does with a package's commands.

TARGET_MAKE_ENV := LC_ALL=C
TARGET_CONFIGURE_OPTS := CC=gcc AR=ar CFLAGS=-O0
define generic-package
package: # in the source, as $(@D) says there
	$$(MAILMOTE_BUILD_CMDS)
	$$(MAILMOTE_INSTALL_STAGING_CMDS)
	$$(MAILMOTE_INSTALL_TARGET_CMDS)
endef

include $(BR2_EXTERNAL_MAILMOTE_PATH)/external.mk
