# SPDX-License-Identifier: MIT
"""Debian's packages: built from the tarball in a chroot of Debian, looked at by lintian, installed there in the place of
another mail transport agent, used, taken away. `make deb-check` alone runs it; this machine's own packages stay as they are."""
import os
import re
import shutil

import pytest

from chroot import World, base
from conftest import BUILD, TOP, make, run

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="a chroot needs root")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = BUILD / "chroot.world"                  # not below /tmp, which may be an overlay itself
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    yield World(folder, base())
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def debs(world, tmp_path_factory):
    """the packages, by name, and the file with the changes"""
    clone = tmp_path_factory.mktemp("deb") / "clone"
    run("git", "clone", "-q", TOP, clone)
    make("dist", f"BUILD={clone}/build", cwd=clone)
    tarball, = (clone / "build").glob("*.tar.gz")
    world("mkdir", "-p", "/src")
    shutil.copy(tarball, world.path("src"))
    shutil.copy(TOP / "port/debian/build.sh", world.path("src"))
    world("sh", "/src/build.sh", f"/src/{tarball.name}", "/deb", limit=900)
    return {path.name.split("_")[0]: path for path in world.path("deb").glob("*.deb")}


@pytest.fixture(scope="module")
def mta(world, debs):
    """mailmote in the place of another mail transport agent"""
    world.apt("update")
    world.apt("install", "dma")
    assert world("readlink", "/usr/sbin/sendmail") == "dma\n"
    names = "mailmote", "mailmote-mta"
    said = world.apt("install", *(f"/deb/{debs[name].name}" for name in names))
    assert re.search(r"^The following packages will be REMOVED:\n  dma", said, re.M)
    return world


def test_packages(world, debs):
    assert set(debs) >= {"mailmote", "mailmote-mta", "libmailmote-dev"}
    source, = world.path("deb").glob("*.dsc")
    assert re.search(r"^ [0-9a-f]{64} \d+ mailmote_[0-9.]+\.orig\.tar\.gz$", source.read_text(), re.M)


def test_lintian(world, debs):
    changes, = world.path("deb").glob("*.changes")
    said = run("lintian", "--allow-root", "--fail-on", "error", changes)
    assert not re.search("^E:", said, re.M)


def test_depends(debs):
    """the system's BearSSL and C library, and nothing else"""
    depends = run("dpkg-deb", "-f", debs["mailmote"], "Depends").strip()
    assert {name.split()[0] for name in depends.split(", ")} == {"libbearssl0", "libc6"}


def test_sendmail(mta):
    for name in ("/usr/sbin/sendmail", "/usr/lib/sendmail", "/usr/bin/mailq", "/usr/bin/newaliases", "/usr/bin/mail", "/usr/bin/mailx"):
        assert mta("readlink", "-f", name) == "/usr/bin/mailmote\n", name


def test_others_find_an_mta(mta):
    """a package that wants a mail transport agent brings none"""
    said = mta.apt("install", "-s", "-o", "APT::Install-Recommends=true", "logwatch")
    assert "Inst logwatch" in said and not re.search("^Inst (exim|postfix|dma|nullmailer|mailmote)", said, re.M)


def test_spool(mta):
    for name, mode in (("", 0o711), ("/drop", 0o1733)):
        assert mta("stat", "-c", "%a %U", f"/var/spool/mailmote{name}") == f"{mode:o} root\n"


def test_manual(mta):
    for page in ("man8/mailmote.8", "man5/mailmote.conf.5", "man8/sendmail.8", "man1/mailq.1", "man1/mail.1"):
        assert "mailmote" in mta("zcat", "-f", f"/usr/share/man/{page}.gz")


def test_delivers(mta, server):
    """what another program hands to sendmail, and a user to mail: root's at once, the user's by the timer's command"""
    relay, pki = server
    shutil.copy(pki.ca, mta.path("etc/ca.pem"))
    mta.path("etc/mailmote.conf").write_text(f"relay localhost:{relay.ports['starttls']} trust=/etc/ca.pem\n"
                                             "from robot@example.test\nalias root: operator@example.test\n")
    assert mta("sh", "-c", "printf 'To: root\\nSubject: by-root\\n\\nText\\n' | /usr/sbin/sendmail -odi -t") == ""
    assert relay.wait_for_mail("by-root").recipients == ["operator@example.test"]
    assert mta("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c", "echo Text | mail -s by-nobody root") == ""
    assert re.search(r"\troot@\S+\t|\toperator@example.test\t", mta("mailmote", "flush"))
    mail = relay.wait_for_mail("by-nobody")
    assert b"X-Mailmote-Uid: 65534\r\n" in mail.content and mail.recipients == ["operator@example.test"]
    assert mta("mailq") == ""


def test_library(mta, debs):
    mta.apt("install", f"/deb/{debs['libmailmote-dev'].name}", "pkg-config")
    mta.path("src/example.c").write_text(re.search(r"^```c\n(.*?)^```", (TOP / "README.md").read_text(), re.M | re.S)[1])
    mta("sh", "-ec", "cc /src/example.c $(pkg-config --static --cflags --libs mailmote) -o /src/example")


def test_needs_despite_others(mta):
    """port/need.sh installs what is missing beside a package that cannot be configured"""
    broken = mta.path("src/broken/DEBIAN")
    broken.mkdir(parents=True)
    (broken / "control").write_text("Package: broken\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b.example>\nDescription: b\n")
    (broken / "postinst").write_text("#!/bin/sh\nexit 1\n")
    (broken / "postinst").chmod(0o755)
    mta("dpkg-deb", "-b", "/src/broken", "/src/broken.deb")
    mta("dpkg", "-i", "/src/broken.deb", status=1)
    shutil.copy(TOP / "port/need.sh", mta.path("src"))
    mta("/src/need.sh", "bc", limit=600)
    assert mta("dpkg-query", "-W", "-f", "${db:Status-Status}", "bc") == "installed"
    mta("dpkg", "--purge", "broken")


def test_again(mta, debs):
    """installed over itself, as an upgrade is"""
    mta("dpkg", "-i", f"/deb/{debs['mailmote'].name}", f"/deb/{debs['mailmote-mta'].name}")
    test_sendmail(mta)


def test_remove(mta):
    """mails stay until the package is purged; then nothing of it is left"""
    mta.apt("remove", "mailmote-mta", "mailmote", "libmailmote-dev")
    assert "drop" in mta("ls", "/var/spool/mailmote")
    mta.apt("purge", "mailmote-mta", "mailmote")
    left = mta("sh", "-c", "find / -xdev -path /proc -prune -o -path /src -prune -o -path /deb -prune -o -name '*mailmote*' -print").split()
    assert set(left) <= {"/etc/mailmote.conf"}
    assert mta("sh", "-c", "ls /usr/sbin/sendmail /usr/bin/mailx 2>&1 || :").count("No such file") == 2
