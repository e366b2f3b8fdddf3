#!/bin/sh
# Creates Temporal's two databases and brings their schema to the version of this image. Runs in temporalio/admin-tools
# before every start of the server: every step changes nothing when there is nothing to do.
# Reads SQL_PLUGIN, SQL_HOST, SQL_PORT, SQL_USER and SQL_PASSWORD, as temporal-sql-tool itself does.
set -eu

schema=/etc/temporal/schema/postgresql/v12

for pair in temporal:temporal temporal_visibility:visibility; do
    database=${pair%%:*}
    directory=$schema/${pair##*:}/versioned
    echo "schema of $database"
    temporal-sql-tool --db "$database" create
    temporal-sql-tool --db "$database" setup-schema -v 0.0
    temporal-sql-tool --db "$database" update-schema -d "$directory"
done
