"""A process acts on events: a reactor asks for what is to follow, an outbox keeps it, and a delivery carries it out.

A process manager is a reactor with a memory, which is event-sourced like all else.
"""

from eslab.processes.courier import Courier, Receiver
from eslab.processes.delivery import Delivery
from eslab.processes.managers import ProcessManager
from eslab.processes.messages import Later, message
from eslab.processes.outbox import Delivered, Outgoing, Outgoings
from eslab.processes.reactors import Reactor

__all__ = [
    "Courier", "Delivered", "Delivery", "Later", "Outgoing", "Outgoings", "ProcessManager", "Reactor", "Receiver",
    "message",
]  # fmt: skip
