# SPDX-License-Identifier: MIT
"""port/need.sh, with a status of dpkg and an apt-get made up."""
import os

import pytest

from conftest import TOP, run

BROKEN = "Package: broken\nStatus: install ok half-configured\nArchitecture: all\nVersion: 1\nMaintainer: a\nDescription: b\n\n"


@pytest.fixture
def need(tmp_path):
    """asks for packages; apt-get has those named, once it has fetched its lists if fresh is false, and ends with 100"""
    (tmp_path / "dpkg").mkdir()
    (tmp_path / "dpkg/status").write_text(BROKEN)
    (tmp_path / "tools").mkdir()

    def ask(*packages, has=(), fresh=True, status=0):
        (tmp_path / "fresh").write_text("") if fresh else None
        (tmp_path / "tools/apt-get").write_text(f"""#!/bin/sh
            cd {tmp_path}
            echo "apt-get $*" >>log
            [ "$1" != update ] || {{ touch fresh; exit 100; }}
            for word; do
                case " {' '.join(has)} " in *" $word "*) [ ! -e fresh ] || sed "s/broken/$word/; s/half-configured/installed/" >>dpkg/status <<-EOT
{BROKEN}EOT
                esac
            done
            exit 100
            """)
        (tmp_path / "tools/apt-get").chmod(0o755)
        said = run(TOP / "port/need.sh", *packages, status=status, DPKG_ADMINDIR=str(tmp_path / "dpkg"),
                   PATH=f"{tmp_path / 'tools'}:{os.environ['PATH']}")
        return said, (tmp_path / "log").read_text().count("\n") if (tmp_path / "log").exists() else 0

    return ask


pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root installs packages")


def test_half_configured(need):
    """apt-get fails for another package's sake: what was asked for is there, so it is no failure, and not done twice"""
    assert need("new", "newer", has=["new", "newer"]) == ("installing new newer\n", 1)


def test_nothing_to_do(need):
    need("new", has=["new"])
    assert need("new") == ("", 1)


def test_old_lists(need):
    assert need("new", has=["new"], fresh=False)[1] == 3


def test_missing(need):
    """a half-configured package is not there, and what is not there is named"""
    said, calls = need("broken", "new", has=["new"], status=1)
    assert said.endswith("need.sh: apt-get, see above, has not installed broken\n") and calls == 3
