"""What targets have declared, and what people were told, for replicas that share no folder."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables, and an index: what was suspended is asked for at each look."""
    op.create_index("events_by_type", "events", ["target", "type", "number"])
    op.create_table(
        "inventory",
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("group", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("target", "group", "kind", "namespace", "name"),
    )
    op.create_table(
        "told",
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("notifier", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("episodes", sa.Text(), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("over", sa.Boolean(), nullable=False),
        sa.Column("reminder", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("target", "notifier", "subject"),
    )
    op.create_table(
        "told_until",
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("notifier", sa.Text(), nullable=False),
        sa.Column("time", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("target", "notifier"),
    )


def downgrade() -> None:
    """Takes the tables away: nothing is pruned any more, and people are told anew."""
    op.drop_table("told_until")
    op.drop_table("told")
    op.drop_table("inventory")
    op.drop_index("events_by_type")
