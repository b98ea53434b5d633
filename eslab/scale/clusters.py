"""A cluster is a scheduler and workers, on this machine or on many, that share the partitions among them.

(Dask: Matthew Rocklin and others, 2015.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from eslab.errors import EslabError, InvalidPosition
from eslab.scale.partitions import Partition
from eslab.scale.sending import Declared, Unsendable, declared, imported_code, packed, unpacked
from eslab.scale.work import Asked, Failed, PartitionFailed, Told, fold_partition

AGAIN = 3
"""How many times a partition is tried again when its file or its server could not be reached."""


class ClusterUnavailable(EslabError):
    """There is no Dask, no scheduler at the address, or the cluster went away."""


@contextmanager
def cluster(address: str | None = None, *, workers: int = 2, patience: float = 10) -> Iterator[Any]:
    """A Dask client, for a `with`: of the cluster at an address such as "tls://scheduler:8786", or of one made here.

    The one made here has so many `workers`, each a process, reached from this machine alone, over TLS with keys that
    nobody else has; it ends with the `with`. `patience` is how many seconds a scheduler elsewhere may take to answer.

    Raises ClusterUnavailable, and InvalidPosition if `workers` is below 1.
    """
    if type(workers) is not int or workers < 1:
        raise InvalidPosition(f"workers is {workers!r}, expected how many to start, 1 or more", found=workers)
    dask = _distributed()
    if address is not None:
        with _client(dask, address, patience) as client:
            yield client
        return
    alone = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}
    with (
        dask.LocalCluster(n_workers=workers, threads_per_worker=1, security=True, scheduler_kwargs=alone) as made,
        dask.Client(made) as client,
    ):
        yield client


def _client(dask: Any, address: str, patience: float) -> Any:
    try:
        client = dask.Client(address, timeout=patience)
    except (OSError, ValueError, TypeError) as error:
        raise ClusterUnavailable(
            f"no scheduler answers at {address!r} within {patience:g} seconds ({error}): check that it runs there "
            f"(dask scheduler), the address, the firewall between, and for tls:// the keys in Dask's configuration",
            address=address,
        ) from error
    try:
        client.wait_for_workers(1, timeout=patience)
    except TimeoutError as error:
        client.close()
        raise ClusterUnavailable(
            f"the scheduler at {address!r} has no workers, expected one or more: run  dask worker {address}",
            address=address,
        ) from error
    return client


def work(parts: Sequence[Partition], asked: Asked, client: Any, tick: Callable[[int], object]) -> list[Told]:
    """What came of each partition, in their order, on the workers of a client or, without one, here.

    Raises PartitionFailed for the first partition that is known to fail; what others have begun is given up.
    """
    if client is None:
        return [_kept(fold_partition(part, asked, tick=tick)) for part in parts]
    dask = _distributed()
    try:
        sent = packed((asked, imported_code(asked.fold), declared()))
    except Unsendable as error:
        raise PartitionFailed(
            f"the fold {asked.fold!r} cannot be sent to the workers ({error}): keep what belongs to this program alone "
            f"out of it, as files, locks and connections", why=str(error),
        ) from error  # fmt: skip
    once = client.submit(bytes, sent, pure=False, retries=AGAIN)  # kept by a worker, made again if that one ends
    futures = client.map(_fold_sent, parts, sent=once, pure=False, retries=AGAIN)
    numbers = {future.key: number for number, future in enumerate(futures)}
    told: dict[int, Told] = {}
    try:
        for future in dask.as_completed(futures):
            number = numbers[future.key]
            told[number] = _kept(_result(future, parts[number], dask))
            tick(told[number].events)
            future.release()  # the workers need not keep it
    finally:
        for future in (once, *futures):
            future.release()
    return [told[number] for number in range(len(parts))]


def _fold_sent(partition: Partition, sent: bytes) -> bytes:
    """Fold a partition on a worker. What goes there and comes back is packed and unpacked here, and not by Dask
    around it, which has no way to say what cannot be."""
    try:
        asked, code, known = unpacked(sent)
    except (ImportError, AttributeError) as error:
        return packed(_failed(partition, f"a worker cannot import what the fold is made of ({error}): {INSTALL}"))
    try:
        return packed(_folded(partition, asked, code, known))
    except Unsendable as error:
        return packed(_failed(partition, f"a state cannot leave the worker ({error}): keep only values in it"))


def _folded(partition: Partition, asked: Asked, code: str, known: Declared) -> Told:
    missing = known.declare()
    if imported_code(asked.fold) == code:
        return fold_partition(partition, asked, missing)
    lacks = f" (the worker could not get {', '.join(missing)})" if missing else ""
    return _failed(partition, f"the code of {asked.fold!r} on a worker is not that of this program{lacks}, so its "
                              f"states would be others: {INSTALL}, and the same version of Python")  # fmt: skip


INSTALL = "install the same there, or send its file with client.upload_file('rules.py')"


def _failed(partition: Partition, why: str) -> Told:
    return Told(0, {}, Failed(f"{partition!r} cannot be folded: {why}", {"partition": partition.number, "why": why}))


def _kept(told: Told) -> Told:
    if told.failed is None:
        return told
    error = PartitionFailed(told.failed.why, **told.failed.facts)
    if told.failed.trace:
        error.add_note(f"Where it was folded:\n{told.failed.trace}")
    raise error


def _result(future: Any, part: Partition, dask: Any) -> Told:
    try:
        told: Told = unpacked(future.result())
        return told
    except dask.KilledWorker as error:
        raise PartitionFailed(
            f"{part!r} has ended {error.allowed_failures + 1} workers: most likely it needs more memory than one has. "
            f"Make more partitions, or give the workers more memory", partition=part.number,
        ) from error  # fmt: skip
    except (dask.CancelledError, dask.comm.CommClosedError, TimeoutError) as error:
        raise ClusterUnavailable(
            f"the cluster went away while {part!r} was folded ({type(error).__name__}): start it again, then fold "
            f"again; the log is as it was", partition=part.number,
        ) from error  # fmt: skip


def _distributed() -> Any:
    try:
        import distributed
    except ImportError as missing:
        raise ClusterUnavailable(
            "found no Dask, expected the package distributed: run  pip install 'eslab[dask]'"
        ) from missing
    return distributed
