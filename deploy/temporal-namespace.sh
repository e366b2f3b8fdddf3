#!/bin/sh
# Makes the namespace and the search attributes that the workflows use, if they are missing. Runs in
# temporalio/admin-tools. Reads TEMPORAL_ADDRESS (through the `temporal` command) and TEMPORAL_NAMESPACE.
set -eu

namespace=${TEMPORAL_NAMESPACE:?}
retention=${RETENTION:-30d}
attributes="OrgId CampaignId SequenceId ContactId Campaign Sequence TriggerKey Stage"
tries=60

# The port is open before the server serves, and a new namespace takes some seconds to be known everywhere.
retry() {
    left=$tries
    until "$@"; do
        left=$((left - 1))
        if [ "$left" -le 0 ]; then
            echo "gave up: $*" >&2
            exit 1
        fi
        sleep 2
    done
}

namespace_is_known() {
    temporal operator search-attribute list --namespace "$namespace" >/dev/null 2>&1
}

attribute_is_there() {
    temporal operator search-attribute list --namespace "$namespace" | grep -Eq "^ *$1 +Keyword *$"
}

# One name for each call: given several, the command adds only the first and still says that it added them all.
ensure_attribute() {
    attribute_is_there "$1" && return
    temporal operator search-attribute create --namespace "$namespace" --name "$1" --type Keyword || true
    attribute_is_there "$1"
}

retry temporal operator cluster health
if ! temporal operator namespace describe --namespace "$namespace" >/dev/null 2>&1; then
    temporal operator namespace create --namespace "$namespace" --retention "$retention"
fi
retry namespace_is_known
for attribute in $attributes; do
    retry ensure_attribute "$attribute"
done
echo "namespace $namespace is ready: $attributes"
