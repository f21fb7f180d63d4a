#!/bin/bash
# keeper.sh NAME STATE BIN: stands outside of one cluster for as long as it lives, and leaves nothing when it ends, whoever is killed:
#  - this process starts the cluster's first process, which dies with it (setpriv, unshare --kill-child);
#  - a sweeper, in a session of its own, waits for this process to end, then removes control groups and state; only the logs stay;
#  - standard input is a leash: unless `stay` is read from it, the cluster ends when whoever holds it lets go.
# STATE.alive stays locked until both have ended. Should both be killed in the same instant, the next `up` or `down` sweeps.
set -u
name=$1 state=$2 bin=$3 here=$(dirname "$(realpath "$0")")
. "$here/cgroups.sh"

if [ "${4:-}" = sweep ]; then
  trap '' HUP INT TERM
  cat > /dev/null # until the keeper's end of this pipe is closed
  remove_groups "$name"
  find "$state" -mindepth 1 -maxdepth 1 ! -name logs -exec rm -rf {} +
  exit
fi

# Whoever starts a cluster may wait for the end of a pipe that it left open: nothing of its is kept but the leash.
for fd in /proc/$$/fd/*; do fd=${fd##*/}; (( fd <= 2 || fd == 255 )) || eval "exec $fd>&-"; done
exec 4<&0 < /dev/null 9> "$state.alive"
flock -n 9 || { echo "another cluster $name is alive"; exit 1; }
exec 3> >(exec 4<&-; exec setsid "$0" "$name" "$state" "$bin" sweep) || exit
make_groups "$name" || exit
( join_groups "$name" || exit
  exec 3>&- 4<&- 9>&-
  # A clean environment keeps settings of whoever starts a cluster (proxies, KUBECONFIG) out of it.
  exec setpriv --pdeathsig KILL env -i PATH="$bin:$PATH" HOME="$state/home" KUBECONFIG="$state/credentials/admin.kubeconfig" \
    unshare --mount --pid --fork --net --uts --ipc --cgroup --kill-child --mount-proc --propagation private "$here/inside.sh" "$state" ) &
outer=$!
# Before it is unshare it is a shell, which may have other children.
until [ "$(< "/proc/$outer/comm")" = unshare ] && inner=$(< "/proc/$outer/task/$outer/children") && [ -n "$inner" ]; do
  kill -0 $outer || exit # unshare has said why
  sleep 0.02
done
echo "${inner% }" > "$state/init.pid"
delegate "$name" && touch "$state/delegated" || exit
{ read -r word && [ "$word" = stay ] || kill -KILL "$inner"; } <&4 3>&- 9>&- &
wait $outer
