# shellcheck shell=bash
# The relay of a node that does not hold the registry: its own 127.0.0.1:5000, which is how images are
# named everywhere, leads to the registry's door for other nodes. Sourced after say.sh, settings.sh
# and engine.sh.

UNIT=swarmhub-registry
UNITS=/etc/systemd/system
NOTE=/run/swarmhub-relay # pid and target of a relay that no systemd keeps

# write_units ADDRESS: true when they were not just so already.
write_units() {
  local before after
  before=$(cat "$UNITS/$UNIT".* 2>/dev/null || true)
  cat >"$UNITS/$UNIT.socket" <<EOF
[Unit]
Description=swarmhub: the registry of the manager, as 127.0.0.1:$SWARMHUB_REGISTRY_PORT

[Socket]
ListenStream=127.0.0.1:$SWARMHUB_REGISTRY_PORT

[Install]
WantedBy=sockets.target
EOF
  cat >"$UNITS/$UNIT.service" <<EOF
[Unit]
Description=swarmhub: relay to the registry of the manager
Requires=$UNIT.socket
After=$UNIT.socket network-online.target

[Service]
ExecStart=/lib/systemd/systemd-socket-proxyd $1
DynamicUser=yes
EOF
  after=$(cat "$UNITS/$UNIT".*)
  [ "$before" != "$after" ]
}

# True when a registry answers behind the relay.
relay_answers() {
  timeout 10 bash -c "exec 3<>/dev/tcp/127.0.0.1/$SWARMHUB_REGISTRY_PORT
    printf 'GET /v2/ HTTP/1.0\r\n\r\n' >&3
    head -n 1 <&3" 2>/dev/null | grep -q ' 200 '
}

relay_by_systemd() {
  if write_units "$1"; then
    systemctl daemon-reload
    systemctl stop "$UNIT.socket" "$UNIT.service" >>"$LOG" 2>&1 || true # as yet there may be none
  fi
  attempt "starting the relay" 30 systemctl enable --now "$UNIT.socket" ||
    die "The relay did not start, perhaps because port $SWARMHUB_REGISTRY_PORT is taken: see 'systemctl status $UNIT.socket'."
  note "systemd keeps it ($UNIT.socket)"
}

# Ends the relay that an earlier run started, unless it leads to ADDRESS: true when one stays.
relay_stays() {
  local pid address
  read -r pid address 2>/dev/null <"$NOTE" || return 1
  if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != socat ]; then return 1; fi
  if [ "$address" = "$1" ]; then return 0; fi
  kill "$pid"
  return 1
}

relay_by_socat() {
  if relay_stays "$1"; then
    note "socat keeps it already"
    return
  fi
  if ! command -v socat >/dev/null; then install_packages socat; fi
  setsid socat "TCP-LISTEN:$SWARMHUB_REGISTRY_PORT,bind=127.0.0.1,reuseaddr,fork" \
    "TCP:$1,connect-timeout=5" >/dev/null 2>&1 </dev/null &
  sleep 1
  kill -0 "$!" 2>/dev/null ||
    die "Port $SWARMHUB_REGISTRY_PORT of this machine's loopback is taken by another program: stop that program."
  echo "$! $1" >"$NOTE"
  note "there is no systemd here: socat keeps it until this machine's next start, then run this again"
}

# ensure_relay ADDRESS: HOST:PORT of the registry's door.
ensure_relay() {
  if [ -d /run/systemd/system ]; then
    relay_by_systemd "$1"
  else
    relay_by_socat "$1"
  fi
}
