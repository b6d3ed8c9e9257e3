# shellcheck shell=bash
# The Swarm's other nodes: by which address they know this one, and the door through which they pull
# images. Sourced after say.sh and settings.sh.

# The address of the node that holds the state; nothing when the Swarm only knows a loopback one.
state_address() {
  local address
  # shellcheck disable=SC2046  # one argument a node
  address=$(docker node inspect --format '{{if .ManagerStatus}}{{.ManagerStatus.Addr}}{{end}}' \
    $(docker node ls --quiet --filter "node.label=$STATE_LABEL=true") | head -n 1)
  address=${address%:*}
  case $address in
    "" | 127.* | "[::1]" | 0.0.0.0) ;;
    *) echo "$address" ;;
  esac
}

# Exports where the registry's door for other nodes shall listen: nowhere in a Swarm of one node,
# where a door that was open is closed.
settle_pull_door() {
  local address=
  if [ "$(docker node ls --quiet | wc -l)" -gt 1 ]; then address=$(state_address); fi
  export SWARMHUB_REGISTRY_PULL_ADDRESS=${address:+$address:$SWARMHUB_REGISTRY_PULL_PORT}
  if [ -n "$address" ]; then
    note "other nodes pull from $SWARMHUB_REGISTRY_PULL_ADDRESS, by a relay on each (docs/nodes.md)"
  elif docker service inspect "${STACK}_registry-pull" >/dev/null 2>&1; then
    docker service rm "${STACK}_registry-pull" >>"$LOG"
    note "this is the only node now, so no other pulls: the registry's door is closed"
  fi
}

# Shows how far the nodes are with the images that the operator has them pull, and names those that
# cannot. SWARMHUB_PREPULL_WAIT=0: does not wait; pulling goes on all the same.
tell_pulls() {
  local line operator
  if [ "$SWARMHUB_PREPULL_WAIT" -eq 0 ]; then
    note "nodes go on pulling images: swarmhub images --watch"
    return
  fi
  operator=$(container_of operator)
  while read -r line; do note "$line"; done < <(timeout "$((SWARMHUB_PREPULL_WAIT + 30))" \
    docker exec "$operator" swarmhub images --wait "$SWARMHUB_PREPULL_WAIT" 2>>"$LOG" || true)
}
