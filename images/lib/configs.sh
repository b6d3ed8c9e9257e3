# shellcheck shell=bash
# A site's own files, shipped to the hub and the operator as Docker configs: the content's hash is
# in the name, and the newest of a kind is what later runs go on using. Sourced after say.sh.

CONFIG_LABEL=swarmhub.config

# The names of the configs of a kind, the newest first.
configs_of() {
  local ids
  ids=$(docker config ls --quiet --filter "label=$CONFIG_LABEL=$1")
  if [ -z "$ids" ]; then return; fi
  # shellcheck disable=SC2086  # one argument an id
  docker config inspect --format '{{.CreatedAt.UnixNano}} {{.Spec.Name}}' $ids | sort -rn | cut -d' ' -f2
}

# content_of_config NAME
content_of_config() {
  docker config inspect --format '{{json .Spec.Data}}' "$1" | tr -d '"' | base64 -d
}

# An archive of a folder, the same bytes for the same content.
archive_folder() {
  tar -C "$1" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=go=rX,u+rX -ch --exclude=__pycache__ .
}

# ship_config KIND FILE: prints the name to mount. No FILE: the one in use, if any; "default": none.
# A folder is shipped as an archive, which its name tells.
ship_config() {
  local kind=$1 file=$2 name content=$SCRATCH/$1 infix=
  if [ -d "$file" ]; then
    archive_folder "$file" >"$SCRATCH/$kind.tar"
    file=$SCRATCH/$kind.tar infix=folder-
  fi
  case $file in
    "") configs_of "$kind" | head -n 1 ;;
    default) ;;
    *)
      cat -- "$file" >"$content"
      # The engine takes no empty config, and says "not found" of it when it is to be mounted.
      if [ ! -s "$content" ]; then echo "# nothing is set here" >"$content"; fi
      name=swarmhub-$kind-$infix$(sha256sum <"$content" | cut -c1-12)
      # An earlier file is in use again: it must become the newest, so it needs a name of its own.
      if [[ $'\n'$(configs_of "$kind" | tail -n +2)$'\n' == *$'\n'"$name"$'\n'* ]]; then
        name=$name-$(date +%s)
      fi
      if ! docker config inspect "$name" >/dev/null 2>&1; then
        docker config create --label "$CONFIG_LABEL=$kind" "$name" - <"$content" >>"$LOG"
      fi
      echo "$name"
      ;;
  esac
}

# forget_configs KIND NAME: removes all of a kind but the one in use.
forget_configs() {
  local name
  for name in $(configs_of "$1"); do
    if [ "$name" != "$2" ]; then docker config rm "$name" >>"$LOG" 2>&1 || true; fi
  done
}

require_file() {
  case $2 in
    "" | default) ;;
    *) [ -r "$2" ] || die "$1=$2 cannot be read: give the path of it, or 'default' to do without." ;;
  esac
}
