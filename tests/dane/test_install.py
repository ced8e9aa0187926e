# SPDX-License-Identifier: MIT
"""make install DANE=1: the command, and a library that says what else it is linked with."""
import os
import pathlib
import subprocess

import pytest

from clock import LIMIT_S

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = """#include <mailmote_posix.h>
int main(void)
{
    struct mote_posix_attempt attempt = {.relay_count = 0};

    return attempt.relays == NULL ? 0 : (mote_posix_attempt(&attempt), 1);
}
"""


def run(*words, **environment):
    done = subprocess.run([*map(str, words)], cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, env=os.environ | environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("installed")
    run("sh", "-c", f"{os.environ['DANE_MAKE']} install PREFIX=/usr DESTDIR={folder}")
    return folder


def test_the_command_knows_mx(installed):
    done = subprocess.run([installed / "usr/bin/mailmote", "probe", "--mx"], capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode == 64 and "no domain is given" in done.stderr


def test_a_program_is_linked_as_pkg_config_says(installed, tmp_path):
    """its headers are those of any build: what is in port/dane serves the command alone"""
    assert "dane" not in " ".join(file.name for file in (installed / "usr/include").rglob("*"))
    words = run("pkg-config", "--static", "--cflags", "--libs", "mailmote", PKG_CONFIG_SYSROOT_DIR=str(installed),
                PKG_CONFIG_LIBDIR=str(installed / "usr/lib/pkgconfig"), PKG_CONFIG_ALLOW_SYSTEM_CFLAGS="1", PKG_CONFIG_ALLOW_SYSTEM_LIBS="1").split()
    assert words.index("-lmailmote") < words.index("-lbearssl") < words.index("-lunbound")
    (tmp_path / "program.c").write_text(PROGRAM)
    run("clang", "-fsanitize=address,undefined", tmp_path / "program.c", *words, "-o", tmp_path / "program")
    run(tmp_path / "program")
