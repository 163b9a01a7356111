// SPDX-License-Identifier: GPL-2.0-only
/*
 * has-smart: says for libndctl that every DIMM has SMART with nothing to tell, so that
 * "ndctl monitor" waits as it does on hardware. QEMU's NVDIMMs have none, and it ends at
 * once without. Preloaded by cases/lib/bench-idle.sh. What it waits for, the "flags" of
 * each DIMM, is the kernel's.
 */
/* libs: -shared -fPIC */
struct ndctl_dimm;
struct ndctl_cmd;

static char command;	/* any address will do: nobody looks into it */

int ndctl_dimm_is_cmd_supported(struct ndctl_dimm *dimm, int cmd)
{
	(void)dimm;
	(void)cmd;
	return 1;
}

int ndctl_dimm_is_flag_supported(struct ndctl_dimm *dimm, unsigned int flag)
{
	(void)dimm;
	(void)flag;
	return 1;
}

struct ndctl_cmd *ndctl_dimm_cmd_new_smart_threshold(struct ndctl_dimm *dimm)
{
	(void)dimm;
	return (struct ndctl_cmd *)&command;
}

struct ndctl_cmd *ndctl_dimm_cmd_new_smart_set_threshold(struct ndctl_cmd *threshold)
{
	return threshold;
}

unsigned int ndctl_cmd_smart_threshold_get_alarm_control(struct ndctl_cmd *cmd)
{
	(void)cmd;
	return 0;
}

int ndctl_cmd_smart_threshold_set_alarm_control(struct ndctl_cmd *cmd, unsigned int alarm)
{
	(void)cmd;
	(void)alarm;
	return 0;
}

int ndctl_cmd_submit(struct ndctl_cmd *cmd)
{
	(void)cmd;
	return 0;
}

int ndctl_cmd_submit_xlat(struct ndctl_cmd *cmd)
{
	(void)cmd;
	return 0;
}

void ndctl_cmd_unref(struct ndctl_cmd *cmd)
{
	(void)cmd;
}

unsigned int ndctl_dimm_get_health(struct ndctl_dimm *dimm)
{
	(void)dimm;
	return 0;
}

unsigned int ndctl_dimm_get_event_flags(struct ndctl_dimm *dimm)
{
	(void)dimm;
	return 0;
}
