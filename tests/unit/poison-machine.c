// SPDX-License-Identifier: GPL-2.0-only
/* What poison meets. See poison-machine.h. */
#include "poison-machine.h"
#include "three-partitions.h"

/* The first partition is its data, the second its log. */
static struct pmf_mount with_log[] = {
	{ .devno = 2, .target = (char[]){ "/a" }, .fstype = (char[]){ "xfs" }, .dax = true,
	  .log_devno = 3 },
};
/* Only its log is persistent memory. */
static struct pmf_mount only_log[] = {
	{ .devno = 9, .target = (char[]){ "/c" }, .fstype = (char[]){ "xfs" }, .log_devno = 3 },
};

static void add_inode(struct fake *f, unsigned int fs, uint64_t ino, enum pmf_target_kind kind,
		      unsigned int maps, bool open)
{
	f->inodes[f->n_inodes++] = (struct fake_inode){ fs, ino, (uint32_t)ino + 1000, kind,
							maps, open, false };
}

static void add_extent(struct fake *f, unsigned int fs, enum pmf_target_kind kind,
		       uint64_t ino, uint64_t start, uint64_t end, uint64_t offset, bool shared)
{
	f->extents[f->n_extents++] = (struct fake_extent){ .fs = fs, .e = {
		.kind = kind, .ino = ino, .at = { start, end }, .offset = offset,
		.shared = shared } };
}

/* An XFS that knows owners, with two files that share an extent; an ext4 that does not,
 * with a file mapped, one open, and one that nobody uses. */
static void machine(struct bench *b)
{
	struct fake *f = &b->f;

	*b = (struct bench){ .topology = {
		.devices = devices, .n_devices = 1, .blocks = blocks,
		.n_blocks = ARRAY_SIZE(blocks), .mounts = mounts,
		.n_mounts = ARRAY_SIZE(mounts) } };
	fake_init(f);
	f->n_fs = 2;
	f->fs[0] = (struct fake_fs){ .devno = 2, .name = "pmem0p1", .fstype = "xfs",
				     .mounted = true, .knows = true };
	f->fs[1] = (struct fake_fs){ .devno = 3, .name = "pmem0p2", .fstype = "ext4",
				     .mounted = true };
	f->n_procs = 3;
	for (int i = 0; i < 3; i++)
		f->procs[i] = (struct fake_proc){ .pid = 100 + i, .stays = true };
	add_inode(f, 0, 11, PMF_TARGET_FILE, 1, false);
	add_inode(f, 0, 12, PMF_TARGET_FILE, 1 | 2, false);
	add_inode(f, 0, 13, PMF_TARGET_FILE, 4, false);
	add_inode(f, 1, 21, PMF_TARGET_FILE, 2, false);
	add_inode(f, 1, 22, PMF_TARGET_FILE, 0, true);
	add_inode(f, 1, 23, PMF_TARGET_FILE, 0, false);
	add_extent(f, 0, PMF_TARGET_FILE, 11, 0, 100, 5000, false);
	add_extent(f, 0, PMF_TARGET_FILE, 12, 100, 200, 0, true);
	add_extent(f, 0, PMF_TARGET_FILE, 13, 100, 200, 700, true);
	add_extent(f, 0, PMF_TARGET_FREE, 0, 200, 600, 0, false);
	add_extent(f, 1, PMF_TARGET_FILE, 21, 0, 100, 0, false);
	add_extent(f, 1, PMF_TARGET_FILE, 22, 500, 600, 64, false);
	add_extent(f, 1, PMF_TARGET_FILE, 23, 700, 800, 0, false);
	f->bad[0] = (struct pmf_range){ 0, 3000 };
	f->n_bad = 1;
	pmf_policy_defaults(&b->policy);
	b->policy.fs = (struct pmf_fs_policy){ .freeze = true, .signal = PMF_SIGNAL_ALL,
					       .metadata = PMF_METADATA_SHUTDOWN,
					       .mark_bad = true };
	b->run = (struct pmf_run){ .sys = &f->sys, .policy = &b->policy,
				   .topology = &b->topology, .hold_fd = -1 };
}

static void plain(struct bench *b) { (void)b; }
static void one_xfs(struct bench *b) { b->f.fs[1].mounted = false; b->topology.n_mounts = 1; }
static void one_ext4(struct bench *b) { b->f.fs[0].mounted = false; b->topology.mounts++;
					b->topology.n_mounts = 1; }
static void nobody(struct bench *b)
{
	one_xfs(b);
	b->f.fs[0].mounted = false;
	b->topology.n_mounts = 0;
}
static void directory(struct bench *b)
{
	add_inode(&b->f, 0, 14, PMF_TARGET_DIRECTORY, 0, false);
	add_extent(&b->f, 0, PMF_TARGET_FILE, 14, 600, 700, 0, false);
}
static void metadata_ro(struct bench *b)
{
	add_extent(&b->f, 0, PMF_TARGET_METADATA, 0, 600, 700, 0, false);
	b->policy.fs.metadata = PMF_METADATA_REMOUNT_RO;
}
static void quota(struct bench *b)
{
	one_xfs(b);
	add_inode(&b->f, 0, 14, PMF_TARGET_METADATA, 0, false);
	add_extent(&b->f, 0, PMF_TARGET_FILE, 14, 600, 700, 0, false);
}
static void journal(struct bench *b)
{
	one_ext4(b);
	add_extent(&b->f, 1, PMF_TARGET_LOG, 0, 600, 700, 0, false);
}
static void ext4_metadata(struct bench *b)
{
	one_ext4(b);
	add_extent(&b->f, 1, PMF_TARGET_METADATA, 0, 600, 700, 0, false);
	add_extent(&b->f, 1, PMF_TARGET_FREE, 0, 800, 900, 0, false);
}
static void ext4_free(struct bench *b)
{
	one_ext4(b);
	b->f.n_extents = 0;
	add_extent(&b->f, 1, PMF_TARGET_FREE, 0, 0, 1000, 0, false);
}
static void only_free(struct bench *b)
{
	one_xfs(b);
	b->f.n_extents = 1;
	b->f.extents[0].e = (struct pmf_extent){ .kind = PMF_TARGET_FREE, .at = { 0, 1000 } };
}
static void data_and_log(struct bench *b)
{
	one_xfs(b);
	b->topology.mounts = with_log;
	b->f.fs[0].log_name = "pmem0p2";
}
static void log_alone(struct bench *b)
{
	nobody(b);
	b->f.fs[0] = (struct fake_fs){ .devno = 9, .name = "sdz", .fstype = "xfs",
				       .log_name = "pmem0p2", .mounted = true, .knows = true };
	b->f.n_extents = 0;
	b->topology.mounts = only_log;
	b->topology.n_mounts = 1;
}
static void reported(struct bench *b)
{
	b->f.n_bad = 0;
	b->f.must_mark = true;
	b->f.signal = PMF_SIGNAL_POLICY;
	b->policy.fs.signal = PMF_SIGNAL_POLICY;
	b->failure->source = PMF_SOURCE_REQUEST;
}
static void no_module(struct bench *b) { b->f.no_module = true; }
static void late(struct bench *b) { b->f.freeze_late = true; }
static void own(struct bench *b) { b->f.fs[0].own = true; }
static void foreign(struct bench *b)
{
	b->f.fs[0].frozen = b->f.fs[0].foreign_freeze = true;
}
static void moves_once(struct bench *b) { b->f.moves = 1; b->moving = true; }
static void moves_always(struct bench *b) { b->f.moves = 1000; b->moving = true; }
static void deleted(struct bench *b) { b->f.inodes[1].gone = true; }

const struct scenario scenarios[] = {
	{ "both", plain, PMF_STATE_HANDLED },
	{ "xfs", one_xfs, PMF_STATE_HANDLED },
	{ "ext4", one_ext4, PMF_STATE_HANDLED },
	{ "nobody", nobody, PMF_STATE_PENDING },
	{ "directory", directory, PMF_STATE_HANDLED },
	{ "metadata, remount", metadata_ro, PMF_STATE_HANDLED },
	{ "quota", quota, PMF_STATE_HANDLED },
	{ "journal", journal, PMF_STATE_HANDLED },
	{ "metadata of ext4", ext4_metadata, PMF_STATE_HANDLED },
	{ "only free of ext4", ext4_free, PMF_STATE_PENDING },
	{ "only free", only_free, PMF_STATE_PENDING },
	{ "data and log", data_and_log, PMF_STATE_HANDLED },
	{ "log alone", log_alone, PMF_STATE_HANDLED },
	{ "reported", reported, PMF_STATE_HANDLED },
	{ "no module", no_module, PMF_STATE_UNSUPPORTED },
	{ "late", late, PMF_STATE_HANDLED },
	{ "own", own, PMF_STATE_HANDLED },
	{ "frozen by another", foreign, PMF_STATE_HANDLED },
	{ "moves once", moves_once, PMF_STATE_HANDLED },
	{ "moves always", moves_always, PMF_STATE_HANDLED },
	{ "deleted", deleted, PMF_STATE_HANDLED },
};
const size_t n_scenarios = ARRAY_SIZE(scenarios);

void bench_start(const struct scenario *sc, struct bench *b)
{
	struct pmf_event e = { .kind = PMF_KIND_POISON, .source = PMF_SOURCE_BADBLOCKS,
			       .device_id = text("ACPI.NFIT/u"), .device_name = text("pmem0"),
			       .range = { 0, 2500 } };

	machine(b);
	if (pmf_failure_from_event(&e, &b->failure) < 0)
		abort();
	sc->change(b);
}

void bench_stop(struct bench *b)
{
	pmf_failure_free(b->failure);
	fake_done(&b->f);
}

const char *left_undone(const struct fake *f, const struct fake_extent *x, bool blind)
{
	const struct fake_inode *in = NULL;

	if (!f->fs[x->fs].mounted)
		return NULL;
	for (size_t j = 0; j < f->n_inodes; j++)
		if (f->inodes[j].fs == x->fs && f->inodes[j].ino == x->e.ino &&
		    !f->inodes[j].gone)
			in = &f->inodes[j];
	if (in && in->kind == PMF_TARGET_FILE && in->maps && !x->revoked)
		return "handled, it says, but somebody still maps it";
	if ((x->e.kind == PMF_TARGET_METADATA || x->e.kind == PMF_TARGET_LOG ||
	     (in && in->kind != PMF_TARGET_FILE)) && !blind &&
	    !f->fs[x->fs].down && !f->fs[x->fs].read_only)
		return "handled, it says, but the filesystem goes on";
	return NULL;
}
