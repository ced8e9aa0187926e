# SPDX-License-Identifier: MIT
#
# What `make install` puts where. A variable that is set to nothing leaves its files out.
#   PREFIX DESTDIR   as usual: /usr/local, and a folder in front of every path
#   BINDIR SBINDIR LIBDIR INCLUDEDIR MANDIR DOCDIR   below PREFIX
#   COMPLETIONDIR UNITDIR TMPFILESDIR   where bash, systemd and systemd-tmpfiles look, below PREFIX
#   IFUPDIR          where ifupdown looks: /etc/network/if-up.d on Debian; nothing by itself
#   MTA=1            this machine's sendmail is mailmote: sendmail, mailq, newaliases, mail and mailx are links to it,
#                    and the spool is there, with a directory into which users drop mails
#   COMMAND          the file that is installed as mailmote; build/static/mailmote, say
#   SPOOLDIR         /var/spool/mailmote, where the command has it

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
SBINDIR ?= $(PREFIX)/sbin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
DOCDIR ?= $(PREFIX)/share/doc/mailmote
COMPLETIONDIR ?= $(PREFIX)/share/bash-completion/completions
UNITDIR ?= $(PREFIX)/lib/systemd/system
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
IFUPDIR ?=
MTA ?=
COMMAND ?= $(BUILD)/mailmote
SPOOLDIR ?= /var/spool/mailmote

here := port/install
filled := $(patsubst $(here)/%.in,$(BUILD)/install/%,$(wildcard $(here)/*.in))

# MODE:FILE:TO, MODE::FOLDER, or link:TARGET:TO. BearSSL's own files go along where it was compiled here: into folders that are
# mailmote's, so that a BearSSL of the system stays what it is.
into = $(if $(2),$(foreach file,$(3),$(1):$(file):$(2)/$(notdir $(file))))
links = $(if $(and $(MTA),$(2)),$(foreach name,$(3),link:$(1):$(2)/$(name)))
command_files = $(if $(BINDIR),755:$(COMMAND):$(BINDIR)/mailmote) \
    $(call into,644,$(MANDIR:%=%/man8),$(here)/mailmote.8) \
    $(call into,644,$(MANDIR:%=%/man5),$(here)/mailmote.conf.5) \
    $(call into,644,$(DOCDIR),README.md LICENSE $(here)/mailmote.conf) \
    $(if $(COMPLETIONDIR),644:$(here)/completion.bash:$(COMPLETIONDIR)/mailmote) \
    $(call into,644,$(UNITDIR),$(BUILD)/install/mailmote.service $(here)/mailmote.timer) \
    $(if $(TMPFILESDIR),644:$(here)/tmpfiles.conf:$(TMPFILESDIR)/mailmote.conf) \
    $(if $(IFUPDIR),755:$(BUILD)/install/if-up:$(IFUPDIR)/mailmote) \
    $(call links,$(BINDIR)/mailmote,$(SBINDIR),sendmail) \
    $(call links,$(BINDIR)/mailmote,$(BINDIR),mailq newaliases mail mailx) \
    $(call links,$(BINDIR)/mailmote,$(PREFIX)/lib,sendmail) \
    $(call links,$(MANDIR)/man8/mailmote.8,$(MANDIR:%=%/man8),sendmail.8) \
    $(call links,$(MANDIR)/man8/mailmote.8,$(MANDIR:%=%/man1),mailq.1 newaliases.1 mail.1 mailx.1) \
    $(if $(and $(MTA),$(SPOOLDIR)),711::$(SPOOLDIR) 1733::$(SPOOLDIR)/drop)
library_files = $(call into,644,$(LIBDIR),$(BUILD)/libmailmote.a) \
    $(call into,644,$(LIBDIR:%=%/pkgconfig),$(BUILD)/install/mailmote.pc) \
    $(call into,644,$(INCLUDEDIR),$(sort $(wildcard include/*.h))) \
    $(if $(bearssl_a),$(call into,644,$(LIBDIR:%=%/mailmote),$(bearssl_a)) \
        $(call into,644,$(INCLUDEDIR:%=%/mailmote),$(sort $(wildcard $(dir $(bearssl_h))*.h))))

##: Install

install: install-command install-library ## the command and the library; PREFIX= DESTDIR= MTA=1 and more, see port/install/install.mk

install-command: $(COMMAND) $(filled) ## the command, its manual pages, systemd's units, completion
	@$(here)/put.sh $(call quoted,$(DESTDIR)) $(command_files)

install-library: $(BUILD)/libmailmote.a $(bearssl_a) $(filled) ## the library, its headers, mailmote.pc
	@$(here)/put.sh $(call quoted,$(DESTDIR)) $(library_files)

uninstall: ## take away what `make install` with the same words has put there; the spool and its mails stay
	@$(here)/put.sh --remove $(call quoted,$(DESTDIR)) $(command_files) $(library_files)

# What a program needs that is linked with the library. Where BearSSL is an installed prefix, that one.
version := $(shell sed -n 's/^\#define MAILMOTE_VERSION  *"\(.*\)"/\1/p' include/mailmote.h)
bearssl_cflags := -I$(if $(bearssl_a),$${includedir}/mailmote,$(patsubst %/,%,$(dir $(bearssl_h))))
bearssl_libs := $(if $(bearssl_a),-L$${libdir}/mailmote -lbearssl,$(BEARSSL_LIB))

$(BUILD)/install/%: $(here)/%.in FORCE
	@mkdir -p $(@D)
	@sed -e 's|@BINDIR@|$(BINDIR)|g' -e 's|@LIBDIR@|$(LIBDIR)|g' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|g' \
	    -e 's|@VERSION@|$(version)|g' -e 's|@BEARSSL_CFLAGS@|$(bearssl_cflags)|g' -e 's|@BEARSSL_LIBS@|$(strip $(bearssl_libs) $(dane_lib))|g' $< >$@

# What is committed, and always the same octets: in one order, nobody's, of the time of the last commit.
dist_name := mailmote-$(version)
dist_time = $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct))
dist: ## the source as a tarball, $(BUILD)/mailmote-VERSION.tar.gz, the same octets wherever it is made
	@git rev-parse --verify -q HEAD >/dev/null || { echo "make dist needs the git repository"; exit 1; }
	@git diff --quiet HEAD || echo "note: what is not committed is left out"
	@rm -rf $(BUILD)/$(dist_name)
	@mkdir -p $(BUILD)/$(dist_name)
	@git archive HEAD | tar -x -C $(BUILD)/$(dist_name)
	@tar -c --format=ustar --sort=name --owner=0 --group=0 --numeric-owner --mode=u+rw,go+r-w,a+X --mtime=@$(dist_time) \
	    -C $(BUILD) $(dist_name) | gzip -9n >$(BUILD)/$(dist_name).tar.gz
	@rm -rf $(BUILD)/$(dist_name)
	@echo "  DIST    $(BUILD)/$(dist_name).tar.gz"

deb: need-deb dist ## Debian's packages, in $(BUILD)/deb
	@port/debian/build.sh $(BUILD)/$(dist_name).tar.gz $(BUILD)/deb

.PHONY: deb install install-command install-library uninstall dist
