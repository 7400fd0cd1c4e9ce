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

from fcall._deadline import inherited  # noqa: E402
from fcall._flow import Enter, Flow, Pause, Send  # noqa: E402
from fcall._guard import Guards  # noqa: E402
from fcall._invocation import Invocation  # noqa: E402
from fcall._observers import NO_OBSERVERS  # noqa: E402
from fcall._policy import Policy  # noqa: E402
from fcall._route import Route  # noqa: E402
from fcall._target import Target  # noqa: E402
from fcall.errors import (  # noqa: E402
    AccessDeniedError,
    Attempt,
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
LIMIT, TIMEOUT = 3, 40.0
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
TOLD = {"refused": "not sent", "throttled": "rejected", "denied": "rejected", "ok": "ok"}
TOLD |= {"busy": "executed", "failed": "executed"}  # "maybe" otherwise
OURS = (("CircuitOpenError", "not sent"), ("InvocationTimeoutError", "not sent"))  # nobody was asked


class Platform:
    """A provider that is never called: the machine answers for it."""

    def __init__(self, name: str, *, enforces_keys: bool) -> None:
        self.name = name
        self.capabilities = Capabilities(idempotency=frozenset({"Sync"} if enforces_keys else ()))

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


@dataclass(eq=False)
class Story:
    """One call, and what has happened to it."""

    flow: Flow
    steps: Generator[Any, Any, InvocationResult]
    invocation: Invocation
    services: int
    expires_at: float
    step: Any = None
    until: float = 0.0
    sent: list[tuple[str, str]] = field(default_factory=list)
    ticket: int = 0
    last_cost: int = 0

    @property
    def place(self) -> str:
        """Where it is under way."""
        name: str = self.step.provider.name
        return name


PLATFORMS = (
    Platform("here", enforces_keys=True),
    Platform("there", enforces_keys=True),
    Platform("beyond", enforces_keys=False),
)
NAMES = [platform.name for platform in PLATFORMS]


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
    """Calls to a service with a budget, a limit, a breaker and two other services to go on to."""

    steps_made = 0
    seen: ClassVar[collections.Counter[str]] = collections.Counter()

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.stories: list[Story] = []
        self.targets = {name: Target_() for name in NAMES}
        self.tickets: dict[int, tuple[int, int]] = {}
        self.routes: list[Route] = []

    def teardown(self) -> None:
        while self.stories:
            self._end(self.stories[0], KeyboardInterrupt(), "interrupted")
        for route in self.routes:
            for label in list(route.guards._guards):
                assert route.guards.of(label).limit.at_rest, "a place was not given back"

    @rule(
        attempts=st.sampled_from([3, 3, 3, 1, 2, 5]),
        failover_maybe=st.booleans(),
        limited=st.booleans(),
        breaker=st.sampled_from([True, True, False]),
    )
    @precondition(lambda self: not self.routes)
    def configure(self, attempts: int, failover_maybe: bool, limited: bool, breaker: bool) -> None:
        """The configuration, once for each story."""
        limit = LIMIT if limited else None
        policy = Policy(attempts, frozenset({"Busy"}), failover_maybe, max_in_flight=limit, circuit_breaker=breaker)
        self.attempts, self.failover_maybe, self.limited, self.breaker = attempts, failover_maybe, limited, breaker
        self.routes = [Route(platform.name, platform, policy=policy, guards=Guards()) for platform in PLATFORMS]

    @precondition(lambda self: self.routes)
    @rule(
        idempotent=st.booleans(),
        key=st.booleans(),
        services=st.integers(1, 3),
        around=st.sampled_from([None, None, 1.0, 10.0, 100.0]),
        times=st.integers(1, 6),
    )
    def call(self, idempotent: bool, key: bool, services: int, around: float | None, times: int) -> None:
        """Some more calls begin, maybe within a call that has so many seconds left."""
        invocation = Invocation("resize", timeout=TIMEOUT, idempotent=idempotent, idempotency_key="k" if key else None)
        for _ in range(times):
            self._begin(invocation, services, around)

    @precondition(lambda self: self.routes)
    @rule(times=st.integers(1, 20), repeated=st.booleans())
    def calm(self, times: int, repeated: bool) -> None:
        """Calls come one at a time and go well where they are let in; maybe one goes well at its second try only."""
        plain = Invocation("resize", timeout=TIMEOUT)
        slow = self._begin(plain, 1, None) if repeated else None
        if slow in self._with(Send):
            self._answered(slow, "refused")
        for _ in range(times):
            self._settle(self._begin(plain, 1, None))
        self.wait(1.0)
        self._settle(slow)

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
            if self.now >= story.expires_at:
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
            (place,) = (name for name in NAMES if story.step.limit is self._guard(name).limit)
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
                assert (target.open_until is None) == (target.misses < TO_OPEN)

    def clock(self) -> float:
        return self.now

    def _begin(self, invocation: Invocation, services: int, around: float | None) -> Story:
        token = inherited.set(None if around is None else Deadline.after(around, self.clock))
        flow = Flow(TARGET, invocation, self.routes[:services], NO_OBSERVERS, self.clock, lambda: 0.5)
        inherited.reset(token)
        expires_at = self.now + min(TIMEOUT, around or TIMEOUT)
        story = Story(flow, flow.invoke(), invocation, services, expires_at)
        self.stories.append(story)
        self._go(story, lambda steps: next(steps))
        return story

    def _settle(self, story: Story | None) -> None:
        """The call goes well if it is under way, and is given up if it waits."""
        if story in self._with(Send):
            self._answered(story, "ok")
        elif story in self.stories:
            self._end(story, KeyboardInterrupt(), "interrupted")

    def _guard(self, name: str) -> Any:
        return self.routes[NAMES.index(name)].guards.of(f"{name}:resize")

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
        ticket = self.tickets.pop(id(story))
        if self.breaker:
            target.heard(ticket, outcome, self.now)
        story.sent.append((story.place, outcome))
        if outcome == "ok":
            target.tokens = min(CAPACITY, target.tokens + max(1, story.last_cost // 2))

    def _go(self, story: Story, do: Any) -> None:
        """One move of a call's flow, and a look at what it asks for next."""
        known = len(story.flow._attempts)
        try:
            story.step = do(story.steps)
        except StopIteration as end:
            self._over(story, end.value.attempts, None)
        except FcallError as error:
            self._over(story, error.attempts, error)
        except KeyboardInterrupt:
            self.stories.remove(story)
        else:
            self._asked(story)
        for attempt in story.flow._attempts[known:]:
            self._left_alone_with_reason(attempt)

    def _left_alone_with_reason(self, attempt: Attempt) -> None:
        """A breaker keeps calls away only while it is open, and then all but the probes."""
        if attempt.error == "CircuitOpenError":
            target = self.targets[attempt.target.partition(":")[0]]
            assert target.open_until is not None
            assert self.now < target.open_until

    def _asked(self, story: Story) -> None:
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
        story.last_cost = _cost(outcome)
        self.targets[place].tokens -= story.last_cost
        story.until = self.now + story.step.seconds

        assert _pause(len(story.flow._attempts), outcome) == story.step.seconds
        assert story.until < story.expires_at
        assert len(story.flow._attempts) < self.attempts

    def _sent(self, story: Story) -> None:
        """An attempt: nothing before it forbids it."""
        place = story.place
        self.tickets[id(story)] = self.targets[place].admitted(self.now) if self.breaker else (0, 0)
        assert self.now < story.expires_at, "sent after the deadline"
        assert not (place == "beyond" and story.invocation.idempotency_key), "sent where its key is not enforced"
        for before, outcome in story.sent:
            assert NAMES.index(before) <= NAMES.index(place), "went back"
            self._allowed(story.invocation, before, place, outcome)
        if story.sent and story.sent[-1][0] != place:
            self.seen["went on"] += 1
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
        sent = [attempt for attempt in attempts if (attempt.error, attempt.outcome) not in OURS]
        last = story.sent[-1][1] if story.sent else ""

        assert len(attempts) <= max(self.attempts, story.services)
        assert list(range(1, len(attempts) + 1)) == [attempt.number for attempt in attempts]
        assert len(sent) == len(story.sent)
        if len(story.sent) == len(attempts):  # nothing was left alone or came too late
            told = [(f"{place}:resize", TOLD.get(outcome, "maybe")) for place, outcome in story.sent]
            assert told == [(attempt.target, attempt.outcome) for attempt in attempts]
        if error is None:
            assert "ok" == last
            assert "ok" not in [outcome for _, outcome in story.sent[:-1]]
        else:
            self._failed(story, error, whole, last)

    def _failed(self, story: Story, error: FcallError, whole: Executed, last: str) -> None:
        """A call that failed says whether it ran, and was not given up while something was left to do."""
        self.seen[type(error).__name__] += 1
        over_budget = any("retry budget" in note for note in getattr(error, "__notes__", ()))
        self.seen["over budget"] += over_budget

        assert whole is error.executed
        assert "ok" not in [outcome for _, outcome in story.sent]
        if len(story.sent) < len(error.attempts):
            return
        place = story.sent[-1][0]
        too_poor = self.targets[place].tokens < _cost(last)
        if over_budget:
            assert too_poor
        number = len(error.attempts)
        in_time = self.now + _pause(number, last) < story.expires_at
        assert not (self._may_repeat(story.invocation, last) and number < self.attempts and in_time and not too_poor)
        assert not (self._may_go_on(story, whole) and self.now < story.expires_at)

    def _may_repeat(self, invocation: Invocation, outcome: str) -> bool:
        ran = RAN.get(outcome, MAYBE)
        if ran is MAYBE:
            return invocation.idempotent or invocation.idempotency_key is not None
        return outcome in MAY_PASS if ran is NO else invocation.idempotent and outcome == "busy"

    def _may_go_on(self, story: Story, whole: Executed) -> bool:
        place, outcome = story.sent[-1]
        left = NAMES[NAMES.index(place) + 1 : story.services]
        if story.invocation.idempotency_key:
            left = [name for name in left if name != "beyond"]
        if not left or (RAN.get(outcome, MAYBE) is NO and outcome not in MAY_PASS):
            return False
        return whole is NO or (whole is MAYBE and self.failover_maybe and story.invocation.idempotent)

    def _let_in(self) -> None:
        """Who has a place now goes on, and so may others after it."""
        while entered := [story for story in self._with(Enter) if story.step.place.taken]:
            self._go(entered[0], lambda steps: steps.send(True))


def _cost(outcome: str) -> int:
    return 5 if outcome == "throttled" else 14


def _pause(number: int, outcome: str) -> float:
    """Half of the longest pause, since the machine's random number is 0.5."""
    return float(0.5 * min(20.0, (1.0 if outcome == "throttled" else 0.05) * 2 ** (number - 1)))


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
    (steps,) = _run(200, 80)

    assert steps >= 10_000


@pytest.mark.long
def test_calls_keep_the_rules_for_long() -> None:
    """The same for many more steps, in which everything there is to meet is met."""
    (steps,) = _run(4000, 100)
    met = {name for name, times in Calls.seen.items() if times}

    assert steps >= 300_000
    assert {"Send", "Pause", "Enter", "CircuitOpenError", "InvocationTimeoutError", "went on", "over budget"} <= met
