// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Is this machine protected? What concerns the whole of it: the module, the
 * daemon, the kernel, the settings. Public.
 */
#include <linux/pmemfail.h>

#include "diagnosis.h"
#include "ops.h"

/* Without these nothing is protected: an unbind that waits, a revoke. */
#define FEATURES_NEEDED	(PMEMFAIL_FEATURE_HOLD | PMEMFAIL_FEATURE_REVOKE_FS)

static bool locked_down(const struct pmf_facts *f)
{
	return f->lockdown[0] && !streq(f->lockdown, "none");
}

static int module_absent(struct pmemfail_diagnosis *d, const struct pmf_facts *f)
{
	if (!f->module_on_disk)
		return pmf_find(d, NULL, PMEMFAIL_PROBLEM, "module-missing",
				"Install the kernel's headers and build the module: \"apt install "
				"linux-headers-$(uname -r)\", then \"dkms autoinstall\" and "
				"\"modprobe pmemfail\".",
				"The kernel module pmemfail is not built for this kernel, %s: an "
				"unbind does not wait, and no memory can be taken from processes.",
				f->kernel);
	if (locked_down(f))
		return pmf_find(d, NULL, PMEMFAIL_PROBLEM, "module-unsigned",
				"Let the machine trust the key that DKMS signs with: \"mokutil "
				"--import /var/lib/dkms/mok.pub\", restart, confirm it at the "
				"firmware's prompt, then \"modprobe pmemfail\".",
				"The kernel module pmemfail is not loaded, and this kernel is locked "
				"down (%s%s): it loads only modules with a trusted signature.",
				f->lockdown, f->secure_boot ? ", Secure Boot" : "");
	return pmf_find(d, NULL, PMEMFAIL_PROBLEM, "module-not-loaded",
			"Load it: \"modprobe pmemfail\"; the kernel's log says why when that "
			"fails.",
			"The kernel module pmemfail is there but not loaded: an unbind does not "
			"wait, and no memory can be taken from processes.");
}

static int find_module(struct pmemfail_diagnosis *d, const struct pmf_checkup *c)
{
	if (c->module == -ENODEV || c->module == -ENOENT)
		return module_absent(d, &c->facts);
	if (c->module == -EPROTO)
		return pmf_find(d, NULL, PMEMFAIL_PROBLEM, "module-other-abi",
				"Unload the old one and load the one of this version: \"systemctl "
				"stop pmemfaild\", \"modprobe -r pmemfail\", \"modprobe pmemfail\", "
				"\"systemctl start pmemfaild\".",
				"The loaded kernel module is of another version of pmemfail and "
				"cannot be used.");
	if (c->module < 0)
		return pmf_find(d, NULL, PMEMFAIL_PROBLEM, "module-unusable",
				c->module == -EPERM || c->module == -EACCES ? "Run this as root." :
				"Look at the kernel's log.",
				"The kernel module cannot be used: %s.", strerror(-c->module));
	if ((c->features & FEATURES_NEEDED) != FEATURES_NEEDED)
		return pmf_find(d, NULL, PMEMFAIL_WARNING, "module-partial",
				"Update the kernel, then pmemfail.",
				"On this kernel the module can do only a part of its work.");
	return pmf_find(d, NULL, PMEMFAIL_OK, "module-ok", NULL,
			"The kernel module is loaded and usable.");
}

static int find_daemon(struct pmemfail_diagnosis *d, const struct pmf_checkup *c)
{
	if (c->facts.engine_error < 0)
		return pmf_find(d, NULL, PMEMFAIL_WARNING, "daemon-unknown", "Run this as root.",
				"Whether pmemfaild runs cannot be seen: %s.",
				strerror(-c->facts.engine_error));
	if (c->facts.engine == 0)
		return pmf_find(d, NULL, PMEMFAIL_PROBLEM, "daemon-not-running",
				"Start it: \"systemctl enable --now pmemfaild\".",
				"pmemfaild does not run: nobody makes an unbind wait.");
	return pmf_find(d, NULL, PMEMFAIL_OK, "daemon-ok", NULL,
			"pmemfaild runs as process %ld.", (long)c->facts.engine);
}

static unsigned int version(const struct pmf_facts *f)
{
	return f->major * 1000 + f->minor;
}

static int find_kernel(struct pmemfail_diagnosis *d, const struct pmf_facts *f)
{
	if (version(f) == 0)
		return pmf_find(d, NULL, PMEMFAIL_WARNING, "kernel-unknown", NULL,
				"The kernel calls itself \"%s\", which is not understood.",
				f->kernel);
	if (version(f) < 6001)
		return pmf_find(d, NULL, PMEMFAIL_PROBLEM, "kernel-too-old",
				"Use Linux 6.1 or later.",
				"Linux %s is older than anything that pmemfail works with.",
				f->kernel);
	if (version(f) != 6001 && version(f) != 6012)
		return pmf_find(d, NULL, PMEMFAIL_NOTE, "kernel-untested",
				"Try \"pmemfailctl prepare-remove\" on a device that may be lost "
				"before relying on it.",
				"pmemfail was tested with Linux 6.1 and 6.12, not with %s.",
				f->kernel);
	return pmf_find(d, NULL, PMEMFAIL_OK, "kernel-ok", NULL,
			"pmemfail was tested with this kernel, Linux %s.", f->kernel);
}

static int find_settings(struct pmemfail_diagnosis *d, const struct pmf_checkup *c)
{
	int r = 0;

	if (c->facts.early_kill)
		r = pmf_find(d, NULL, PMEMFAIL_NOTE, "early-kill",
			     "When that is not meant: \"sysctl vm.memory_failure_early_kill=0\".",
			     "vm.memory_failure_early_kill is on: at poison the kernel itself "
			     "signals every process that maps it, beside pmemfail.");
	if (r >= 0 && !c->policy->fs.freeze)
		r = pmf_find(d, NULL, PMEMFAIL_NOTE, "freeze-off",
			     "Set Freeze=yes in pmemfail.conf unless there is a reason.",
			     "Filesystems are not frozen before they are shut down: writers may "
			     "see errors sooner than needed.");
	if (r >= 0 && c->topology->n_devices == 0)
		r = pmf_find(d, NULL, PMEMFAIL_NOTE, "no-devices", NULL,
			     "This machine has no persistent memory device, as far as the "
			     "kernel knows.");
	return r;
}

int pmf_diagnose(const struct pmf_checkup *c, struct pmemfail_diagnosis **ret)
{
	struct pmemfail_diagnosis *d = pmf_diagnosis_new();
	int r;

	if (!d)
		return -ENOMEM;
	r = find_module(d, c);
	if (r >= 0)
		r = find_daemon(d, c);
	if (r >= 0)
		r = find_kernel(d, &c->facts);
	if (r >= 0)
		r = find_settings(d, c);
	if (r >= 0)
		r = pmf_diagnose_poison(d, c);
	for (size_t i = 0; r >= 0 && i < c->topology->n_devices; i++)
		r = pmf_diagnose_device(d, c, &c->topology->devices[i]);
	if (r < 0) {
		pmemfail_diagnosis_free(d);
		return r;
	}
	*ret = d;
	return 0;
}

int pmf_direct_diagnose(struct pmemfail *ctx, struct pmemfail_diagnosis **ret)
{
	_cleanup_(pmf_topology_freep) struct pmf_topology *t = NULL;
	struct pmf_checkup c = { 0 };
	int r;

	r = pmf_act(ctx, &c.sys);
	if (r >= 0)
		r = pmf_read_all(c.sys, &t);
	if (r < 0)
		return r;
	c.policy = &ctx->policy;
	c.topology = t;
	r = pmf_facts_read(c.policy, &c.facts);
	if (r < 0)
		return pmf_why_errno(r, "cannot learn about this machine");
	c.module = c.sys->ops->module_probe(c.sys, &c.abi, &c.features);
	r = pmf_checkup_poison(&c);
	if (r >= 0)
		r = pmf_diagnose(&c, ret);
	pmf_checkup_poison_done(&c);
	return r < 0 ? pmf_why_errno(r, "cannot judge this machine") : 0;
}
