# shellcheck shell=bash
# Builds the images from a context that holds nothing but what they are made of. Sourced
# after say.sh, settings.sh and bases.sh.

CONTEXT=
SOURCE=

# Lays out the build context and sets SOURCE, the hash of everything that goes into the images.
stage_context() {
  CONTEXT=$SCRATCH/context
  mkdir "$CONTEXT"
  tar -C "$ROOT" --exclude=__pycache__ --exclude='*.pyc' --exclude=images/bin --exclude=images/lib \
    -c pyproject.toml uv.lock crds spawner operator images | tar -C "$CONTEXT" -x --no-same-owner
  chmod -R go=u,go-w "$CONTEXT"
  install -m 0644 "$(host_ca_bundle)" "$CONTEXT/ca-certificates.crt"
  SOURCE=$({
    (cd "$CONTEXT" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum)
    env | LC_ALL=C sort | grep -E '^SWARMHUB_([A-Z]*_BASE|BASES|DEBIAN_[A-Z_]*)=' || true
  } | sha256sum | cut -c1-12)
}

# All five are there, made of just these sources.
images_current() {
  local component
  for component in "${COMPONENTS[@]}"; do
    docker image inspect "$REPOSITORY/$component:src-$SOURCE" >/dev/null 2>&1 || return 1
  done
}

# docker_build NAME DIRECTORY ARGUMENT...: one image, behind the same proxy as this shell.
docker_build() {
  local name=$1 directory=$2 variable arguments=()
  shift 2
  for variable in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
    if [ -n "${!variable:-}" ]; then arguments+=(--build-arg "$variable"); fi
  done
  run "building $directory" 1800 docker build --tag "$name" \
    --file "$CONTEXT/images/$directory/Dockerfile" "${arguments[@]}" "$@" "$CONTEXT"
}

# An older build of the same component keeps its layers alive for nothing.
forget_older() {
  local component=$1 tag
  for tag in $(docker image ls --format '{{.Tag}}' "$REPOSITORY/$component"); do
    if [[ $tag == src-* && $tag != "src-$SOURCE" ]]; then
      docker image rm "$REPOSITORY/$component:$tag" >>"$LOG" 2>&1 || true
    fi
  done
}

# Bases of an earlier recipe; their layers stay as long as an image stands on them.
forget_older_bases() {
  local tag
  for tag in $(docker image ls --format '{{.Tag}}' swarmhub-base); do
    if [ -n "$DEBIAN_BASE" ] && [ "swarmhub-base:$tag" != "$DEBIAN_BASE" ]; then
      docker image rm "swarmhub-base:$tag" >>"$LOG" 2>&1 || true
    fi
  done
}

build_images() {
  local component builder=swarmhub-build:latest
  docker_build "$builder" build --build-arg "BASE=${BASE[build]}"
  for component in "${COMPONENTS[@]}"; do
    docker_build "$REPOSITORY/$component:latest" "$component" \
      --build-arg "BASE=${BASE[$component]}" --build-arg "BUILD=$builder"
    docker tag "$REPOSITORY/$component:latest" "$REPOSITORY/$component:src-$SOURCE"
    forget_older "$component"
    note "$component: $(docker image inspect --format '{{.Size}}' "$REPOSITORY/$component:latest" | awk '{ printf "%d MB", $1 / 1000000 }')"
  done
  forget_older_bases
}

# The whole of `make images`, short when nothing changed.
ensure_images() {
  stage_context
  if images_current; then
    note "all five are made of just these sources already"
    return
  fi
  require_disk 6
  choose_bases
  build_images
}
