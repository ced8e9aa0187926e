# SPDX-License-Identifier: MIT
"""make dist: the tarball is the same octets wherever and by whom it is made, and from it alone mailmote is built."""
import hashlib
import os
import pathlib
import shutil
import subprocess
import tarfile

import pytest

from conftest import BUILD, TOP, make, run

pytestmark = pytest.mark.skipif(not (TOP / ".git").exists(), reason="make dist needs the git repository")


def bearssl():
    """the fetched sources, wherever the tests run"""
    return pathlib.Path(os.environ["BEARSSL_DIR"]).resolve()


def dist(folder, **environment):
    """of a clone of its own, so that the tests may run beside others"""
    run("git", "clone", "-q", TOP, folder)
    make("dist", cwd=folder, **environment)
    tarball, = (folder / "build").glob("mailmote-*.tar.gz")
    assert [path.name for path in (folder / "build").iterdir()] == [tarball.name]
    return tarball


@pytest.fixture(scope="module")
def tarball(tmp_path_factory):
    return dist(tmp_path_factory.mktemp("dist") / "clone")


def test_again(tarball, tmp_path):
    """another folder, umask, zone, language and time of the files"""
    folder = tmp_path / "other"
    run("sh", "-c", f"umask 077; git clone -q {TOP} {folder}; find {folder} -path '*/.git' -prune -o -exec touch -d 2001-01-01 {{}} +; "
        f"make -C {folder} dist", TZ="Asia/Tokyo", LC_ALL="C.UTF-8")
    other, = (folder / "build").glob("*.tar.gz")
    assert hashlib.sha256(other.read_bytes()).digest() == hashlib.sha256(tarball.read_bytes()).digest()


def test_time(tarball, tmp_path):
    """SOURCE_DATE_EPOCH, else the last commit's"""
    with tarfile.open(tarball) as one, tarfile.open(dist(tmp_path / "clone", SOURCE_DATE_EPOCH="1800000000")) as other:
        commit = int(run("git", "log", "-1", "--format=%ct"))
        assert {member.mtime for member in one} == {commit} and {member.mtime for member in other} == {1800000000}


def test_members(tarball):
    """all that is committed, root's, in order, below one folder"""
    with tarfile.open(tarball) as tar:
        members = tar.getmembers()
    top = tarball.name.removesuffix(".tar.gz")
    names = [member.name for member in members if not member.isdir()]
    assert sorted(names) == sorted(f"{top}/{name}" for name in run("git", "ls-tree", "-r", "--name-only", "HEAD").split("\n") if name)
    order = [member.name.encode().split(b"/") for member in members]
    assert order == sorted(order)
    assert {(member.uid, member.gid, member.uname, member.gname) for member in members} == {(0, 0, "", "")}
    assert {member.mode for member in members} <= {0o644, 0o755}


def test_builds_without_git(tarball, tmp_path):
    """it is unpacked where no git is: the command is built, a unit program runs, it is installed"""
    with tarfile.open(tarball) as tar:
        tar.extractall(tmp_path)
    source = tmp_path / tarball.name.removesuffix(".tar.gz")
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "git").write_text("#!/bin/sh\necho git is not here >&2\nexit 127\n")
    (tools / "git").chmod(0o755)
    path = f"{tools}:{os.environ['PATH']}"
    words = f"BEARSSL_DIR={bearssl()}", f"BEARSSL_LIB={BUILD}/libbearssl.a", "CFLAGS=-O0", "BUILD=build"
    assert "git is not here" not in make("-j2", "all", "build/tests/test_reply", *words, cwd=source, PATH=path)
    assert "[  PASSED  ]" in run(source / "build/tests/test_reply")
    make("install-command", f"DESTDIR={tmp_path / 'root'}", *words, cwd=source, PATH=path)
    assert run(tmp_path / "root/usr/local/bin/mailmote", "--version").startswith("mailmote ")
    assert "make dist needs the git repository" in make("dist", *words, cwd=source, PATH=path, status=2)
    shutil.rmtree(source)
