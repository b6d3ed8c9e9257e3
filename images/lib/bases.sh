# shellcheck shell=bash
# Which base each image stands on: the community's where it can be pulled, else Debian's,
# built on the spot. Every choice is said aloud. Sourced after say.sh and settings.sh.

# shellcheck disable=SC2034  # BASE is read by build.sh
declare -A BASE=() SILENT=()
DEBIAN_BASE=
PROBE_SECONDS=${SWARMHUB_PROBE_SECONDS:-20}
REASON=

# The newest JupyterHub that the lock knows, which is what the images hold.
locked_jupyterhub() {
  awk '$1 == "name" { hub = ($3 == "\"jupyterhub\"") } $1 == "version" && hub { gsub(/"/, "", $3); print $3 }' \
    "$ROOT/uv.lock" | sort -V | tail -n 1
}

locked_proxy() {
  awk '/"node_modules\/configurable-http-proxy": / { found = 1 } found && $1 == "\"version\":" { gsub(/[",]/, "", $2); print $2; exit }' \
    "$ROOT/images/proxy/package-lock.json"
}

registry_of() {
  case $1 in
    *.*/* | *:*/* | localhost/*) echo "${1%%/*}" ;;
    *) echo docker.io ;;
  esac
}

# Ready to build on: present already, or pulled. A registry that gives no sign within
# PROBE_SECONDS is not asked again in this run; a pull that began may take 20 minutes.
obtainable() {
  local image=$1 registry out=$SCRATCH/pull began=$SECONDS answered='' pid
  if docker image inspect "$image" >/dev/null 2>&1; then
    REASON="present"
    return 0
  fi
  registry=$(registry_of "$image")
  if [ -n "${SILENT[$registry]:-}" ]; then
    REASON=${SILENT[$registry]}
    return 1
  fi
  : >"$out"
  docker pull "$image" >"$out" 2>&1 </dev/null &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    if grep -q 'Pulling' "$out"; then answered=1; fi
    if [ -z "$answered" ] && ((SECONDS - began >= PROBE_SECONDS)) || ((SECONDS - began >= 1200)); then
      kill "$pid" 2>/dev/null || true
      break
    fi
    sleep 0.2
  done
  if wait "$pid" 2>/dev/null; then
    REASON="pulled"
    return 0
  fi
  cat "$out" >>"$LOG"
  if grep -qiE 'manifest unknown|not found|denied|unauthorized' "$out"; then
    REASON="$registry has no $image"
  else
    REASON="$registry cannot be reached"
    SILENT[$registry]=$REASON
  fi
  return 1
}

# The bundle of authorities that this host trusts, a TLS-inspecting proxy's among them.
host_ca_bundle() {
  local file
  for file in "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
    if [ -s "$file" ]; then
      echo "$file"
      return
    fi
  done
  die "No bundle of certificate authorities is on this host: install ca-certificates."
}

# Builds the Debian base unless one of the same recipe is there; sets DEBIAN_BASE.
ensure_debian_base() {
  local recipe
  if [ -n "$DEBIAN_BASE" ]; then return; fi
  recipe=$(cat "$ROOT/images/base/make" "$(host_ca_bundle)" - <<<"${SWARMHUB_DEBIAN_MIRROR:-}" | sha256sum | cut -c1-12)
  DEBIAN_BASE=swarmhub-base:$recipe
  if docker image inspect "$DEBIAN_BASE" >/dev/null 2>&1; then return; fi
  if [ "$(id -u)" -ne 0 ]; then
    die "The community images cannot be pulled ($REASON) and only root can build the Debian base: use sudo, or name bases with SWARMHUB_HUB_BASE and its like (docs/images.md)."
  fi
  if ! command -v debootstrap >/dev/null; then
    install_packages debootstrap debian-archive-keyring
  fi
  run "building the Debian base" 1200 "$ROOT/images/base/make" "$DEBIAN_BASE" "$(host_ca_bundle)"
}

# choose_base COMPONENT OVERRIDE CANDIDATE...: sets BASE[COMPONENT]. An override is taken or
# refused, never silently replaced.
choose_base() {
  local component=$1 override=$2 candidate
  shift 2
  if [ -n "$override" ]; then
    obtainable "$override" || die "The base $override for $component cannot be had ($REASON): check the name."
    BASE[$component]=$override
    note "$component stands on $override, as you asked ($REASON)"
    return
  fi
  REASON="SWARMHUB_BASES=debian"
  if [ "${SWARMHUB_BASES:-auto}" != debian ]; then
    for candidate in "$@"; do
      if obtainable "$candidate"; then
        BASE[$component]=$candidate
        note "$component stands on $candidate ($REASON)"
        return
      fi
    done
  fi
  ensure_debian_base
  BASE[$component]=$DEBIAN_BASE
  note "$component stands on the Debian base built here ($REASON)"
}

choose_bases() {
  local hub
  hub=$(locked_jupyterhub)
  choose_base build "${SWARMHUB_PYTHON_BASE:-}" python:3.11-slim
  choose_base registry "${SWARMHUB_REGISTRY_BASE:-}" registry:2
  choose_base proxy "${SWARMHUB_PROXY_BASE:-}" "quay.io/jupyterhub/configurable-http-proxy:$(locked_proxy)"
  choose_base hub "${SWARMHUB_HUB_BASE:-}" "quay.io/jupyterhub/jupyterhub:$hub"
  choose_base operator "${SWARMHUB_PYTHON_BASE:-}" python:3.11-slim
  choose_base singleuser "${SWARMHUB_SINGLEUSER_BASE:-}" \
    "quay.io/jupyter/base-notebook:hub-$hub" quay.io/jupyter/base-notebook:latest
}
