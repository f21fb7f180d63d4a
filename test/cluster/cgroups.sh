# shellcheck shell=bash
# The control groups of one cluster, for keeper.sh and inside.sh: one in every cgroup v1 hierarchy, or one in the single hierarchy of v2.

# Names of the v1 hierarchies, `name=systemd` among them (without it containerd's shim reads no memory events, and an out-of-memory
# kill is reported as `Error`); nothing on a machine with v2 alone.
hierarchies() { awk -F: '$2 != "" { print $2 }' /proc/self/cgroup; }

# Folders of the cluster's groups, seen from outside.
group_folders() {
  local hierarchy found=
  for hierarchy in $(hierarchies); do found=yes; echo "/sys/fs/cgroup/${hierarchy#name=}/weightlock-$1"; done
  [ -n "$found" ] || echo "/sys/fs/cgroup/weightlock-$1"
}

make_groups() {
  local group
  for group in $(group_folders "$1"); do
    mkdir "$group" || return
    [ -e "$group/cpuset.cpus" ] && [ ! -e "$group/cgroup.controllers" ] || continue
    # A v1 cpuset starts empty and takes no process before it is filled.
    cat "$group/../cpuset.cpus" > "$group/cpuset.cpus" && cat "$group/../cpuset.mems" > "$group/cpuset.mems" || return
  done
}

join_groups() { # a process id, or nothing for the shell itself
  local group
  for group in $(group_folders "$1"); do echo "${2:-$BASHPID}" > "$group/cgroup.procs" || return; done
}

# v2 lets a group delegate controllers only while no process is in the group itself: those of the cluster move to a leaf, with whatever
# they start meanwhile.
delegate() {
  local group=/sys/fs/cgroup/weightlock-$1 pid controllers tries
  [ -e "$group/cgroup.controllers" ] || return 0
  mkdir "$group/init" || return
  controllers=$(sed 's/[^ ]*/+&/g' "$group/cgroup.controllers")
  for (( tries = 0; tries < 100; tries++ )); do
    while read -r pid; do echo "$pid" > "$group/init/cgroup.procs"; done < "$group/cgroup.procs" 2> /dev/null
    echo "$controllers" 2> /dev/null > "$group/cgroup.subtree_control" && return
    sleep 0.02
  done
  echo "cluster $1: cannot delegate control groups in $group" >&2
  return 1
}

# Ends every process of the cluster and removes its groups. Its first process ends all others, and with the last one mounts and interfaces go.
remove_groups() {
  local group left tries
  for (( tries = 0; tries < 300; tries++ )); do
    left=
    for group in $(group_folders "$1"); do
      [ -d "$group" ] || continue
      find "$group" -name cgroup.procs -exec cat {} + 2> /dev/null | xargs -r kill -KILL 2> /dev/null
      find "$group" -depth -type d -exec rmdir {} + 2> /dev/null || left=$group
    done
    [ -n "$left" ] || return 0
    sleep 0.1
  done
  echo "cluster $1: $left is still in use" >&2
  return 1
}
