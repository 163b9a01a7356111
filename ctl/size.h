/* SPDX-License-Identifier: GPL-2.0-only */
/* Offsets, lengths and addresses as people write them on the command line. */
#ifndef CTL_SIZE_H
#define CTL_SIZE_H

#include <stdint.h>

/*
 * "4096", "0x1000", "4K", "2MiB": bytes, with the binary suffixes K M G T P E that
 * ndctl and xfsprogs take. NULL when *ret is set, else what is wrong with s, to stand
 * behind its name: "is negative".
 */
const char *size_from_string(const char *s, uint64_t *ret);

/* The same for where a range begins and how long it is, together: also no empty range
 * and none past the end of numbers. *ret_arg: which one is wrong, 0 or 1. */
const char *size_range_from_strings(const char *const args[2], uint64_t *ret_start,
				    uint64_t *ret_length, int *ret_arg);

#endif
