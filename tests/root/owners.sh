#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Who owns bytes and where files lie: what lib/sys says of XFS and ext4 on loop devices,
# held against what the filesystems' own tools say. Each question is asked twice, the
# second time while the filesystem is frozen.
# Needs root and loop devices, no pmem. Prints "ok NAME" or "not ok NAME: why"; exit
# 77: cannot run here.
set -u
cd "$(dirname "$0")/../.." || exit 1
test=owners
. tests/root/owners-tools.bash

# --- extents and space ---

file_extents() {	# NAME DIR FILE EXPECTED
	local n got piece a b o
	n=$(ino "$3")
	got=$(ask extents "$3" data 0 $((1 << 40)))
	same "$1-extents-${3##*/}" "$(of_ino "$n" <<<"$got")" "$4"
	same "$1-extents-${3##*/}-frozen" "$(FREEZE=$2 ask extents "$3" data 0 $((1 << 40)))" \
		"$got"
	piece=$(head -1 <<<"$4")
	read -r a b o <<<"$piece"
	same "$1-extents-${3##*/}-clipped" \
		"$(ask extents "$3" data $((a + 1000)) $((a + 3000)) | of_ino "$n")" \
		"$((a + 1000)) $((a + 3000)) $((o + 1000))"
	same "$1-extents-${3##*/}-elsewhere" "$(ask extents "$3" realtime 0 $((1 << 40)))" ""
}

# What is still in memory only is nowhere.
not_written() {	# NAME DIR
	xfs_io -f -c "pwrite -q 0 1m" "$2/dirty"
	same "$1-not-written" "$(ask extents "$2/dirty" data 0 $((1 << 40)))" ""
	rm "$2/dirty"
}

xfs_with_owners() {
	local d=$work/rmap a b o n g f i all piece log
	setup rmap xfs -m rmapbt=1,reflink=1
	make_files "$d"
	n=$(ino "$d/f")
	cp --reflink=always "$d/f" "$d/g"
	g=$(ino "$d/g")
	python3 -c 'import os, sys
for i in range(20): os.setxattr(sys.argv[1], "user.%d" % i, b"x" * 900)' "$d/unwritten"
	xfs_io -f -c "pwrite -q 0 1m" "$d/freed"
	sync -f "$d"

	read -r a b o <<<"$(xfs_extents "$d/f" | head -1)"
	twice rmap-shared "$(for i in $n $g; do
		echo "file ino=$i $((a + 5000))-$((a + 7000)) offset=$((o + 5000)) shared"
	done)" "$d" owners "$d" data $((a + 5000)) $((a + 7000))
	same rmap-no-room "$(MAX=1 ask owners "$d" data $((a + 5000)) $((a + 7000)))" \
		"error ENOBUFS"
	same rmap-no-bytes "$(ask owners "$d" data 5000 5000)" ""

	all=$(ask owners "$d" data 0 $((1 << 40)))
	for f in f g unwritten pieces; do
		same "rmap-owners-$f" "$(of_ino "$(ino "$d/$f")" <<<"$all")" \
			"$(xfs_extents "$d/$f")"
		file_extents rmap "$d" "$d/$f" "$(xfs_extents "$d/$f")"
	done
	# xfs_bmap does not tell the blocks of a directory that lie behind its data
	same rmap-owners-dir "$(of_ino "$(ino "$d/d")" <<<"$all" | awk '$3 < 34359738368')" \
		"$(xfs_extents "$d/d")"
	same rmap-extents-dir "$(ask extents "$d/d" data 0 9)" "error EOPNOTSUPP"
	same rmap-many-pieces "$(of_ino "$(ino "$d/pieces")" <<<"$all" | wc -l)" 3000
	same rmap-all-frozen "$(FREEZE=$d ask owners "$d" data 0 $((1 << 40)))" "$all"
	# no byte of the device is left out; twice where there are two owners
	same rmap-no-gap "$(sed -E 's/.* ([0-9]+)-([0-9]+) .*/\1 \2/' <<<"$all" | awk '
		$1 > end { print "gap", end, $1 } $2 > end { end = $2 }
		END { print end }')" $((400 << 20))

	read -r a b o <<<"$(xfs_extents "$d/unwritten" -a | head -1)"
	twice rmap-xattr "xattr ino=$(ino "$d/unwritten") $a-$((a + 100)) offset=0" "$d" \
		owners "$d" data "$a" $((a + 100))
	read -r a b o <<<"$(xfs_extents "$d/freed")"
	twice rmap-data "file ino=$(ino "$d/freed") $a-$b offset=$o" "$d" owners "$d" data \
		"$a" "$b"
	rm "$d/freed"
	sync -f "$d"
	fsfreeze -f "$d" && fsfreeze -u "$d"	# completes what unlink put off
	twice rmap-free "free ino=0 $a-$b offset=0" "$d" owners "$d" data "$a" "$b"
	twice rmap-header "metadata ino=0 512-1024 offset=0" "$d" owners "$d" data 512 1024
	same rmap-external-log "$(ask owners "$d" log 7 9)" "log ino=0 7-9 offset=0"

	n=$(ino "$d/pieces")
	# a copy on write reserves more than it needs: no file has the rest
	xfs_io -c "cowextsize 1m" "$d/g"
	xfs_io -c "pwrite -q 0 4k" -c fsync "$d/g"
	read -r a b <<<"$(xfs_io -c fsmap "$d" | awk -F'[][ .:]+' '/cow/ { print $4, $5; exit }')"
	twice rmap-cow "free ino=0 $((a * 512))-$((b * 512 + 512)) offset=0" "$d" \
		owners "$d" data $((a * 512)) $((b * 512 + 512))

	umount "$d"
	log=$(xfs_db -r -c 'sb 0' -c 'p logstart' "$work/rmap.img")
	log=$(daddr "$work/rmap.img" "${log##* }")
	# the extent map of the file in pieces, whose root lies in the inode
	piece=$(xfs_db -r -c "inode $n" -c 'p u3.bmbt.ptrs' "$work/rmap.img" |
		sed -E 's/.*= (1:)?([0-9]+).*/\2/')
	piece=$(daddr "$work/rmap.img" "$piece")
	mount -t xfs -o loop "$work/rmap.img" "$d"
	twice rmap-log "log ino=0 $((log * 512))-$((log * 512 + 9)) offset=0" "$d" \
		owners "$d" data $((log * 512)) $((log * 512 + 9))
	twice rmap-extent-map "metadata ino=$n $((piece * 512))-$((piece * 512 + 9)) offset=0" "$d" \
		owners "$d" data $((piece * 512)) $((piece * 512 + 9))
}

xfs_without_owners() {
	local d=$work/plain f a b o log
	setup plain xfs -m rmapbt=0,reflink=1
	make_files "$d"
	same plain-owners "$(ask owners "$d" data 0 100000)" "error EOPNOTSUPP"
	same plain-external-log "$(ask owners "$d" log 7 9)" "log ino=0 7-9 offset=0"
	for f in f unwritten pieces; do
		file_extents plain "$d" "$d/$f" "$(xfs_extents "$d/$f")"
	done
	not_written plain "$d"
	read -r a b o <<<"$(xfs_extents "$d/f" | head -1)"
	twice plain-used "unknown ino=0 $a-$((a + 100)) offset=0" "$d" known "$d" data "$a" \
		$((a + 100))
	umount "$d"
	log=$(xfs_db -r -c 'sb 0' -c 'p logstart' "$work/plain.img")
	log=$(daddr "$work/plain.img" "${log##* }")
	b=$(xfs_db -r -c 'sb 0' -c 'p agblocks' "$work/plain.img")
	b=$((${b##* } * 4096))
	o=$(xfs_db -r -c 'sb 0' -c 'p logblocks' "$work/plain.img")
	o=$((log * 512 + ${o##* } * 4096))
	mount -t xfs -o loop "$work/plain.img" "$d"
	twice plain-log "log ino=0 $((log * 512))-$o offset=0" "$d" known "$d" data \
		$((log * 512)) "$o"
	same plain-log-first "$(ask known "$d" data $((log * 512 - 100)) $((log * 512 + 9)) |
		tail -1)" "log ino=0 $((log * 512))-$((log * 512 + 9)) offset=0"
	same plain-log-last "$(ask known "$d" data $((o - 9)) $((o + 9)) | head -1)" \
		"log ino=0 $((o - 9))-$o offset=0"
	twice plain-header "metadata ino=0 $b-$((b + 2048)) offset=0" "$d" known "$d" data \
		"$b" $((b + 2048))
	same plain-free "$(ask known "$d" data $((b * 2 - 8192)) $((b * 2)))" \
		"free ino=0 $((b * 2 - 8192))-$((b * 2)) offset=0"
}

ext4() {	# NAME MKFS-OPTION...
	local name=$1 d=$work/$1 f a b o
	shift
	setup "$name" ext4 "$@"
	make_files "$d"
	same "$name-owners" "$(ask owners "$d" data 0 100000)" "error EOPNOTSUPP"
	same "$name-external-log" "$(ask owners "$d" log 7 9)" "log ino=0 7-9 offset=0"
	for f in f unwritten pieces d; do
		file_extents "$name" "$d" "$d/$f" \
			"$(ext4_extents "$(device "$d")" "$(ino "$d/$f")" 4096)"
	done
	read -r a b o <<<"$(ext4_extents "$(device "$d")" "$(ino "$d/f")" 4096)"
	twice "$name-used" "unknown ino=0 $((a + 1))-$((a + 100)) offset=0" "$d" \
		known "$d" data $((a + 1)) $((a + 100))
	not_written "$name" "$d"
	# the second block holds the group descriptors
	twice "$name-metadata" "metadata ino=0 5000-6000 offset=0" "$d" known "$d" data 5000 6000
	o=$(debugfs -R "ffb 4 90000" "$(device "$d")" 2>/dev/null |
		sed -E 's/.*: ([0-9]+).*/\1/')
	twice "$name-free" "free ino=0 $((o * 4096))-$((o * 4096 + 100)) offset=0" "$d" \
		known "$d" data $((o * 4096)) $((o * 4096 + 100))
	journal "$name" "$d"
}

# Where debugfs has the journal's blocks, in runs, and nothing beside them.
journal() {	# NAME DIR
	local blocks
	read -ra blocks < <(debugfs -R "blocks <8>" "$(device "$2")" 2>/dev/null)
	same "$1-journal" "$(ask journal "$2" data 0 $((1 << 40)))" \
		"$(printf '%s\n' "${blocks[@]}" | sort -n | awk '
			NF && $1 != end { if (end) print_run(); start = $1 }
			NF { end = $1 + 1 }
			function print_run() {
				printf "log ino=0 %d-%d offset=0\n", start * 4096, end * 4096
			}
			END { if (end) print_run() }')"
	[[ ${#blocks[@]} -gt 9 ]] || return 0
	same "$1-journal-clipped" "$(ask journal "$2" data $((blocks[9] * 4096 + 7)) \
		$((blocks[9] * 4096 + 9)))" \
		"log ino=0 $((blocks[9] * 4096 + 7))-$((blocks[9] * 4096 + 9)) offset=0"
	same "$1-journal-no-room" "$(MAX=0 ask journal "$2" data 0 $((1 << 40)))" "error ENOBUFS"
	same "$1-journal-elsewhere" "$(ask journal "$2" log 0 4096)" "error EOPNOTSUPP"
}

# Kernels without CONFIG_XFS_RT cannot.
realtime() {
	local d=$work/rt rt log f role wanted
	mkdir "$d"
	truncate -s 320M "$work/rt.img"
	truncate -s 64M "$work/rtdev.img" "$work/rtlog.img"
	for order in "rtdev rt rtlog" "rtlog rt rtdev" "rt rtlog rtdev"; do
		declare -A l=()
		for f in $order; do
			l[$f]=$(losetup -f --show "$work/$f.img")
		done
		mkfs.xfs -f -q -m rmapbt=0,reflink=0 -l "logdev=${l[rtlog]}" \
			-r "rtdev=${l[rtdev]}" "${l[rt]}" >/dev/null
		if ! mount -o "logdev=${l[rtlog]},rtdev=${l[rtdev]}" "${l[rt]}" "$d" 2>/dev/null
		then
			echo "# $test realtime: this kernel does not know it"
			return
		fi
		xfs_io -f -R -c "pwrite -q 0 8m" "$d/real"
		xfs_io -f -c "pwrite -q 0 8m" "$d/data"
		sync -f "$d"
		same "realtime-owners ($order)" "$(ask owners "$d" realtime 0 5)" \
			"error EOPNOTSUPP"
		same "realtime-known ($order)" "$(ask known "$d" realtime 0 $((9 << 20)))" \
			"$(printf '%s\n' "unknown ino=0 0-$((8 << 20)) offset=0" \
				"free ino=0 $((8 << 20))-$((9 << 20)) offset=0")"
		for f in real data; do
			for role in realtime data; do
				wanted=
				[ $f = real ] && [ $role = realtime ] &&
					wanted=$(xfs_extents "$d/$f")
				[ $f = data ] && [ $role = data ] &&
					wanted=$(xfs_extents "$d/$f")
				same "realtime-file $f $role ($order)" \
					"$(ask extents "$d/$f" $role 0 $((1 << 40)) |
						of_ino "$(ino "$d/$f")")" "$wanted"
			done
		done
		umount "$d"
		losetup -d "${l[@]}"
	done
}

xfs_with_owners
xfs_without_owners
ext4 journal -b 4096
ext4 nojournal -b 4096 -O ^has_journal
realtime
exit $failed
