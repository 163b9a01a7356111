// SPDX-License-Identifier: LGPL-2.1-or-later
/* Facts about this machine and kernel. See facts.h. */
#include <fcntl.h>
#include <sys/utsname.h>

#include "base/file.h"
#include "base/str.h"
#include "sys/facts.h"
#include "sys/rundir.h"

#define MODULE "/pmemfail.ko"	/* also .ko.xz and the like */
#define RAS_EVENT "events/ras/memory_failure_event"

int pmf_facts_parse_kernel(const char *release, unsigned int *ret_major,
			   unsigned int *ret_minor)
{
	unsigned int major, minor;

	if (sscanf(release, "%9u.%9u", &major, &minor) != 2)
		return -EINVAL;
	*ret_major = major;
	*ret_minor = minor;
	return 0;
}

int pmf_facts_parse_lockdown(const char *text, char *buf, size_t size)
{
	const char *open = strchr(text, '['), *close = open ? strchr(open, ']') : NULL;
	size_t n;

	if (!close)
		return -EINVAL;
	n = (size_t)(close - open) - 1;
	if (n == 0 || n >= size)
		return -EINVAL;
	memcpy(buf, open + 1, n);
	buf[n] = '\0';
	return 0;
}

static bool read_secure_boot(void)
{
	_cleanup_free_ char *data = NULL;
	size_t n = 0;

	/* an EFI variable: four bytes of attributes, then the value */
	return pmf_read_file(AT_FDCWD, "/sys/firmware/efi/efivars/"
			     "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c", 64, &data,
			     &n) == 0 && n == 5 && data[4] == 1;
}

static bool find_module(const char *release)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	const char *p;

	/* modules.dep is what modprobe itself believes; each line begins with a path */
	if (pmf_format(&path, "/lib/modules/%s/modules.dep", release) < 0 ||
	    pmf_read_file(AT_FDCWD, path, 64U << 20, &text, NULL) < 0)
		return false;
	for (p = strstr(text, MODULE); p; p = strstr(p + 1, MODULE)) {
		const char *end = p + strlen(MODULE);

		if (*end == ':' || (*end == '.' && strchr(end, ':')))
			return true;
	}
	return false;
}

/* The kernel may have it though tracefs is not mounted; whoever wants it mounts it. */
static bool find_ras_event(void)
{
	return access("/sys/kernel/tracing/" RAS_EVENT, F_OK) == 0 ||
	       access("/sys/kernel/debug/tracing/" RAS_EVENT, F_OK) == 0;
}

int pmf_facts_read(const struct pmf_policy *policy, struct pmf_facts *ret)
{
	_cleanup_free_ char *lockdown = NULL, *early = NULL;
	struct pmf_facts f = { 0 };
	struct utsname u;

	if (uname(&u) < 0)
		return -errno;
	(void)snprintf(f.kernel, sizeof(f.kernel), "%s", u.release);
	(void)pmf_facts_parse_kernel(u.release, &f.major, &f.minor);
	/* Each of these may be absent on a well machine: the field then stays empty. */
	if (pmf_read_file(AT_FDCWD, "/sys/kernel/security/lockdown", 256, &lockdown, NULL) == 0)
		(void)pmf_facts_parse_lockdown(lockdown, f.lockdown, sizeof(f.lockdown));
	f.secure_boot = read_secure_boot();
	f.module_on_disk = find_module(u.release);
	if (pmf_read_file(AT_FDCWD, "/proc/sys/vm/memory_failure_early_kill", 16, &early,
			  NULL) == 0)
		f.early_kill = early[0] == '1';
	f.ras_event = find_ras_event();
	f.engine_error = pmf_rundir_find_engine(policy->run_dir, &f.engine);
	*ret = f;
	return 0;
}
