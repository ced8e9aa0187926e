# SPDX-License-Identifier: MIT
#
# The command as one file that needs no other. It is linked with musl; what is larger in musl or BearSSL than we need it is written
# once more in this folder, and linked in its place. From the command line:
#   FEATURES   of `help trust probe': what is there beyond the rest of the command; none. help is the text of --help, which the
#              manual page has as well: programs call a static file more often than people; trust brings probe along, which it asks a relay with

##: One static file

FEATURES ?=
sources_help := boards/host/help.c
sources_probe := $(wildcard boards/host/probe*.c)
sources_trust := boards/host/trust.c boards/host/trust_header.c
left_out := $(filter-out $(FEATURES) $(if $(filter trust,$(FEATURES)),probe),help probe trust)

# here: this machine
static_machines := here armhf mips
compiler_armhf := arm-linux-gnueabihf
compiler_mips := mips-linux-gnu
flags_i86 := -malign-data=abi
# Nothing here computes with floating point: calls need not count such arguments, nor the stack be aligned for them.
flags_x86_64 := -malign-data=abi -mno-sse -mskip-rax-setup -mpreferred-stack-boundary=3
flags_here := $(flags_$(patsubst i%86,i86,$(shell uname -m)))
jumps_here := $(if $(filter x86_64,$(shell uname -m)),-fjump-tables -fpie)
flags_armhf := -mthumb
jumps_armhf := -fjump-tables
flags_mips := -mips32r2 -fno-pic -mno-shared -mplt

static_cflags := -Oz -fno-pie -ffunction-sections -fdata-sections -fmerge-all-constants -fno-asynchronous-unwind-tables \
    -fno-unwind-tables -fno-stack-protector -fno-ident -fno-jump-tables -fno-thread-jumps -fno-tree-dominator-opts \
    -fno-inline-functions-called-once -fno-tree-tail-merge -fno-caller-saves -fno-optimize-sibling-calls -fno-forward-propagate
static_ldflags := -static -no-pie -s -Wl,--gc-sections,-z,noseparate-code,-z,norelro,-z,common-page-size=64,--build-id=none
# BearSSL as it is for any CPU: what is only faster on some is left out.
static_cppflags := -DBR_AES_X86NI=0 -DBR_SSE2=0 -DBR_INT128=0 -DBR_UMUL128=0 -DBR_RDRAND=0 -DBR_64=0 -DBR_USE_URANDOM=0 -DMOTE_X25519=0

# make STATIC=yes, with a BUILD of its own
ifdef STATIC
command_o := $(filter-out $(call objects,$(foreach word,$(left_out),$(sources_$(word)))),$(command_o))
static_o := $(call objects,$(wildcard port/static/*.c))
$(BUILD)/mailmote: $(static_o) $(BUILD)/left_out
$(static_o): ours += -fno-builtin -Iboards/host

# All of it is optimized together, but for what stands for libc, and BearSSL. What its parts take is told by another one, which is not.
$(command_o) $(library_o): lto := -flto -ffat-lto-objects
$(BUILD)/mailmote: private override LDFLAGS += -flto -flto-partition=one
$(BUILD)/parts: $(command_o) $(static_o) $(BUILD)/libmailmote.a $(bearssl_a) $(BUILD)/mailmote
	$(Q)$(link) -fno-lto -Wl,-Map=$(BUILD)/map

# Written when other words are left out, and linked again.
ifneq ($(left_out),$(file <$(BUILD)/left_out))
.PHONY: $(BUILD)/left_out
endif
$(BUILD)/left_out:
	@mkdir -p $(@D)
	@echo $(left_out) >$@
endif

static_build = $(MAKE) STATIC=yes BUILD=$(1) BEARSSL_DIR=$(cross_h:%/inc/bearssl.h=%) BEARSSL_LIB=$(1)/libbearssl.a NEEDED=client \
    CC=$(BUILD)/musl-$(2)/bin/musl-gcc CPPFLAGS='$(CPPFLAGS) $(static_cppflags)' CFLAGS='$(static_cflags) $(flags_$(2))' \
    JUMPS='$(jumps_$(2))' \
    LDFLAGS='$(static_ldflags)' $(1)/mailmote $(1)/parts
static_made = port/static/strip.py $(1)/mailmote && port/static/strip.py $(1)/parts && port/static/parts.py $(1) $(left_out)

static: need-python $(BUILD)/musl-here/bin/musl-gcc | $(cross_h) ## the command as one static file, $(BUILD)/static/mailmote, and what each part of it takes; FEATURES='help probe trust' for all of it
	+@$(call static_build,$(BUILD)/static,here)
	@$(call static_made,$(BUILD)/static)

static-armhf static-mips: static-%: need-static-% $(BUILD)/musl-%/bin/musl-gcc | $(cross_h)
	+@$(call static_build,$(BUILD)/static-$*,$*)
	@$(call static_made,$(BUILD)/static-$*)

static-armhf: ## the same for ARM, in Thumb
static-mips: ## the same for MIPS, big-endian

# Debian's musl is for this machine alone, and a third larger than it must be.
MUSL_DIR ?= $(DEPS)/musl
$(MUSL_DIR)/configure:
	@DEPS=$(DEPS) port/deps.sh musl

# What is not here the command does not call: it took longer to compile than the rest. Whole folders, and files of others; where the
# linker misses a function of musl's, its file is to be added.
musl_dirs := crt $(addprefix src/,env errno exit internal malloc malloc/mallocng string)
musl_files := $(addprefix dirent/,closedir fdopendir readdir) $(addprefix fcntl/,fcntl open openat) $(addprefix linux/,flock getrandom prctl syncfs) \
    $(addprefix misc/,getauxval syscall uname) $(addprefix mman/,mmap mprotect mremap munmap) \
    $(addprefix network/,connect dn_expand getsockname getsockopt htons inet_aton inet_pton recv recvfrom send sendto setsockopt shutdown socket) \
    $(addprefix process/,_Fork execv execve waitpid) select/poll $(addprefix signal/,block kill raise) \
    $(addprefix stat/,fchmod fstat fstatat mkdir mkdirat stat umask) \
    $(addprefix stdio/,__* fclose ferror fflush fgets fopen fprintf fputs fwrite getc_unlocked ofl ofl_add open_memstream printf putc_unlocked \
    puts setvbuf snprintf stderr stdout vsnprintf) stdlib/bsearch $(addprefix thread/,__* default_attr) \
    $(addprefix time/,clock_gettime clock_nanosleep nanosleep time) \
    $(addprefix unistd/,_exit access close dup2 fdatasync fsync geteuid gethostname getpid getuid isatty lseek pipe pipe2 pread pwrite read renameat \
    setpgid setsid sleep unlinkat)
# What has floating point in it.
musl_floats := floatscan vfprintf vfwprintf atof strtod wcstod difftime

$(static_machines:%=$(BUILD)/musl-%/bin/musl-gcc): $(BUILD)/musl-%/bin/musl-gcc: port/static/static.mk | need-cc need-static-% $(MUSL_DIR)/configure
	@echo "  MUSL    $*"
	@rm -rf $(BUILD)/musl-$*
	@mkdir -p $(BUILD)/musl-$*/build
	@cd $(BUILD)/musl-$*/build && $(abspath $(MUSL_DIR))/configure --prefix=$(abspath $(BUILD)/musl-$*) --enable-wrapper=gcc --disable-shared \
	    $(compiler_$*:%=--target=%) CC='$(if $(compiler_$*),$(compiler_$*)-gcc,$(CC))' CFLAGS='$(static_cflags) $(flags_$*)' >configure.log 2>&1
	@env -u MAKEFLAGS -u MAKELEVEL $(MAKE) -s -C $(BUILD)/musl-$*/build install \
	    SRC_DIRS='$$(addprefix $$(srcdir)/,$(musl_dirs) $(patsubst %/,src/%,$(sort $(dir $(musl_files)))))' \
	    BASE_GLOBS='$$(addprefix $$(srcdir)/,$(musl_dirs:%=%/*.c) $(musl_files:%=src/%.c))' \
	    AOBJS='$$(filter-out $(musl_floats:%=\%/%.o),$$(LIBC_OBJS))' >$(BUILD)/musl-$*/make.log 2>&1

emulated := $(if $(SHORT),,armhf mips)
static_tests := log $(if $(SHORT),,auth transport)
linked := $(if $(SHORT),'help probe trust','trust' 'help probe') ''
static-check: need-python $(emulated:%=static-%) all need-interop need-static-check ## the static files deliver, on their machines in QEMU, and find a relay by its name; FEATURES link
	+@for words in $(linked); do $(MAKE) -s static FEATURES="$$words" >$(BUILD)/static.log || { cat $(BUILD)/static.log; exit 1; }; done
	@EMULATED='$(emulated)' $(pytest) tests/interop/test_static.py
	@$(subst $(BUILD)/mailmote ,$(BUILD)/static/mailmote ,$(pytest)) $(static_tests:%=tests/interop/test_%.py)

bench-command: all static need-interop need-static-check ## the command, static and dynamic, beside msmtp, dma, nullmailer, s-nail, curl and swaks
	@MAILMOTE=$(abspath $(BUILD)/mailmote) MAILMOTE_BUILD=$(abspath $(BUILD)) PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 tests/bench/command.py

pkg-static-check := qemu-user iproute2
pkg-python := python3
pkg-static-armhf := python3 gcc-arm-linux-gnueabihf
pkg-static-mips := python3 gcc-mips-linux-gnu

.PHONY: static static-armhf static-mips static-check bench-command
