#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The example hook restores exactly what was lost, and writes to nothing else: not to
# another file by the same name, not through symbolic links, not from them. No pmem: any
# filesystem that takes O_DIRECT.
#
#   tests/root/hook-example.sh
#
# Prints "ok NAME" or "not ok NAME: why"; exit 77: cannot run here.
set -u
cd "$(dirname "$0")/../.." || exit 1
hook=$PWD/examples/hooks/restore-from-backup
failed=0

work=$(realpath "$(mktemp -d "${TMPDIR:-/var/tmp}/pmemfail-hook.XXXXXX")") || exit 1
trap 'rm -rf "$work"' EXIT
if ! command -v jq >/dev/null ||
	! dd if=/dev/zero of="$work/try" bs=4096 count=1 oflag=direct status=none 2>/dev/null; then
	echo "skip hook-example: needs jq, and O_DIRECT in $work"
	exit 77
fi
export RESTORE_BACKUP=$work/backup
data=$work/data

# A fresh file of SIZE times "A", and its backup of "B".
fresh() {
	local name=$1 size=$2
	rm -rf "$work/backup" "$data"
	mkdir -p "$data" "$work/backup$data"
	head -c "$size" /dev/zero | tr '\0' A >"$data/$name"
	head -c "$size" /dev/zero | tr '\0' B >"$work/backup$data/$name"
}

# failure PATH INODE START END [KIND STATE TARGET]
failure() {
	jq -n --arg path "$1" --arg ino "$2" --arg from "$3" --arg to "$4" --arg at "$data" \
		--arg kind "${5:-poison}" --arg state "${6:-handled}" --arg target "${7:-file}" '
		{ schema: 1, id: 7, kind: $kind, state: $state, cases: [ {
			site: { kind: "filesystem", mountpoint: $at },
			targets: [ { kind: $target, path: $path, ino: ($ino | tonumber),
				range: { start: ($from | tonumber), end: ($to | tonumber) } } ] } ] }'
}

# runs NAME STATUS WANT FILE < failure: the hook ends so, and FILE is then as "A3 B2 A1":
# how many of which byte, one after the other.
runs() {
	local name=$1 want=$2 bytes=$3 file=$4 status=0 got
	"$hook" >"$work/out" 2>"$work/err" || status=$?
	got=$(od -An -v -tc -w1 -- "$file" | uniq -c | awk '{printf "%s%s%s", s, $2, $1; s=" "}')
	if [ "$status" = "$want" ] && [ "$got" = "$bytes" ] && [ ! -s "$work/out" ]; then
		echo "ok hook-example-$name"
	else
		echo "not ok hook-example-$name: status $status, file '$got': $(head -c 300 "$work/err")"
		failed=1
	fi
}
inode() {
	stat -c %i -- "$1"
}

fresh f 20480
failure "$data/f" "$(inode "$data/f")" 4096 8192 | runs page 0 'A4096 B4096 A12288' "$data/f"
failure "$data/f" "$(inode "$data/f")" 12800 13312 | runs sector 0 \
	'A4096 B4096 A4096 B4096 A4096' "$data/f"

fresh f 10000
failure "$data/f" "$(inode "$data/f")" 8192 12288 | runs tail 0 'A8192 B1808' "$data/f"
fresh f 10000
failure "$data/f" "$(inode "$data/f")" 12288 16384 | runs cut-short 0 'A10000' "$data/f"

name=$'a b\n$(touch ran)"\n'
fresh "$name" 8192
failure "$data/$name" "$(inode "$data/$name")" 0 4096 | runs odd-name 0 'B4096 A4096' "$data/$name"

fresh f 8192
failure "$data/f" $(($(inode "$data/f") + 1)) 0 4096 | runs other-file 1 'A8192' "$data/f"
grep -q 'another file' "$work/err" || { echo "not ok hook-example-says-why"; failed=1; }

fresh f 8192
mv "$data/f" "$work/secret"
ln -s "$work/secret" "$data/f"
failure "$data/f" "$(inode "$work/secret")" 0 4096 | runs path-is-link 1 'A8192' "$work/secret"

fresh f 8192
mv "$work/backup$data/f" "$work/secret"
ln -s "$work/secret" "$work/backup$data/f"
failure "$data/f" "$(inode "$data/f")" 0 4096 | runs backup-is-link 1 'A8192' "$data/f"
fresh f 8192
mv "$work/backup$data" "$work/elsewhere"
ln -s "$work/elsewhere" "$work/backup$data"
failure "$data/f" "$(inode "$data/f")" 0 4096 | runs backup-below-link 1 'A8192' "$data/f"

fresh f 8192
truncate -s 4097 "$work/backup$data/f"
failure "$data/f" "$(inode "$data/f")" 4096 8192 | runs backup-short 1 'A8192' "$data/f"
rm "$work/backup$data/f"
failure "$data/f" "$(inode "$data/f")" 4096 8192 | runs backup-missing 1 'A8192' "$data/f"

fresh f 8192
ino=$(inode "$data/f")
failure "$data/f" "$ino" 0 4096 remove | runs removal 0 'A8192' "$data/f"
failure "$data/f" "$ino" 0 4096 poison pending | runs pending 0 'A8192' "$data/f"
failure "$data/f" "$ino" 0 4096 poison handled directory | runs directory 0 'A8192' "$data/f"
failure "$data/f" "$ino" 0 0 | runs empty-range 0 'A8192' "$data/f"
: | runs nothing 1 'A8192' "$data/f"
echo '{' | runs no-json 1 'A8192' "$data/f"
RESTORE_BACKUP=$work/nowhere
failure "$data/f" "$ino" 0 4096 | runs no-backup 1 'A8192' "$data/f"
RESTORE_BACKUP=
failure "$data/f" "$ino" 0 4096 | runs backup-unset 1 'A8192' "$data/f"

exit $failed
