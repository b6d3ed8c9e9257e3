# shellcheck shell=bash
# JupyterHub's internal_ssl: the authorities are made in the hub's volume, the proxy's part of them
# becomes two Swarm secrets, whose names tell one content from another. That they are there is how a
# later run knows that it is on. Sourced after say.sh, settings.sh and secrets.sh.

INTERNAL_SSL=${INTERNAL_SSL:-}
INTERNAL_SSL_LABEL=swarmhub.internal-ssl
HUB_VOLUME=${STACK}_hub

check_internal_ssl() {
  case $INTERNAL_SSL in
    "" | on | off | renew) ;;
    *) die "INTERNAL_SSL=$INTERNAL_SSL is not known: give on, off or renew, or leave it as it was." ;;
  esac
}

internal_ssl_secrets() {
  docker secret ls --filter "label=$INTERNAL_SSL_LABEL" --format '{{.Name}}'
}

# proxy_part SIDE OPTION...: prints the PEM of one side of the proxy.
proxy_part() {
  docker run --rm --network none --volume "$HUB_VOLUME:/srv/swarmhub/hub" "$REPOSITORY/hub:latest" \
    python3 /opt/swarmhub/internal_ssl.py "$@" 2>>"$LOG"
}

# keep_proxy_part SIDE OPTION...: makes the secret of one side and sets NAME to its name.
keep_proxy_part() {
  local pem
  pem=$(proxy_part "$@") || {
    # shellcheck disable=SC2034  # read by say.sh
    KEEP_LOG=1
    die "The internal certificates cannot be made in the volume $HUB_VOLUME: see the log."
  }
  NAME=swarmhub-$1-ssl-$(printf '%s' "$pem" | sha256sum | cut -c1-12)
  if secret_exists "$NAME"; then return; fi
  printf '%s\n' "$pem" | docker secret create --label "$INTERNAL_SSL_LABEL=$1" "$NAME" - >>"$LOG"
}

# Exports the names of the two secrets, both empty if internal_ssl is off.
settle_internal_ssl() {
  local renew=()
  export SWARMHUB_PROXY_API_SSL='' SWARMHUB_PROXY_CLIENT_SSL=''
  if [ "$INTERNAL_SSL" = off ] || { [ -z "$INTERNAL_SSL" ] && [ -z "$(internal_ssl_secrets)" ]; }; then return; fi
  if [ "$INTERNAL_SSL" = renew ]; then renew=(--renew); fi
  keep_proxy_part proxy-api "${renew[@]}"
  SWARMHUB_PROXY_API_SSL=$NAME
  keep_proxy_part proxy-client
  SWARMHUB_PROXY_CLIENT_SSL=$NAME
  # Notebooks reach the hub by its name: the proxy's public port asks nobody who they are.
  export SWARMHUB_HUB_URL=
  note "hub, proxy and notebooks speak mutual TLS (internal_ssl)"
}

# Secrets that no service uses any more.
forget_internal_ssl() {
  local name
  for name in $(internal_ssl_secrets); do
    case $name in
      "$SWARMHUB_PROXY_API_SSL" | "$SWARMHUB_PROXY_CLIENT_SSL") ;;
      *) docker secret rm "$name" >>"$LOG" 2>&1 || true ;;
    esac
  done
}
