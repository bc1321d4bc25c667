"""The tables of the queue as they are now; `migrations/` brings an older file here."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

VERSION = "0001"
"""The newest migration."""

metadata = MetaData()

items = Table(
    "items",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("question", String, nullable=False),
    Column("id", String, nullable=False),
    Column("payload", JSON, nullable=False),
    Column("wanted", Integer, nullable=False),
    Column("priority", Float, nullable=False),
    Column("suggestion", JSON(none_as_null=True)),
    UniqueConstraint("question", "id"),
)

answers = Table(
    "answers",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("item", Integer, ForeignKey("items.seq"), nullable=False),
    Column("annotator", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("value", String),
    Column("note", String, nullable=False),
    Column("suggested", String),
    Column("time", Float, nullable=False),
    Column("withdrawn", Boolean, nullable=False),
    Index("answers_of_item", "item", "withdrawn"),
)

leases = Table(
    "leases",
    metadata,
    Column("item", Integer, ForeignKey("items.seq"), primary_key=True),
    Column("holder", String, primary_key=True),
    Column("annotator", String, nullable=False),
    Column("until", Float, nullable=False),
)
