# modkeep's plug-in for dnf 4, put here by "modkeep hooks install".
#
# Before a transaction, kernels in it are asked whether every required module
# would follow them; where policy says "gate: strict", one that would leave a
# module behind stops the transaction. After it, the links are judged again.

import os
import subprocess

import dnf
import dnf.exceptions

MODKEEP = "@MODKEEP@"
CAPABILITIES = ("kernel-uname-r", "kernel-core-uname-r", "kernel-modules", "installonlypkg(kernel", "kmod(", "ksym(", "kernel(")


class Modkeep(dnf.Plugin):
    name = "modkeep"

    def __init__(self, base, cli):
        super(Modkeep, self).__init__(base, cli)
        self.concerned = False

    def pre_transaction(self):
        incoming = [p for p in self.base.transaction.install_set if concerns(p)]
        outgoing = [p for p in self.base.transaction.remove_set if concerns(p)]
        self.concerned = bool(incoming or outgoing)
        if not incoming or self.base.conf.tsflags and "test" in self.base.conf.tsflags:
            return
        paths = [p.localPkg() for p in incoming]
        if self.run("packages-before", [path for path in paths if os.path.exists(path)]) == 1:
            raise dnf.exceptions.Error("modkeep: a required kernel module would be left behind; nothing was changed")

    def transaction(self):
        if self.concerned:
            self.run("packages-after", [])

    def run(self, event, arguments):
        root = self.base.conf.installroot
        if not os.access(MODKEEP, os.X_OK):
            return 0
        try:
            return subprocess.call([MODKEEP, "hooks", "run", event, "--root", root, "--"] + arguments)
        except OSError:
            return 0


def concerns(package):
    if package.name.startswith(("kernel", "kmod-")) or "-kmp-" in package.name:
        return True
    return any(str(provided).startswith(CAPABILITIES) for provided in package.provides)
