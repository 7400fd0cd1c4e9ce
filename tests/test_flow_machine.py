"""Many calls at once, with everything that can happen to them in any order: what must hold holds at every step."""

from __future__ import annotations

import collections
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

hypothesis = pytest.importorskip("hypothesis", reason="hypothesis thinks the stories up")
from hypothesis import strategies as st  # noqa: E402 - only where it is installed
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule  # noqa: E402

from fcall._flow import Enter, Flow, Pause, Send  # noqa: E402
from fcall._guard import Guards  # noqa: E402
from fcall._invocation import Invocation  # noqa: E402
from fcall._observers import NO_OBSERVERS  # noqa: E402
from fcall._policy import Policy  # noqa: E402
from fcall._route import Route  # noqa: E402
from fcall._target import Target  # noqa: E402
from fcall.errors import (  # noqa: E402
    AccessDeniedError,
    ConnectionFailedError,
    Executed,
    FcallError,
    FunctionError,
    InvocationTimeoutError,
    ProviderUnavailableError,
    ThrottledError,
)
from fcall.provider import Capabilities, Deadline, InvocationResult  # noqa: E402

NO, MAYBE, YES = Executed.NO, Executed.MAYBE, Executed.YES
TARGET = Target("images", "resize")
ATTEMPTS, LIMIT, TIMEOUT = 3, 3, 40.0
TO_OPEN, OPEN_SECONDS = 10, 5.0
CAPACITY = 500

FAILURES: dict[str, Any] = {
    "refused": lambda: ConnectionFailedError("x", executed=NO),
    "reset": lambda: ConnectionFailedError("x"),
    "late": lambda: InvocationTimeoutError("x"),
    "down": lambda: ProviderUnavailableError("x"),
    "throttled": lambda: ThrottledError("x"),
    "denied": lambda: AccessDeniedError("x"),
    "busy": lambda: FunctionError("x", error_type="Busy"),
    "failed": lambda: FunctionError("x", error_type="ValueError"),
    "slip": lambda: ValueError("x"),
}
UNREACHED = ("refused", "reset", "late", "down")
SAYS_NOTHING = ("slip", "interrupted")
RAN = {"refused": NO, "throttled": NO, "denied": NO, "busy": YES, "failed": YES, "ok": YES}  # MAYBE otherwise
MAY_PASS = ("refused", "throttled")


class Platform:
    """A provider that is never called: the machine answers for it."""

    capabilities = Capabilities(idempotency=frozenset({"Sync"}))

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


@dataclass(eq=False)
class Story:
    """One call, and what has happened to it."""

    steps: Generator[Any, Any, InvocationResult]
    invocation: Invocation
    began: float
    step: Any = None
    until: float = 0.0
    sent: list[tuple[str, str]] = field(default_factory=list)
    ticket: int = 0
    last_cost: int = 0

    @property
    def place(self) -> str:
        """Where it is under way."""
        return "here" if self.step.provider is HERE else "there"


HERE, THERE = Platform(), Platform()


class Target_:  # noqa: N801 - Target is taken
    """What the rules say of one target, in the plainest words."""

    def __init__(self) -> None:
        self.tokens = CAPACITY
        self.misses = 0
        self.open_until: float | None = None
        self.round = 0  # calls of an earlier round are not heard
        self.probe = 0

    def heard(self, ticket: tuple[int, int], outcome: str, now: float) -> None:
        round_, probe = ticket
        if round_ != self.round:
            return
        if outcome in UNREACHED:
            self.misses += 1
            if self.open_until is not None:
                self.open_until = max(self.open_until, now + OPEN_SECONDS)
            elif self.misses == TO_OPEN:
                self.open_until, self.round, self.probe = now + OPEN_SECONDS, self.round + 1, 0
        elif outcome in SAYS_NOTHING:
            if self.open_until is not None and probe == self.probe:
                self.open_until = now
        else:
            self.misses = 0
            if self.open_until is not None:
                self.open_until, self.round = None, self.round + 1

    def admitted(self, now: float) -> tuple[int, int]:
        if self.open_until is not None:
            assert now >= self.open_until, "sent while the breaker is open"
            self.open_until = now + OPEN_SECONDS
            self.probe += 1
        return self.round, self.probe


class Calls(RuleBasedStateMachine):
    """Calls to a service with a limit, a breaker and another service to go on to."""

    steps_made = 0
    seen: ClassVar[collections.Counter[str]] = collections.Counter()

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.stories: list[Story] = []
        self.targets = {"here": Target_(), "there": Target_()}
        self.tickets: dict[int, tuple[int, int]] = {}
        self.routes: list[Route] = []

    def teardown(self) -> None:
        while self.stories:
            self._end(self.stories[0], KeyboardInterrupt(), "interrupted")
        for route in self.routes:
            for label in list(route.guards._guards):
                assert route.guards.of(label).limit.at_rest, "a place was not given back"

    @rule(failover_maybe=st.booleans(), limited=st.booleans())
    @precondition(lambda self: not self.routes)
    def configure(self, failover_maybe: bool, limited: bool) -> None:
        """The configuration, once for each story."""
        policy = Policy(
            ATTEMPTS,
            frozenset({"Busy"}),
            failover_maybe,
            max_in_flight=LIMIT if limited else None,
            circuit_breaker=True,
        )
        self.failover_maybe, self.limited = failover_maybe, limited
        self.routes = [
            Route("here", HERE, policy=policy, guards=Guards()),
            Route("there", THERE, policy=policy, guards=Guards()),
        ]

    @precondition(lambda self: self.routes)
    @rule(idempotent=st.booleans(), key=st.booleans(), failover=st.booleans(), times=st.integers(1, 6))
    def call(self, idempotent: bool, key: bool, failover: bool, times: int) -> None:
        """Some more calls begin."""
        for _ in range(times):
            invocation = Invocation(
                "resize", timeout=TIMEOUT, idempotent=idempotent, idempotency_key="k" if key else None
            )
            routes = self.routes if failover else self.routes[:1]
            flow = Flow(TARGET, invocation, routes, NO_OBSERVERS, lambda: self.now, lambda: 0.5)
            story = Story(flow.invoke(), invocation, self.now)
            self.stories.append(story)
            self._go(story, lambda steps: next(steps))

    @precondition(lambda self: self._with(Send))
    @rule(data=st.data(), outcome=st.sampled_from(["ok", *FAILURES, *UNREACHED, "refused"]), times=st.integers(1, 6))
    def answer(self, data: Any, outcome: str, times: int) -> None:
        """Calls that are under way end so."""
        for _ in range(times):
            under_way = self._with(Send)
            if not under_way:
                return
            story = data.draw(st.sampled_from(under_way))
            self._answered(story, outcome)

    @precondition(lambda self: self._with(Send))
    @rule()
    def outage(self) -> None:
        """All that is under way cannot reach its target."""
        for story in self._with(Send):
            self._answered(story, "refused")

    @precondition(lambda self: self.stories)
    @rule(data=st.data())
    def interrupt(self, data: Any) -> None:
        """Somebody waits no more."""
        self._end(data.draw(st.sampled_from(self.stories)), KeyboardInterrupt(), "interrupted")

    @rule(seconds=st.sampled_from([0.01, 0.5, 2.0, 5.0, 20.0]))
    def wait(self, seconds: float) -> None:
        """Time passes; pauses and queues end as they should."""
        self.now += seconds
        for story in self._with(Pause):
            if self.now >= story.until:
                self._go(story, lambda steps: steps.send(None))
        for story in self._with(Enter):
            if self.now >= story.began + TIMEOUT:
                self._go(story, lambda steps: steps.send(False))
        self._let_in()

    @invariant()
    def the_limit_is_kept(self) -> None:
        """No more calls are under way at a target than it may have, and nobody waits while there is a place."""
        type(self).steps_made += 1
        if not self.routes or not self.limited:
            return
        under_way = collections.Counter(story.place for story in self._with(Send))

        assert all(count <= LIMIT for count in under_way.values()), under_way
        for story in self._with(Enter):
            place = "here" if story.step.limit is self._guard("here").limit else "there"
            assert LIMIT == under_way[place], "it waits though there is a place"

    @invariant()
    def the_books_agree(self) -> None:
        """Tokens and misses are what the rules make of what has happened."""
        for name, target in self.targets.items():
            if self.routes:
                guard = self._guard(name)
                assert target.tokens == guard.budget._tokens
                assert 0 <= target.tokens <= CAPACITY
                assert target.misses == guard.breaker.misses

    def _guard(self, name: str) -> Any:
        return self.routes[name == "there"].guards.of(f"{name}:resize")

    def _with(self, kind: type) -> list[Story]:
        return [story for story in self.stories if type(story.step) is kind]

    def _answered(self, story: Story, outcome: str) -> None:
        if outcome in FAILURES:
            self._end(story, FAILURES[outcome](), outcome)
        else:
            self._heard(story, "ok")
            self._go(story, lambda steps: steps.send(InvocationResult()))
            self._let_in()

    def _end(self, story: Story, error: BaseException, outcome: str) -> None:
        if type(story.step) is Send:
            self._heard(story, outcome)
        elif isinstance(error, KeyboardInterrupt):
            story.sent.append(("", "interrupted"))
        self._go(story, lambda steps: steps.throw(error))
        self._let_in()

    def _heard(self, story: Story, outcome: str) -> None:
        """The plain books: what this end of an attempt means for its target."""
        target = self.targets[story.place]
        target.heard(self.tickets.pop(id(story)), outcome, self.now)
        story.sent.append((story.place, outcome))
        if outcome == "ok":
            target.tokens = min(CAPACITY, target.tokens + max(1, story.last_cost // 2))

    def _go(self, story: Story, do: Any) -> None:
        """One move of a call's flow, and a look at what it asks for next."""
        before = story.step
        try:
            story.step = do(story.steps)
        except StopIteration as end:
            self._over(story, end.value.attempts, None)
        except FcallError as error:
            self._over(story, error.attempts, error)
        except KeyboardInterrupt:
            self.stories.remove(story)
        else:
            self._asked(story, before)

    def _asked(self, story: Story, before: Any) -> None:
        self.seen[type(story.step).__name__] += 1
        if type(story.step) is Enter:
            story.step.place.wake = lambda: None
            story.step.limit.queue(story.step.place)
        elif type(story.step) is Pause:
            self._paused(story)
        else:
            self._sent(story)

    def _paused(self, story: Story) -> None:
        """A repetition at the same target: it is paid for, and ends before the deadline."""
        place, outcome = story.sent[-1]
        cost = 5 if outcome == "throttled" else 14
        self.targets[place].tokens -= cost
        story.last_cost = cost
        story.until = self.now + story.step.seconds

        assert story.until < story.began + TIMEOUT
        assert len(story.sent) < ATTEMPTS

    def _sent(self, story: Story) -> None:
        """An attempt: nothing before it forbids it."""
        place = story.place
        self.tickets[id(story)] = self.targets[place].admitted(self.now)
        assert self.now < story.began + TIMEOUT, "sent after the deadline"
        for before, outcome in story.sent:
            self._allowed(story.invocation, before, place, outcome)
        if story.sent and story.sent[-1][0] != place:
            story.last_cost = 0

    def _allowed(self, invocation: Invocation, before: str, place: str, outcome: str) -> None:
        """What may come after an attempt that ended so, in the words of the documentation."""
        ran = RAN.get(outcome, MAYBE)
        if ran is NO:
            assert outcome in MAY_PASS, "sent after a mistake of the caller's"
        elif before != place:
            assert ran is MAYBE, "went on after it ran"
            assert invocation.idempotent
            assert self.failover_maybe
        elif ran is MAYBE:
            assert invocation.idempotent or invocation.idempotency_key, "may have run twice"
        else:
            assert invocation.idempotent
            assert outcome == "busy", "ran twice"

    def _over(self, story: Story, attempts: Any, error: FcallError | None) -> None:
        """The end of a call: it tells all that happened."""
        self.stories.remove(story)
        ran = {RAN.get(outcome, MAYBE) for _, outcome in story.sent}
        whole = YES if YES in ran else MAYBE if MAYBE in ran else NO
        sent = [attempt for attempt in attempts if attempt.error not in ("CircuitOpenError", "InvocationTimeoutError")]

        assert len(sent) <= len(story.sent) <= ATTEMPTS
        assert list(range(1, len(attempts) + 1)) == [attempt.number for attempt in attempts]
        if error is None:
            assert "ok" == story.sent[-1][1]
        else:
            assert whole is error.executed
            self.seen[type(error).__name__] += 1
            self.seen["over budget"] += any("budget" in note for note in getattr(error, "__notes__", ()))

    def _let_in(self) -> None:
        """Who has a place now goes on, and so may others after it."""
        while entered := [story for story in self._with(Enter) if story.step.place.taken]:
            self._go(entered[0], lambda steps: steps.send(True))


def _run(stories: int, length: int) -> Iterator[int]:
    Calls.steps_made = 0
    Calls.seen = collections.Counter()
    settings = hypothesis.settings(
        max_examples=stories,
        stateful_step_count=length,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    hypothesis.stateful.run_state_machine_as_test(Calls, settings=settings)
    yield Calls.steps_made


def test_calls_keep_the_rules() -> None:
    """Whatever happens to calls that share their targets: nothing runs twice unasked, no place is lost."""
    (steps,) = _run(160, 80)

    assert steps >= 10_000


@pytest.mark.long
def test_calls_keep_the_rules_for_long() -> None:
    """The same for many more steps, in which everything there is to meet is met."""
    (steps,) = _run(4000, 100)
    met = {name for name, times in Calls.seen.items() if times}

    assert steps >= 300_000
    assert {"Send", "Pause", "Enter", "CircuitOpenError", "InvocationTimeoutError", "over budget"} <= met
