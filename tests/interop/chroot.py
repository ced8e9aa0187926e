# SPDX-License-Identifier: MIT
"""A small Debian of its own, fetched once, and worlds over it in which programs run as on a machine of theirs: what changes
there is kept apart, and is gone at the end. Needs root."""
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import subprocess

from cell import BUILD

TOP = pathlib.Path(__file__).resolve().parents[2]
SUITE = "bookworm"
PACKAGES = "build-essential,ca-certificates,debhelper,libbearssl-dev"
HOSTS = "127.0.0.1 localhost"
WORLD = """
    mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
    mount -t proc proc "$2/root/proc"
    [ -c "$2/root/dev/null" ] || mount --bind /dev "$2/root/dev"
    cat /etc/resolv.conf >"$2/root/etc/resolv.conf"
    echo "$3" >"$2/root/etc/hosts"
    hostname "$4"
    cd "$2/root"
    root=$2
    shift 4
    exec chroot "$root/root" "$@"
"""


def run(*command, status=0, cwd=TOP, limit=300, **environment):
    """what it printed, on both; it must end with that status"""
    done = subprocess.run([*map(str, command)], cwd=cwd, env={**os.environ, **environment}, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=limit)
    assert done.returncode == status, done.stdout
    return done.stdout


def once(name, recipe, make):
    """the folder of that name in the build directory, made by make(FOLDER); again when the recipe changes"""
    done = BUILD / f"{name}-{hashlib.sha256(recipe.encode()).hexdigest()[:8]}"
    with open(BUILD / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            unfinished = BUILD / f"{name}.new"
            shutil.rmtree(unfinished, ignore_errors=True)
            make(unfinished)
            unfinished.rename(done)
    return done


def bootstrap(folder):
    said = run("apt-get", "update", "--print-uris")
    mirror = re.search(rf"^'(.*)/dists/{SUITE}/", said, re.M)[1]
    run("debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, folder, mirror, limit=1500)


def base():
    return once("chroot", f"{SUITE} {PACKAGES}", bootstrap)


class World:
    """over folders, the first on top"""

    def __init__(self, folder, *layers, host="localhost", hosts=HOSTS):
        self.folder, self.lower, self.host, self.hosts = folder, ":".join(map(str, layers)), host, hosts
        for name in ("upper", "work", "root"):
            (folder / name).mkdir()

    def command(self, *words):
        return ["unshare", "--mount", "--pid", "--uts", "--fork", "--kill-child", "--propagation", "private", "sh", "-ec", WORLD, "world",
                self.lower, str(self.folder), self.hosts, self.host, "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8", *map(str, words)]

    def __call__(self, *words, **options):
        return run(*self.command(*words), **options)

    def path(self, name):
        """where a file is that was changed"""
        return self.folder / "upper" / name

    def apt(self, *words, **options):
        return self("apt-get", "-q", "-y", "--no-install-recommends", "-o", "APT::Sandbox::User=root", "-o", "Dpkg::Use-Pty=0", *words,
                    **{"limit": 600, **options})
