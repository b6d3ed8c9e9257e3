#!/bin/sh
# Runs inside the new namespaces of a node: sets up what the engine needs, then becomes the engine.
# Arguments: the node's folder, name, address with prefix length, gateway, MTU of the way out, and,
# if it shall have a relay, HOST:PORT of the registry of another node.
set -eu
folder=$1 name=$2 address=$3 gateway=$4 mtu=$5 registry=${6:-}

# The host answers one line when eth0 has arrived; it closes the pipe if it has died instead.
read -r _ || exit 1

# A /run of its own hides the host's engine and containerd, whose sockets ours would find there.
resolv=$(readlink -f /etc/resolv.conf)
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p "$(dirname "$resolv")"
[ -e "$resolv" ] || : >"$resolv"
mount --bind "$folder/resolv.conf" "$resolv"

hostname "$name"
ip link set lo up
ip address add "$address" dev eth0
ip link set eth0 up
ip route add default via "$gateway" mtu "$mtu"
if [ -n "$registry" ]; then
  # In a subshell that ends, so that the relay's parent is the node's init and not the engine.
  (socat TCP-LISTEN:5000,bind=127.0.0.1,reuseaddr,fork "TCP:$registry,connect-timeout=5" </dev/null &)
fi
exec dockerd --config-file "$folder/daemon.json" </dev/null
