"""How long people wait in each step, and enrollments of each version

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SECONDS = {"<1m": 60, "1-5m": 300, "5-15m": 900, "15-60m": 3600, "1-3h": 10_800, "3-12h": 43_200, "12-24h": 86_400}
SECONDS |= {"1-3d": 259_200, "3-7d": 604_800}
WHENS = " ".join(f"WHEN waited < {limit * 1000} THEN '{name}'" for name, limit in SECONDS.items())
STEP_TIME_BUCKET = f"""
CREATE FUNCTION step_time_bucket(waited bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE {WHENS} ELSE '>7d' END
$$
"""
# A clock that was set back makes no negative time.
WAITED = """
CREATE FUNCTION waited_milliseconds(entered_at timestamptz, left_at timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN left_at < entered_at THEN 0
        ELSE floor((extract(epoch FROM left_at) - extract(epoch FROM entered_at)) * 1000)::bigint END
$$
"""
# It runs for step runs that are left, and for no other statement.
COUNT_STEP_TIME = """
CREATE FUNCTION count_step_time() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO step_time AS kept (sequence_version_id, step_key, bucket, slot, step_runs, milliseconds)
    SELECT version, key, step_time_bucket(waited), counter_slot(), sum(sign), sum(sign * waited) FROM (VALUES
        (OLD.sequence_version_id, OLD.step_key, waited_milliseconds(OLD.entered_at, OLD.left_at), -1),
        (NEW.sequence_version_id, NEW.step_key, waited_milliseconds(NEW.entered_at, NEW.left_at), 1)
    ) AS changes (version, key, waited, sign)
    WHERE waited IS NOT NULL GROUP BY version, key, step_time_bucket(waited)
    ON CONFLICT (sequence_version_id, step_key, bucket, slot)
    DO UPDATE SET step_runs = kept.step_runs + excluded.step_runs, milliseconds = kept.milliseconds + excluded.milliseconds;
    RETURN NULL;
END
$$
"""
STEP_RUN_CHANGES = {
    "INSERT": "NEW.left_at IS NOT NULL",
    "UPDATE OF left_at, entered_at, step_key, sequence_version_id": (
        "(OLD.left_at, OLD.entered_at, OLD.step_key, OLD.sequence_version_id) "
        "IS DISTINCT FROM (NEW.left_at, NEW.entered_at, NEW.step_key, NEW.sequence_version_id)"
    ),
    "DELETE": "OLD.left_at IS NOT NULL",
}

# The words of end steps are the author's. Those of stopped and failed enrollments can be about a person, and are not counted.
OUTCOME = "CASE WHEN {row}.state = 'completed' THEN coalesce({row}.outcome, '') ELSE '' END"
ADD_ENROLLMENTS = """
    INSERT INTO enrollment_count AS kept (sequence_version_id, state, outcome, slot, enrollments)
    SELECT version, state, outcome, counter_slot(), sum(sign) FROM ({changes}) AS changes (version, state, outcome, sign)
    WHERE version IS NOT NULL GROUP BY version, state, outcome HAVING sum(sign) <> 0
    ON CONFLICT (sequence_version_id, state, outcome, slot) DO UPDATE SET enrollments = kept.enrollments + excluded.enrollments;
"""
COUNT_ENROLLMENTS = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {add}
    RETURN NULL;
END
$$
"""
OF_ROW = f"""VALUES (OLD.sequence_version_id, OLD.state, {OUTCOME.format(row="OLD")}, -1),
    (NEW.sequence_version_id, NEW.state, {OUTCOME.format(row="NEW")}, 1)"""
OF_STATEMENT = f"SELECT sequence_version_id, state, {OUTCOME.format(row='new_rows')}, 1 FROM new_rows"  # noqa: S608
ENROLLMENT_CHANGES = {
    "UPDATE OF state, outcome, sequence_version_id": (
        "(OLD.state, OLD.outcome, OLD.sequence_version_id) IS DISTINCT FROM (NEW.state, NEW.outcome, NEW.sequence_version_id)"
    ),
    "DELETE": "true",
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "step_time",
        sa.Column("sequence_version_id", sa.Uuid(), nullable=False),
        sa.Column("step_key", sa.String(), nullable=False),
        sa.Column("bucket", sa.String(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("step_runs", sa.Integer(), nullable=False),
        sa.Column("milliseconds", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sequence_version_id", "step_key", "bucket", "slot", name=op.f("pk_step_time")),
    )
    op.create_table(
        "enrollment_count",
        sa.Column("sequence_version_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("enrollments", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("sequence_version_id", "state", "outcome", "slot", name=op.f("pk_enrollment_count")),
    )
    for function in (STEP_TIME_BUCKET, WAITED, COUNT_STEP_TIME):
        op.execute(function)
    for event, condition in STEP_RUN_CHANGES.items():
        op.execute(
            f"CREATE TRIGGER step_run_timed_{event.split()[0].lower()} AFTER {event} ON step_run FOR EACH ROW "
            f"WHEN ({condition}) EXECUTE FUNCTION count_step_time()"
        )
    op.execute(COUNT_ENROLLMENTS.format(name="count_new_enrollments", add=ADD_ENROLLMENTS.format(changes=OF_STATEMENT)))
    op.execute(COUNT_ENROLLMENTS.format(name="count_enrollment", add=ADD_ENROLLMENTS.format(changes=OF_ROW)))
    op.execute(
        "CREATE TRIGGER enrollment_counted_insert AFTER INSERT ON enrollment REFERENCING NEW TABLE AS new_rows "
        "FOR EACH STATEMENT EXECUTE FUNCTION count_new_enrollments()"
    )
    for event, condition in ENROLLMENT_CHANGES.items():
        op.execute(
            f"CREATE TRIGGER enrollment_counted_{event.split()[0].lower()} AFTER {event} ON enrollment FOR EACH ROW "
            f"WHEN ({condition}) EXECUTE FUNCTION count_enrollment()"
        )
    op.create_index(
        "ix_enrollment_version_step_due_at",
        "enrollment",
        ["sequence_version_id", "step_key", "due_at"],
        unique=False,
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_enrollment_version_step_due_at", table_name="enrollment", postgresql_where=sa.text("due_at IS NOT NULL"))
    for event in ("INSERT", *ENROLLMENT_CHANGES):
        op.execute(f"DROP TRIGGER enrollment_counted_{event.split()[0].lower()} ON enrollment")
    for event in STEP_RUN_CHANGES:
        op.execute(f"DROP TRIGGER step_run_timed_{event.split()[0].lower()} ON step_run")
    for function in ("count_enrollment", "count_new_enrollments", "count_step_time"):
        op.execute(f"DROP FUNCTION {function}()")
    op.execute("DROP FUNCTION waited_milliseconds(timestamptz, timestamptz)")
    op.execute("DROP FUNCTION step_time_bucket(bigint)")
    op.drop_table("enrollment_count")
    op.drop_table("step_time")
