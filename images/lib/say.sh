# shellcheck shell=bash
# Progress and errors: numbered steps with the time since the start, and long commands that
# show that they live. Sourced; needs `set -euo pipefail`.

STEP=0
STEPS=0
SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/swarmhub.XXXXXX")
LOG=$SCRATCH/log
KEEP_LOG=
CHILD=
: >"$LOG"

# A script may define `last_words`, which is called at its end, however it ends.

finish() {
  local status=$?
  if [ -n "$CHILD" ]; then kill -- "-$CHILD" 2>/dev/null || true; fi
  if declare -F last_words >/dev/null; then last_words || true; fi
  if [ "$status" -ne 0 ] && [ -n "$KEEP_LOG" ]; then
    find "$SCRATCH" -mindepth 1 ! -path "$LOG" -delete # secrets among it
    printf 'The whole output is in %s\n' "$LOG" >&2
  else
    rm -rf "$SCRATCH"
  fi
}
trap finish EXIT
trap 'exit 130' INT TERM

# die SENTENCE...: one sentence and the next step, then out.
die() {
  printf 'swarmhub: %s\n' "$*" >&2
  exit 1
}

# refuse_if SENTENCE: out, if there is anything to say.
refuse_if() {
  if [ -n "$1" ]; then die "$1"; fi
}

# steps NUMBER: how many there will be.
steps() {
  STEPS=$1
}

# step TEXT: announces the next numbered step.
step() {
  STEP=$((STEP + 1))
  printf '[%d/%d %4ds] %s\n' "$STEP" "$STEPS" "$SECONDS" "$*"
}

# note TEXT: one line below the current step.
note() {
  printf '             %s\n' "$*"
}

# attempt WHAT LIMIT COMMAND...: runs a command with its output in the log, says every ten
# seconds that it still runs, and ends it after LIMIT seconds. Returns the command's status
# (124 after the limit).
attempt() {
  local what=$1 limit=$2 began=$SECONDS told=0 status=0
  shift 2
  set -m
  "$@" >>"$LOG" 2>&1 </dev/null &
  CHILD=$!
  set +m
  while kill -0 "$CHILD" 2>/dev/null; do
    sleep 0.2
    if ((SECONDS - began >= limit)); then
      kill -- "-$CHILD" 2>/dev/null || true
      wait "$CHILD" 2>/dev/null || true
      CHILD=
      return 124
    fi
    if ((SECONDS - began >= told + 10)); then
      told=$((SECONDS - began))
      note "$what: still at it after ${told} s"
    fi
  done
  wait "$CHILD" || status=$?
  CHILD=
  return "$status"
}

# run WHAT LIMIT COMMAND...: like attempt, but a failure ends the script with the last lines.
run() {
  local status=0 before
  before=$(wc -l <"$LOG")
  attempt "$@" || status=$?
  if [ "$status" -eq 0 ]; then return 0; fi
  KEEP_LOG=1
  tail -n "+$((before + 1))" "$LOG" | tail -n 15 | sed 's/^/    | /' >&2
  if [ "$status" -eq 124 ]; then
    die "$1 did not finish within $2 s: see the lines above, then run the same command again."
  fi
  die "$1 failed: see the lines above, mend the cause, then run the same command again."
}

# wait_for LIMIT COMMAND...: tries a command twice a second until it succeeds; false after LIMIT s.
wait_for() {
  local limit=$1 began=$SECONDS told=0
  shift
  until "$@" >>"$LOG" 2>&1 </dev/null; do
    if ((SECONDS - began >= limit)); then return 1; fi
    if ((SECONDS - began >= told + 10)); then
      told=$((SECONDS - began))
      note "still waiting after ${told} s"
    fi
    sleep 0.5
  done
}
