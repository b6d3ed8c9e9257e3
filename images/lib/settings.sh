# shellcheck shell=bash disable=SC2034  # read by the scripts that source this file
# The knobs, their defaults, and the names that the parts agree on.

SWARMHUB_PORT=${SWARMHUB_PORT:-8000}
SWARMHUB_ADDRESS=${SWARMHUB_ADDRESS:-127.0.0.1}
SWARMHUB_REGISTRY_PORT=${SWARMHUB_REGISTRY_PORT:-5000}
SWARMHUB_REGISTRY_PULL_PORT=${SWARMHUB_REGISTRY_PULL_PORT:-5001}
# All endpoints are dnsrr, so Docker's advice of at most a /24, which is about virtual
# addresses, does not bind: 4,090 notebooks instead of about 240.
SWARMHUB_SUBNET=${SWARMHUB_SUBNET:-10.213.0.0/20}

# Seconds that `make up` watches the nodes pull images.
SWARMHUB_PREPULL_WAIT=${SWARMHUB_PREPULL_WAIT:-300}

STACK=swarmhub
NETWORK=swarmhub_notebooks
MONITORING=swarmhub_monitoring
STATE_VOLUME=swarmhub_state
STATE_LABEL=swarmhub.state
REPOSITORY=127.0.0.1:$SWARMHUB_REGISTRY_PORT/swarmhub
COMPONENTS=(registry proxy hub operator singleuser)
