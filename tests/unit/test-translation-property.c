// SPDX-License-Identifier: GPL-2.0-only
/*
 * From physical addresses to bytes of devices, up through partitions and device-mapper,
 * and down again, in machines made by chance: against a table that says of each byte of
 * each block device where it lies, made byte by byte from what topology.h says of segments.
 */
#include "model/topology.h"
#include "test.h"

#define DEVICES		2
#define BLOCKS		10	/* disks, partitions, then device-mapper */
#define SEGMENTS	8
#define SPACE		160	/* bytes of the longest */
#define ROUNDS		1500

struct place {
	int device;		/* -1: nowhere */
	uint64_t byte;
};

struct machine {
	struct pmf_device devices[DEVICES];
	struct pmf_block blocks[BLOCKS];
	struct pmf_segment segments[BLOCKS][SEGMENTS];
	struct pmf_topology t;
	uint64_t length[BLOCKS];
	struct place where[BLOCKS][SPACE];	/* the oracle */
};

static uint64_t between(uint64_t least, uint64_t most)
{
	return least + test_below(most - least + 1);
}

/* --- machines --- */

static void add_disks(struct machine *m)
{
	uint64_t spa = between(0, 50);

	for (int i = 0; i < DEVICES; i++) {
		uint64_t start = spa, meta = between(0, 9), size = between(60, SPACE);

		spa = start + meta;
		m->devices[i] = (struct pmf_device){ .devno = (dev_t)i + 1, .size = size,
						     .mode = PMF_MODE_FSDAX, .spa = spa };
		if (meta > 0)
			m->devices[i].ns_spa = (struct pmf_range){ start, spa + size };
		spa += size + between(0, 5);	/* side by side, or not */
		m->blocks[i] = (struct pmf_block){ .devno = (dev_t)i + 1,
						   .kind = PMF_BLOCK_DISK };
		m->length[i] = size;
		for (uint64_t x = 0; x < size; x++)
			m->where[i][x] = (struct place){ i, x };
	}
	m->t = (struct pmf_topology){ .devices = m->devices, .n_devices = DEVICES,
				      .blocks = m->blocks, .n_blocks = DEVICES };
}

static struct pmf_segment *add_segment(struct machine *m, size_t i, uint64_t at, uint64_t n,
				       size_t below, uint64_t start)
{
	struct pmf_segment *s = &m->segments[i][m->blocks[i].n_segments++];

	*s = (struct pmf_segment){ .range = { at, at + n }, .start = start,
				   .below = m->blocks[below].devno };
	return s;
}

static size_t add_block(struct machine *m, enum pmf_block_kind kind)
{
	size_t i = m->t.n_blocks++;

	m->blocks[i] = (struct pmf_block){ .devno = (dev_t)i + 1, .kind = kind,
					   .segments = m->segments[i] };
	for (size_t x = 0; x < SPACE; x++)
		m->where[i][x].device = -1;
	return i;
}

/* Byte x of the piece s, in bytes of what is below it, if that is where it lies. */
static bool lies(const struct pmf_segment *s, uint64_t x, uint64_t *ret)
{
	uint64_t chunk;

	x -= s->range.start;
	if (s->stripes <= 1) {
		*ret = s->start + x;
		return true;
	}
	chunk = x / s->chunk;
	*ret = s->start + chunk / s->stripes * s->chunk + x % s->chunk;
	return chunk % s->stripes == s->stripe;
}

/* Each byte by the blocks below, which are there already. */
static void find_places(struct machine *m, size_t i)
{
	for (size_t k = 0; k < m->blocks[i].n_segments; k++) {
		const struct pmf_segment *s = &m->segments[i][k];
		uint64_t below;

		for (uint64_t x = s->range.start; x < s->range.end; x++)
			if (lies(s, x, &below))
				m->where[i][x] = m->where[s->below - 1][below];
		m->length[i] = MAX(m->length[i], s->range.end);
	}
}

static void add_partition(struct machine *m)
{
	size_t i = add_block(m, PMF_BLOCK_PARTITION), disk = test_below(DEVICES);
	uint64_t start = test_below(m->length[disk] - 20);

	add_segment(m, i, 0, between(20, m->length[disk] - start), disk, start);
	find_places(m, i);
}

static void add_linear(struct machine *m)
{
	size_t i = add_block(m, PMF_BLOCK_DM);
	uint64_t at = 0;

	for (uint64_t n = between(1, 4); n > 0 && at < SPACE - 10; n--) {
		size_t below = test_below(i);
		uint64_t start = test_below(m->length[below]);
		uint64_t most = MIN(m->length[below] - start, SPACE - at);

		most = between(1, most);
		add_segment(m, i, at, most, below, start);
		at += most;
	}
	find_places(m, i);
}

/* The chunks of one stripe: the last of them may be cut short. */
static uint64_t below_stripe(uint64_t length, uint64_t chunk, uint64_t stripes)
{
	return (length / (chunk * stripes) + 1) * chunk;
}

static void add_striped(struct machine *m)
{
	size_t i = add_block(m, PMF_BLOCK_DM);
	uint64_t stripes = between(2, 4), chunk = between(1, 6);
	uint64_t at = test_below(2) ? between(1, 10) : 0, length;

	if (at > 0)	/* not the whole of it is striped */
		add_segment(m, i, 0, at, 0, between(0, 20));
	length = between(1, MIN(stripes * 15, SPACE - at));
	while (below_stripe(length, chunk, stripes) > 20)
		length--;
	for (uint64_t k = 0; k < stripes; k++) {
		size_t below = test_below(i);
		uint64_t need = below_stripe(length, chunk, stripes);
		struct pmf_segment *s;

		while (m->length[below] < need)
			below = test_below(DEVICES);
		s = add_segment(m, i, at, length, below,
				test_below(m->length[below] - need + 1));
		s->chunk = chunk;
		s->stripes = (uint32_t)stripes;
		s->stripe = (uint32_t)k;
	}
	find_places(m, i);
}

static void build(struct machine *m)
{
	*m = (struct machine){};
	add_disks(m);
	for (uint64_t n = between(1, 3); n > 0; n--)
		add_partition(m);
	while (m->t.n_blocks < BLOCKS)
		(test_below(2) ? add_linear : add_striped)(m);
}

/* --- up --- */

struct climb {
	const struct machine *m;
	bool seen[BLOCKS][SPACE];
	bool again;		/* a block came twice, or its ranges are no set */
	bool came[BLOCKS];
};

static int climbed(const struct pmf_block *b, const struct pmf_ranges *own, void *userdata)
{
	struct climb *c = userdata;
	size_t i = (size_t)(b - c->m->blocks);

	c->again |= c->came[i];
	c->came[i] = true;
	for (size_t k = 0; k < own->n; k++) {
		c->again |= own->v[k].end > c->m->length[i] ||
			    (k > 0 && own->v[k].start <= own->v[k - 1].end);
		for (uint64_t x = own->v[k].start; x < MIN(own->v[k].end, SPACE); x++)
			c->seen[i][x] = true;
	}
	return 0;
}

/* A disk's own is the range as it was given. */
static bool climbs(const struct machine *m, int device, struct pmf_range r)
{
	struct climb c = { .m = m };

	if (pmf_topology_up(&m->t, m->devices[device].devno, r, climbed, &c) != 0 || c.again)
		return false;
	for (size_t i = 0; i < m->t.n_blocks; i++)
		for (uint64_t x = 0; x < m->length[i]; x++) {
			const struct place *p = &m->where[i][x];
			bool is = p->device == device && p->byte >= r.start && p->byte < r.end;

			if (c.seen[i][x] != is)
				return false;
		}
	return true;
}

TEST(up_is_where_the_bytes_are)
{
	struct machine m;

	for (int round = 0; round < ROUNDS; round++) {
		int device = (int)test_below(DEVICES);
		uint64_t start;

		build(&m);
		start = test_below(m.devices[device].size);
		CHECK(climbs(&m, device, (struct pmf_range){
			start, between(start + 1, m.devices[device].size) }));
	}
}

/* --- down --- */

struct descent {
	const struct machine *m;
	unsigned int times[DEVICES][SPACE];
};

static int landed(const struct pmf_device *d, struct pmf_range r, void *userdata)
{
	struct descent *c = userdata;

	if (r.end > d->size || pmf_range_empty(r))
		return 1;
	for (uint64_t x = r.start; x < r.end; x++)
		c->times[d - c->m->devices][x]++;
	return 0;
}

TEST(down_is_the_way_back)
{
	struct machine m;

	for (int round = 0; round < ROUNDS; round++) {
		struct descent c = { .m = &m }, want = {};
		struct pmf_range r;
		size_t i;

		build(&m);
		i = test_below(m.t.n_blocks);
		r.start = test_below(m.length[i]);
		r.end = between(r.start + 1, m.length[i]);
		for (uint64_t x = r.start; x < r.end; x++)
			want.times[m.where[i][x].device][m.where[i][x].byte]++;
		CHECK_EQ(pmf_topology_down(&m.t, m.blocks[i].devno, r, landed, &c), 0);
		CHECK(memcmp(c.times, want.times, sizeof(c.times)) == 0);
		r.end = m.length[i] + 1;
		CHECK_EQ(pmf_topology_down(&m.t, m.blocks[i].devno, r, landed, &c), -ERANGE);
	}
}

/* --- physical addresses --- */

static int hit(const struct pmf_device *d, struct pmf_range r, bool meta, void *userdata)
{
	if (meta && (r.start != 0 || r.end != d->size))
		return 1;
	return meta ? 0 : landed(d, r, userdata);
}

/* What is in a device's own pages is all of it; else it is those bytes, and they climb. */
TEST(addresses_are_bytes_of_devices)
{
	struct machine m;

	for (int round = 0; round < ROUNDS; round++) {
		struct descent c = { .m = &m }, want = {};
		bool any = false;
		struct pmf_range spa;

		build(&m);
		spa.start = test_below(2 * SPACE);
		spa.end = spa.start + between(1, test_below(2) ? 3 : SPACE);
		for (int i = 0; i < DEVICES; i++) {
			const struct pmf_device *d = &m.devices[i];
			bool meta = false;

			for (uint64_t a = spa.start; a < spa.end; a++)
				meta |= d->ns_spa.end > 0 && a >= d->ns_spa.start && a < d->spa;
			any |= meta;
			for (uint64_t a = spa.start; a < spa.end && !meta; a++)
				if (a >= d->spa && a < d->spa + d->size) {
					want.times[i][a - d->spa] = 1;
					any = true;
				}
		}
		CHECK_EQ(pmf_topology_spa(&m.t, spa, hit, &c), any ? 0 : -ENODEV);
		CHECK(memcmp(c.times, want.times, sizeof(c.times)) == 0);
	}
}
