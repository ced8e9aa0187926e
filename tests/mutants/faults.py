# SPDX-License-Identifier: MIT
"""Small faults in C source: where each of these changes can be made, and the source with it made.

    relational  < <=, > >=, == !=                     logical     && ||, & |, |= = &=, ! left out
    constant    a number and the next one, true false  arithmetic  + -, << >>
    deleted     a statement                           swapped     two neighbouring arguments of a call
"""

import collections
import re

Fault = collections.namedtuple("Fault", "file line kind start end text")  # octets start..end of the file become text

NOT_CODE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|^[ \t]*#(?:\\\n|[^\n])*',
                      re.DOTALL | re.MULTILINE)
CHANGES = [
    ("relational", r"(?<![<>=!\-])<(?![<=])", "<="), ("relational", r"(?<![<])<=", "<"),
    ("relational", r"(?<![<>=!\-])>(?![>=])", ">="), ("relational", r"(?<![>])>=", ">"),
    ("relational", r"==", "!="), ("relational", r"!=", "=="),
    ("logical", r"&&", "||"), ("logical", r"\|\|", "&&"), ("logical", r"!(?!=)", ""),
    ("logical", r"(?<=[\w)\]] )&(?= )", "|"), ("logical", r"(?<=[\w)\]] )\|(?= )", "&"),
    ("logical", r"\|=", "="), ("logical", r"\|=", "&="), ("logical", r"&=", "="),
    ("constant", r"\btrue\b", "false"), ("constant", r"\bfalse\b", "true"),
    ("arithmetic", r"(?<=[\w)\]] )\+(?= )", "-"), ("arithmetic", r"(?<=[\w)\]] )-(?= )", "+"),
    ("arithmetic", r"<<(?!=)", ">>"), ("arithmetic", r">>(?!=)", "<<"),
    ("arithmetic", r"\+\+", "--"), ("arithmetic", r"\+=", "-="), ("arithmetic", r"-=", "+="),
]
NUMBER = re.compile(r"(?<![\w.])(0x[0-9a-fA-F]+|\d+)([uUlL]*)(?![\w.])")
# An assignment, a call, a step: not a declaration, which begins with two words or a type and a star.
STATEMENT = re.compile(r"^[ \t]+((?:\*|\+\+|--|\()?[a-z_]\w*(?:[\[(.\-+=|&*/%<>^ ].*)?;)[ \t]*$", re.MULTILINE)
NO_STATEMENT = re.compile(r"(?:return|break|continue|goto|case|default|else|typedef|extern|static|struct|enum|union|const|"
                          r"unsigned|int|bool|char|size_t|ssize_t|uint\w+_t|int\w+_t|long|void|time_t|FILE|pid_t)\b|\w+ \*?\w+(?: =|;|,|\[)")
EITHER_WAY = re.compile(r"memcmp\(|str(?:n?case|n)?cmp\([^()]*\) [!=]= 0\b")   # the first two words of such a call
CALL = re.compile(r"\b([a-z_]\w*)\(([^(),;{}]+(?:, [^(),;{}]+)+)\)(?! *\{)")


def code(text):
    """the source with all that is no code made into spaces, and as long as before"""
    return NOT_CODE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def faults(file, text):
    plain = code(text)
    found = []

    def add(kind, start, end, change):
        found.append(Fault(file, text.count("\n", 0, start) + 1, kind, start, end, change))

    for kind, pattern, change in CHANGES:
        for match in re.finditer(pattern, plain):
            add(kind, *match.span(), change)
    for match in NUMBER.finditer(plain):
        add("constant", *match.span(1), hex(int(match.group(1), 16) + 1) if match.group(1)[:2] in ("0x", "0X")
            else str(int(match.group(1)) + 1))
    for match in STATEMENT.finditer(plain):
        if not NO_STATEMENT.match(match.group(1)) and match.group(1).count("(") == match.group(1).count(")"):
            add("deleted", *match.span(1), ";")
    for match in CALL.finditer(plain):
        words, at = [], match.start(2)
        for word in match.group(2).split(", "):             # a comma in a string parts nothing
            words.append(text[at:at + len(word)])
            at += len(word) + len(", ")
        for i in range(len(words) - 1):
            swapped = words[:i] + [words[i + 1], words[i]] + words[i + 2:]
            if i == 0 and EITHER_WAY.match(plain, match.start()):
                continue
            if words[i] != words[i + 1] and not re.match(r"(?:const|struct|void|uint\w*|size_t|bool|char|int|unsigned)\b", words[i]):
                add("swapped", *match.span(2), ", ".join(swapped))
    return sorted(set(found))


def made(fault, text):
    return text[:fault.start] + fault.text + text[fault.end:]
