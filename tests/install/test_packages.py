# SPDX-License-Identifier: MIT
"""The packages of others, as far as they can be run without their build systems: what they name exists, they say one
version and one sum, and their recipes build and install with this machine's compiler. (make deb-check has Debian's.)"""
import os
import pathlib
import re
import shutil
import tarfile

import pytest

from conftest import TOP, files, run

PORT = TOP / "port"
VERSION = re.search(r'#define MAILMOTE_VERSION +"([0-9.]+)"', (TOP / "include/mailmote.h").read_text())[1]
BEARSSL_DIR = pathlib.Path(os.environ["BEARSSL_DIR"]).resolve()
STANDS_IN = pathlib.Path(__file__).parent / "pretend"


def test_one_version():
    said = {name: re.search(pattern, (PORT / name).read_text(), re.M)[1] for name, pattern in (
        ("openwrt/Makefile", r"^PKG_VERSION:=(.+)"), ("buildroot/mailmote.mk", r"^MAILMOTE_VERSION = (.+)"),
        ("alpine/APKBUILD", r"^pkgver=(.+)"), ("debian/changelog", r"\Amailmote \((.+)-\d+\)"))}
    assert set(said.values()) == {VERSION}, said


def test_one_bearssl():
    """BearSSL 0.6 as its author publishes it (deps.sh fetches what Debian made of that)"""
    sums = {name: set(re.findall(r"\b[0-9a-f]{64}\b", (PORT / name).read_text())) for name in ("openwrt/Makefile", "alpine/APKBUILD")}
    assert sums["openwrt/Makefile"] == sums["alpine/APKBUILD"] and len(sums["alpine/APKBUILD"]) == 1
    assert "BEARSSL_VERSION:=0.6\n" in (PORT / "openwrt/Makefile").read_text() and "_bearssl=0.6\n" in (PORT / "alpine/APKBUILD").read_text()


def scripts():
    for path in sorted(PORT.rglob("*")):
        if path.is_file() and (path.suffix in (".sh", ".hotplug") or path.name == "APKBUILD" or
                               path.read_bytes().startswith((b"#!/bin/sh", b"#!/bin/bash"))):
            yield path


def test_shellcheck():
    found = list(scripts())
    assert len(found) > 12
    run("shellcheck", "--shell=sh", *found)
    run("shellcheck", "--shell=bash", PORT / "install/completion.bash")


@pytest.fixture
def source(tmp_path):
    """mailmote's source and a tarball of BearSSL's as they are downloaded"""
    folder = tmp_path / "source"
    shutil.copytree(TOP, folder, ignore=shutil.ignore_patterns("build", ".deps", ".git", "__pycache__", "corpus"))
    with tarfile.open(tmp_path / "bearssl-0.6.tar.gz", "w:gz", compresslevel=1) as tar:
        tar.add(BEARSSL_DIR, "bearssl-0.6")
    return folder


# What the make that runs the tests has told its own children is none of another one's business; but BearSSL was compiled
# by it, and need not be again.
LIBRARY = os.environ["BEARSSL_LIB"]
CLEAN = ["env", *(word for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "BEARSSL_DIR", "BEARSSL_INC") for word in ("-u", name)),
         f"BEARSSL_LIB={pathlib.Path(LIBRARY).resolve() if LIBRARY.endswith('.a') else LIBRARY}"]


# With SHORT one recipe builds, Buildroot's.
builds = pytest.mark.skipif(bool(os.environ.get("SHORT")), reason="all of the command is compiled")


@builds
def test_openwrt(source, tmp_path):
    """its Makefile, with rules.mk and package.mk stood in for: prepare, compile, install"""
    root = tmp_path / "root"
    with tarfile.open(tmp_path / f"mailmote-{VERSION}.tar.gz", "w:gz", compresslevel=1) as tar:
        tar.add(source, f"mailmote-{VERSION}")
    said = run(*CLEAN, "make", "-j2", "-C", PORT / "openwrt", f"TOPDIR={STANDS_IN}/openwrt", f"WORK={tmp_path}", f"ROOT={root}", "package")
    assert f"fetch bearssl-0.6.tar.gz from https://bearssl.org as {re.search('HASH:=([0-9a-f]{64})', (PORT / 'openwrt/Makefile').read_text())[1]}" in said
    assert files(root) == {"usr/bin/mailmote", "etc/mailmote.conf", "etc/init.d/mailmote", "etc/hotplug.d/iface/60-mailmote"}
    assert run(root / "usr/bin/mailmote", "--version") == f"mailmote {VERSION} with BearSSL 0.6\n"


def test_openwrt_starts(tmp_path):
    """the spool is made, and cron told once"""
    script = (PORT / "openwrt/files/mailmote.init").read_text().replace("/var/spool", f"{tmp_path}/spool").replace("/etc/crontabs", f"{tmp_path}")
    (tmp_path / "init").write_text(script + "start; start\n")
    run("sh", tmp_path / "init")
    assert [oct((tmp_path / "spool" / name).stat().st_mode & 0o7777) for name in ("mailmote", "mailmote/drop")] == ["0o711", "0o1733"]
    assert (tmp_path / "root").read_text() == "* * * * * /usr/bin/mailmote flush >/dev/null 2>&1\n"


def test_buildroot(source, tmp_path):
    """the commands of its .mk, with generic-package stood in for and a BearSSL that is installed"""
    staging, target = tmp_path / "staging", tmp_path / "target"
    (staging / "usr/lib").mkdir(parents=True)
    shutil.copytree(BEARSSL_DIR / "inc", staging / "usr/include")
    if LIBRARY.endswith(".a"):
        shutil.copy(LIBRARY, staging / "usr/lib")
    run(*CLEAN[:-1], "-u", "BEARSSL_LIB", "make", "-j2", "-f", STANDS_IN / "buildroot.mk", f"BR2_EXTERNAL_MAILMOTE_PATH={PORT / 'buildroot'}", f"STAGING_DIR={staging}",
        f"TARGET_DIR={target}", "BR2_PACKAGE_MAILMOTE_MTA=y", "package", cwd=source)
    assert files(target) == {"usr/bin/mailmote", "usr/sbin/sendmail", "usr/lib/sendmail",
                             *(f"usr/bin/{name}" for name in ("mailq", "newaliases", "mail", "mailx"))}
    assert {"usr/lib/libmailmote.a", "usr/lib/pkgconfig/mailmote.pc", "usr/include/mailmote.h"} <= files(staging)
    assert run(target / "usr/bin/mailmote", "--version").startswith(f"mailmote {VERSION} ")


def test_buildroot_names():
    """what its files ask of each other is there"""
    config, recipe = (PORT / "buildroot/Config.in").read_text(), (PORT / "buildroot/mailmote.mk").read_text()
    asked = set(re.findall(r"BR2_PACKAGE_MAILMOTE\w*", recipe))
    assert asked <= set(re.findall(r"^config (\w+)", config, re.M))
    assert (PORT / "buildroot/external.desc").read_text().startswith("name: MAILMOTE\n")


@builds
def test_alpine(source, tmp_path):
    """build, package and the package of links, as abuild calls them"""
    run(*CLEAN, "MAKEFLAGS=-j2", "CFLAGS=-O0", "sh", "-ec", f"""
        srcdir={tmp_path} pkgdir={tmp_path}/pkg startdir={PORT}/alpine
        cp {PORT}/alpine/mailmote.periodic {tmp_path}
        tar -xzf {tmp_path}/bearssl-0.6.tar.gz -C {tmp_path}
        . {PORT}/alpine/APKBUILD
        for name in $source; do case $name in *.tar.gz) ;; *) [ -e $startdir/$name ] ;; esac; done
        cd {source}
        build; check; package
        subpkgdir={tmp_path}/mta; mta
        for name in pkgname pkgver pkgdesc url arch license; do eval "[ -n \\"\\$$name\\" ]"; done""")
    assert files(tmp_path / "mta") == {"usr/sbin/sendmail", "usr/bin/mailq", "usr/bin/newaliases"}
    assert {"usr/bin/mailmote", "usr/lib/libmailmote.a", "etc/network/if-up.d/mailmote", "etc/periodic/15min/mailmote"} <= files(tmp_path / "pkg")
