#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# completion: what bash and zsh offer for pmemfailctl, asked of the shells themselves:
# bash by calling its function, zsh by pressing the key in a terminal of its own.
# A pmemfailctl of our own answers what they ask for. Both offer the same.

set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
export work
trap 'rm -rf "$work"' EXIT
status=0

# Names that would do harm when they are evaluated instead of taken.
mkdir "$work/bin"
cat >"$work/bin/pmemfailctl" <<-'END'
	#!/bin/sh
	case $2 in
	devices) printf 'pmem0\npmem1\n$(touch harm)\n' ;;
	list) printf '17\n42\n' ;;
	esac
END
chmod +x "$work/bin/pmemfailctl"
PATH=$work/bin:$PATH

# in_bash WORD...: the last is to be completed.
in_bash() {
	(
		cd "$work"
		# shellcheck source=/dev/null
		source "$top/completion/pmemfailctl"
		COMP_WORDS=(pmemfailctl "$@")
		COMP_CWORD=$#
		COMPREPLY=()
		_pmemfailctl
		printf '%s\n' "${COMPREPLY[@]}" | sort
	)
}

# zsh offers what its function gives to compadd: taken from there, in a terminal of
# zsh's own, since completion works in its line editor only.
cat >"$work/press" <<-'END'
	zmodload zsh/zpty
	zpty z zsh -f -i
	zpty -w z "cd $work; fpath=($work/fpath \$fpath); autoload -Uz compinit; compinit -u -d $work/dump"
	zpty -w z "zstyle ':completion:*' list-colors 'no='; LISTMAX=1000; PS1=; unsetopt zle_bracketed_paste"
	zpty -w z "compadd() { local -a o; builtin compadd -O o \"\$@\"; print -rl -- \$o >>$work/offers; builtin compadd \"\$@\" }"
	zpty -w z "print ready >$work/ready"
	for i in {1..100}; do [[ -e $work/ready ]] && break; sleep 0.1; done
	zpty -w -n z "$1"$'\t'
	for i in {1..30}; do sleep 0.1; zpty -r -t z out '*' 2>/dev/null; done
	zpty -d z
END
mkdir "$work/fpath"
cp "$top/completion/_pmemfailctl" "$work/fpath/"

in_zsh() {
	local line=pmemfailctl word
	for word; do line+=" $word"; done
	rm -f "$work/offers" "$work/ready"
	timeout 60 zsh -f "$work/press" "$line" >/dev/null 2>&1 || true
	[[ ! -e $work/offers ]] || sort -u "$work/offers" | sed '/^$/d'
}

# offers NAME WANT WORD...: both, all of the words of WANT and nothing else of that kind.
offers() {
	local name=$1 want got shell
	want=$(tr ' ' '\n' <<<"$2" | sort)
	shift 2
	for shell in bash zsh; do
		got=$(in_$shell "$@")
		if [[ $got == "$want" ]]; then
			echo "ok $shell-$name"
		else
			echo "not ok $shell-$name: offers '$(paste -sd' ' <<<"$got")'"
			status=1
		fi
	done
}

verbs=$(sed -n 's/^\t{ "\([a-z-]*\)", ".*/\1/p' "$top/ctl/main.c" | paste -sd' ')
offers verbs "$verbs" ''
offers verbs-by-letter "$(tr ' ' '\n' <<<"$verbs" | grep '^re' | paste -sd' ')" re
offers states 'handled handling' list --state han
offers failures '17 42' show ''
offers deep '--deep' assess --de
offers yes '--yes' prepare-remove --y
offers output '--output' metrics --ou
offers spa '--spa' report --s
for shell in bash zsh; do
	got=$(in_$shell replay pmem)
	if [[ $got == $'pmem0\npmem1' ]]; then
		echo "ok $shell-devices"
	else
		echo "not ok $shell-devices: offers '$(paste -sd' ' <<<"$got")'"
		status=1
	fi
	in_$shell replay '' >/dev/null
done
if [[ -e $work/harm ]]; then
	echo "not ok no-evaluation: a device's name was evaluated"
	status=1
else
	echo "ok no-evaluation"
fi
exit "$status"
