# SPDX-License-Identifier: MIT
"""mailmote in the build systems of others. Each builds a program that hands a mail to a real server. Where the build
system is not here, its files are well-formed, name what exists, and what they name compiles.

Environment: MAILMOTE_BUILD is the build directory, CC the compiler, STRICT our own warnings, BEARSSL_DIR and LWIP_DIR
the sources, BEARSSL_INC and BEARSSL_LIB what was built of the first."""
import base64
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest
import yaml

TOP = pathlib.Path(__file__).resolve().parents[2]
HERE = TOP / "tests/builds"
sys.path.append(str(TOP / "tests/interop"))

from aio import Aiosmtpd                             # noqa: E402
from board import Board, content                     # noqa: E402
from cell import PASSWORD, USER                      # noqa: E402
from client import COMMAND, LIMIT_S, OK, new_token   # noqa: E402
from pki import Pki                                  # noqa: E402

BUILD, BEARSSL_DIR, LWIP_DIR, BEARSSL_INC = (pathlib.Path(os.environ[name]).resolve() for name in (
    "MAILMOTE_BUILD", "BEARSSL_DIR", "LWIP_DIR", "BEARSSL_INC"))
BEARSSL_LIB = [str(pathlib.Path(word).resolve()) if word.endswith(".a") else word
               for word in os.environ["BEARSSL_LIB"].split()]
CC = os.environ["CC"]
STRICT, SHORT = os.environ["STRICT"].split(), bool(os.environ.get("SHORT"))


def run(*command, cwd=TOP, **environment):
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run([*map(str, command)], cwd=cwd, env={**env, **environment}, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=LIMIT_S)
    assert done.returncode == 0, done.stdout
    return done.stdout


def cmake(project, into, *options):
    run("cmake", "-S", HERE / project, "-B", into, f"-DMAILMOTE={TOP}", "-DCMAKE_RULE_MESSAGES=OFF", *options)   # a process each
    return run("cmake", "--build", into, "--parallel", "2")


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def server(pki):
    server = Aiosmtpd(pki)
    server.start()
    yield server
    server.stop()


def bearssl_of(names, folder):
    """a source tree of BearSSL that has these files alone"""
    folder.mkdir()
    (folder / "inc").symlink_to(BEARSSL_DIR / "inc")
    for name in ("inner.h", "config.h", *names):
        (folder / "src" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "src" / name).symlink_to(BEARSSL_DIR / "src" / name)
    return folder


@pytest.fixture
def small_bearssl(tmp_path):
    """two of BearSSL's sources stand for all"""
    return bearssl_of(["settings.c", "int/i31_montmul.c"], tmp_path / "bearssl")


@pytest.fixture
def whole_bearssl(tmp_path):
    """with SHORT what a client calls of it"""
    if not SHORT:
        return BEARSSL_DIR
    said = run("make", "-n", "-f", TOP / "port/bearssl.mk", f"BEARSSL_DIR={BEARSSL_DIR}", "NEEDED=client", "LIB=lib.a", "OBJ=obj", cwd=tmp_path)
    return bearssl_of(re.findall(r"^ +CC +bearssl/(.*)$", said, re.M), tmp_path / "bearssl")


@pytest.fixture(scope="module")
def amalgamation(tmp_path_factory):
    into = tmp_path_factory.mktemp("amalgamation")
    run(TOP / "port/amalgamate.py", into)
    return into


def check_sends(program, server, pki):
    token = new_token()
    assert run(program, server.ports["starttls"], pki.ca, token) .startswith("delivered: ")
    mail = server.wait_for_mail(token)
    assert f"Subject: {token}\r\n".encode() in mail.content and mail.content.endswith(b"\r\n\r\nThe input fired.\r\n")
    assert mail.received != ["in clear"]


# ---- The library ---------------------------------------------------------------------------------------------------

def test_makefile(server, pki, tmp_path):
    """port/mailmote.mk, included from elsewhere"""
    run("make", "-j2", "-f", HERE / "makefile/Makefile", f"MAILMOTE={TOP}", f"BEARSSL_DIR={BEARSSL_DIR}",
        f"OUT={tmp_path}", f"BEARSSL_LIB={' '.join(BEARSSL_LIB)}", f"CC={CC}", cwd=tmp_path)
    check_sends(tmp_path / "send", server, pki)


def test_cpp(server, pki, tmp_path):
    """the headers serve C++17, the lwIP port's too, and a program of it sends a mail"""
    cpp = ["g++", "-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror",
           f"-I{TOP / 'include'}", "-isystem", BEARSSL_INC]
    run(*cpp, HERE / "send.cpp", BUILD / "libmailmote.a", *BEARSSL_LIB, "-o", tmp_path / "send")
    check_sends(tmp_path / "send", server, pki)
    for header in sorted((TOP / "include").glob("*.h")):
        run(*cpp, f"-I{TOP / 'tests/lwip'}", "-isystem", LWIP_DIR / "src/include", "-fsyntax-only", "-x", "c++", header)


def test_versions():
    """the version is said once in C, and the same in every package's file"""
    header = (TOP / "include/mailmote.h").read_text()
    version = re.search(r'#define MAILMOTE_VERSION +"([0-9.]+)"', header)[1]
    number = re.search(r"#define MAILMOTE_VERSION_NUMBER 0x([0-9]+)", header)[1]
    assert number == "".join(f"{int(part):02}" for part in version.split("."))
    for name in ("arduino/library.properties", "arduino/library.json", "esp-idf/mailmote/idf_component.yml"):
        assert re.search(r"^\W*version\W+([0-9.]+)", (TOP / "port" / name).read_text(), re.M)[1] == version, name
    assert run(BUILD / "mailmote", "--version") == f"mailmote {version} with BearSSL 0.6\n"


def test_fast(tmp_path):
    """the command that retries soon has what the command line adds, too, and shares all but one object"""
    asked = run("make", "-n", "V=1", f"BUILD={tmp_path}", f"BEARSSL_LIB={' '.join(BEARSSL_LIB)}", "CPPFLAGS=-DX", "fast")
    soon = [line for line in asked.splitlines() if "-DMOTE_TLS_RETRY_S=2" in line]
    assert len(soon) == 1 and " -DX " in soon[0] and soon[0].endswith("core/outbox/policy.c")


def test_bearssl_makefile(small_bearssl, tmp_path):
    """port/bearssl.mk, called from elsewhere"""
    run("make", "-f", TOP / "port/bearssl.mk", f"BEARSSL_DIR={small_bearssl}", "LIB=lib.a", "OBJ=obj", cwd=tmp_path)
    assert " T br_i31_montymul\n" in run("nm", tmp_path / "lib.a")
    asked = ["make", "-n", "-f", TOP / "port/bearssl.mk", "LIB=lib.a", "OBJ=obj"]
    there = f"BEARSSL_DIR={small_bearssl}"
    assert " CC " not in run(*asked, there, cwd=tmp_path)
    assert run(*asked, there, "-W", small_bearssl / "src/inner.h", cwd=tmp_path).count(" CC ") == 2
    moved = small_bearssl.rename(tmp_path / "moved")
    assert run(*asked, f"BEARSSL_DIR={moved}", cwd=tmp_path).count(" CC ") == 2


def test_cmake_fetches(whole_bearssl, server, pki, tmp_path):
    """FetchContent, with BearSSL compiled as well"""
    cmake("cmake", tmp_path, "-DFETCH=ON", f"-DMAILMOTE_BEARSSL_DIR={whole_bearssl}")
    check_sends(tmp_path / "send", server, pki)


def test_cmake_takes_a_bearssl(server, pki, tmp_path):
    """add_subdirectory, in a project that has a target `bearssl`"""
    cmake("cmake", tmp_path, "-DFETCH=OFF", f"-DBEARSSL_INC={BEARSSL_INC}", f"-DBEARSSL_LIB={';'.join(BEARSSL_LIB)}")
    check_sends(tmp_path / "send", server, pki)


def test_cmake_wrong_bearssl(tmp_path):
    with pytest.raises(AssertionError, match="is not BearSSL's source: it has no inc/bearssl.h"):
        cmake("cmake", tmp_path, "-DFETCH=ON", f"-DMAILMOTE_BEARSSL_DIR={tmp_path}")


@pytest.mark.skipif(SHORT, reason="all of BearSSL is compiled")
def test_cmake_for_arm(server, pki, tmp_path):
    """a firmware, mailmote::lwip in it, booted in QEMU"""
    image = tmp_path / "boards/lm3s6965evb"
    (tmp_path / "trust_anchors.h").write_text(run(COMMAND, "trust", pki.ca))
    cmake("firmware", tmp_path, f"-DCMAKE_TOOLCHAIN_FILE={HERE}/firmware/arm-none-eabi.cmake",
          "-DCMAKE_BUILD_TYPE=MinSizeRel", f"-DCMAKE_RUNTIME_OUTPUT_DIRECTORY={image}",
          f"-DMAILMOTE_BEARSSL_DIR={BEARSSL_DIR}", f"-DLWIP_DIR={LWIP_DIR}", f"-DTRUST={tmp_path}")
    board, token = Board("lm3s6965evb", tmp_path, tmp_path), new_token()
    result = board.boot(server.ports["starttls"], f"subject={token}")
    assert result.status == OK, result.console
    assert content(token).fullmatch(server.wait_for_mail(token).content)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("port", ["none", "posix", "lwip"])
def test_amalgamation_compiles(port, compiler, amalgamation, tmp_path):
    """without a warning, whichever port is in it: where it optimizes gcc has more of them, and clang no others"""
    options = {"none": ["-DMAILMOTE_WATCHDOG"], "posix": ["-DMAILMOTE_POSIX"],
               "lwip": ["-DMAILMOTE_LWIP", f"-I{TOP}/tests/lwip", f"-isystem{LWIP_DIR}/src/include"]}[port]
    run(compiler, *STRICT, *options, f"-isystem{BEARSSL_INC}", "-O0" if SHORT and compiler == "clang" else "-O2", "-c", "-o",
        tmp_path / "mailmote.o", amalgamation / "mailmote.c")


def test_amalgamation_is_whole(amalgamation, tmp_path):
    """it defines what the library defines"""
    run(CC, "-std=c99", "-DMAILMOTE_POSIX", "-DMAILMOTE_WATCHDOG", f"-I{BEARSSL_INC}", "-c",
        "-o", tmp_path / "mailmote.o", amalgamation / "mailmote.c")
    exported = [sorted(re.findall(r" [TDRB] (\w+)$", run("nm", "-g", "--defined-only", file), re.M))
                for file in (tmp_path / "mailmote.o", BUILD / "libmailmote.a")]
    assert exported[0] == exported[1]


def test_amalgamation_is_the_same_again(amalgamation, tmp_path):
    run(TOP / "port/amalgamate.py", tmp_path, PYTHONHASHSEED="7")
    for name in ("mailmote.c", "mailmote.h"):
        assert (tmp_path / name).read_bytes() == (amalgamation / name).read_bytes()


def test_amalgamation_sends(amalgamation, server, pki, tmp_path):
    run(CC, "-std=c99", "-DMAILMOTE_POSIX", f"-I{amalgamation}", f"-I{BEARSSL_INC}", "-o", tmp_path / "send",
        HERE / "send.c", amalgamation / "mailmote.c", *BEARSSL_LIB)
    check_sends(tmp_path / "send", server, pki)


# ---- What is not here ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("system", ["esp-idf", "zephyr"])
def test_files_compile(system, small_bearssl, tmp_path):
    cmake("pretend", tmp_path / system, f"-DSYSTEM={system}", f"-DMAILMOTE_BEARSSL_DIR={small_bearssl}",
          f"-DLWIP_INC={TOP}/tests/lwip;{LWIP_DIR}/src/include")
    said = run("nm", "--defined-only", *(tmp_path / system).glob("*/libmailmote.a"))
    port = {"esp-idf": "mote_lwip_start", "zephyr": "mote_posix_send"}[system]
    for name in ("mote_session_init", "br_i31_montymul", port):
        assert re.search(rf" T {name}$", said, re.M), name


def test_component_is_a_script_first(small_bearssl):
    said = run("cmake", f"-DMAILMOTE={TOP}", "-P", HERE / "pretend/CMakeLists.txt",
               MAILMOTE_BEARSSL_DIR=str(small_bearssl))
    assert f"{TOP}/core/smtp/engine.c" in said and "REQUIRES;lwip" in said


def test_component_manifest():
    manifest = yaml.safe_load((TOP / "port/esp-idf/mailmote/idf_component.yml").read_text())
    assert re.fullmatch(r"\d+\.\d+\.\d+", manifest["version"]) and manifest["description"]
    assert manifest["dependencies"] == {"idf": ">=5.0"}


def test_zephyr_module():
    """the folder of a module is the one above `zephyr`"""
    module = yaml.safe_load((TOP / "port/zephyr/module.yml").read_text())
    assert module["name"] == "mailmote"
    assert (TOP / "port" / module["build"]["cmake"] / "CMakeLists.txt").is_file()
    assert (TOP / "port" / module["build"]["kconfig"]).is_file()


def test_zephyr_kconfig(tmp_path):
    """its options are those the CMakeLists.txt asks for"""
    kconfiglib = pytest.importorskip("kconfiglib")
    (tmp_path / "Kconfig").write_text(f'config POSIX_API\n\tbool\n\tdefault y\nsource "{TOP}/port/zephyr/Kconfig"\n')
    kconfig = kconfiglib.Kconfig(str(tmp_path / "Kconfig"), warn_to_stderr=False)
    assert not kconfig.warnings
    asked = set(re.findall(r"CONFIG_(\w+)", (TOP / "port/zephyr/CMakeLists.txt").read_text()))
    assert asked == {name for name in kconfig.syms if name.startswith("MAILMOTE") and kconfig.syms[name].nodes}


@pytest.fixture(scope="module")
def arduino(tmp_path_factory):
    into = tmp_path_factory.mktemp("arduino") / "mailmote"
    run(TOP / "port/arduino/dist.sh", into, BEARSSL_DIR)
    return into


def test_arduino_library(arduino):
    """manifests that name what is there, and all sources below src/"""
    properties = dict(line.split("=", 1) for line in (arduino / "library.properties").read_text().splitlines())
    assert set(properties) >= set("name version author maintainer sentence paragraph category url architectures".split())
    manifest = json.loads((arduino / "library.json").read_text())
    assert (manifest["name"], manifest["version"]) == (properties["name"], properties["version"])
    assert (arduino / "src" / manifest["headers"]).is_file()
    assert (arduino / "src" / properties["includes"]).is_file()
    for example in manifest["examples"]:
        assert all((arduino / example["base"] / file).is_file() for file in example["files"])
    assert {p.name for p in arduino.glob("src/bearssl/*.c")} == {p.name for p in BEARSSL_DIR.glob("src/**/*.c")}


def test_arduino_sketch(arduino, server, pki, tmp_path):
    """it delivers and says all, on sockets in place of Wi-Fi, with the test's relay in place of the reader's"""
    text = (arduino / "examples/Alert/Alert.ino").read_text()
    pin = ", ".join(str(octet) for octet in base64.b64decode(pki.pin("ecdsa").removeprefix("sha256:")))
    for old, new in {'"mail.example.com"': '"localhost"', '"sensor";': f'"{USER}";', '"sensor",': f'"{USER}",',
                     '"secret"': f'"{PASSWORD}"', "pin[32] = {0}": f"pin[32] = {{{pin}}}",
                     "operator@example.com": "operator@example.test", "mote_relay_port(&relay)": str(server.ports["submission"])}.items():
        text = text.replace(old, new)
    (tmp_path / "Alert.ino").write_text(text)
    include = [f"-I{arduino}/src", f"-I{HERE}/arduino", f"-I{tmp_path}"]
    for source in (arduino / "src/mailmote.c", arduino / "src/bearssl/ssl_engine.c", arduino / "src/bearssl/settings.c"):
        run("gcc", "-Os", *include[:1], "-w", "-c", "-o", tmp_path / f"{source.stem}.o", source)
    run("g++", "-Wall", "-Wextra", "-Werror", *include, "-o", tmp_path / "sketch", HERE / "arduino/main.cpp",
        *tmp_path.glob("*.o"), *BEARSSL_LIB)
    assert run(tmp_path / "sketch").startswith("delivered: ")
    assert server.wait_for_mail("Boiler at 92 degrees")
