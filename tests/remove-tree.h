/* SPDX-License-Identifier: GPL-2.0-only */
/* A directory with all below it: what unit tests and fuzz targets made for themselves. */
#ifndef PMF_REMOVE_TREE_H
#define PMF_REMOVE_TREE_H

#include <ftw.h>
#include <stdio.h>

static inline int remove_one(const char *path, const struct stat *st, int type,
			     struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void remove_tree(const char *path)
{
	(void)nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
