"""An environment for other work: each variable that a library of ours would take for itself, with a value that breaks it."""

NOWHERE = "/nonexistent"
PROXY = "http://127.0.0.1:9"

DATABASE = {
    "PGAPPNAME": "another",
    "PGCHANNELBINDING": "require",
    "PGCLIENTENCODING": "LATIN1",
    "PGCONNECT_TIMEOUT": "1",
    "PGDATA": NOWHERE,
    "PGDATABASE": "another",
    "PGDATESTYLE": "German",
    "PGGSSENCMODE": "require",
    "PGHOST": "database.invalid",
    "PGHOSTADDR": "192.0.2.1",
    "PGMINPROTOCOLVERSION": "latest",
    "PGOPTIONS": "-c default_transaction_read_only=on -c search_path=another",
    "PGPASSFILE": NOWHERE,
    "PGPORT": "1",
    "PGREQUIREAUTH": "scram-sha-256",
    "PGREQUIREPEER": "another",
    "PGSERVICE": "another",
    "PGSERVICEFILE": NOWHERE,
    "PGSSLMODE": "verify-full",
    "PGSSLNEGOTIATION": "direct",
    "PGSSLROOTCERT": NOWHERE,
    "PGSYSCONFDIR": NOWHERE,
    "PGTARGETSESSIONATTRS": "standby",
    "PGTZ": "Asia/Kathmandu",
    "PGUSER": "another",
    "PSYCOPG_IMPL": "another",
    "PSYCOPG_WAIT_FUNC": "another",
}
TEMPORAL = {
    "TEMPORAL_API_KEY": "another",
    "TEMPORAL_CODEC_ENDPOINT": "http://codec.invalid",
    "TEMPORAL_DEBUG": "1",
    "TEMPORAL_ENV": "another",
    "TEMPORAL_ENV_FILE": NOWHERE,
    "TEMPORAL_TLS": "true",
    "TEMPORAL_TLS_SERVER_CA_CERT_PATH": NOWHERE,
}
OTHERS = {
    "ALEMBIC_CONFIG": NOWHERE,
    "GRANIAN_HOST": "192.0.2.1",
    "GRANIAN_PORT": "1",
    "GRANIAN_WORKERS": "0",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": PROXY,
    "PROMETHEUS_MULTIPROC_DIR": NOWHERE,
    "SSLKEYLOGFILE": f"{NOWHERE}/keys",
    "TOKIO_WORKER_THREADS": "0",
    "UA_PARSER_YAML": NOWHERE,
}
NETWORK = {
    **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "GRPC_PROXY", "grpc_proxy"), PROXY),
    **dict.fromkeys(("ALL_PROXY", "all_proxy"), "socks5://127.0.0.1:9"),
    "NO_PROXY": "",
    "no_proxy": "",
    "SSL_CERT_DIR": NOWHERE,
    "SSL_CERT_FILE": NOWHERE,
}
HOSTILE = {**DATABASE, **TEMPORAL, **OTHERS, **NETWORK}
