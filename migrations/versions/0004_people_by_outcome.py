"""People by what became of them: followed up, replied, opted out

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Rows are written in the order of their keys, so that two writers with the same people wait for each other instead of
# deadlocking. Of several causes, the first one counts.
FUNCTION = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {body}
    RETURN NULL;
END
$$
"""
WRITE = """
INSERT INTO person_outcome (scope, scope_id, outcome, contact_id, at)
SELECT scope, scope_id, '{outcome}', contact_id, min(at) FROM ({caused}) AS caused
WHERE scope_id IS NOT NULL GROUP BY scope, scope_id, contact_id ORDER BY scope, scope_id, contact_id
ON CONFLICT DO NOTHING;
"""
EACH_SCOPE = "CROSS JOIN LATERAL (VALUES ('campaign', {row}.campaign_id), ('sequence', {row}.sequence_id)) AS s (scope, scope_id)"
FOLLOWS_UP = "kind IN ('enroll', 'send') AND outcome = 'done'"
FOLLOWED_UP = f"""
SELECT s.scope, s.scope_id, contact_id, new_rows.at
FROM new_rows JOIN firing ON firing.id = firing_id JOIN trigger ON trigger.id = new_rows.trigger_id
    {EACH_SCOPE.format(row="trigger")}
WHERE {FOLLOWS_UP}
"""  # noqa: S608 - made of constants

# The person who got the message, and not others at the same address.
REPLIED = f"""
SELECT s.scope, s.scope_id, message.contact_id, NEW.received_at AS at FROM message {EACH_SCOPE.format(row="message")}
WHERE message.id = NEW.message_id AND message.contact_id = NEW.contact_id
"""  # noqa: S608 - made of constants
# `NEW.proof` is a constant to the planner, which would read it as a uuid before any CASE has looked whether it is one. It does
# not look into a subquery with OFFSET.
NAMED = """(
SELECT CAST(named AS uuid) FROM (SELECT NEW.proof ->> '{name}' AS named OFFSET 0) AS proof WHERE pg_input_is_valid(named, 'uuid')
)"""
ANSWERED = f"(SELECT message_id FROM inbound_message WHERE id = {NAMED.format(name='inbound_message_id')})"  # noqa: S608 - ours
OPTED_OUT = f"""
SELECT s.scope, s.scope_id, message.contact_id, NEW.given_at AS at FROM message {EACH_SCOPE.format(row="message")}
WHERE message.id = coalesce({NAMED.format(name="message_id")}, {ANSWERED})
    AND message.contact_id = NEW.contact_id AND message.org_id = NEW.org_id
"""  # noqa: S608 - made of constants

# Actions of other kinds cost no more than a look at them.
OF_ACTIONS = f"IF EXISTS (SELECT FROM new_rows WHERE {FOLLOWS_UP}) THEN {{write}} END IF;"
FUNCTIONS = {
    "outcome_of_actions": OF_ACTIONS.format(write=WRITE.format(outcome="followed_up", caused=FOLLOWED_UP)),
    "outcome_of_inbound_message": WRITE.format(outcome="replied", caused=REPLIED),
    "outcome_of_consent": WRITE.format(outcome="opted_out", caused=OPTED_OUT),
}
# One statement writes the actions of many people, so they are taken together. The others come one by one.
TOGETHER = "REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT"
REPLIES = "NEW.message_id IS NOT NULL AND NEW.contact_id IS NOT NULL AND NEW.meaning IN ('reply', 'perhaps_refusal')"
REFUSES = "NEW.state = 'opted_out' AND NEW.source NOT IN ('api', 'import')"
TRIGGERS = {
    "firing_action": f"{TOGETHER} EXECUTE FUNCTION outcome_of_actions()",
    "inbound_message": f"FOR EACH ROW WHEN ({REPLIES}) EXECUTE FUNCTION outcome_of_inbound_message()",
    "consent": f"FOR EACH ROW WHEN ({REFUSES}) EXECUTE FUNCTION outcome_of_consent()",
}

# Whoever writes a row of `person_outcome`, its counter equals them.
COUNT = """
INSERT INTO outcome_count AS kept (scope, scope_id, outcome, slot, people)
SELECT scope, scope_id, outcome, counter_slot(), {change} FROM changed_rows GROUP BY scope, scope_id, outcome
ON CONFLICT (scope, scope_id, outcome, slot) DO UPDATE SET people = kept.people + excluded.people;
"""
CHANGES = {"insert": ("count(*)", "NEW"), "delete": ("-count(*)", "OLD")}


def upgrade() -> None:
    # Give up rather than stand in the queue before everybody else's queries.
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "person_outcome",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("scope_id", sa.Uuid(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("scope", "scope_id", "outcome", "contact_id", name=op.f("pk_person_outcome")),
    )
    op.create_table(
        "outcome_count",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("scope_id", sa.Uuid(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "scope_id", "outcome", "slot", name=op.f("pk_outcome_count")),
    )
    for event, (change, rows) in CHANGES.items():
        name = f"count_person_outcome_{event}"
        op.execute(FUNCTION.format(name=name, body=COUNT.format(change=change)))
        op.execute(
            f"CREATE TRIGGER person_outcome_counted_{event} AFTER {event} ON person_outcome "
            f"REFERENCING {rows} TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
        )
    for name, body in FUNCTIONS.items():
        op.execute(FUNCTION.format(name=name, body=body))
    for table, what in TRIGGERS.items():
        op.execute(f"CREATE TRIGGER {table}_outcome AFTER INSERT ON {table} {what}")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in TRIGGERS:
        op.execute(f"DROP TRIGGER {table}_outcome ON {table}")
    op.drop_table("outcome_count")
    op.drop_table("person_outcome")
    for name in (*FUNCTIONS, *(f"count_person_outcome_{event}" for event in CHANGES)):
        op.execute(f"DROP FUNCTION {name}()")
