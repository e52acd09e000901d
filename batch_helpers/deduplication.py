"""Two live jobs of the same work in one run: the one that is kept is watched, the other ends or is told of."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from batch_helpers.duplicates import Twins, together, twins
from batch_helpers.errors import ServiceError
from batch_helpers.job import JobDetail
from batch_helpers.roster import Roster

Rival = tuple[Twins, JobDetail]


class Deduplication:
    """Settles who stands for what. end_started: whether duplicates are ended that have started."""

    def __init__(self, roster: Roster) -> None:
        self._roster, self._say = roster, roster.say
        self._left: set[str] = set()
        self.end_started = False

    def look(self) -> bool:
        """Settle what the last poll has seen; whether there was anything."""
        watch = self._roster.watch
        doubled = [twins(group) for group in watch.seen.values() if len(group) > 1]
        return self.settle([item for item in doubled if any(watch.job(job.job_id) for job in item.jobs)])

    def settle(self, found: Collection[Twins]) -> bool:
        """End what may be ended, and watch those that are kept; whether there was anything. One of each is watched."""
        engine = self._roster.engine
        self._end((pair for item in found for pair in item.rivals(started=False)), engine.cancel)
        started = [pair for item in found for pair in item.rivals(started=True)]
        if self.end_started:
            self._end(started, engine.terminate)
        else:
            self._leave(started, "left running; monitor(end_duplicates=True) ends such")
        for item in found:
            self._give_way(item)
        return bool(found)

    def _end(self, rivals: Iterable[Rival], end: Callable[[Sequence[str], str], None]) -> None:
        for reason, group in together(rivals).items():
            try:
                end([rival.job_id for _, rival in group], reason)
            except ServiceError as exc:
                self._leave(group, f"could not be cancelled: {exc}")
            else:
                self._say(_told_of(group, "was submitted twice", "cancelled"))

    def _leave(self, rivals: Iterable[Rival], why: str) -> None:
        """Say once of each that it goes on."""
        new = [(item, rival) for item, rival in rivals if rival.job_id not in self._left]
        self._left.update(rival.job_id for _, rival in new)
        for group in together(new).values():
            self._say(_told_of(group, "runs twice", why))

    def _give_way(self, found: Twins) -> None:
        watch = self._roster.watch
        job = next(item for one in found.jobs if (item := watch.job(one.job_id)) is not None)
        for other in found.others:
            if watch.job(other.job_id):
                self._roster.swap(other.job_id, job, found.kept)


def _told_of(rivals: Sequence[Rival], problem: str, fate: str) -> str:
    kept, (_, rival) = rivals[0][0].kept, rivals[0]
    works = len({item.kept.job_id for item, _ in rivals})
    if works == 1:
        names = ", ".join(other.job_id for _, other in rivals)
        return f"{kept.short_name} {problem}: {kept.job_id} is kept, {names} {fate}"
    return (
        f"{kept.short_name} and {works - 1:,} more jobs, each {problem}: {kept.job_id} and its like are kept, "
        f"{rival.job_id} and its like {fate}"
    )
