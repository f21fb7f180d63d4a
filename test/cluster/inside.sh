#!/bin/bash
# inside.sh STATE: the first process of a cluster, in namespaces of its own. It makes them a node, starts Kubernetes, and ends when a component
# does; its end ends everything. Bash as process 1 also reaps what others orphan.
set -eu
state=$1 here=$(dirname "$(realpath "$0")")
. "$here/cgroups.sh"
. "$state/config/addresses" # node, node_address, services
credentials=$state/credentials
until [ -e "$state/delegated" ]; do sleep 0.02; done
cd "$state"

# --- the node ---
hostname "$node"
mount --make-rshared / # the kubelet's and containerd's mounts reach containers
# Paths that containerd, the kubelet and CNI plugins write whatever they are told: private, in memory.
for folder in /run /var/lib /var/log; do mount -t tmpfs -o mode=755 tmpfs "$folder"; done
# A /sys of the new network and cgroup namespaces. The old one must go as a whole: stale cgroup mounts would be found before the new ones.
umount --recursive --lazy /sys
mount -t sysfs sysfs /sys
if [ -n "$(hierarchies)" ]; then
  mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
  for hierarchy in $(hierarchies); do
    mkdir "/sys/fs/cgroup/${hierarchy#name=}"
    case $hierarchy in name=*) options=none,$hierarchy ;; *) options=$hierarchy ;; esac
    mount -t cgroup -o "$options" cgroup "/sys/fs/cgroup/${hierarchy#name=}"
  done
else
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
fi
# The kubelet would write these settings of the whole machine: it finds private files which say already what it wants.
while read -r setting value; do
  echo "$value" > "/run/${setting//\//.}"
  mount --bind "/run/${setting//\//.}" "/proc/sys/$setting"
done <<SETTINGS
vm/overcommit_memory 1
vm/panic_on_oom 0
kernel/panic 10
kernel/panic_on_oops 1
kernel/keys/root_maxkeys 1000000
kernel/keys/root_maxbytes 25000000
SETTINGS
ip link set lo up
ip link add node0 type veth peer name node1 # a pair carries the address: not every kernel has dummy devices
ip addr add "$node_address/32" dev node0
ip link set node0 up
ip link set node1 up
ip route add default dev node0 src "$node_address" # service addresses need some route before kube-proxy's rules see them
echo 1 > /proc/sys/net/ipv4/ip_forward

# --- Kubernetes ---
declare -A names=()
start() { # NAME COMMAND…
  local name=$1; shift
  "$@" > "logs/$name.log" 2>&1 < /dev/null &
  names[$!]=$name
}
fail() { echo "$1" > logs/failure; exit 1; }
alive() { local pid; for pid in "${!names[@]}"; do kill -0 "$pid" 2> /dev/null || fail "${names[$pid]} ended"; done; }
until_ok() { until "$@" > /dev/null 2>&1; do alive; sleep 0.1; done; }
user() { echo "--kubeconfig=$credentials/$1.kubeconfig"; }
delegated() { user "$1"; echo "--authentication-kubeconfig=$credentials/$1.kubeconfig" "--authorization-kubeconfig=$credentials/$1.kubeconfig"; }
unthrottled='--kube-api-qps=300 --kube-api-burst=600' # at 20 requests a second the controllers' start alone takes seconds

start containerd containerd --config config/containerd.toml
start etcd kube etcd --data-dir etcd --unsafe-no-fsync --log-level=warn \
  --listen-client-urls=http://127.0.0.1:2379 --advertise-client-urls=http://127.0.0.1:2379 --listen-peer-urls=http://127.0.0.1:2380
start kube-apiserver kube kube-apiserver --bind-address="$node_address" --advertise-address="$node_address" --secure-port=6443 \
  --etcd-servers=http://127.0.0.1:2379 --service-cluster-ip-range="$services" --allow-privileged --profiling=false \
  --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
  --client-ca-file="$credentials/ca.crt" --tls-cert-file="$credentials/apiserver.crt" --tls-private-key-file="$credentials/apiserver.key" \
  --service-account-issuer="https://$node_address:6443" --service-account-jwks-uri="https://$node_address:6443/openid/v1/jwks" \
  --service-account-key-file="$credentials/sa.pub" --service-account-signing-key-file="$credentials/sa.key" \
  --kubelet-certificate-authority="$credentials/ca.crt" --kubelet-preferred-address-types=InternalIP \
  --kubelet-client-certificate="$credentials/kubelet-client.crt" --kubelet-client-key="$credentials/kubelet-client.key" \
  --requestheader-client-ca-file="$credentials/front-proxy-ca.crt" --requestheader-allowed-names=front-proxy-client \
  --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group --requestheader-extra-headers-prefix=X-Remote-Extra- \
  --proxy-client-cert-file="$credentials/front-proxy-client.crt" --proxy-client-key-file="$credentials/front-proxy-client.key"
until_ok ctr --address /run/containerd/containerd.sock version
for image in images/*.tar; do ctr --address /run/containerd/containerd.sock --namespace k8s.io images import "$image" > logs/import.log 2>&1 || fail "cannot import $image"; done
until_ok kube kubectl get --raw /readyz
# shellcheck disable=SC2046,SC2086
start kube-controller-manager kube kube-controller-manager $(delegated kube-controller-manager) --bind-address=127.0.0.1 --leader-elect=false $unthrottled \
  --use-service-account-credentials --root-ca-file="$credentials/ca.crt" --service-account-private-key-file="$credentials/sa.key" \
  --cluster-signing-cert-file="$credentials/ca.crt" --cluster-signing-key-file="$credentials/ca.key" --flex-volume-plugin-dir="$state/volume-plugins"
# shellcheck disable=SC2046,SC2086
start kube-scheduler kube kube-scheduler $(delegated kube-scheduler) --bind-address=127.0.0.1 --leader-elect=false $unthrottled
start kubelet kube kubelet --config=config/kubelet.yaml "$(user kubelet)" --hostname-override="$node" --node-ip="$node_address" --root-dir="$state/kubelet" --v=2
start kube-proxy kube kube-proxy --config=config/kube-proxy.yaml --hostname-override="$node"
start api-socket kube kubectl proxy --unix-socket="$state/api.sock"
until_ok kube kubectl wait --for=condition=Ready "node/$node" --timeout=1s
until_ok kube kubectl get serviceaccount default
touch ready
wait -n -p ended || true
fail "${names[$ended]} ended"
