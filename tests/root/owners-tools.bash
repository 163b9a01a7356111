# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2034
#
# What owners.sh and inodes.sh share: builds owners-ask, makes filesystems with files
# on loop devices, asks and compares. The caller has set $test to its name.
if [ "$(id -u)" != 0 ]; then
	echo "skip $test: needs root"
	exit 77
fi
work=$(mktemp -d "/tmp/pmemfail-$test.XXXXXX") || exit 1
started=()

# shellcheck disable=SC2317	# called by the trap
cleanup() {
	trap - EXIT
	[ ${#started[@]} = 0 ] || kill "${started[@]}" 2>/dev/null
	for m in "$work"/*/; do
		umount "$m" 2>/dev/null || umount -l "$m" 2>/dev/null
	done
	for l in $(losetup -l -n -O NAME,BACK-FILE | awk -v w="$work/" 'index($2, w) {print $1}')
	do
		losetup -d "$l" 2>/dev/null
	done
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

flags="-std=gnu17 -D_GNU_SOURCE -g -O1 -UNDEBUG ${CFLAGS:-} -Ilib -Iinclude -Iinclude/uapi"
mkdir "$work/o"
for c in lib/base/*.c lib/model/*.c lib/sys/{fsmap,fiemap,inode,inode-path,journal,sysfs}.c \
	lib/sys/{files-child,fork,maps-child,maps-reader,openfiles,mount-ids}.c \
	lib/sys/{mount-open,parse-proc,walk-files}.c tests/root/owners-ask.c; do
	# shellcheck disable=SC2086
	${CC:-cc} $flags -c -o "$work/o/$(basename "$c" .c).o" "$c" 2>>"$work/build.log"
done
# shellcheck disable=SC2086
${CC:-cc} $flags -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc -o "$work/ask" \
	"$work"/o/*.o -lext2fs -lpthread 2>>"$work/build.log" || {
	echo "not ok $test-build: $(grep -m1 -E 'error|undef' "$work/build.log")"
	exit 1
}

failed=0
# same NAME GOT WANTED
same() {
	if [ "$2" = "$3" ]; then
		echo "ok $test $1"
	else
		echo "not ok $test $1: '${2:0:300}' is not '${3:0:300}'"
		failed=1
	fi
}

ask() {
	"$work/ask" "$@"
}

# twice NAME WANTED FREEZE-DIR QUESTION...: also frozen, and the same without malloc
twice() {
	local name=$1 wanted=$2 dir=$3
	shift 3
	same "$name" "$(ask "$@")" "$wanted"
	same "$name-frozen" "$(FREEZE=$dir ask "$@")" "$wanted"
}

# Extents as lines "start end offset", joined where they go on.
joined() {
	sort -n -k3 | awk '
		NR > 1 && $1 == end && $3 == offset + end - start { end = $2; next }
		NR > 1 { print start, end, offset }
		{ start = $1; end = $2; offset = $3 }
		END { if (NR) print start, end, offset }'
}

# of_ino INO: only the data of this inode, out of the answer
of_ino() {
	awk -v ino="ino=$1" '$1 == "file" && $2 == ino {
		split($3, at, "-"); sub("offset=", "", $4); print at[1], at[2], $4 }' | joined
}

xfs_extents() {	# FILE [-a]
	xfs_bmap ${2:+"$2"} "$1" | awk -F'[][ .:]+' '/\.\..*\.\./ {
		print $4 * 512, ($5 + 1) * 512, $2 * 512 }' | joined
}

ext4_extents() {	# DEVICE INO BLOCK-SIZE
	debugfs -R "ex <$2>" "$1" 2>/dev/null | awk -v b="$3" '
		{ gsub(/[-\/]/, " ") }
		$1 == $2 && $1 ~ /^[0-9]+$/ { print $7 * b, ($8 + 1) * b, $5 * b }' | joined
}

device() {
	findmnt -n -o SOURCE "$1"
}

daddr() {	# IMAGE FSBLOCK
	xfs_db -r -c "convert fsblock $2 daddr" "$1" | sed 's/.*(\(.*\))/\1/'
}

ino() {
	stat -c %i "$1"
}

# Thousands of pieces: every second block of a file is given back.
many_pieces() {
	local i
	xfs_io -f -c "pwrite -q 0 $(($2 * 8192))" -c fsync "$1" || return
	for ((i = 0; i < $2; i++)); do
		echo "fpunch $((i * 8192)) 4096"
	done | xfs_io "$1" >/dev/null
	sync -f "$1"
}

make_files() {	# DIR
	local i
	dd if=/dev/urandom of="$1/f" bs=64k count=64 status=none
	xfs_io -f -c "falloc 0 1m" -c "pwrite -q 256k 64k" "$1/unwritten"
	mkdir "$1/d"
	for ((i = 0; i < 300; i++)); do
		: >"$1/d/a-file-with-a-name-that-takes-some-room-$i"
	done
	many_pieces "$1/pieces" 3000
	sync -f "$1"
}

setup() {	# NAME FSTYPE MKFS-OPTION...
	local name=$1 type=$2
	shift 2
	mkdir "$work/$name"
	truncate -s 400M "$work/$name.img"
	if ! "mkfs.$type" -q "$@" "$work/$name.img" >/dev/null 2>&1 ||
		! mount -t "$type" -o loop "$work/$name.img" "$work/$name"; then
		echo "skip $test: cannot mount $type ($name) here"
		exit 77
	fi
}

