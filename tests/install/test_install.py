# SPDX-License-Identifier: MIT
"""make install, make uninstall: what is put where, and what is left alone."""
import os
import pathlib
import re
import stat
import subprocess

import pytest

from clock import LIMIT_S
from conftest import BUILD, TOP, files, make, run

LINKS = {"sbin/sendmail": "../bin/mailmote", "lib/sendmail": "../bin/mailmote", "bin/mailq": "mailmote",
         "bin/newaliases": "mailmote", "bin/mail": "mailmote", "bin/mailx": "mailmote",
         "share/man/man8/sendmail.8": "mailmote.8", **{f"share/man/man1/{name}.1": "../man8/mailmote.8"
                                                       for name in ("mailq", "newaliases", "mail", "mailx")}}
FILES = {"bin/mailmote": 0o755, "share/man/man8/mailmote.8": 0o644, "share/man/man5/mailmote.conf.5": 0o644,
         "share/doc/mailmote/README.md": 0o644, "share/doc/mailmote/LICENSE": 0o644,
         "share/doc/mailmote/mailmote.conf": 0o644, "share/bash-completion/completions/mailmote": 0o644,
         "lib/systemd/system/mailmote.service": 0o644, "lib/systemd/system/mailmote.timer": 0o644,
         "lib/tmpfiles.d/mailmote.conf": 0o644, "lib/libmailmote.a": 0o644, "lib/pkgconfig/mailmote.pc": 0o644,
         **{f"include/{path.name}": 0o644 for path in (TOP / "include").glob("*.h")}}
SKIP = re.compile(r"(include|lib)/mailmote/(bearssl.*\.h|libbearssl\.a)")     # there if it was compiled here


def test_files(installed):
    """each file where it belongs, with its mode; links that hold wherever the folder is"""
    usr = installed / "usr"
    found = {name for name in files(usr) if not SKIP.fullmatch(name)}
    assert found == {*FILES, *LINKS}
    assert {name: stat.S_IMODE((usr / name).stat().st_mode) for name in FILES} == FILES
    assert {name: os.readlink(usr / name) for name in LINKS} == LINKS
    assert files(installed / "etc") == {"network/if-up.d/mailmote"}
    assert {path.name for path in installed.iterdir()} == {"usr", "etc", "var"}
    for folder, mode in (("mailmote", 0o711), ("mailmote/drop", 0o1733)):
        assert stat.S_IMODE((installed / "var/spool" / folder).stat().st_mode) == mode
    assert str(installed) not in "".join((usr / name).read_text() for name in FILES if name.endswith((".pc", ".service")))


def test_bearssl_is_whole(installed):
    """as its headers are: a program may call what mailmote does not"""
    archive = installed / "usr/lib/mailmote/libbearssl.a"
    if not archive.exists():
        pytest.skip("BearSSL was not compiled here")
    sources = {path.stem for path in pathlib.Path(os.environ["BEARSSL_DIR"]).glob("src/**/*.c")}
    assert {name.removesuffix(".o") for name in run("ar", "t", archive).split()} == sources


def test_the_command_runs(installed):
    assert run(installed / "usr/bin/mailmote", "--version").startswith("mailmote ")


def test_nobodys_sendmail(tmp_path):
    """without MTA=1 no name of another program is taken; what is set to nothing is left out"""
    make("install", f"DESTDIR={tmp_path}", "UNITDIR=", "TMPFILESDIR=", "COMPLETIONDIR=", "DOCDIR=", "LIBDIR=", "INCLUDEDIR=")
    assert files(tmp_path / "usr/local") == {"bin/mailmote", "share/man/man8/mailmote.8", "share/man/man5/mailmote.conf.5"}


def test_readme(tmp_path):
    """the lines of README.md, into a folder"""
    lines = re.search(r"^## Install\n.*?^```sh\n(.*?)^```", (TOP / "README.md").read_text(), re.M | re.S)[1].splitlines()
    assert len(lines) == 2
    for line in lines:
        make(*line.split("#")[0].split()[1:], f"DESTDIR={tmp_path}")
    assert {"usr/local/bin/mailmote", "usr/bin/mailmote", "usr/sbin/sendmail"} <= files(tmp_path)
    assert "usr/local/sbin/sendmail" not in files(tmp_path)


def test_another_command(tmp_path):
    """a static one, for example"""
    (tmp_path / "static").write_text("another")
    make("install-command", f"DESTDIR={tmp_path}", f"COMMAND={tmp_path}/static")
    assert (tmp_path / "usr/local/bin/mailmote").read_text() == "another"


def test_two_halves(tmp_path):
    make("install-library", f"DESTDIR={tmp_path}")
    assert {name.split("/")[0] for name in files(tmp_path / "usr/local")} == {"include", "lib"}
    make("install-command", f"DESTDIR={tmp_path}")
    assert (tmp_path / "usr/local/bin/mailmote").exists()


@pytest.mark.parametrize("folder", ["a", "a folder"])
def test_uninstall(folder, tmp_path):
    """takes away what was put there, and nothing else"""
    words = f"DESTDIR={tmp_path / folder}", "PREFIX=/usr", "MTA=1", "IFUPDIR=/etc/network/if-up.d"
    make("install", *words)
    others = [tmp_path / folder / name for name in ("usr/bin/mailq", "usr/include/other.h", "var/spool/mailmote/a.mail")]
    others[0].unlink()
    for other in others:
        other.write_text("another's")
    make("uninstall", *words)
    assert files(tmp_path) == {str(other.relative_to(tmp_path)) for other in others}


@pytest.mark.parametrize("words", [["PREFIX=usr"], ["PREFIX=/a folder"], ["SBINDIR=sbin", "MTA=1"], ["BINDIR=bin", "MTA=1"]])
def test_wrong_places(words, tmp_path):
    said = make("install-command", f"DESTDIR={tmp_path}/", *words, status=2)
    assert "PREFIX and its like begin with a / and have no space in them\n" in said and not files(tmp_path)


def test_umask(tmp_path):
    """folders are for all to enter, whoever is careful with his own files"""
    run("sh", "-c", f"umask 077; make install-command DESTDIR={tmp_path}/root")
    for folder in ("usr/local/bin", "usr/local/share/man/man8"):
        assert stat.S_IMODE((tmp_path / "root" / folder).stat().st_mode) == 0o755


@pytest.mark.parametrize("other", ["file", "link", "dangling link"])
def test_others_sendmail_stays(other, tmp_path):
    theirs = tmp_path / "usr/sbin/sendmail"
    theirs.parent.mkdir(parents=True)
    if other == "file":
        theirs.write_text("exim")
    else:
        (tmp_path / "usr/sbin/exim").write_text("exim") if other == "link" else None
        theirs.symlink_to("exim")
    said = make("install-command", f"DESTDIR={tmp_path}", "PREFIX=/usr", "MTA=1", status=2)
    assert f"{theirs} is another program's: take that away first, or leave out MTA=1\n" in said
    assert files(tmp_path) <= {"usr/sbin/sendmail", "usr/sbin/exim"}     # nothing was put anywhere
    assert theirs.is_symlink() == (other != "file") and (other == "dangling link" or theirs.read_text() == "exim")


def test_pkg_config(installed, tmp_path):
    """a program that knows of mailmote what pkg-config says is compiled, linked and runs"""
    words = run("pkg-config", "--static", "--cflags", "--libs", "mailmote", PKG_CONFIG_SYSROOT_DIR=str(installed),
                PKG_CONFIG_LIBDIR=str(installed / "usr/lib/pkgconfig"), PKG_CONFIG_ALLOW_SYSTEM_CFLAGS="1",
                PKG_CONFIG_ALLOW_SYSTEM_LIBS="1").split()
    assert "-lbearssl" in words
    without = run("pkg-config", "--libs", "mailmote", PKG_CONFIG_LIBDIR=str(installed / "usr/lib/pkgconfig"))
    assert "-lbearssl" not in without
    (tmp_path / "example.c").write_text(re.search(r"^```c\n(.*?)^```", (TOP / "README.md").read_text(), re.M | re.S)[1])
    run(os.environ["CC"], "example.c", *words, "-o", "example", cwd=tmp_path)
    done = subprocess.run([tmp_path / "example"], stdout=subprocess.PIPE, text=True, timeout=LIMIT_S, cwd=tmp_path,
                          env={"LOCALDOMAIN": "invalid", "RES_OPTIONS": "attempts:1 timeout:1"})
    assert done.returncode in (75, 78)


def test_warnings_are_the_developers(tmp_path):
    """a compiler that has something to say ends the build with WERROR=1 alone"""
    words = [f"BUILD={tmp_path}", f"BEARSSL_LIB={BUILD}/libbearssl.a", "CFLAGS=-Wpadded", f"{tmp_path}/obj/port/posix/posix.o"]
    assert "warning: padding" in make(*words, "WERROR=")
    os.unlink(f"{tmp_path}/obj/port/posix/posix.o")
    assert "[-Werror=padded]" in make(*words, "WERROR=1", status=2)


@pytest.mark.parametrize("words, links", [(["DANE=1"], True), (["DANE=0"], False), (["DANE=no", "all"], False), (["DANE=1", "install"], True)])
def test_dane(words, links, tmp_path):
    """plain `make` builds the command with it and without; only 0 and no mean without"""
    said = make("-n", "V=1", f"BUILD={tmp_path}", f"BEARSSL_LIB={BUILD}/libbearssl.a", *words)
    [link] = [line for line in said.splitlines() if f"-o {tmp_path}/mailmote " in line]
    assert ("-lunbound" in link) == links


def test_dane_is_not_static():
    with pytest.raises(AssertionError, match="DANE=1 is not for a static file, as libunbound is a shared library: make it without"):
        make("-n", "static", "DANE=1")
