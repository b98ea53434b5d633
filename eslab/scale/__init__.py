"""Scale is the same fold over a log that many machines read, each a part of it, with Dask.

A log is cut into partitions in which each stream is whole, so a state that needs one stream alone needs one worker
alone. A fold over all streams gives a state for each partition, and a function of yours merges them.
"""

from eslab.scale.clusters import ClusterUnavailable, cluster
from eslab.scale.folding import at, fold
from eslab.scale.merging import mergeable
from eslab.scale.partitions import Partition, partitions
from eslab.scale.work import PartitionFailed

__all__ = ["ClusterUnavailable", "Partition", "PartitionFailed", "at", "cluster", "fold", "mergeable", "partitions"]
