/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Prints what read_topology() makes of this machine, one fact a line, for a test
 * that has built a stack of devices to compare with: read-topology, or
 * read-topology stack COMMAND, which reads the whole, runs the command (as a test
 * that changes the stack), and then reads the rest as during a hold.
 */
#include <sys/sysmacros.h>

#include "sys/read.h"

static const struct pmf_topology *top;

static const char *name_of(dev_t devno)
{
	const struct pmf_block *b = pmf_topology_block(top, devno);
	static char buf[32];

	if (b)
		return b->name;
	snprintf(buf, sizeof(buf), "%u:%u", major(devno), minor(devno));
	return buf;
}

static void print_devices(void)
{
	const struct pmf_device *d;

	for (size_t i = 0; i < top->n_devices; i++) {
		d = &top->devices[i];
		printf("device %s id=%s node=%s bound=%s ns=%s region=%s uuid=%s mode=%s "
		       "devno=%u:%u size=%llu spa=0x%llx\n", d->name ?: "-", d->id,
		       d->node ?: "-", d->bound ?: "-", d->ns, d->region, d->uuid ?: "-",
		       pmf_device_mode_to_string(d->mode), major(d->devno),
		       minor(d->devno),
		       (unsigned long long)d->size, (unsigned long long)d->spa);
	}
}

static void print_blocks(void)
{
	const struct pmf_segment *s;
	const struct pmf_block *b;

	for (size_t i = 0; i < top->n_blocks; i++) {
		b = &top->blocks[i];
		printf("block %s node=%s kind=%s type=%s%s\n", b->name, b->node,
		       pmf_block_kind_to_string(b->kind), b->type,
		       b->swap ? " swap" : "");
		for (size_t j = 0; j < b->n_segments; j++) {
			s = &b->segments[j];
			printf("segment %s %llu-%llu on %s at %llu", b->name,
			       (unsigned long long)s->range.start,
			       (unsigned long long)s->range.end, name_of(s->below),
			       (unsigned long long)s->start);
			if (s->stripes > 1)
				printf(" stripe %u of %u by %llu", s->stripe, s->stripes,
				       (unsigned long long)s->chunk);
			printf("\n");
		}
	}
}

static void print_mounts(void)
{
	const struct pmf_mount *m;
	const char *fstype;

	for (size_t i = 0; i < top->n_mounts; i++) {
		m = &top->mounts[i];
		printf("mount %s on %s type=%s root=%s dax=%s\n", name_of(m->devno),
		       m->target, m->fstype, m->root, m->dax ? "yes" : "no");
	}
	for (size_t i = 0; i < top->n_blocks; i++)
		if (pmf_sys_mounted_fstype(NULL, top->blocks[i].name, &fstype) == 0)
			printf("filesystem %s %s\n", top->blocks[i].name, fstype);
}

int main(int argc, char **argv)
{
	_cleanup_(pmf_topology_freep) struct pmf_topology *whole = NULL, *again = NULL;
	int err;

	err = pmf_sys_read_topology(NULL, PMF_READ_DEVICES | PMF_READ_BLOCKS |
				    PMF_READ_MOUNTS, NULL, &whole);
	if (err == 0 && argc == 3 && streq(argv[1], "stack")) {
		if (system(argv[2]) != 0)
			return 1;
		err = pmf_sys_read_topology(NULL, PMF_READ_STACK | PMF_READ_MOUNTS, whole,
					    &again);
	}
	if (err < 0) {
		fprintf(stderr, "read-topology: %s\n", strerror(-err));
		return 1;
	}
	top = again ?: whole;
	print_devices();
	print_blocks();
	print_mounts();
	return 0;
}
