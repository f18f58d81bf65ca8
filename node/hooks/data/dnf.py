# modkeep's plug-in for dnf 4, put here by "modkeep hooks install".
#
# Before a transaction, kernels in it are asked whether every required module
# would follow them; where policy says "gate: strict", one that would leave a
# module behind stops the transaction. After it, the links are judged again.
#
# Kernels that the package modkeep-gate keeps back are not offered at all: dnf
# would leave them out by that package's conflicts, but with best=True it refuses
# the whole update instead.

import json
import logging
import os
import subprocess

import dnf
import dnf.exceptions

MODKEEP = "@MODKEEP@"
logger = logging.getLogger("dnf")
CAPABILITIES = ("kernel-uname-r", "kernel-core-uname-r", "kernel-modules", "installonlypkg(kernel", "kmod(", "ksym(", "kernel(")


class Modkeep(dnf.Plugin):
    name = "modkeep"

    def __init__(self, base, cli):
        super(Modkeep, self).__init__(base, cli)
        self.concerned = False

    def sack(self):
        for wanted, why in kept_back(self.base.conf.installroot):
            held = list(self.base.sack.query().available().filter(provides=wanted))
            sources = {package.sourcerpm for package in held}
            for package in sorted(held, key=str):
                logger.warning("modkeep: kept back: %s: %s", package, why)
            while held:  # and what is of the same source and needs it
                self.base.sack.add_excludes(self.base.sack.query().filter(pkg=held))
                needing = self.base.sack.query().available().filter(requires=held)
                held = [package for package in needing if package.sourcerpm in sources]

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


def kept_back(root):
    """Returns what provides a kernel that is kept back, each with the reason."""
    try:
        with open(os.path.join(root, "usr/share/modkeep/gate.json")) as file:
            gate = json.load(file)
        if gate["version"] != 1:
            raise ValueError("version %s is not known" % gate["version"])
        blocked = [("kernel-uname-r = " + k["kernel"], "; ".join(k["why"])) for k in gate["blocked"]]
        return blocked + [(a["package"] + " > " + a["version"], "not judged yet") for a in gate["after"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.warning("modkeep: the gate's file is not read: %s", error)
        return []


def concerns(package):
    if package.name.startswith(("kernel", "kmod-")) or "-kmp-" in package.name:
        return True
    return any(str(provided).startswith(CAPABILITIES) for provided in package.provides)
