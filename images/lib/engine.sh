# shellcheck shell=bash
# The engine and its Swarm: found, installed, started, joined. Sourced after say.sh, settings.sh, missing.sh.

engine_answers() {
  [ -n "$(timeout 15 docker version --format '{{.Server.Version}}' 2>/dev/null)" ]
}

# Installs packages with apt; every lack of a means is one sentence.
install_packages() {
  if ! command -v apt-get >/dev/null; then
    die "This needs $*, and there is no apt-get here: install them by this system's own means and run it again."
  fi
  if [ "$(id -u)" -ne 0 ]; then
    die "This needs $*, and only root can install them: run it with sudo."
  fi
  run "apt-get update" 300 apt-get -q update
  run "installing $*" 900 env DEBIAN_FRONTEND=noninteractive \
    apt-get -qy install --no-install-recommends "$@"
}

start_engine() {
  if [ -d /run/systemd/system ]; then
    attempt "starting docker by systemd" 60 systemctl enable --now docker || true
  elif [ -x /etc/init.d/docker ]; then
    attempt "starting docker by its init script" 60 service docker start || true
  fi
  if wait_for 20 engine_answers; then return; fi
  note "no service manager started it: running dockerd directly, its output in /var/log/dockerd.log"
  # One that is merely slow holds the pid file, and this second one then ends itself.
  setsid dockerd >>/var/log/dockerd.log 2>&1 </dev/null &
  wait_for 60 engine_answers ||
    die "dockerd was started but does not answer within 60 s: look at /var/log/dockerd.log or journalctl -u docker."
}

# An engine that answers, whatever it takes.
ensure_engine() {
  if command -v docker >/dev/null && engine_answers; then
    note "using the engine $(docker version --format '{{.Server.Version}}') at $(engine_endpoint)"
    return
  fi
  if [ -n "${DOCKER_HOST:-}" ]; then
    command -v docker >/dev/null ||
      die "DOCKER_HOST is set but there is no docker command here: install it (apt-get install docker.io)."
    die "No engine answers at DOCKER_HOST=$DOCKER_HOST: start that engine, or unset DOCKER_HOST to use this machine's."
  fi
  if [ "$(id -u)" -ne 0 ]; then
    die "No Docker engine answers and you are not root: use sudo, or join the docker group if an engine runs here."
  fi
  if ! command -v dockerd >/dev/null || ! command -v docker >/dev/null; then
    note "no engine here: installing docker.io"
    install_packages docker.io iptables ca-certificates
  fi
  start_engine
  note "started the engine $(docker version --format '{{.Server.Version}}')"
}

# The path of the engine's socket on the engine's own host.
engine_socket() {
  local endpoint
  endpoint=$(engine_endpoint)
  case $endpoint in
    unix://*) echo "${endpoint#unix://}" ;;
    *) echo /var/run/docker.sock ;;
  esac
}

# The address to advertise when the engine cannot choose: of those that it names in its
# refusal, the default route's, else the first.
choose_advertise_addr() {
  local refusal=$1 candidates route
  candidates=$(grep -oE '\b[0-9]{1,3}(\.[0-9]{1,3}){3}\b' <<<"$refusal" || true)
  route=$(ip -4 route get 192.0.2.1 2>/dev/null | grep -oE 'src [0-9.]+' | cut -d' ' -f2 || true)
  if [ -n "$route" ] && { [ -z "$candidates" ] || grep -qxF "$route" <<<"$candidates"; }; then
    echo "$route"
  elif [ -n "$candidates" ]; then
    head -n 1 <<<"$candidates"
  else
    echo 127.0.0.1
  fi
}

# The largest packet that the way out takes: less than 1500 in tunnels and in some clouds.
path_mtu() {
  local device
  device=$(ip -4 route get 192.0.2.1 2>/dev/null | grep -oE 'dev [^ ]+' | cut -d' ' -f2 || true)
  cat "/sys/class/net/${device:-none}/mtu" 2>/dev/null || echo 1500
}

# Swarm makes its bridge to the world with an MTU of 1500, whatever the way out takes; downloads in
# notebooks then crawl. Made beforehand, it is used as it is.
fit_gateway_bridge() {
  local mtu option=com.docker.network
  mtu=$(path_mtu)
  if [ "$mtu" -ge 1500 ] || docker network inspect docker_gwbridge >/dev/null 2>&1; then return; fi
  docker network create --driver bridge --opt "$option.bridge.name=docker_gwbridge" \
    --opt "$option.bridge.enable_icc=false" --opt "$option.bridge.enable_ip_masquerade=true" \
    --opt "$option.driver.mtu=$mtu" docker_gwbridge >>"$LOG" 2>&1 || return 0
  note "packets are kept to the $mtu bytes that the way out takes"
}

ensure_swarm() {
  local refusal address=${SWARMHUB_ADVERTISE_ADDR:-}
  case $(swarm_state) in
    "active true")
      note "this engine is a manager of a Swarm"
      return
      ;;
    inactive*) ;;
    *) refuse_if "$(missing_manager)" ;;
  esac
  fit_gateway_bridge
  if [ -z "$address" ]; then
    if refusal=$(docker swarm init 2>&1); then
      note "made a Swarm of this one node"
      return
    fi
    address=$(choose_advertise_addr "$refusal")
  fi
  if ! refusal=$(docker swarm init --advertise-addr "$address" 2>&1); then
    die "docker swarm init failed ($(tail -n 1 <<<"$refusal")): set SWARMHUB_ADVERTISE_ADDR to this machine's address."
  fi
  note "made a Swarm of this one node, under $address"
}

# Hub and operator share one volume, so one manager carries a label that pins both to it.
ensure_state_label() {
  local self
  refuse_if "$(missing_state)"
  if [ -n "$(state_node)" ]; then return; fi
  self=$(docker info --format '{{.Swarm.NodeID}}')
  docker node update --label-add "$STATE_LABEL=true" "$self" >>"$LOG"
  note "hub, operator and their state are pinned to this node (label $STATE_LABEL)"
}

ensure_network() {
  local mtu
  if docker network inspect "$NETWORK" >/dev/null 2>&1; then return; fi
  # An overlay adds 50 bytes to what it carries between nodes.
  mtu=$(($(path_mtu) - 50))
  if ! docker network create --driver overlay --subnet "$SWARMHUB_SUBNET" \
    --opt "com.docker.network.driver.mtu=$((mtu < 1450 ? mtu : 1450))" "$NETWORK" >>"$LOG" 2>&1; then
    die "The network $NETWORK could not be made ($(tail -n 1 "$LOG")): set SWARMHUB_SUBNET to a free block such as 10.99.0.0/20."
  fi
}

# require_disk GIGABYTES: only where the engine's files can be seen from here.
require_disk() {
  local root free
  root=$(docker info --format '{{.DockerRootDir}}')
  if [ ! -d "$root" ]; then return; fi
  free=$(df -Pk "$root" | awk 'NR == 2 { print int($4 / 1024 / 1024) }')
  if ((free < $1)); then
    die "Only $free GB are free below $root and $1 GB are needed: free some space ('docker system prune' helps)."
  fi
}


# The address in use by somebody who is not our proxy.
require_port() {
  local ours
  ours=$(docker service inspect --format '{{range .Endpoint.Spec.Ports}}{{.PublishedPort}} {{end}}' "${STACK}_proxy" 2>/dev/null || true)
  if [[ " $ours " == *" $SWARMHUB_PORT "* ]]; then return; fi
  if [ -n "$(docker ps --quiet --filter "publish=$SWARMHUB_PORT")" ] ||
    timeout 5 bash -c "exec 3<>/dev/tcp/$SWARMHUB_ADDRESS/$SWARMHUB_PORT" 2>/dev/null; then
    die "Port $SWARMHUB_PORT is taken by another program: stop it, or choose another port (make up SWARMHUB_PORT=8080)."
  fi
}
