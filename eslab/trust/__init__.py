"""Trust is to keep what was promised: a fact stays as it was, and a person who is to be forgotten is forgotten.

    keys = KeyRing("keys.db")
    store = PrivateStore(SqliteStore("bank.db"), keys)
    keys.forget("account-1")
    where_is("account-1", store, projector, frame, values=["Ada Lovelace"])

A log that nobody can alter unseen is `store.chain()` (see eslab.chain).
"""

from eslab.trust.keys import Forgotten, KeyRing
from eslab.trust.marks import Personal, Subject
from eslab.trust.private import FORGOTTEN, PrivateStore
from eslab.trust.where import Found, Whereabouts, where_is

__all__ = [
    "FORGOTTEN",
    "Forgotten",
    "Found",
    "KeyRing",
    "Personal",
    "PrivateStore",
    "Subject",
    "Whereabouts",
    "where_is",
]
