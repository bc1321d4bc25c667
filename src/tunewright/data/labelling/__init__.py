"""Labelling by people: guide, queue, suggestions, agreement, adjudication, export."""

from tunewright.data.labelling.export import Exported, export
from tunewright.data.labelling.fill import Added, add
from tunewright.data.labelling.guide import Guide, read_guide, write_guide
from tunewright.data.labelling.judge import Concord, Pair, Person, Scale, agreement
from tunewright.data.labelling.keys import Typed, interpret, keys
from tunewright.data.labelling.results import Status, disputed, labels_of, status, verdict
from tunewright.data.labelling.session import Adjudication, Asked, Order, Session
from tunewright.data.labelling.studio import read_tasks
from tunewright.data.labelling.suggest import by_classical, by_engine

__all__ = [
    "Added",
    "Adjudication",
    "Asked",
    "Concord",
    "Exported",
    "Guide",
    "Order",
    "Pair",
    "Person",
    "Scale",
    "Session",
    "Status",
    "Typed",
    "add",
    "agreement",
    "by_classical",
    "by_engine",
    "disputed",
    "export",
    "interpret",
    "keys",
    "labels_of",
    "read_guide",
    "read_tasks",
    "status",
    "verdict",
    "write_guide",
]
