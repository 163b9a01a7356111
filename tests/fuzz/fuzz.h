/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the fuzz targets share. A target is one function that takes bytes: libFuzzer
 * calls it with bytes of its own (clang, -Dfuzz=enabled), and replay.c with those of
 * the corpus. It must do the same each time it gets the same bytes.
 *
 * Text goes to a parser in memory of exactly its size, so that AddressSanitizer sees a
 * byte read too many.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "model/range.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must be true of every input; else the target dies here. */
#define CHECK(x) do { if (!(x)) fuzz_fail(__FILE__, __LINE__, #x); } while (0)
_Noreturn void fuzz_fail(const char *file, int line, const char *what);

/* The bytes not taken yet. When there are none left, all that is taken is 0 or empty. */
struct fuzz {
	const uint8_t *p;
	size_t n;
};
uint8_t fuzz_u8(struct fuzz *f);
uint32_t fuzz_u32(struct fuzz *f);
uint64_t fuzz_u64(struct fuzz *f);
/* A number near one of the ends of what 64 bits hold, or any: most mistakes live there. */
uint64_t fuzz_edge(struct fuzz *f);
void fuzz_take(struct fuzz *f, void *to, size_t n);
/* Up to the next newline, or all; without NUL bytes; free it. */
char *fuzz_line(struct fuzz *f);
char *fuzz_rest(struct fuzz *f);
/* The rest with its NUL bytes, not terminated. */
void *fuzz_bytes(struct fuzz *f, size_t *ret_n);

/* A set as it must be: sorted, none empty, apart, before end. */
void fuzz_check_ranges(const struct pmf_ranges *set, uint64_t end);

/* A directory for files that a parser reads, the same one each time, gone at exit. */
const char *fuzz_dir(void);
/* Make the file (below fuzz_dir(), with the directories on the way) hold just this. */
void fuzz_file(const char *name, const void *data, size_t n);

#endif
