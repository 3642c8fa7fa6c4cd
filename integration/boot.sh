# boot.sh BASE DIR NAME: a container of the root filesystem BASE, which stays clean.
# It runs in a mount namespace of its own, so that its mounts end with it.
# What the container writes is seen in DIR/files.
base=$1 dir=$2 name=$3
mkdir -p "$dir/files" "$dir/work" "$dir/root"
mount -t overlay overlay -o "lowerdir=$base,upperdir=$dir/files,workdir=$dir/work" "$dir/root" 2>/dev/null || {
	cp -an --reflink=auto "$base/." "$dir/files/"
	mount --bind "$dir/files" "$dir/root"
}
# Containers that share a cgroup would share its child "payload".
for hierarchy in $(awk '$3 == "cgroup2" || $4 ~ /name=systemd/ { print $2 }' /proc/mounts); do
	mkdir -p "$hierarchy/$name" 2>/dev/null && echo 0 >"$hierarchy/$name/cgroup.procs"
done
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 UNIFIED_CGROUP_HIERARCHY=1
exec systemd-nspawn -D "$dir/root" -b --register=no --keep-unit --private-network \
	--machine="$name" --hostname="$name" --console=pipe
