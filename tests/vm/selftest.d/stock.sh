# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# stock: the fate of a mapped file system without pmemfail: the kernel of 6.1
# oopses at umount. Proves that an oops is seen.
# kernels: 6.1

case_run() {
	fs_make xfs raw
	truncate -s 4M "$MNT/file"
	python3 -c '
import mmap, os, time
fd = os.open("/mnt/test/file", os.O_RDWR)
m = mmap.mmap(fd, 4 << 20)
for at in range(0, 4 << 20, 4096): m[at] = 1
print("mapped", flush=True)
while True:
    sum(m[0:4096]); time.sleep(0.1)' &
	sleep 3
	unbind /dev/pmem0
	sleep 1
	kill %1
	umount "$MNT"
}
