# SPDX-License-Identifier: MIT
#
# A package for Buildroot, in an external tree that is this folder:
#   make BR2_EXTERNAL=/path/to/mailmote/port/buildroot menuconfig

MAILMOTE_VERSION = 0.2.0
MAILMOTE_SITE = $(BR2_EXTERNAL_MAILMOTE_PATH)/../..
MAILMOTE_SITE_METHOD = local
MAILMOTE_LICENSE = MIT
MAILMOTE_LICENSE_FILES = LICENSE
MAILMOTE_DEPENDENCIES = bearssl
MAILMOTE_INSTALL_STAGING = YES

MAILMOTE_WORDS = BEARSSL_DIR=$(STAGING_DIR)/usr BUILD=build-target PREFIX=/usr COMPLETIONDIR= DOCDIR= MANDIR= \
	$(if $(BR2_PACKAGE_SYSTEMD),,UNITDIR= TMPFILESDIR=) $(if $(BR2_PACKAGE_MAILMOTE_MTA),MTA=1)

define MAILMOTE_BUILD_CMDS
	$(TARGET_MAKE_ENV) $(MAKE) -C $(@D) $(TARGET_CONFIGURE_OPTS) $(MAILMOTE_WORDS) all
endef

define MAILMOTE_INSTALL_STAGING_CMDS
	$(TARGET_MAKE_ENV) $(MAKE) -C $(@D) $(TARGET_CONFIGURE_OPTS) $(MAILMOTE_WORDS) DESTDIR=$(STAGING_DIR) install-library
endef

define MAILMOTE_INSTALL_TARGET_CMDS
	$(TARGET_MAKE_ENV) $(MAKE) -C $(@D) $(TARGET_CONFIGURE_OPTS) $(MAILMOTE_WORDS) DESTDIR=$(TARGET_DIR) install-command
endef

define MAILMOTE_PERMISSIONS
	/var/spool/mailmote d 711 0 0 - - - - -
	/var/spool/mailmote/drop d 1733 0 0 - - - - -
endef

$(eval $(generic-package))
