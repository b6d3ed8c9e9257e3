# shellcheck shell=bash
# Deploys the registry, fills it, deploys the rest from it by digest, and waits until it works.
# Sourced after say.sh, settings.sh, engine.sh and nodes.sh.

IMAGES_DIR=$ROOT/images

deploy() {
  run "docker stack deploy" 120 docker stack deploy --resolve-image never "$@" "$STACK"
}

# True when the newest version of a service runs (a health check, if any, has passed).
service_runs() {
  local update tasks
  update=$(docker service inspect --format '{{if .UpdateStatus}}{{.UpdateStatus.State}}{{end}}' "${STACK}_$1")
  tasks=$(docker service ps --filter desired-state=running --format '{{.CurrentState}}' "${STACK}_$1")
  [[ $update != updating && $tasks == Running* ]]
}

# A program whose port is taken runs for a moment too: look twice.
runs_steadily() {
  service_runs "$1" && sleep 2 && service_runs "$1"
}

# The running container of a service on this engine.
container_of() {
  docker ps --quiet --filter "label=com.docker.swarm.service.name=${STACK}_$1" --filter status=running | head -n 1
}

# explain SERVICE: what the Swarm and the service itself said last, for a person.
explain() {
  docker service ps --no-trunc --format '{{.CurrentState}} {{.Error}}' "${STACK}_$1" 2>/dev/null | head -n 3 | sed 's/^/    | /' >&2
  timeout 10 docker service logs --raw --tail 15 "${STACK}_$1" 2>&1 | sed 's/^/    | /' >&2 || true
}

deploy_registry() {
  local id words
  id=$(docker image inspect --format '{{.Id}}' "$REPOSITORY/registry:latest")
  export SWARMHUB_REGISTRY_PORT SWARMHUB_REGISTRY_TAG=${id:7:12}
  docker tag "$REPOSITORY/registry:latest" "$REPOSITORY/registry:$SWARMHUB_REGISTRY_TAG"
  deploy -c "$IMAGES_DIR/registry.yml"
  if wait_for 60 runs_steadily registry; then return; fi
  words=$(timeout 10 docker service logs --tail 5 "${STACK}_registry" 2>&1 || true)
  if [[ $words == *"address already in use"* ]]; then
    die "Port $SWARMHUB_REGISTRY_PORT of the engine's loopback is taken by another program: stop it, or choose another port (make up SWARMHUB_REGISTRY_PORT=5001)."
  fi
  explain registry
  die "The registry did not start within 60 s: see the lines above."
}

push_to_log() {
  docker push "$1" >"$2"
}

# push COMPONENT: sets DIGEST.
push() {
  local out=$SCRATCH/push-$1
  run "pushing $1" 900 push_to_log "$REPOSITORY/$1:latest" "$out"
  DIGEST=$(grep -oE 'sha256:[0-9a-f]{64}' "$out" | tail -n 1)
  docker exec "$(container_of registry)" test -d "/srv/swarmhub/registry/docker/registry/v2/repositories/swarmhub/$1" ||
    die "Another registry than swarmhub's took $1 at port $SWARMHUB_REGISTRY_PORT: stop it, or set SWARMHUB_REGISTRY_PORT to a free port."
}

# Fills the registry and exports the images' names by digest for the stack file.
push_images() {
  local component
  for component in "${COMPONENTS[@]}"; do
    push "$component"
    export "SWARMHUB_${component^^}_IMAGE=$REPOSITORY/$component@$DIGEST"
  done
}

# Adds to `files` of the caller what TLS takes, or ends the service that brought the certificate.
settle_tls() {
  if ! tls_is_on; then
    docker service rm "${STACK}_tls" >>"$LOG" 2>&1 || true
    return
  fi
  export SWARMHUB_TLS_CERTIFICATE=${SITE_SECRET[SWARMHUB_TLS_CERTIFICATE_FILE]}
  export SWARMHUB_TLS_KEY=${SITE_SECRET[SWARMHUB_TLS_KEY_FILE]}
  files+=(-c "$IMAGES_DIR/tls.yml")
  if [ -z "$SWARMHUB_REDIRECT_PORT" ]; then return; fi
  export SWARMHUB_REDIRECT_PORT
  files+=(-c "$IMAGES_DIR/tls-redirect.yml")
}

# Adds to `files` of the caller that the operator tells its metrics, if there is a network made for that.
settle_metrics() {
  local subnets
  subnets=$(docker network inspect --format '{{range .IPAM.Config}}{{println .Subnet}}{{end}}' "$MONITORING" 2>>"$LOG") || return 0
  # No IPv6: its addresses have no dot.
  SWARMHUB_METRICS_FROM=$(grep -F . <<<"$subnets" | paste -sd ,) || true
  if [ -z "$SWARMHUB_METRICS_FROM" ]; then
    die "The network $MONITORING has no IPv4 addresses: remove it and make it as docs/metrics.md says."
  fi
  export SWARMHUB_METRICS_FROM
  files+=(-c "$IMAGES_DIR/monitoring/operator.yml")
  note "whoever is in the network $MONITORING can read the operator's metrics"
}

# The group that may use the engine's socket, as a container sees it.
socket_group() {
  docker run --rm --network none --user 0 --volume "$1:/engine.sock:ro" "$REPOSITORY/operator:latest" \
    stat -c %g /engine.sock
}

# Where notebooks reach the hub whatever restarts: the proxy's port on the node of hub and proxy.
# Nothing when the Swarm only knows that node by a loopback address.
hub_url() {
  local address
  # With TLS that port wants a name that the certificate holds, and none of them is an address.
  if tls_is_on; then return; fi
  address=$(state_address)
  if [ -n "$address" ]; then echo "http://$address:$SWARMHUB_PORT"; fi
}

# deploy_all HUB_CONFIG_NAME POLICY_NAME SETTINGS_NAME REGISTRY_AUTH_NAME: all but the third may be empty.
deploy_all() {
  local files=(-c "$IMAGES_DIR/registry.yml" -c "$IMAGES_DIR/stack.yml")
  if [ -n "$SWARMHUB_REGISTRY_PULL_ADDRESS" ]; then files+=(-c "$IMAGES_DIR/registry-pull.yml"); fi
  SWARMHUB_DOCKER_SOCKET=$(engine_socket)
  SWARMHUB_DOCKER_GID=$(socket_group "$SWARMHUB_DOCKER_SOCKET")
  SWARMHUB_HUB_URL=${SWARMHUB_HUB_URL-$(hub_url)}
  export SWARMHUB_HUB_URL SWARMHUB_PORT SWARMHUB_DOCKER_SOCKET SWARMHUB_DOCKER_GID
  export SWARMHUB_HUB_CONFIG=$1 SWARMHUB_OPERATOR_POLICY=$2 SWARMHUB_HUB_SETTINGS=$3
  # A folder is shipped as an archive, and mounted as one.
  export SWARMHUB_HUB_CONFIG_SUFFIX=py
  if [[ $1 == swarmhub-hub-config-folder-* ]]; then SWARMHUB_HUB_CONFIG_SUFFIX=tar; fi
  files+=(-c "$IMAGES_DIR/hub-settings.yml")
  if has_hub_secrets; then
    hub_secrets_overlay >"$SCRATCH/hub-secrets.yml"
    files+=(-c "$SCRATCH/hub-secrets.yml")
  fi
  settle_tls
  if [ -n "$1" ]; then files+=(-c "$IMAGES_DIR/hub-config.yml"); fi
  if [ -n "$2" ]; then files+=(-c "$IMAGES_DIR/operator-policy.yml"); fi
  export SWARMHUB_REGISTRY_AUTH=$4
  if [ -n "$4" ]; then files+=(-c "$IMAGES_DIR/operator-registry-auth.yml"); fi
  if [ -n "$SWARMHUB_PROXY_CLIENT_SSL" ]; then files+=(-c "$IMAGES_DIR/internal-ssl.yml"); fi
  settle_metrics
  deploy "${files[@]}"
}

login_works() {
  docker exec "$(container_of hub)" python3 /opt/swarmhub/login_check.py "$(scheme)"
}

hub_url_reached() {
  docker exec "$(container_of operator)" python3 -c '
import sys, urllib.request
urllib.request.urlopen(sys.argv[1] + "/hub/api", timeout=5)' "$SWARMHUB_HUB_URL"
}

# Notebooks use the proxy's port on the node, unless a firewall keeps containers from it.
settle_hub_url() {
  if [ -z "$SWARMHUB_HUB_URL" ] || wait_for 20 hub_url_reached; then return; fi
  note "containers do not reach $SWARMHUB_HUB_URL (a firewall?): notebooks use the hub's name instead"
  export SWARMHUB_HUB_URL=
}

# The proxy's published port answers at the address by which this host reaches it.
page_answers() {
  local answer
  if tls_is_on; then
    timeout 10 bash -c "exec 3<>/dev/tcp/$SWARMHUB_ADDRESS/$SWARMHUB_PORT"
    return
  fi
  # shellcheck disable=SC2016  # expanded by the inner shell
  answer=$(timeout 10 bash -c 'exec 3<>"/dev/tcp/$0/$1"
    printf "GET /hub/login HTTP/1.0\r\nHost: %s:%s\r\n\r\n" "$0" "$1" >&3
    head -n 1 <&3' "$SWARMHUB_ADDRESS" "$SWARMHUB_PORT")
  [[ $answer =~ ^HTTP/1\.[01]\ [234] ]]
}

# Bounded waits, each with the culprit's own words when it fails.
wait_until_it_works() {
  local service
  sleep 1
  for service in $(tls_is_on && echo tls) proxy hub operator; do
    if ! wait_for 120 service_runs "$service"; then
      explain "$service"
      die "The service ${STACK}_$service does not run after 120 s: see its last words above."
    fi
    note "$service runs"
  done
  if [ -n "$SWARMHUB_REGISTRY_PULL_ADDRESS" ] && ! wait_for 60 runs_steadily registry-pull; then
    explain registry-pull
    die "No other node can pull, as nothing listens on $SWARMHUB_REGISTRY_PULL_ADDRESS: see the lines above; if that port is taken, choose another (make up SWARMHUB_REGISTRY_PULL_PORT=5002)."
  fi
  if ! wait_for 120 login_works; then
    tail -n 2 "$LOG" | sed 's/^/    | /' >&2
    explain hub
    die "Nobody can log in after 120 s: see the hub's last words above."
  fi
  wait_for 20 page_answers ||
    die "The hub works but $SWARMHUB_ADDRESS:$SWARMHUB_PORT does not answer from here: set SWARMHUB_ADDRESS to this node's address."
}
