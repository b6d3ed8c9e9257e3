# shellcheck shell=bash
# What a site has set for the hub: collected from a file, from `make up NAME=value` and from the run
# before, checked by the hub's own image, and shipped as one Docker config and as secrets. Sourced
# after say.sh, settings.sh and configs.sh.

SITE=$SCRATCH/site
SECRET_LABEL=swarmhub.site-secret
declare -A SETTING=()
declare -A SITE_SECRET=() # Swarm's name of it, by the name of the variable

# Variables of make itself, and of other programs of the project.
not_of_the_hub() {
  case $1 in
    SWARMHUB_*_BASE | SWARMHUB_BASES | SWARMHUB_DEBIAN_* | SWARMHUB_PROBE_SECONDS | SWARMHUB_REGISTRY_*) ;;
    SWARMHUB_ADVERTISE_ADDR | SWARMHUB_SUBNET | SWARMHUB_HUB_URL | SWARMHUB_STATE_URL) ;;
    SWARMHUB_TEST_* | SWARMHUB_SOAK | SWARMHUB_COLUMNS | SWARMHUB_PREPULL_WAIT) ;;
    *) return 1 ;;
  esac
}

# set_setting NAME VALUE: an empty value takes it back. The path of a file is made absolute, as the
# next run may start elsewhere.
set_setting() {
  local value=$2
  if [[ $1 == *_FILE && $value != "" && $value != /* ]]; then value=$PWD/$value; fi
  if [ -n "$value" ]; then SETTING[$1]=$value; else unset "SETTING[$1]"; fi
}

# read_settings FILE: lines NAME=value; what begins with # is a remark.
read_settings() {
  local line number=0
  while IFS= read -r line || [ -n "$line" ]; do
    number=$((number + 1))
    line=${line%$'\r'}
    if [[ $line =~ ^[[:space:]]*(#.*)?$ ]]; then continue; fi
    [[ $line =~ ^([A-Z][A-Z0-9_]*)=(.*)$ ]] ||
      die "Line $number of $1 is not NAME=value: write it so, without spaces around the =."
    set_setting "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
  done <"$1"
}

# Fills SETTING: the file that HUB_SETTINGS names, else what holds since the last run; then what was
# given to this run. Those that make itself reads become variables.
collect_settings() {
  local name remembered
  case ${HUB_SETTINGS:-} in
    "")
      remembered=$(configs_of hub-settings | head -n 1)
      if [ -n "$remembered" ]; then
        content_of_config "$remembered" >"$SCRATCH/remembered"
        read_settings "$SCRATCH/remembered"
      fi
      ;;
    default) ;;
    *) read_settings "$HUB_SETTINGS" ;;
  esac
  for name in $(compgen -e SWARMHUB_); do
    if ! not_of_the_hub "$name"; then set_setting "$name" "${!name}"; fi
  done
  SWARMHUB_PORT=${SETTING[SWARMHUB_PORT]:-8000}
  SWARMHUB_ADDRESS=${SETTING[SWARMHUB_ADDRESS]:-127.0.0.1}
  SWARMHUB_REDIRECT_PORT=${SETTING[SWARMHUB_REDIRECT_PORT]:-}
}

# Swarm's name of the newest secret for a variable; nothing if there is none.
secret_in_swarm() {
  local ids
  ids=$(docker secret ls --quiet --filter "label=$SECRET_LABEL=$1")
  if [ -z "$ids" ]; then return; fi
  # shellcheck disable=SC2086  # one argument an id
  docker secret inspect --format '{{.UpdatedAt.UnixNano}} {{.Spec.Name}}' $ids | sort -rn | head -n 1 | cut -d' ' -f2
}

# The file or folder of an earlier run, which goes on: what now stands around it may not go with it.
stage_remembered_config() {
  local name
  name=$(configs_of hub-config | head -n 1)
  if [ -z "$name" ]; then return; fi
  touch "$SITE/known"
  if [[ $name == swarmhub-hub-config-folder-* ]]; then
    content_of_config "$name" | tar -C "$SITE/config.d" -x
  else
    content_of_config "$name" >"$SITE/config.d/$name.py"
  fi
}

# Lays out what the check looks at. A file that is gone by now goes on as the secret it has become.
stage_site() {
  local name
  mkdir -p "$SITE/secrets" "$SITE/config.d"
  : >"$SITE/kept"
  : >"$SITE/settings.env"
  for name in $(printf '%s\n' "${!SETTING[@]}" | LC_ALL=C sort); do
    printf '%s=%s\n' "$name" "${SETTING[$name]}" >>"$SITE/settings.env"
    if [[ $name != *_FILE ]]; then continue; fi
    if [ -r "${SETTING[$name]}" ] && [ -f "${SETTING[$name]}" ]; then
      (umask 077 && cat "${SETTING[$name]}" >"$SITE/secrets/$name")
      continue
    fi
    SITE_SECRET[$name]=$(secret_in_swarm "$name")
    [ -n "${SITE_SECRET[$name]}" ] ||
      die "$name=${SETTING[$name]} cannot be read: give the path of a file."
    echo "$name" >>"$SITE/kept"
    note "${SETTING[$name]} is not here, so what it held at the last run goes on"
  done
  case $HUB_CONFIG in
    "") stage_remembered_config ;;
    default) ;;
    *) if [ -d "$HUB_CONFIG" ]; then cp -RL "$HUB_CONFIG/." "$SITE/config.d/"; else cp "$HUB_CONFIG" "$SITE/config.d/$(basename "$HUB_CONFIG" .py).py"; fi ;;
  esac
}

# keep_secret VARIABLE MOUNTED FINGERPRINT: a secret whose name tells its content from others.
keep_secret() {
  local name=$2-$3
  if secret_exists "$name" && [ "$(secret_in_swarm "$1")" != "$name" ]; then
    name=$name-$(date +%s) # an earlier content is in use again: it must become the newest
  fi
  if ! secret_exists "$name"; then
    docker secret create --label "$SECRET_LABEL=$1" "$name" - <"$SITE/secrets/$1" >>"$LOG"
  fi
  SITE_SECRET[$1]=$name
}

# Has the hub's image judge all of it, before anything is deployed, and ships the secrets.
check_site() {
  local word rest variable mounted print
  stage_site
  if ! tar -C "$SITE" -c . | docker run --rm --interactive --network none \
    --env SWARMHUB_IMAGE="$SWARMHUB_SINGLEUSER_IMAGE" --env SWARMHUB_NETWORK=swarmhub_notebooks \
    --env SWARMHUB_STATE_URL=sqlite:////srv/swarmhub/state/state.db --env SWARMHUB_HUB_URL= "$REPOSITORY/hub:latest" \
    python3 -m swarmhub_hub.check >"$SCRATCH/checked" 2>"$SCRATCH/refused"; then
    if grep -q "^The options of the spawner" "$SCRATCH/refused"; then
      sed -n '/^The options of the spawner/,$s/^/    | /p' "$SCRATCH/refused" >&2
      die "the hub would not start with these options: see the lines above (docs/compatibility.md)."
    fi
    die "$(tail -n 1 "$SCRATCH/refused")"
  fi
  while read -r word rest; do
    case $word in
      note) note "$rest" ;;
      secret)
        read -r variable mounted print <<<"$rest"
        keep_secret "$variable" "$mounted" "$print"
        ;;
    esac
  done <"$SCRATCH/checked"
}

tls_is_on() {
  [ -n "${SETTING[SWARMHUB_TLS_CERTIFICATE_FILE]:-}" ]
}

# The URL scheme of the login page.
scheme() {
  if tls_is_on; then echo https; else echo http; fi
}

# A settings file of what holds now, for the hub and for the next run.
ship_settings() {
  ship_config hub-settings "$SITE/settings.env"
}

# The variables whose secrets the hub gets; those of TLS are the proxy's.
hub_secrets() {
  printf '%s\n' "${!SITE_SECRET[@]}" | grep -v '^SWARMHUB_TLS_' | LC_ALL=C sort
}

has_hub_secrets() {
  [ -n "$(hub_secrets)" ]
}

# Of the hub's secrets, as `docker stack deploy` wants to read it.
hub_secrets_overlay() {
  local variable name
  printf 'version: "3.8"\nservices:\n  hub:\n    secrets:\n'
  for variable in $(hub_secrets); do
    name=${variable#SWARMHUB_}
    name=${name%_FILE}
    name=${name,,}
    printf '      - {source: %s, target: swarmhub-%s, uid: "10001", gid: "10001", mode: 0400}\n' "$variable" "${name//_/-}"
  done
  printf 'secrets:\n'
  for variable in $(hub_secrets); do
    printf '  %s: {external: true, name: %s}\n' "$variable" "${SITE_SECRET[$variable]}"
  done
}

# Secrets of earlier contents; what is still in use refuses to go and goes at a later run.
forget_secrets() {
  local name
  for name in $(docker secret ls --filter "label=$SECRET_LABEL" --format '{{.Name}}'); do
    if [[ " ${SITE_SECRET[*]} " != *" $name "* ]]; then docker secret rm "$name" >>"$LOG" 2>&1 || true; fi
  done
}
