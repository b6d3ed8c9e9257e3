# shellcheck shell=bash
# What is missing when nothing can be done here: one sentence, with the next step in it. Each of
# these functions prints it, or nothing when all it looks at is there. Sourced after settings.sh.

ENGINE_WITHIN=15 # seconds; an engine that hangs is told of, too

# The address of the engine that the docker command asks.
engine_endpoint() {
  docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null || echo "${DOCKER_HOST:-the default socket}"
}

# The state of this engine's Swarm, and whether it is a manager of it.
swarm_state() {
  docker info --format '{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}'
}

# An engine that answers this user.
missing_engine() {
  local said status=0 endpoint
  if ! command -v docker >/dev/null; then
    echo "There is no docker command here: run this on the manager where 'make up' ran, or install it (apt-get install docker.io)."
    return
  fi
  said=$(timeout --foreground "$ENGINE_WITHIN" docker version --format '{{.Server.Version}}' 2>&1 >/dev/null) || status=$?
  if [ "$status" -eq 0 ]; then return; fi
  endpoint=$(engine_endpoint)
  case "$status $endpoint $said" in
    124*) echo "The engine at $endpoint does not answer within $ENGINE_WITHIN s: see 'journalctl -u docker -n 50' on its machine; 'systemctl restart docker' there ends all that runs on it and starts it anew." ;;
    *"permission denied"*) echo "The engine at $endpoint is there, and you may not use it: use sudo, or join the group of its socket ('sudo usermod -aG docker $(id -un)', then log in again)." ;;
    *"too old"* | *"too new"*) echo "The docker command here and the engine at $endpoint are of versions that do not go together ($(tail -n 1 <<<"$said")): install the docker command of the engine's version." ;;
    *" unix://"* | *" the default socket "*) echo "No engine answers at $endpoint: start it ('sudo systemctl start docker'; 'journalctl -u docker -n 50' says why it ended), or set DOCKER_HOST to the manager where 'make up' ran." ;;
    *) echo "No engine answers at $endpoint: start it on that machine, or correct DOCKER_HOST ('docker context ls' shows what is chosen)." ;;
  esac
}

# A Swarm whose manager this engine is.
missing_manager() {
  case $(swarm_state 2>/dev/null) in
    inactive*) echo "This engine is in no Swarm, so there is no swarmhub: run 'make up', or point DOCKER_HOST at the manager where it ran." ;;
    "active false") echo "This engine is a worker of a Swarm: run this on a manager, or point DOCKER_HOST at one." ;;
    locked*) echo "This engine's Swarm is locked: run 'docker swarm unlock' first." ;;
    pending* | error*) echo "This engine is in a Swarm that does not answer: see 'docker info', then rejoin or 'docker swarm leave --force'." ;;
  esac
}

# The id of the node that carries the label of the state; nothing when none does.
state_node() {
  local node
  for node in $(docker node ls --quiet); do
    if [ "$(docker node inspect --format "{{index .Spec.Labels \"$STATE_LABEL\"}}" "$node")" = true ]; then
      echo "$node"
      return
    fi
  done
}

# The state on this engine, when the label says that it is another node's. For managers.
missing_state() {
  local found
  found=$(state_node)
  if [ -z "$found" ] || [ "$found" = "$(docker info --format '{{.Swarm.NodeID}}')" ]; then return; fi
  echo "swarmhub's state lives on the node $(docker node inspect --format '{{.Description.Hostname}}' "$found"): run this there, or point DOCKER_HOST at its engine."
}

# Whatever there is to say of an engine that answers and has no state of swarmhub.
missing_swarmhub() {
  local said
  said=$(missing_manager)
  if [ -z "$said" ]; then said=$(missing_state 2>/dev/null) || true; fi
  echo "${said:-"There is no swarmhub on this engine: run 'make up' first, or point DOCKER_HOST at the node where it ran."}"
}

# What can be seen of this machine itself while its engine does not answer, one line each.
host_facts() {
  local root=/var/lib/docker
  case $(engine_endpoint) in
    unix://* | "the default socket") ;;
    *) return ;; # it is another machine's
  esac
  if [ -d /run/systemd/system ]; then
    echo "  docker's service: $(systemctl is-active docker 2>/dev/null || true)"
  fi
  if [ -d "$root" ]; then df -Pk "$root" | awk 'NR == 2 { print $4, $2 }' | told_room "disk of $root"; fi
  awk '/^MemTotal/ { total = $2 } /^MemAvailable/ { free = $2 } END { print free, total }' /proc/meminfo | told_room memory
}

# told_room WHAT: of how many KiB how many are free, as read from standard input.
told_room() {
  awk -v what="$1" '$2 > 0 {
    printf "  %s: %d of %d MiB are free%s\n", what, $1 / 1024, $2 / 1024, $1 * 10 < $2 ? ", which is little" : ""
  }'
}
