# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# readme.sh: the commands of the README's section Install, run as they are printed.
#
# Why: what is printed is what people type, and a copy of it in a case would drift.
# There is no network, and compiling everything in an emulated guest takes too long. So
# scripts/setup, scripts/package and meson are stood in for: they leave what the host
# made by them, and refuse arguments that the host did not use. Apt, DKMS, systemd and
# what else is named there are the real ones.

README_TREE=$RUN/tree

# readme_commands N COUNT: COMMANDS are the lines of the Nth block, COUNT of them.
readme_commands() {
	mapfile -t COMMANDS < <(awk -v want="$1" '
		/^## / { inside = $0 == "## Install" }
		inside && /^```/ { open = !open; n += open; next }
		open && n == want' "$TESTS/README.md")
	expect_eq "the number of commands in the README's block $1" "${#COMMANDS[@]}" "$2"
}

# as_printed LINE: like an administrator in the source tree who says yes to apt.
as_printed() {
	say "# $1"
	(cd "$README_TREE" && PATH=$RUN/bin:$PATH APT_CONFIG=$RUN/apt.conf \
		DEBIAN_FRONTEND=noninteractive bash -c "$1")
}

# sources_are WHICH: the packages that scripts/package makes from now on.
sources_are() {
	echo "$TESTS/repository/$1" >"$RUN/sources"
}

stand_in() {
	mkdir -p "${1%/*}"
	{ echo '#!/bin/bash'; cat; } >"$1"
	chmod +x "$1"
}

readme_begin() {
	stand_in "$README_TREE/scripts/setup" <<-'END'
		(($# == 0))
	END
	stand_in "$README_TREE/scripts/package" <<-END
		((\$# == 0)) || exit 1
		rm -rf build/packages/debs
		mkdir -p build/packages
		cp -r "\$(<"$RUN/sources")" build/packages/debs
	END
	stand_in "$RUN/bin/meson" <<-END
		case "\$*" in
		"setup build" | "compile -C build") ;;
		"install -C build")
			tar -C "$TESTS/repository/installed" -cf - . | tar -C / --keep-directory-symlink -xf -
			;;
		*) exit 1 ;;
		esac
	END
	# an archive with nothing but what else the README names, and no other in the world
	echo "deb [trusted=yes] file:$TESTS/repository/others ./" >"$RUN/sources.list"
	mkdir -p "$RUN/apt/lists/partial" "$RUN/apt/archives/partial"
	cat >"$RUN/apt.conf" <<-END
		APT::Get::Assume-Yes "true";
		APT::Sandbox::User "root";
		Dir::Etc::SourceList "$RUN/sources.list";
		Dir::Etc::SourceParts "-";
		Dir::State::Lists "$RUN/apt/lists";
		Dir::Cache "$RUN/apt";
		Dpkg::Use-Pty "false";
	END
	APT_CONFIG=$RUN/apt.conf apt-get -q update
}
