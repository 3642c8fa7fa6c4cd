# setup.sh: what test and demo need, installed on a Debian machine. Sourced by both.
say() { echo "$(basename "$0"): $*" >&2; }
die() { say "$@"; exit 1; }

[ "$(id -u)" = 0 ] || die "root is needed to boot containers; try: sudo $0"

# install_missing PACKAGE...: asks apt only for what is not there.
install_missing() {
	local missing=() package
	for package; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	say "installing ${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	apt-get -qq update || { sleep 5; apt-get -qq update; } || die "apt-get update failed; is there a network?"
	apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null ||
		die "apt-get could not install ${missing[*]}"
}

# find_go puts a Go that is new enough for go.mod on the PATH.
find_go() {
	local need have version dir
	need=$(awk '$1 == "go" { print $2 }' go.mod)
	export PATH=$PATH:/usr/local/go/bin
	# From 1.21 on, an older go fetches the one that go.mod asks for by itself.
	if have=$(go version 2>/dev/null | sed -E 's/.* go([0-9.]+).*/\1/') && newer "$have" 1.21; then
		go version >/dev/null 2>&1 && return
		die "go $have cannot fetch go $need; install it from https://go.dev/dl into /usr/local"
	fi
	version=go$need.linux-$(dpkg --print-architecture)
	dir=${SDWHY_GO:-/var/cache/sdwhy/$version}
	if [ ! -x "$dir/go/bin/go" ]; then
		say "fetching $version from go.dev"
		install_missing ca-certificates curl
		mkdir -p "$dir"
		curl -fsSL "https://go.dev/dl/$version.tar.gz" | tar -xz -C "$dir" ||
			die "no Go $need; install it from https://go.dev/dl into /usr/local"
	fi
	export PATH=$dir/go/bin:$PATH
}

# newer A B: whether version A is B or later
newer() { [ "$(printf '%s\n' "$1" "$2" | sort -V | head -1)" = "$2" ]; }
