# SPDX-License-Identifier: MIT
#
# In OpenWrt's place: its variables, with this machine's tools.

INCLUDE_DIR := $(TOPDIR)
DL_DIR := $(WORK)
PKG_BUILD_DIR = $(WORK)/build_dir/$(PKG_NAME)-$(PKG_VERSION)
PKG_JOBS := -j2
TAR := tar
TARGET_CC := gcc
TARGET_AR := ar
TARGET_CFLAGS := -O0
INSTALL_DIR := install -d -m 755
INSTALL_BIN := install -m 755
INSTALL_CONF := install -m 600
INSTALL_DATA := install -m 644
