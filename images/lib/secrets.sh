# shellcheck shell=bash
# What is generated at the first run and then lives in the Swarm alone. Values go to docker by
# standard input, never by a command line. Sourced after say.sh.

USER_PASSWORD=
ADMIN_PASSWORD=

random_text() {
  head -c 2048 /dev/urandom | LC_ALL=C tr -dc 'A-Za-z0-9' | cut -c "1-$1"
}

random_hex() {
  head -c "$1" /dev/urandom | od -An -v -tx1 | tr -d ' \n'
}

secret_exists() {
  docker secret inspect "$1" >/dev/null 2>&1
}

# make_secret NAME VALUE
make_secret() {
  printf '%s' "$2" | docker secret create --label swarmhub.secret=stack "$1" - >>"$LOG"
}

# Makes what is missing; the passwords that it makes stay in two variables until they are told.
ensure_secrets() {
  if ! secret_exists swarmhub-proxy-token; then
    make_secret swarmhub-proxy-token "$(random_hex 32)"
  fi
  if ! secret_exists swarmhub-cookie-secret; then
    make_secret swarmhub-cookie-secret "$(random_hex 32)"
  fi
  # 20 of 62 characters are 119 bits; JupyterHub asks for 32 from an administrator.
  if ! secret_exists swarmhub-user-password; then
    USER_PASSWORD=$(random_text 20)
    make_secret swarmhub-user-password "$USER_PASSWORD"
  fi
  if ! secret_exists swarmhub-admin-password; then
    ADMIN_PASSWORD=$(random_text 32)
    make_secret swarmhub-admin-password "$ADMIN_PASSWORD"
  fi
}

# The secrets with logins at registries, the newest first.
registry_auths() {
  local ids
  ids=$(docker secret ls --quiet --filter label=swarmhub.secret=registry-auth)
  if [ -z "$ids" ]; then return; fi
  # shellcheck disable=SC2086  # one argument an id
  docker secret inspect --format '{{.CreatedAt.UnixNano}} {{.Spec.Name}}' $ids | sort -rn | cut -d' ' -f2
}

# ship_registry_auth FILE: prints the name to mount. No FILE: the one in use, if any; "none": none.
# The name tells nothing of the content, not even by a hash: names can be read by more people.
ship_registry_auth() {
  local file=$1 name
  case $file in
    "") registry_auths | head -n 1 ;;
    none) ;;
    *)
      name=swarmhub-registry-auth-$(random_hex 6)
      docker secret create --label swarmhub.secret=registry-auth "$name" - <"$file" >>"$LOG"
      echo "$name"
      ;;
  esac
}

# forget_registry_auths NAME: removes all but the one in use.
forget_registry_auths() {
  local name
  for name in $(registry_auths); do
    if [ "$name" != "$1" ]; then docker secret rm "$name" >>"$LOG" 2>&1 || true; fi
  done
}

# Has the operator's own program judge the file before anything is replaced.
check_registry_auth() {
  case $1 in "" | none) return ;; esac
  [ -r "$1" ] || die "REGISTRY_AUTH=$1 cannot be read: give the path of a config.json, or 'none' to do without."
  docker run --rm --interactive --network none --user 0 "$REPOSITORY/operator:latest" python3 -c '
import sys
from swarmhub_operator.engine.credentials import CredentialsError, parse
try:
    parse(sys.stdin.read())
except CredentialsError as error:
    sys.exit(f"    | {error}")' <"$1" || die "REGISTRY_AUTH=$1 cannot be used: see the line above."
}

# Prints what was generated in this run, once.
tell_logins() {
  # A bare return would hand on the status that ended the script, as this runs in its exit trap.
  if [ -z "$USER_PASSWORD$ADMIN_PASSWORD" ]; then return 0; fi
  printf '\nGenerated now, and printed this once:\n'
  if [ -n "$ADMIN_PASSWORD" ]; then printf '  administrator  %-10s  %s\n' "${SETTING[SWARMHUB_ADMIN_USERS]:-admin}" "$ADMIN_PASSWORD"; fi
  if [ -n "$USER_PASSWORD" ]; then printf '  anybody else   any name    %s\n' "$USER_PASSWORD"; fi
  USER_PASSWORD=
  ADMIN_PASSWORD=
}
