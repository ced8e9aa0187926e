#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Write mailmote as two files, mailmote.c and mailmote.h, for builds that want no folders.

    port/amalgamate.py DIRECTORY

Both have the whole core; the ports are in them behind MAILMOTE_POSIX and MAILMOTE_LWIP, mote_watchdog() behind
MAILMOTE_WATCHDOG. In one file names that were each a source's own would meet, so each gets its file's in front of it. The
same sources give the same octets.
"""

import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
ROOMS = ["core/smtp", "core/tls", "core/message", "core/outbox"]
PORTS = {"port/posix": "MAILMOTE_POSIX", "port/lwip": "MAILMOTE_LWIP", "port/watchdog": "MAILMOTE_WATCHDOG"}
PUBLIC = ["mailmote.h", "mailmote_message.h", "mailmote_policy.h", "mailmote_session.h", "mailmote_outbox.h"]
PORTS_PUBLIC = {"mailmote_posix.h": "MAILMOTE_POSIX", "mailmote_lwip.h": "MAILMOTE_LWIP"}

INCLUDE = re.compile(r'^#include "(?:.*/)?([^"/]+)"\n', re.M)
FEATURE = re.compile(r"^#define (_\w+_SOURCE\b.*)\n", re.M)
TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|(?:\.|->)?\w+|\.\.\.|\s+|.', re.S)
WORD = re.compile(r"[A-Za-z_]\w*")


def file_scope(text):
    """what a source calls its own: static functions and variables, tags, enumerators, macros"""
    names = set(re.findall(r"^#\s*define\s+(\w+)", text, re.M))
    code = re.sub(r"^#(?:\\\n|.)*", "", text, flags=re.M)
    tokens = [t for t in TOKEN.findall(code) if not t.isspace() and not t.startswith(("/*", "//"))]
    depth, said = 0, []                              # brackets that are open; the declaration so far, without them
    for before, token in zip([""] + tokens, tokens):
        if token in "({[":
            if depth == 0:
                said.append(token)
            depth += 1
        elif token in ")}]":
            depth -= 1
            if depth == 0 and token == "}" and not kind(said):
                names |= declared(said)
                said = []
        elif depth == 0 and token == ";":
            names |= declared(said)
            said = []
        elif depth == 0:
            said.append(token)
        elif depth == 1 and kind(said) == "enum" and before in ("{", ","):
            names.add(token)
    return {name for name in names if WORD.fullmatch(name) and not name.lower().startswith(("mote_", "_"))}


def kind(said):
    """enum, struct or union where the declaration has a body of one, else nothing"""
    found = re.search(r"\b(enum|struct|union) (?:\w+ )?{", " ".join(said))
    return found[1] if found else ""


def declared(said):
    """the names of one declaration at file scope"""
    text = " ".join(said)
    names = set(re.findall(r"\b(?:enum|struct|union) (\w+) {", text))
    if said[:1] == ["static"]:
        declarators = re.sub(r" [=(].*| [{[]", "", text).split(" ,")
        names |= {WORD.findall(part)[-1] for part in declarators}
    return names


def amalgam(path):
    """a source's text, with its own names told from those of all other files, the system's among them"""
    text, prefix = (TOP / path).read_text(), re.sub(r"\W", "_", f"{path.parent.name}_{path.stem}_")
    new = {name: (prefix.upper() if name.isupper() else prefix) + name for name in file_scope(text)}
    return "".join(new.get(token, token) for token in TOKEN.findall(FEATURE.sub("", text)))


def guarded(text, macro):
    return f"#ifdef {macro}\n{text}#endif /* {macro} */\n" if macro else text


def header():
    parts, names = [], PUBLIC + list(PORTS_PUBLIC)
    if {path.name for path in (TOP / "include").iterdir()} != set(names):
        sys.exit("amalgamate.py: include/ has other headers than it knows")
    for name in names:
        text = INCLUDE.sub("", (TOP / "include" / name).read_text())
        parts.append(guarded(text, PORTS_PUBLIC.get(name)))
    return parts


def source():
    files = {room: sorted((TOP / room).glob("*.c")) for room in [*ROOMS, *PORTS]}
    inner = {path.name: path for room in files for path in (TOP / room).glob("*.h")}
    features = {line for path in files["port/posix"] for line in FEATURE.findall(path.read_text())}
    defines = "".join(f"#define {line}\n" for line in sorted(features))
    parts = [guarded(defines, "MAILMOTE_POSIX"), '#include "mailmote.h"\n']

    def inline(match):
        """a header of a room's own, where it is wanted first; the public ones are in mailmote.h"""
        path = inner.pop(match[1], None)
        return INCLUDE.sub(inline, path.read_text()) if path else ""

    for room, paths in files.items():
        relative = [path.relative_to(TOP) for path in paths]
        text = "".join(f"\n/* ==== {path} ==== */\n\n" + INCLUDE.sub(inline, amalgam(path)) for path in relative)
        parts.append(guarded(text, PORTS.get(room)))
    return parts


def main():
    into = pathlib.Path(sys.argv[1])
    licence = "".join(f" * {line}".rstrip() + "\n" for line in (TOP / "LICENSE").read_text().splitlines())
    for name, parts in {"mailmote.h": header(), "mailmote.c": source()}.items():
        title = "/* mailmote in two files, of which this is one, made by `make amalgamation`.\n *\n"
        (into / name).write_text(title + licence + " */\n" + "\n".join(parts))


if __name__ == "__main__":
    main()
