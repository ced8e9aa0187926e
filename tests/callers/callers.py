# SPDX-License-Identifier: MIT
"""Programs of Debian that send mail, how each is brought to do so, and what must arrive."""
import typing

HOST = "nas.example.test"
ROOT = f"root@{HOST}"


class Caller(typing.NamedTuple):
    name: str
    packages: str                                    # the first is its own; with what it only recommends
    how: str                                         # the program itself, or which script of its package
    script: str                                      # run by root; $to is an address of the caller's own
    subjects: list                                   # of the mails, as regular expressions
    text: str                                        # is in each of them
    sender: str = ROOT
    author: str = ROOT                               # From, as it is read
    to: list = ["root"]                              # To, as it is read
    boxes: list = [""]                               # who gets it: what is put in front of $to
    uid: int = 0                                     # who calls


CALLERS = [
    Caller("cron", "cron", "cron -f, @reboot", "echo '@reboot echo from cron; echo .; echo grüße' | crontab -; cron -f &",
           [r"Cron <root@nas> echo from cron; echo \.; echo grüße"], "from cron\n.\ngrüße\n", author=f"Cron Daemon <{ROOT}>"),
    Caller("cron-mailto", "cron", "cron -f, MAILTO", r"printf 'MAILTO=%s\n@reboot echo to whom\n' $to | crontab -; cron -f &",
           ["Cron <root@nas> echo to whom"], "to whom\n", author=f"Cron Daemon <{ROOT}>", to=["$to"]),
    Caller("cron-user", "cron", "cron -f, of a user", r"printf 'MAILTO=%s\n@reboot echo of joe\n' $to | crontab -u joe -; cron -f &",
           ["Cron <joe@nas> echo of joe"], "of joe\n", sender=f"joe@{HOST}", author=f"Cron Daemon <{ROOT}>", to=["$to"], uid=1000),
    Caller("anacron", "anacron", "anacron -f -n", r"""
           mkdir sp; printf 'SHELL=/bin/sh\nPATH=/usr/bin:/bin\n1 0 daily echo from anacron\n' >tab
           anacron -d -f -n -s -t /root/tab -S /root/sp 2>/dev/null""",
           ["Anacron job 'daily' on nas"], "from anacron\n", author=f"Anacron <{ROOT}>"),
    Caller("at", "at", "atd", "atd; echo 'echo from at' | at now 2>/dev/null", ["Output from your job +1"], "from at\n"),
    Caller("sudo", "sudo", "sudo, user not in sudoers", r"""
           printf 'Defaults !authenticate,mailto="%s"\n' $to >/etc/sudoers.d/joe
           ! setpriv --reuid=joe --regid=joe --clear-groups sudo true 2>/dev/null""",
           [r"\*\*\* SECURITY information for nas.* \*\*\*"], "joe : user NOT in sudoers", sender=f"joe@{HOST}", author=f"joe@{HOST}", to=["$to"],
           uid=1000),
    Caller("mdadm", "mdadm", "mdadm --monitor --test", "mdadm --monitor --test --oneshot --mail=$to /dev/md0 || :",
           ["TestMessage event on /dev/md0:nas"], "A TestMessage event had been detected", author="mdadm monitoring <root@nas>", to=["$to"]),
    Caller("logwatch", "logwatch", "logwatch --output mail", "logwatch --output mail --mailto $to --range all --detail low --service dpkg",
           ["Logwatch for nas.*"], "dpkg status changes Begin", to=["$to"]),
    Caller("php", "php-cli", "mail() of www-data", r"""
           setpriv --reuid=www-data --regid=www-data --clear-groups php -r \
               'exit(mail("'$to'", "Grüße", "one\r\ntwo\n.\nthrée\n", "From: Web <web@example.test>\r\nX-A: b") ? 0 : 1);'""",
           ["Grüße"], "one\ntwo\n.\nthrée\n", sender=f"www-data@{HOST}", author="Web <web@example.test>", to=["$to"], uid=33),
    Caller("git", "git-email libmailtools-perl", "git send-email", r"""
           export GIT_AUTHOR_NAME=Jürgen GIT_COMMITTER_NAME=Jürgen EMAIL=dev@example.test
           git init -q r; cd r; echo tür >f; git add f; git commit -q -m 'Öffne the door'
           git send-email --to=$to --cc=two-$to --bcc=hidden-$to --from='Jürgen <dev@example.test>' --suppress-cc=self --confirm=never -1 >/dev/null""",
           [r"\[PATCH\] Öffne the door"], "+tür\n", author="Jürgen <dev@example.test>", to=["$to"],
           boxes=["", "two-", "hidden-"]),
    Caller("apt-listchanges", "apt-listchanges", "apt-listchanges --frontend=mail", r"""
           mkdir -p d/DEBIAN d/usr/share/doc/door
           printf '%s\n' 'Package: door' 'Version: 2' 'Architecture: all' 'Maintainer: a <a@b.example>' 'Description: b' >d/DEBIAN/control
           printf '%s\n' 'door (2) unstable; urgency=low' '' '  * Öffne.' '' ' -- a <a@b.example>  Sat, 28 Nov 2026 03:00:00 +0000' |
               gzip -9n >d/usr/share/doc/door/changelog.gz
           dpkg-deb -b d door.deb >/dev/null
           apt-listchanges --frontend=mail --email-address=$to --which=both --show-all door.deb >/dev/null 2>&1""",
           ["apt-listchanges: changelogs for nas"], "* Öffne.\n", to=["$to"]),
    Caller("unattended-upgrades", "unattended-upgrades", "unattended-upgrade", r"""
           printf 'Unattended-Upgrade::%s;\n' "Mail \"$to\"" 'MailReport "always"' >/etc/apt/apt.conf.d/60mail
           unattended-upgrade""",
           ["unattended-upgrades result for nas.*: .*"], "Unattended-upgrades log:\n", to=["$to"]),
    Caller("smartd", "smartmontools", "smartd-runner, 10mail", r"""
           printf 'TEST EMAIL from smartd for device: /dev/sda\n' |
               /usr/share/smartmontools/smartd-runner -s 'SMART error (EmailTest) detected on host: nas' $to""",
           [r"SMART error \(EmailTest\) detected on host: nas"], "TEST EMAIL from smartd for device: /dev/sda\n", to=["$to"]),
    Caller("zed", "zfs-zed", "statechange-notify.sh", r"""
           export ZED_ZEDLET_DIR=/etc/zfs/zed.d ZPOOL=true ZEVENT_POOL=tank ZEVENT_EID=17 ZEVENT_SUBCLASS=statechange ZEVENT_VDEV_STATE_STR=FAULTED \
               ZEVENT_TIME_STRING=now ZEVENT_VDEV_PATH=/dev/sda1 ZEVENT_VDEV_GUID=7
           $ZED_ZEDLET_DIR/statechange-notify.sh""",
           ["ZFS device fault for pool tank on nas"], "/dev/sda1"),
    Caller("apcupsd", "apcupsd", "apccontrol changeme", "/etc/apcupsd/apccontrol changeme UPS1 >/dev/null 2>&1",
           [r"nas UPS UPS1 battery needs changing NOW\."], "nas UPS UPS1 battery needs changing NOW.\n"),
    Caller("bsd-mailx", "bsd-mailx", "bsd-mailx -s", r"printf 'Guten Tag\n.\nü\n' | bsd-mailx -s Sübject -r nas@example.test $to two-$to",
           ["Sübject"], "Guten Tag\n.\nü\n", sender="nas@example.test", author="nas@example.test", to=["$to", "two-$to"], boxes=["", "two-"]),
    Caller("s-nail", "s-nail", "s-nail -s", r"printf 'Guten Tag\n.\nü\n' | s-nail -s Sübject $to",
           ["Sübject"], "Guten Tag\n.\nü\n", to=["$to"]),
    Caller("mutt", "mutt", "mutt -s -a", r"printf 'Guten Tag\n.\nü\n' | mutt -s Sübject -a /etc/debian_version -- $to",
           ["Sübject"], "Guten Tag\n.\n", author=f"root <{ROOT}>", to=["$to"]),
    Caller("mailutils", "mailutils", "mail.mailutils -s", r"printf 'Guten Tag\nü\n' | mail.mailutils -s Sübject $to",
           ["Sübject"], "Guten Tag\nü\n", to=["$to"]),
    Caller("logrotate", "logrotate", "logrotate -f, mail", r"""
           mkdir l; echo 'a line' >l/x.log; printf '/root/l/x.log {\n rotate 0\n mail %s\n missingok\n}\n' $to >conf; chmod 644 conf
           logrotate -f -s state conf""",
           ["/root/l/x.log.*"], "a line\n", to=["$to"]),
    Caller("logcheck", "logcheck", "logcheck of its user", r"""
           echo /var/log/door >/etc/logcheck/logcheck.logfiles.d/syslog.logfiles; : >/etc/logcheck/logcheck.logfiles.d/journal.logfiles
           echo 'Nov 28 03:00:00 nas door[17]: öpen' >/var/log/door; chown logcheck /var/log/door
           setpriv --reuid=logcheck --regid=logcheck --init-groups env HOME=/var/lib/logcheck LOGNAME=logcheck logcheck""",
           ["nas.* System Events"], "nas door[17]: öpen\n", sender=f"logcheck@{HOST}", author=f"logcheck@{HOST}", to=["logcheck"], uid=-1),
    Caller("fail2ban", "fail2ban", "fail2ban-server, sendmail", r"""
           printf '%s\n' '[DEFAULT]' 'backend = polling' '[sshd]' 'enabled = false' '[door]' 'enabled = true' 'filter =' 'logpath = /var/log/door' \
               "action = sendmail[name=door, dest=$to]" >/etc/fail2ban/jail.local
           rm -f /etc/fail2ban/jail.d/*; : >/var/log/door
           fail2ban-client start >/dev/null 2>&1; fail2ban-client set door banip 192.0.2.9 >/dev/null""",
           [rf"\[Fail2Ban\] door: started on {HOST}", rf"\[Fail2Ban\] door: banned 192\.0\.2\.9 from {HOST}"], "Regards,\n\nFail2Ban\n",
           sender=f"fail2ban@{HOST}", author=f"Fail2Ban <fail2ban@{HOST}>", to=["$to"]),
]
