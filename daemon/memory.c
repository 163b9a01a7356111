// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keep in memory what runs, since the file it is read from may lie on what is frozen or
 * taken away just now.
 *
 * That is this program, the libraries that it and libpmemfail are linked with, and
 * whatever was touched, from then on or before. What those libraries bring along in
 * their turn (libcrypto, libgcrypt and others, which nothing here calls) would be half
 * of it all, so it is left to come when it is touched, as stacks are: each thread's
 * stack in full would be 8 MiB.
 */
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory.h"

#define MAX_NEEDED	64

struct walk {
	const char *needed[MAX_NEEDED];
	size_t n_needed;
	int error;
};

static const char *name_of(const struct dl_phdr_info *o)
{
	const char *slash = strrchr(o->dlpi_name, '/');

	return slash ? slash + 1 : o->dlpi_name;
}

/* The program has no name here. */
static bool is_ours(const struct dl_phdr_info *o)
{
	return !o->dlpi_name[0] || strncmp(name_of(o), "libpmemfail.so", 14) == 0;
}

static bool is_needed(const struct walk *w, const struct dl_phdr_info *o)
{
	if (is_ours(o) || strncmp(name_of(o), "ld-", 3) == 0)
		return true;
	for (size_t i = 0; i < w->n_needed; i++)
		if (strcmp(w->needed[i], name_of(o)) == 0)
			return true;
	return false;
}

/* The dynamic linker has made an address of DT_STRTAB (elf/get-dynamic-info.h). */
static void note_needed(struct walk *w, const ElfW(Dyn) *dynamic)
{
	const char *strings = NULL;

	for (const ElfW(Dyn) *d = dynamic; d->d_tag != DT_NULL; d++)
		if (d->d_tag == DT_STRTAB)
			strings = (const char *)d->d_un.d_ptr;
	for (const ElfW(Dyn) *d = dynamic; strings && d->d_tag != DT_NULL; d++)
		if (d->d_tag == DT_NEEDED && w->n_needed < MAX_NEEDED)
			w->needed[w->n_needed++] = strings + d->d_un.d_val;
}

static int note_object(struct dl_phdr_info *o, size_t size, void *userdata)
{
	(void)size;
	for (size_t i = 0; is_ours(o) && i < o->dlpi_phnum; i++)
		if (o->dlpi_phdr[i].p_type == PT_DYNAMIC)
			note_needed(userdata,
				    (const void *)(o->dlpi_addr + o->dlpi_phdr[i].p_vaddr));
	return 0;
}

static int read_object(struct dl_phdr_info *o, size_t size, void *userdata)
{
	struct walk *w = userdata;
	uintptr_t mask = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;

	(void)size;
	for (size_t i = 0; is_needed(w, o) && i < o->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &o->dlpi_phdr[i];
		uintptr_t start = (o->dlpi_addr + p->p_vaddr) & ~mask;
		uintptr_t end = (o->dlpi_addr + p->p_vaddr + p->p_memsz + mask) & ~mask;

		if (p->p_type == PT_LOAD &&
		    madvise((void *)start, end - start, MADV_POPULATE_READ) < 0)
			w->error = -errno;
	}
	return 0;
}

int memory_lock(void)
{
	struct walk w = {};

	/* Locked when touched, now or later; and what must be there is touched now. */
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0)
		w.error = -errno;
	(void)dl_iterate_phdr(note_object, &w);
	(void)dl_iterate_phdr(read_object, &w);
	return w.error;
}
